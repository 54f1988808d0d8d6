"""What networks and forgers do to datagrams, as faults of `network.Network`.

    Network(alice, bob, fault=Weather(seed, loss=0.2, forgery=0.3))
    Network(alice, bob, fault=lose(2))

All chance comes from a seed.
"""

from collections.abc import Callable, Iterable, Sequence
from random import Random

from mainmode.engine.effects import Send
from mainmode.numbers import Doi, ExchangeType, NotifyType, PayloadType, ProtocolId
from mainmode.testing.mutations import mutate
from mainmode.testing.network import Arrival, Fault
from mainmode.wire.header import HEADER_OCTETS, Header
from mainmode.wire.message import encode_payloads
from mainmode.wire.payloads import Notification

_LATENESS_S = 2.5
"""How late a reordered datagram comes at most: past the first two retries."""


def lose(*numbers: int) -> Fault:
    """The datagrams with these numbers never arrive."""
    return lambda sent, number: () if number in numbers else (Arrival(sent.datagram),)


def lose_from(number: int) -> Fault:
    """The network ends: this datagram and all later ones never arrive."""
    return lambda sent, this: () if this >= number else (Arrival(sent.datagram),)


def double(*numbers: int, late_s: float = 0.0) -> Fault:
    """The datagrams with these numbers arrive twice; the second time late."""

    def fault(sent: Send, number: int) -> Iterable[Arrival]:
        yield Arrival(sent.datagram)
        if number in numbers:
            yield Arrival(sent.datagram, late_s)

    return fault


def before(number: int, *forged: bytes) -> Fault:
    """These datagrams arrive just before the one with this number, from the same sender."""

    def fault(sent: Send, this: int) -> Iterable[Arrival]:
        if this == number:
            yield from (Arrival(datagram) for datagram in forged)
        yield Arrival(sent.datagram)

    return fault


class Weather:
    """Loss, duplication, lateness and forgery, each with its probability."""

    def __init__(
        self,
        seed: int,
        *,
        loss: float = 0.0,
        duplication: float = 0.0,
        lateness: float = 0.0,
        forgery: float = 0.0,
    ) -> None:
        self._chance = Random(f"weather {seed}")
        self._loss = loss
        self._duplication = duplication
        self._lateness = lateness
        self._forgery = forgery
        self._seen: list[bytes] = []

    def __call__(self, sent: Send, _number: int) -> Iterable[Arrival]:
        self._seen.append(sent.datagram)
        if self._happens(self._forgery):
            forger = self._chance.choice(FORGERS)
            yield Arrival(forger(self._chance, sent.datagram, self._seen))
        copies = 2 if self._happens(self._duplication) else 1
        for _ in range(copies):
            if not self._happens(self._loss):
                late_s = self._chance.uniform(0, _LATENESS_S)
                yield Arrival(sent.datagram, late_s if self._happens(self._lateness) else 0.0)

    def _happens(self, probability: float) -> bool:
        return self._chance.random() < probability


# --- forgers: somebody who sees every datagram, and has no key ------------------------------------

Forger = Callable[[Random, bytes, Sequence[bytes]], bytes]
"""From the datagram under way and all those seen so far to a forged one."""


def spoil(chance: Random, datagram: bytes, _seen: Sequence[bytes]) -> bytes:
    """The message under way with a few faults."""
    return mutate(chance, [datagram])


def spoil_old(chance: Random, _datagram: bytes, seen: Sequence[bytes]) -> bytes:
    """Some message seen before, with a few faults."""
    return mutate(chance, seen)


def replay(chance: Random, _datagram: bytes, seen: Sequence[bytes]) -> bytes:
    """Some message seen before, as it was; perhaps to its own sender."""
    return chance.choice(seen)


def noise(chance: Random, datagram: bytes, _seen: Sequence[bytes]) -> bytes:
    """The header under way over octets that decrypt to nothing."""
    return datagram[:HEADER_OCTETS] + chance.randbytes(len(datagram) - HEADER_OCTETS)


def notify(chance: Random, datagram: bytes, _seen: Sequence[bytes]) -> bytes:
    """A notification in clear with the cookies of the message under way."""
    kind = chance.choice(list(NotifyType))
    return notification_in_clear(datagram, kind, chance.randbytes(chance.randrange(40)))


FORGERS: tuple[Forger, ...] = (spoil, spoil_old, replay, noise, notify)


def notification_in_clear(
    datagram: bytes,
    kind: int,
    data: bytes = b"",
    *,
    message_id: int = 0,
    protocol: int = ProtocolId.ISAKMP,
    flags: int = 0,
) -> bytes:
    """HDR, N: what anybody can say who knows the cookies of this datagram."""
    body = encode_payloads([Notification(Doi.IPSEC, protocol, kind, b"", data)])
    header = Header(
        datagram[:8],
        datagram[8:16],
        PayloadType.NOTIFICATION,
        ExchangeType.INFORMATIONAL,
        flags,
        message_id,
        HEADER_OCTETS + len(body),
    )
    return header.encode() + body
