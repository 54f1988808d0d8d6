"""Two strongSwans on one wire, everything they say, and what is inside what they encrypted."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.peers.network import BEHIND, captured, datagrams, two_gateways
from tests.peers.strongswan import Logged, Section, StrongSwan, logged_values, main_mode

KEY = b"correct horse battery staple"
NAME = "conversation"
HEADER_OCTETS = 28
GENERIC_OCTETS = 4
MESSAGES_S = 5.0
NEXT_IV = "next IV for MID "


@dataclass(frozen=True, slots=True)
class Message:
    """A datagram as it was on the wire, and inside it what its sender encrypted."""

    sender: str
    datagram: bytes
    iv: bytes
    plain: bytes
    """Payloads and padding; empty when the message was not encrypted."""

    @property
    def exchange(self) -> int:
        return self.datagram[18]

    @property
    def encrypted(self) -> bool:
        return bool(self.datagram[19] & 1)

    @property
    def message_id(self) -> bytes:
        return self.datagram[20:24]

    @property
    def payloads(self) -> list[tuple[int, bytes]]:
        """Types and payloads, generic headers included (RFC 2408 3.2). Noise has none."""
        data = self.plain or self.datagram[HEADER_OCTETS:]
        kind, at, found = self.datagram[16], 0, []
        while kind:
            length = int.from_bytes(data[at + 2 : at + 4])
            if length < GENERIC_OCTETS or at + length > len(data):
                return []
            found.append((kind, data[at : at + length]))
            kind, at = data[at], at + length
        return found

    def body(self, kind: int) -> bytes:
        """Of the first payload of this type, without its generic header; empty if there is none."""
        return next((octets[4:] for each, octets in self.payloads if each == kind), b"")

    @property
    def after_hash(self) -> bytes:
        """What the HASH of a quick mode or informational message covers of it."""
        return b"".join(octets for _, octets in self.payloads[1:])


class Conversation:
    """The initiator speaks first; both have the connection `NAME` with the child `NAME`."""

    def __init__(
        self, initiator: StrongSwan, responder: StrongSwan, frames: Callable[[], list[bytes]]
    ) -> None:
        self.initiator = initiator
        self.responder = responder
        self._frames = frames

    def keys(self) -> dict[str, bytes]:
        """What the initiator logged last under each name."""
        return {each.name: each.data for each in logged_values(self.initiator.log)}

    def messages(self, count: int) -> list[Message]:
        """The first `count`, in order; waits for them to be sent and logged."""
        return messages(count, self._frames, self.initiator, self.responder)


def messages(count: int, frames: Callable[[], list[bytes]], *logging: StrongSwan) -> list[Message]:
    """The first `count` in these frames, with what is inside them, which one of the strongSwans
    has logged. Waits for them to be sent and logged. Whoever speaks first is the initiator."""
    deadline = time.monotonic() + MESSAGES_S
    while time.monotonic() < deadline:
        logs = [each.log for each in logging]
        found = _messages_so_far(frames(), logs)[:count]
        if len(found) == count and all(each.plain or not each.encrypted for each in found):
            return found
        time.sleep(0.05)
    raise TimeoutError(f"{len(found)} messages of {count}: {found}")


def _messages_so_far(frames: list[bytes], logs: list[str]) -> list[Message]:
    inside = [(_sealed(log), _opened(log)) for log in logs]
    seen = list(datagrams(frames))
    found = []
    for source, datagram in seen:
        sender = "initiator" if source == seen[0][0] else "responder"
        sealed, message_id = datagram[HEADER_OCTETS:], int.from_bytes(datagram[20:24])
        iv, plain = b"", b""
        for sent, received in inside:
            if sealed in sent:
                iv, plain = sent[sealed]
            elif (sealed, message_id) in received:
                iv, plain = received[sealed, message_id]
        found.append(Message(sender, datagram, iv, plain))
    return found


@contextmanager
def conversation(
    initiator_changes: Section | None = None,
    responder_changes: Section | None = None,
    *,
    ike: str = "3des-sha1-modp1024",
    child: Section | None = None,
) -> Iterator[Conversation]:
    """Both sides ready, nothing said yet. The changes go into the connections. A tunnel, for
    strongSwan's user-space IPsec does nothing else.
    """
    changes = initiator_changes or {}, responder_changes or {}
    with (
        two_gateways() as hosts,
        captured(hosts[0]) as frames,
        StrongSwan(hosts[0], user_space_ipsec=True) as initiator,
        StrongSwan(hosts[1], user_space_ipsec=True) as responder,
    ):
        sides = initiator, responder
        for here, there in ((0, 1), (1, 0)):
            ends: Section = {"local_ts": [BEHIND[here]], "remote_ts": [BEHIND[there]]}
            connection = main_mode(hosts[here].address, hosts[there].address, [ike])
            children: Section = {NAME: {"mode": "tunnel", **ends, **(child or {})}}
            sides[here].share_key(KEY, hosts[here].address, hosts[there].address)
            sides[here].load(NAME, {**connection, "children": children, **changes[here]})
        yield Conversation(initiator, responder, frames)


def _sealed(log: str) -> dict[bytes, tuple[bytes, bytes]]:
    """What one side encrypted: ciphertext to IV and plaintext with its padding.

    Where a thread of strongSwan encrypts, it logs IV, plain, padding and encrypted in this order.
    """
    found: dict[bytes, tuple[bytes, bytes]] = {}
    values = logged_values(log)
    for thread in {each.thread for each in values}:
        by_thread = [each for each in values if each.thread == thread]
        for at in range(len(by_thread) - 3):
            four = by_thread[at : at + 4]
            if [each.name for each in four] == ["IV", "plain", "padding", "encrypted"]:
                iv, plain, padding, encrypted = (each.data for each in four)
                found[encrypted] = (iv, plain + padding)
    return found


def _opened(log: str) -> dict[tuple[bytes, int], tuple[bytes, bytes]]:
    """What one side decrypted: ciphertext and message ID to IV and plaintext with its padding.

    It logs encrypted and plain then, in this order. The IV has been logged before: as initial IV
    of main mode, or as the next one of a message ID.
    """
    found: dict[tuple[bytes, int], tuple[bytes, bytes]] = {}
    ivs: dict[int, bytes] = {}
    before: dict[str, Logged] = {}
    """Of each thread, the value before."""
    for value in logged_values(log):
        last, before[value.thread] = before.get(value.thread), value
        if value.name == "initial IV":
            ivs[0] = value.data
        elif value.name.startswith(NEXT_IV):
            ivs[int(value.name.removeprefix(NEXT_IV))] = value.data
        elif value.name == "plain" and last is not None and last.name == "encrypted":
            found |= {(last.data, each): (iv, value.data) for each, iv in ivs.items()}
    return found
