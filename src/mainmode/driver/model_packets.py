"""Packets as values, and what a pair is at work when its packets are values.

What is sealed carries a digest under the real keys of its SA: only equal keys open it.

Talks to: `model`, the driver that sends them.
"""

from hashlib import blake2b
from typing import NamedTuple

from mainmode import limits
from mainmode.model import Flow, IpAddress, IpsecSa, SaPair, SoftSa
from mainmode.packets.replay import ReplayWindow
from mainmode.packets.sequence import SequenceNumbers

_SEAL_OCTETS = 8


class Packet(NamedTuple):
    """A packet in clear."""

    flow: Flow
    """As its sender sees it."""
    number: int
    """Its payload: tells it from all others."""
    octets: int


class Sealed(NamedTuple):
    """A packet under ESP or AH, between the addresses of its pair."""

    source: IpAddress
    destination: IpAddress
    protocol: int
    spi: int
    sequence: int
    seal: bytes
    """Digest over the packet under the keys of the SA."""
    packet: Packet


def reverse(flow: Flow) -> Flow:
    """The same packets as the other end sees them."""
    return Flow(flow.remote, flow.local, flow.protocol, flow.remote_port, flow.local_port)


def _key(sa: IpsecSa) -> bytes:
    """Everything about an SA that both ends must agree on, as a key."""
    said = f"{sa.spi} {sa.protocol} {sa.cipher} {sa.integrity}".encode()
    return blake2b(said + b"|" + sa.cipher_key + b"|" + sa.integrity_key, digest_size=32).digest()


def seal(key: bytes, sequence: int, packet: Packet) -> bytes:
    content = f"{sequence} {packet.number} {packet.octets}".encode()
    return blake2b(content, key=key, digest_size=_SEAL_OCTETS).digest()


class Activity:
    """When something last passed."""

    __slots__ = ("active_at", "idle_s", "is_idle")

    def __init__(self, now: float, idle_s: float) -> None:
        self.active_at = now
        self.idle_s = idle_s
        self.is_idle = False

    def note(self, now: float) -> bool:
        """Something passes now. Whether that ends a time of idleness."""
        was_idle = self.is_idle
        self.active_at, self.is_idle = now, False
        return was_idle

    def falls_idle(self, now: float) -> bool:
        """True once after the idle time without a packet."""
        if self.is_idle or now < self.active_at + self.idle_s:
            return False
        self.is_idle = True
        return True


class SoftAtWork(Activity):
    """A soft association."""

    __slots__ = ("soft",)

    def __init__(self, soft: SoftSa, now: float) -> None:
        super().__init__(now, limits.IDLE_S)
        self.soft = soft


class PairAtWork(Activity):
    """What a pair needs beside `LivePair`, in place of real ESP."""

    __slots__ = ("inbound_key", "outbound_key", "sequence", "window")

    def __init__(self, pair: SaPair, now: float) -> None:
        super().__init__(now, pair.idle_s)
        self.inbound_key = _key(pair.inbound)
        self.outbound_key = _key(pair.outbound)
        self.sequence = SequenceNumbers()
        self.window = ReplayWindow()
