"""Two strongSwans on one wire, everything they say, and what is inside what they encrypted."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.peers.network import BEHIND, FIRST, captured, datagrams, two_gateways
from tests.peers.strongswan import Section, StrongSwan, logged_values, main_mode

KEY = b"correct horse battery staple"
NAME = "conversation"
HEADER_OCTETS = 28
MESSAGES_S = 5.0


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
        """Types and payloads, generic headers included (RFC 2408 3.2)."""
        data = self.plain or self.datagram[HEADER_OCTETS:]
        kind, at, found = self.datagram[16], 0, []
        while kind:
            length = int.from_bytes(data[at + 2 : at + 4])
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
        deadline = time.monotonic() + MESSAGES_S
        while time.monotonic() < deadline:
            found = self._messages_so_far()[:count]
            if len(found) == count and all(each.plain or not each.encrypted for each in found):
                return found
            time.sleep(0.05)
        raise TimeoutError(f"{len(found)} messages of {count}: {found}")

    def _messages_so_far(self) -> list[Message]:
        sealed = _sealed(self.initiator.log) | _sealed(self.responder.log)
        found = []
        for source, datagram in datagrams(self._frames()):
            sender = "initiator" if source == FIRST else "responder"
            iv, plain = sealed.get(datagram[HEADER_OCTETS:], (b"", b""))
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
    found = {}
    values = logged_values(log)
    for thread in {each.thread for each in values}:
        by_thread = [each for each in values if each.thread == thread]
        for at in range(len(by_thread) - 3):
            four = by_thread[at : at + 4]
            if [each.name for each in four] == ["IV", "plain", "padding", "encrypted"]:
                iv, plain, padding, encrypted = (each.data for each in four)
                found[encrypted] = (iv, plain + padding)
    return found
