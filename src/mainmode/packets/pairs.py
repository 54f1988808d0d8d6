"""The SA pairs in use, by inbound SPI and by peer: RFC 2401 4.4.3 calls it the SAD.

Talks to: `associations` (the halves), `lifespan`.
Does not: keep policy; the caller says what policy asks for.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mainmode.errors import DriverError
from mainmode.model import (
    AddressRange,
    Direction,
    Endpoint,
    Flow,
    IpAddress,
    Mode,
    Path,
    SaPair,
    Selector,
)
from mainmode.numbers import ProtocolId
from mainmode.packets.associations import InboundSa, OutboundSa
from mainmode.packets.lifespan import Age, Lifespan

PROTOCOL_IDS = {50: ProtocolId.ESP, 51: ProtocolId.AH}
"""From the numbers of IP packets to those of IKE."""


@dataclass(frozen=True, slots=True)
class Replaces:
    """A pair awaits its turn to send: another one sends until this one has been used."""

    spi: int
    """Inbound, of the other."""
    until: float
    """When the turn comes all the same."""


class LivePair:
    """One pair, its halves as far as they are installed, and what it has carried."""

    __slots__ = (
        "_active_at",
        "_is_idle",
        "_packets_then",
        "inbound",
        "lifespan",
        "local",
        "octets_received",
        "octets_sent",
        "outbound",
        "packets_received",
        "packets_sent",
        "pair",
        "path",
        "replaces",
    )

    def __init__(self, pair: SaPair, now: float) -> None:
        self.pair = pair
        self.local = pair.local.packed
        self.path = _path_in_udp(pair)
        """Which way its packets come in UDP; None: they come as IP packets of their own."""
        self.inbound: InboundSa | None = None
        self.outbound: OutboundSa | None = None
        self.replaces: Replaces | None = None
        self.lifespan = Lifespan(pair, now)
        self.packets_sent = self.packets_received = 0
        self.octets_sent = self.octets_received = 0
        self._packets_then = 0
        self._active_at = now
        self._is_idle = False

    @property
    def is_used_up(self) -> bool:
        return self.lifespan.age is Age.HARD

    def grow(self, now: float) -> Age | None:
        """The age it has just come into, or None."""
        octets = max(self.octets_sent, self.octets_received)
        sequence = self.outbound.sequence if self.outbound is not None else 0
        return self.lifespan.grow(now, octets, sequence)

    def falls_idle(self, now: float) -> bool:
        """True once after the pair's idle time without a packet. To be asked now and then."""
        packets = self.packets_sent + self.packets_received
        if packets != self._packets_then:
            self._packets_then, self._active_at, self._is_idle = packets, now, False
        elif not self._is_idle and now - self._active_at >= self.pair.idle_s:
            self._is_idle = True
            return True
        return False


class PairTable:
    """Every pair that IKE has installed. `process` as `OutboundSa` takes it."""

    def __init__(self, process: Callable[[], int]) -> None:
        self._process = process
        self._by_spi: dict[int, LivePair] = {}
        self._sending: dict[IpAddress, list[LivePair]] = {}
        """By peer, newest last; only pairs whose outbound half is in use."""

    def __iter__(self) -> Iterator[LivePair]:
        return iter(list(self._by_spi.values()))

    def __contains__(self, spi: int) -> bool:
        return spi in self._by_spi

    def get(self, spi: int) -> LivePair | None:
        return self._by_spi.get(spi)

    def install(self, pair: SaPair, direction: Direction, now: float) -> None:
        """Take one half into use; the inbound one comes first. Raises DriverError."""
        if direction is Direction.INBOUND:
            if pair.spi in self._by_spi:
                raise DriverError(f"SPI {pair.spi:#010x} is in use")
            _require_sound(pair)
            live = self._by_spi[pair.spi] = LivePair(pair, now)
            live.inbound = InboundSa(pair)
            return
        installed = self._by_spi.get(pair.spi)
        if installed is None:
            raise DriverError(f"the inbound half of SPI {pair.spi:#010x} is not installed")
        if installed.outbound is not None:
            raise DriverError(f"the outbound half of SPI {pair.spi:#010x} is installed already")
        installed.outbound = OutboundSa(installed.pair, self._process)
        self._sending.setdefault(pair.peer, []).append(installed)

    def stop_sending(self, spi: int) -> None:
        """Send nothing more through the pair; it goes on receiving."""
        live = self._by_spi.get(spi)
        if live is None or live.outbound is None:
            return
        live.outbound = None
        peers = self._sending[live.pair.peer]
        peers.remove(live)
        if not peers:
            del self._sending[live.pair.peer]

    def remove(self, spi: int) -> LivePair | None:
        """Forget the pair, if there is one."""
        self.stop_sending(spi)
        return self._by_spi.pop(spi, None)

    def receiver(self, spi: int, protocol: int, destination: bytes) -> LivePair | None:
        """The pair for an arriving packet: SPI, protocol and address name it (RFC 2401 4.1)."""
        live = self._by_spi.get(spi)
        if (
            live is None
            or live.pair.inbound.protocol is not PROTOCOL_IDS[protocol]
            or live.local != destination
        ):
            return None
        return live

    def sender(
        self, flow: Flow, *, selector: Selector, peer: IpAddress, mode: Mode
    ) -> LivePair | None:
        """The pair that carries `flow` under what policy asks for it: selector, peer and mode.

        A pair agreed for more than the policy's selector belongs to another rule and does not
        count. Of several the most specific, then those that await no turn, then the newest.
        """
        fitting = (
            live
            for live in reversed(self._sending.get(peer, []))
            if not live.is_used_up
            and live.pair.mode is mode
            and live.pair.selector.matches(flow)
            and selector.covers(live.pair.selector)
        )
        return min(fitting, key=_generality, default=None)


def _path_in_udp(pair: SaPair) -> Path | None:
    if pair.udp is None:
        return None
    local = Endpoint(pair.local, pair.udp.local_port)
    return Path(local, Endpoint(pair.peer, pair.udp.peer_port))


def _generality(live: LivePair) -> tuple[int, bool, int, bool]:
    """Small for a selector that matches little, and for a pair whose turn has come."""
    selector = live.pair.selector
    unnamed_ports = (selector.local_port == 0) + (selector.remote_port == 0)
    hosts = selector.remote.size * selector.local.size
    return hosts, selector.protocol == 0, unnamed_ports, live.replaces is not None


def _require_sound(pair: SaPair) -> None:
    """Raises DriverError for what this driver cannot carry safely."""
    if {pair.local.version, pair.peer.version, pair.selector.local.version} != {4}:
        raise DriverError("this driver protects IPv4 only")
    hosts = (AddressRange.host(pair.local), AddressRange.host(pair.peer))
    if pair.mode is Mode.TRANSPORT and (pair.selector.local, pair.selector.remote) != hosts:
        raise DriverError(f"transport mode between {hosts[0]} and {hosts[1]} carries nothing else")
    if pair.inbound.protocol is not pair.outbound.protocol:
        raise DriverError("the two directions have different protocols")
    for sa in (pair.inbound, pair.outbound):
        if sa.protocol not in (ProtocolId.ESP, ProtocolId.AH):
            raise DriverError(f"{sa.protocol.name} protects no packets")
        if not sa.integrity and sa.cipher in ("", "null"):
            raise DriverError(f"{sa.suite} protects nothing")
        if sa.protocol is ProtocolId.AH and pair.udp is not None:
            raise DriverError("AH covers addresses, so it cannot pass a NAT")
