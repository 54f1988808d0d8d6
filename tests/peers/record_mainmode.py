"""Records what mainmode and strongSwan say to each other, and what ike-scan asks, as test vectors.

Writes `tests/vectors/mainmode-<role>-<suite>.json` (main mode, quick mode in UDP, a probe and
deletes, with every key), the messages in it of kinds that strongSwan does not send to itself, and
probes of ike-scan, to `tests/vectors/messages/`. Every key and plaintext is what strongSwan logged.

Run as root with strongSwan and ike-scan installed: python -m tests.peers.record_mainmode
"""

import json
import time
from collections.abc import Callable

from tests.peers.conversation import Message, messages
from tests.peers.ike_scan import PROGRAM
from tests.peers.network import FIRST, captured, datagrams, two_hosts
from tests.peers.record import (
    HASH,
    VECTORS,
    in_hex,
    main_mode_values,
    message_values,
    quick_mode_sas,
    quick_mode_values,
    save_message,
)
from tests.peers.strongswan import Section, logged_values
from tests.peers.tunnel import KEY, NAME, Words, tunnel

MAKER = "recorded by python -m tests.peers.record_mainmode"
PROBING: Section = {"dpd_delay": "1s"}
PROBE_S = 10.0
EXCHANGE_AT = 18
"""Where the header has the exchange type (RFC 2408 3.1)."""
MAIN, INFORMATIONAL, QUICK = 2, 5, 32

PROBES = {
    "default": (),
    "one": ("--trans=5,2,1,2",),
    "attributes": ("--trans=(1=7,14=128,2=2,3=1,4=14)", "--lifetime=none"),
    "vendor": ("--trans=5,2,1,2", "--vendor=4a131c81070358455c5728f20e95452f"),
    "aggressive": ("--aggressive", "--id=somebody@example.org", "--trans=5,2,1,2"),
    "doi": ("--doi=0", "--trans=5,2,1,2"),
}
"""Names to options of ike-scan."""


def main() -> None:
    record_negotiation("initiator", ("3des", "sha1", "group2"), ("3des", "sha1"))
    record_negotiation(
        "responder", ("aes128", "sha2-256", "group19"), ("aes128", "sha2-256", "group19")
    )
    record_probes()


# --- negotiations ---------------------------------------------------------------------------------


def record_negotiation(role: str, ike: Words, esp: Words) -> None:
    """mainmode in this role: main mode, INITIAL-CONTACT, quick mode, a probe with its answer, and
    the initiator's deletes."""
    pfs = esp[2] if len(esp) > 2 else ""
    with (
        tunnel(main_mode=[ike], quick_mode=[esp[:2]], pfs_group=pfs) as both,
        captured(both.hosts[0]) as frames,
    ):
        both.peer_has(connection=PROBING, ike=ike, esp=esp)
        if role == "initiator":
            assert both.service.up()
        else:
            both.peer_initiates()
        both.require_agreement()
        wait_for_probe(frames)
        if role == "initiator":
            both.service.down()
            both.peer.wait_until_sas(0)
        else:
            both.peer.terminate(NAME)
            both.service.wait_until_no_mmsa()
        seen = messages(len(list(datagrams(frames()))), frames, both.peer)
        keys = {each.name: each.data for each in logged_values(both.peer.log)}
        version = both.peer.version
    require_read(seen)
    write(role, ike, esp, seen, keys, version)
    save_ours(role, seen)


def require_read(seen: list[Message]) -> None:
    """Now and then strongSwan takes a wrong IV for the INITIAL-CONTACT right behind message 6, and
    logs noise; then the recording must be made again."""
    for message in seen:
        if message.encrypted and not message.body(HASH):
            raise RuntimeError(f"strongSwan could not read {message}; run this again")


