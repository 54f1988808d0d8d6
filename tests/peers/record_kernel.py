"""Records what mainmode says with libreswan, and with a strongSwan whose SAs are in the kernel.

Writes negotiations with every key to `tests/vectors/`, and messages that the peers sent to
`tests/vectors/messages/`. mainmode tells its g^xy; the rest is derived here, without code of
mainmode (RFC 2409 5 and appendix B), and only written if it opens all that was sent to what the
peer's log says was inside. The keys of quick mode are the peer's kernel's.

Run as root where `./test tests/peers/test_kernel_sas.py` runs: python -m tests.peers.record_kernel
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha1
from hmac import digest

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC

from tests.peers.conversation import Message
from tests.peers.guest.cases import CASES, Case
from tests.peers.guest.machine import CHECKOUT, TOOL
from tests.peers.guest.peers import KEY
from tests.peers.guest.recording import Recording
from tests.peers.network import datagrams
from tests.peers.record import KE, LABELS, NONCE, save_message
from tests.peers.record_mainmode import MAIN, write_negotiation
from tests.peers.strongswan import logged_values
from tests.peers.tunnel import Words

MAKER = "recorded by python -m tests.peers.record_kernel"
TIME_S = 600
DELETE, ISAKMP = 12, 1
BLOCK_OCTETS, KEY_OCTETS = 8, 24
"""Of 3DES."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is kept of a case: messages of the peer by their labels, and perhaps all with keys."""

    name: str
    messages: tuple[str, ...]
    negotiation: bool = False


WANTED = {
    "libreswan-transport-esp-3des-sha1-no-pfs-responder": Wanted(
        "libreswan-initiator-esp", ("mm1", "mm3", "mm5", "qm1", "qm3", "info1", "info2"), True
    ),
    "libreswan-transport-ah-sha1-no-pfs-initiator": Wanted(
        "libreswan-responder-ah", ("mm2", "mm4", "mm6", "qm2"), True
    ),
    "libreswan-transport-ah-sha1-no-pfs-responder": Wanted("libreswan-initiator-ah", ("qm1",)),
    "libreswan-transport-esp-3des-sha1-udp-no-pfs-responder": Wanted(
        "libreswan-initiator-nat", ("qm1",), True
    ),
    "strongswan-transport-esp-3des-sha1-no-pfs-responder": Wanted(
        "strongswan-initiator-kernel-esp", ("qm1",)
    ),
    "strongswan-transport-esp-3des-sha1-no-pfs-initiator": Wanted(
        "strongswan-responder-kernel-esp", ("qm2",)
    ),
    "strongswan-transport-ah-sha1-no-pfs-responder": Wanted(
        "strongswan-initiator-kernel-ah", ("qm1",)
    ),
    "strongswan-transport-ah-sha1-no-pfs-initiator": Wanted(
        "strongswan-responder-kernel-ah", ("qm2",), True
    ),
}
"""By the case; its role is mainmode's, the name's is the peer's."""


def main() -> None:
    cases = {str(case): case for case in CASES}
    for recording in recordings():
        keep(cases[recording.case], WANTED[recording.case], recording)


def recordings() -> Iterator[Recording]:
    inside = [sys.executable, "-m", "tests.peers.guest.recording", *WANTED]
    command = [sys.executable, str(TOOL), "run", "--timeout", str(TIME_S), *inside]
    done = subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.PIPE, text=True)
    return map(Recording.from_line, done.stdout.splitlines())


def keep(case: Case, wanted: Wanted, recording: Recording) -> None:
    sent = list(datagrams(map(bytes.fromhex, recording.frames)))
    first = sent[0][0]
    unopened = [
        Message("initiator" if source == first else "responder", datagram, b"", b"")
        for source, datagram in dict.fromkeys(sent)  # the machine is slow: some are repeated
    ]
    keys = main_mode_keys(unopened, bytes.fromhex(recording.g_xy))
    seen = list(opened(unopened, keys))
    role = "responder" if case.role == "initiator" else "initiator"
    require_told(seen, role, recording.log)
    if case.peer == "strongswan":  # which shows its keys
        shown = {each.data for each in logged_values(recording.log)}
        assert shown.issuperset(keys.values())
    save(wanted, [each for each in labelled(seen) if each[1].sender == role], recording.peer)
    if wanted.negotiation:
        suite = ("3des", "sha1", "group14" if case.peer == "libreswan" else "group2")
        source = f"{recording.peer} as {role} with mainmode, {MAKER}"
        write(wanted.name, source, suite, seen, keys, recording.kernel)


# --- keys -----------------------------------------------------------------------------------------


