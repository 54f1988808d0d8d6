"""Records what two strongSwans say to each other and the keys they log, as test vectors.

Writes `tests/vectors/strongswan-<suite>.json` (a main mode and a quick mode with every key) and
`tests/vectors/messages/strongswan-*.hex` (one message each, of many kinds). No code of mainmode
takes part: the vectors are a measure from outside.

Run as root with strongSwan installed: python -m tests.peers.record
"""

import json
import textwrap
from contextlib import suppress
from itertools import product
from pathlib import Path

from mainmode.testing.charon import proposal
from tests.peers.certificates import Authority, Holder
from tests.peers.conversation import KEY, NAME, Conversation, Message, conversation
from tests.peers.strongswan import PeerFailed, Section

VECTORS = Path(__file__).parent.parent / "vectors"
MESSAGES = VECTORS / "messages"
MAKER = "recorded by python -m tests.peers.record"

SUITES = (
    *product(("des", "3des"), ("md5", "sha1"), ("group1", "group2", "group14")),
    ("aes128", "sha2-256", "group5"),
    ("aes192", "sha2-384", "group19"),
    ("aes256", "sha2-512", "group15"),
)
"""Cipher, hash and group of main mode; quick mode has the same cipher and hash."""
PFS_WITH = ("md5", "sha2-384")
"""Suites with these hashes have a Diffie-Hellman exchange in quick mode too."""

SA, KE, ID, HASH, NONCE = 1, 4, 5, 8, 10
LABELS = {2: "mm", 4: "aggressive", 5: "info", 6: "transaction", 32: "qm"}
"""Exchange types, as the files' names have them."""
UNANSWERED_S = 0.5
DPD_S = 1

Values = dict[str, bytes]
"""What strongSwan logged, by the names it uses."""


def main() -> None:
    for suite in SUITES:
        record_suite(*suite)
    for record in (
        record_preshared_key,
        record_offers,
        record_transport_mode,
        record_refusal,
        record_certificates,
        record_fragments,
        record_dead_peer_detection,
        record_mode_config,
        record_aggressive_mode,
    ):
        record()


# --- suites: a negotiation with every key -------------------------------------------------------


def record_suite(cipher: str, hash_name: str, group: str) -> None:
    pfs = group if hash_name in PFS_WITH else ""
    child: Section = {"esp_proposals": [proposal(cipher, hash_name, pfs)]}
    with conversation(ike=proposal(cipher, hash_name, group), child=child) as talk:
        talk.initiator.initiate(NAME, NAME)
        version, keys, messages = talk.initiator.version, talk.keys(), talk.messages(9)
    suite = {"cipher": cipher, "hash": hash_name, "group": group}
    case = {
        "name": "-".join(suite.values()),
        **suite,
        "authentication": "preshared",
        "preshared_key": KEY.hex(),
        **main_mode_values(messages[:6], keys),
        "exchanges": [
            {
                **quick_mode_values(messages[6:9], keys),
                "last_block": messages[5].datagram[-len(messages[5].iv) :].hex(),
                "sas": quick_mode_sas(messages[6:9], keys, cipher, hash_name),
            }
        ],
        "messages": [message_values(each) for each in messages],
    }
    vector = {
        "kind": "negotiation",
        "source": f"two strongSwan {version}, {MAKER}",
        "cases": [case],
    }
    file = VECTORS / f"strongswan-{case['name']}.json"
    file.write_text(json.dumps(vector, indent=1) + "\n")


def main_mode_values(messages: list[Message], keys: Values) -> dict[str, object]:
    mm1, mm2, mm3, mm4, mm5, mm6 = messages
    given = {
        "cky_i": mm2.datagram[:8],
        "cky_r": mm2.datagram[8:16],
        "sai_b": mm1.body(SA),
        "ni_b": mm3.body(NONCE),
        "nr_b": mm4.body(NONCE),
        "g_xi": mm3.body(KE),
        "g_xr": mm4.body(KE),
        "g_xy": keys["shared Diffie Hellman secret"],
        "idii_b": mm5.body(ID),
        "idir_b": mm6.body(ID),
    }
    expected = {
        "skeyid": keys["SKEYID"],
        "skeyid_d": keys["SKEYID_d"],
        "skeyid_a": keys["SKEYID_a"],
        "skeyid_e": keys["SKEYID_e"],
        "cipher_key": keys["encryption key Ka"],
        "phase1_iv": keys["initial IV"],
        "hash_i": mm5.body(HASH),
        "hash_r": mm6.body(HASH),
    }
    return {**in_hex(given), "expected": in_hex(expected)}


def quick_mode_values(messages: list[Message], keys: Values) -> dict[str, object]:
    qm1, qm2, qm3 = messages
    given = {
        "message_id": qm1.message_id,
        "ni_b": qm1.body(NONCE),
        "nr_b": qm2.body(NONCE),
        "g_xi": qm1.body(KE),
        "g_xr": qm2.body(KE),
        "g_xy": keys.get("DH secret", b""),
        "rest_1": qm1.after_hash,
        "rest_2": qm2.after_hash,
    }
    expected = {
        "phase2_iv": qm1.iv,
        "hash_1": qm1.body(HASH),
        "hash_2": qm2.body(HASH),
        "hash_3": qm3.body(HASH),
    }
    with_pfs = {name: value for name, value in given.items() if value}
    return {**in_hex(with_pfs), "expected": in_hex(expected)}


def quick_mode_sas(
    messages: list[Message], keys: Values, cipher: str, hash_name: str
) -> list[dict[str, str]]:
    """The SA toward the responder first; each has the SPI that its receiver chose."""
    qm1, qm2, _ = messages
    return [
        {
            "protocol": "ESP",
            "cipher": cipher,
            "integrity": hash_name,
            **in_hex(
                {
                    "spi": esp_spi(chosen_in),
                    "cipher_key": keys[f"encryption {sender} key"],
                    "integrity_key": keys[f"integrity {sender} key"],
                }
            ),
        }
        for sender, chosen_in in (("initiator", qm2), ("responder", qm1))
    ]