def wait_for_probe(frames: Callable[[], list[bytes]]) -> None:
    """Until strongSwan has asked whether mainmode is there, and got its answer."""
    deadline = time.monotonic() + PROBE_S
    so_far = count_of(INFORMATIONAL, frames())
    while count_of(INFORMATIONAL, frames()) < so_far + 2:
        if time.monotonic() > deadline:
            raise TimeoutError("strongSwan has not probed")
        time.sleep(0.05)


def count_of(exchange: int, frames: list[bytes]) -> int:
    return sum(datagram[EXCHANGE_AT] == exchange for _, datagram in datagrams(frames))


def write(
    role: str, ike: Words, esp: Words, seen: list[Message], keys: dict[str, bytes], version: str
) -> None:
    quick_mode = [each for each in seen if each.exchange == QUICK]
    name = f"mainmode-{role}-{'-'.join(ike)}"
    source = f"mainmode as {role} with strongSwan {version}, {MAKER}"
    sas = quick_mode_sas(quick_mode, keys, esp[0], esp[1])
    write_negotiation(name, source, ike, KEY, seen, keys, sas)


def write_negotiation(
    name: str,
    source: str,
    suite: Words,
    key: bytes,
    seen: list[Message],
    keys: dict[str, bytes],
    sas: list[dict[str, str]],
) -> None:
    """One main mode, one quick mode with these SAs, and informational messages.

    keys: by the names in strongSwan's log.
    """
    cipher, hash_name, group = suite
    main_mode = [each for each in seen if each.exchange == MAIN]
    quick_mode = [each for each in seen if each.exchange == QUICK]
    informational = [each for each in seen if each.exchange == INFORMATIONAL]
    last_block = main_mode[5].datagram[-len(main_mode[5].iv) :].hex()
    case = {
        "name": name,
        "cipher": cipher,
        "hash": hash_name,
        "group": group,
        "authentication": "preshared",
        "preshared_key": key.hex(),
        **main_mode_values(main_mode, keys),
        "exchanges": [
            {**quick_mode_values(quick_mode, keys), "last_block": last_block, "sas": sas},
            *({**informational_values(each), "last_block": last_block} for each in informational),
        ],
        "messages": [message_values(each) for each in seen],
    }
    vector = {"kind": "negotiation", "source": source, "cases": [case]}
    (VECTORS / f"{name}.json").write_text(json.dumps(vector, indent=1) + "\n")


def informational_values(message: Message) -> dict[str, object]:
    given = {"message_id": message.message_id, "rest_1": message.after_hash}
    expected = {"phase2_iv": message.iv, "hash_1": message.body(HASH)}
    return {**in_hex(given), "expected": in_hex(expected)}


def save_ours(role: str, seen: list[Message]) -> None:
    """What mainmode said; of informational messages only as initiator."""
    counts: dict[int, int] = {}
    for message in seen:
        counts[message.exchange] = number = counts.get(message.exchange, 0) + 1
        repeated = role == "responder" and message.exchange == INFORMATIONAL
        if message.sender == role and not repeated:
            label = {MAIN: "mm", QUICK: "qm", INFORMATIONAL: "info"}[message.exchange]
            name = f"{role}-{label}{number}"
            save_message(
                message, f"mainmode-{name}", f"mainmode as {role}, {label}{number}, {MAKER}"
            )


# --- probes ---------------------------------------------------------------------------------------


def record_probes() -> None:
    """Nobody answers them."""
    with two_hosts() as (_, prober):
        for name, options in PROBES.items():
            with captured(prober) as frames:
                printed = prober.run([PROGRAM, "--retry=1", "--timeout=100", *options, FIRST])
                ((_, datagram),) = datagrams(frames())
            version = printed.split()[2]  # "Starting ike-scan 1.9.5 with 1 hosts"
            what = f"{PROGRAM} {version} {' '.join(options)}, {MAKER}".replace(" ,", ",")
            save_message(Message("initiator", datagram, b"", b""), f"{PROGRAM}-{name}", what)


if __name__ == "__main__":
    main()