def main_mode_keys(messages: list[Message], g_xy: bytes) -> dict[str, bytes]:
    """By the names that strongSwan's log has for them."""
    mm2, mm3, mm4 = messages[1:4]
    cookies = mm2.datagram[:16]
    skeyid = digest(KEY, mm3.body(NONCE) + mm4.body(NONCE), "sha1")
    skeyid_d = digest(skeyid, g_xy + cookies + b"\0", "sha1")
    skeyid_a = digest(skeyid, skeyid_d + g_xy + cookies + b"\1", "sha1")
    skeyid_e = digest(skeyid, skeyid_a + g_xy + cookies + b"\2", "sha1")
    k1 = digest(skeyid_e, b"\0", "sha1")
    return {
        "shared Diffie Hellman secret": g_xy,
        "SKEYID": skeyid,
        "SKEYID_d": skeyid_d,
        "SKEYID_a": skeyid_a,
        "SKEYID_e": skeyid_e,
        "encryption key Ka": (k1 + digest(skeyid_e, k1, "sha1"))[:KEY_OCTETS],
        "initial IV": sha1(mm3.body(KE) + mm4.body(KE)).digest()[:BLOCK_OCTETS],
    }


def opened(messages: list[Message], keys: dict[str, bytes]) -> Iterator[Message]:
    """The same messages, with what is inside those that are encrypted."""
    ivs = {bytes(4): keys["initial IV"]}
    """The next of each message ID; that of main mode stays its last block."""
    for each in messages:
        if not each.encrypted:
            yield each
            continue
        base = sha1(ivs[bytes(4)] + each.message_id).digest()[:BLOCK_OCTETS]
        iv, sealed = ivs.get(each.message_id, base), each.datagram[28:]
        decryptor = Cipher(TripleDES(keys["encryption key Ka"]), CBC(iv)).decryptor()
        ivs[each.message_id] = sealed[-BLOCK_OCTETS:]
        yield Message(each.sender, each.datagram, iv, decryptor.update(sealed))


# --- what the peer says ---------------------------------------------------------------------------


def require_told(seen: list[Message], role: str, log: str) -> None:
    """The peer, in this role, has logged the same plaintexts and IVs. Padding, always zeros, is not
    in every one of its lines. pluto ends main mode with its last pair, and does not read mainmode's
    delete of it any more."""
    told = {each.data for each in logged_values(log)} | set(dumps_of_pluto(log))
    plain = {each.rstrip(b"\0") for each in told}
    for each in seen:
        if not each.encrypted or (each.sender != role and ends_main_mode(each)):
            continue
        if each.plain.rstrip(b"\0") not in plain or each.iv not in told:
            raise RuntimeError(f"the peer tells something else of {each}")


def ends_main_mode(message: Message) -> bool:
    return message.body(DELETE)[4:5] == bytes((ISAKMP,))


_TITLE = re.compile(r"^[^|]*\| (encrypting|IV before|IV|decrypted payload [^:]*):$")
_ROW = re.compile(r"^[^|]*\|   ((?:[0-9a-f]{2} {1,2}){1,16})")


def dumps_of_pluto(log: str) -> Iterator[bytes]:
    """Plaintexts and IVs in pluto's log."""
    title, data = "", b""
    for line in [*log.splitlines(), ""]:
        if title and (row := _ROW.match(line)):
            data += bytes.fromhex(row[1])
            continue
        if title.startswith("decrypted"):  # a whole message
            yield data[28:]
        elif title:  # the IV is at the start of a larger room
            yield data if title == "encrypting" else data[:BLOCK_OCTETS]
        found = _TITLE.match(line)
        title, data = found[1] if found else "", b""


def kernel_keys(printed: str) -> Iterator[dict[str, str]]:
    """The SAs that `ip xfrm state` printed, in 3DES and SHA-1 or AH with SHA-1."""
    for text in re.split(r"^(?=src )", printed, flags=re.MULTILINE)[1:]:
        protocol = re.search(r"proto (\w+) spi 0x(\w+)", text)
        integrity = re.search(r"auth-trunc hmac\(sha1\) 0x(\w+)", text)
        cipher = re.search(r"enc cbc\(des3_ede\) 0x(\w+)", text)
        assert protocol
        assert integrity
        yield {
            "protocol": protocol[1].upper(),
            "cipher": "3des" if cipher else "",
            "integrity": "sha1",
            "spi": protocol[2],
            "cipher_key": cipher[1] if cipher else "",
            "integrity_key": integrity[1],
        }


# --- files ----------------------------------------------------------------------------------------


def labelled(seen: list[Message]) -> Iterator[tuple[str, Message]]:
    counts = dict.fromkeys(LABELS, 0)
    for message in seen:
        counts[message.exchange] += 1
        yield f"{LABELS[message.exchange]}{counts[message.exchange]}", message


def save(wanted: Wanted, theirs: list[tuple[str, Message]], peer: str) -> None:
    saved = dict(theirs)
    for label in wanted.messages:
        what = f"{peer} to mainmode, {wanted.name}, {label}, {MAKER}"
        save_message(saved[label], f"{wanted.name}-{label}", what)


def write(
    name: str, source: str, suite: Words, seen: list[Message], keys: dict[str, bytes], kernel: str
) -> None:
    assert sum(each.exchange == MAIN for each in seen) == 6
    write_negotiation(name, source, suite, KEY, seen, keys, list(kernel_keys(kernel)))


if __name__ == "__main__":
    main()