def esp_spi(message: Message) -> bytes:
    """Of the first proposal: behind DOI, situation and the proposal's fixed part."""
    return message.body(SA)[16:20]


def message_values(message: Message) -> dict[str, str]:
    """`plain`: payloads and padding, where the datagram is encrypted under `iv`."""
    values = {"from": message.sender, "datagram": message.datagram.hex()}
    if message.plain:
        values |= {"iv": message.iv.hex(), "plain": message.plain.hex()}
    return values


# --- single messages of many kinds --------------------------------------------------------------


def record_preshared_key() -> None:
    with conversation({"encap": "yes"}, child={"esp_proposals": ["3des-sha1"]}) as talk:
        talk.initiator.initiate(NAME, NAME)
        talk.initiator.terminate(NAME)
        main_mode = [f"mm{number}" for number in range(1, 7)]
        save(talk, 11, "psk", *main_mode, "qm1", "qm2", "qm3", "info1", "info2")


def record_offers() -> None:
    several = {"proposals": ["aes256-sha256-modp2048", "3des-sha1-md5-modp1024", "des-md5-modp768"]}
    with conversation(several, several, child={"esp_proposals": ["3des-sha1-modp1024"]}) as talk:
        talk.initiator.initiate(NAME, NAME)
        save(talk, 9, "several", "mm1", "mm2")
        save(talk, 9, "pfs", "qm1", "qm2")
    with conversation(child={"ah_proposals": ["sha1", "md5"]}) as talk:
        with suppress(PeerFailed):  # it has no AH in user space, and finds that out late
            talk.initiator.initiate(NAME, NAME)
        save(talk, 8, "ah", "qm1", "qm2")


def record_transport_mode() -> None:
    """Through a (pretended) NAT, so that the payloads for original addresses show."""
    child: Section = {"esp_proposals": ["3des-sha1"], "mode": "transport"}
    host_to_host: Section = {**child, "local_ts": ["dynamic"], "remote_ts": ["dynamic"]}
    with conversation({"encap": "yes"}, child=host_to_host) as talk:
        with suppress(PeerFailed):  # nor has it transport mode there
            talk.initiator.initiate(NAME, NAME)
        save(talk, 8, "transport", "qm1", "qm2")


def record_refusal() -> None:
    with conversation({"proposals": ["des-md5-modp768"]}) as talk:
        with suppress(PeerFailed):
            talk.initiator.initiate(NAME)
        save(talk, 2, "refused", "info1")


def certified(holder: Holder, other: Holder) -> Section:
    return {
        "local": {"auth": "pubkey", "id": holder.subject, "certs": [holder.certificate]},
        "remote": {"auth": "pubkey", "id": other.subject},
    }


def save_certified(name: str, dns_names: tuple[str, ...], count: int, *labels: str) -> None:
    authority = Authority()
    here, there = authority.issue("initiator", dns_names), authority.issue("responder")
    with conversation(certified(here, there), certified(there, here)) as talk:
        for side, holder in ((talk.initiator, here), (talk.responder, there)):
            side.trust(authority.certificate)
            side.own(holder.key)
        talk.initiator.initiate(NAME)
        save(talk, count, name, *labels)


def record_certificates() -> None:
    save_certified("certificate", (), 6, "mm4", "mm5")


def record_fragments() -> None:
    """The second fragment of message 5, which is longer than one datagram of strongSwan."""
    many_names = tuple(f"host-{number}.example" for number in range(25))
    save_certified("fragment", many_names, 7, "mm6")


def record_dead_peer_detection() -> None:
    with conversation({"dpd_delay": f"{DPD_S}s"}) as talk:
        talk.initiator.initiate(NAME)
        save(talk, 8, "dpd", "info1", "info2")


def record_mode_config() -> None:
    with conversation({"vips": ["0.0.0.0"]}, {"pools": ["pool"]}) as talk:
        talk.responder.add_pool("pool", "203.0.113.128/29")
        talk.initiator.initiate(NAME)
        save(talk, 8, "config", "transaction1", "transaction2")


def record_aggressive_mode() -> None:
    with conversation({"aggressive": "yes"}) as talk:
        with suppress(PeerFailed):
            talk.initiator.initiate(NAME, timeout_s=UNANSWERED_S)
        save(talk, 1, "aggressive", "aggressive1")


def save(talk: Conversation, count: int, name: str, *labels: str) -> None:
    """Waits for `count` messages and writes those with these labels."""
    seen = dict.fromkeys(LABELS.values(), 0)
    for message in talk.messages(count):
        exchange = LABELS[message.exchange]
        seen[exchange] += 1
        label = f"{exchange}{seen[exchange]}"
        if label in labels:
            save_message(
                message, f"strongswan-{name}-{label}", f"strongSwan, {name}, {label}, {MAKER}"
            )


def save_message(message: Message, file_name: str, what: str) -> None:
    """The datagram, or where it is encrypted the payloads; `what` is its comment."""
    suffix, comment, octets = ".hex", f"# {what}", message.datagram
    if message.plain:
        suffix, octets = ".payloads.hex", message.plain
        comment = f"# first payload {message.datagram[16]}: {what}"
    lines = [comment, *textwrap.wrap(octets.hex(), 64), ""]
    (MESSAGES / f"{file_name}{suffix}").write_text("\n".join(lines))


def in_hex(values: Values) -> dict[str, str]:
    return {name: value.hex() for name, value in values.items()}


if __name__ == "__main__":
    main()
