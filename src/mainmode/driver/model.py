"""The driver of simulations: packets are values; clock and network are arguments.

    from the host      flow -> policy -> pair, soft association or hold -> transmit
    from the network   SPI -> pair -> open -> deliver;  in clear: only where policy lets it in

A whole driver with its packet filter, which tells IKE everything that a driver tells.

Talks to: `packets`, which keeps pairs, lifetimes and waiting packets for the real driver too;
`policy.selection` for what a flow needs; `model_packets`.
Does not: encrypt, fragment, NAT traversal, IPv6.
"""

from collections import Counter
from collections.abc import Callable

from mainmode import limits
from mainmode.driver.answers import Answers
from mainmode.driver.contract import DriverStatistics, PairCounters, Upward
from mainmode.driver.model_packets import Packet, PairAtWork, Sealed, SoftAtWork, reverse, seal
from mainmode.driver.spis import SpiAllocator
from mainmode.errors import DriverError
from mainmode.model import Direction, Flow, IpAddress, Path, SaPair, SoftSa
from mainmode.numbers import ProtocolId
from mainmode.packets.held import HeldPackets
from mainmode.packets.lifespan import Age
from mainmode.packets.pairs import PROTOCOL_IDS, LivePair, PairTable, Replaces
from mainmode.packets.refusal import PacketRefused, Refusal
from mainmode.packets.seldom import Seldom
from mainmode.policy.model import Action
from mainmode.policy.selection import Decision, Selection

BLOCKED_OUT = "blocked by policy on departure"
BLOCKED_IN = "blocked by policy on arrival"
CLEAR_IN = "arrived in clear where policy requires protection"
CLOSED = "the service is dead: what needs protection stays closed"

_TICK_S = 1.0
"""How often waiting packets are looked at."""


Refuses = Callable[[Direction | None], bool]
"""Whether the driver says no now: to an SA of this direction, or (None) to promise an SPI."""


def refuses_nothing(_what: Direction | None) -> bool:
    return False


class ModelDriver:
    """See `driver.contract.Driver`. Times are those of `clock`, in seconds.

    transmit: puts a packet on the network.
    deliver: hands a packet that has come in to the host, with the SPI it came under (0: in clear).
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        transmit: Callable[[Packet | Sealed], None],
        deliver: Callable[[Packet, int], None],
    ) -> None:
        self._clock = clock
        self._transmit = transmit
        self._deliver = deliver
        self._spis = SpiAllocator(entropy)
        self._pairs = PairTable(lambda: 0)
        self._ends: dict[int, PairAtWork] = {}
        """By inbound SPI, as the pairs are."""
        self._soft: dict[int, SoftAtWork] = {}
        self._held = HeldPackets[Flow, Packet]()
        self._answers = Answers()
        self._selection: Selection | None = None
        self._decisions: dict[tuple[Flow, Direction], Decision] = {}
        self._flows: dict[Flow, LivePair] = {}
        """Flow to the pair that carries it; emptied whenever that may change."""
        self._upward: Upward | None = None
        self._bad_spis = Seldom[IpAddress](limits.BAD_SPI_INTERVAL_S, limits.BAD_SPI_PEERS_MAX)
        self._ticked_at = clock()
        self._next_tick: float | None = None
        self._is_stale = True
        """Whether `_next_tick` may have come nearer."""
        self._statistics = DriverStatistics()
        self.refuses: Refuses = refuses_nothing
        self.refused: Counter[str] = Counter()
        """How many packets went no further, by reason."""

    # --- life -----------------------------------------------------------------------------

    def start(self, upward: Upward) -> None:
        self._upward = upward

    def close(self) -> None:
        """The end of the driver. What a killed one leaves is the same: its packet filter, which
        keeps closed what needs protection."""
        self._upward = None
        self._pairs = PairTable(lambda: 0)
        self._ends.clear()
        self._soft.clear()
        self._flows.clear()
        self._held.release(lambda _: True)

    # --- packets from the host ------------------------------------------------------------

    def outbound(self, packet: Packet) -> None:
        """A packet that the host wants to send."""
        live = self._flows.get(packet.flow)
        try:
            if live is None:
                live = self._way_of(packet)
            if live is not None:
                self._send(packet, live)
        except PacketRefused as refused:
            self.refused[refused.reason.value] += 1

    def _way_of(self, packet: Packet) -> LivePair | None:
        """The pair that the packet is to go through; None: it has left in clear, waits, or is
        dropped."""
        flow = packet.flow
        decision = self.decide(flow, Direction.OUTBOUND)
        if decision is None or decision.action is Action.PERMIT:
            self._transmit(packet)
        elif decision.action is Action.BLOCK:
            self.refused[BLOCKED_OUT] += 1
        elif self._upward is None:
            self.refused[CLOSED] += 1
        else:
            live = self._sender(flow, decision)
            if live is not None:
                self._flows[flow] = live
                return live
            if not self._passes_softly(decision):
                self._hold(packet)
            else:
                self._transmit(packet)
        return None

    def decide(self, flow: Flow, direction: Direction) -> Decision | None:
        """What policy says of a flow; None: none has been assigned yet, everything passes."""
        if self._selection is None:
            return None
        known = self._decisions.get((flow, direction))
        if known is None:
            known = self._selection.decide(flow, direction)
            self._decisions[flow, direction] = known
        return known

    def _sender(self, flow: Flow, decision: Decision) -> LivePair | None:
        if decision.peer is None or decision.selector is None:
            raise PacketRefused(Refusal.NOT_NEGOTIATED)
        return self._pairs.sender(
            flow, selector=decision.selector, peer=decision.peer, mode=decision.mode
        )

    def _hold(self, packet: Packet) -> None:
        self._is_stale = True
        first, dropped = self._held.hold(packet.flow, packet, self._clock())
        self.refused[Refusal.HELD_TOO_MANY.value] += dropped
        if first and self._upward is not None:
            self._upward.acquire(packet.flow)

    def _send(self, packet: Packet, live: LivePair) -> None:
        """Raises PacketRefused EXPIRED."""
        if live.is_used_up:
            raise PacketRefused(Refusal.EXPIRED)
        pair, ends = live.pair, self._ends[live.pair.spi]
        sequence = ends.sequence.take()
        sealed = Sealed(
            pair.local,
            pair.peer,
            _PROTOCOLS[pair.outbound.protocol],
            pair.outbound.spi,
            sequence,
            seal(ends.outbound_key, sequence, packet),
            packet,
        )
        live.packets_sent += 1
        live.octets_sent += packet.octets
        self._is_stale |= ends.note(self._clock())
        self._transmit(sealed)
        self._grow(live)

    # --- packets from the network ---------------------------------------------------------

    def inbound(self, arrived: Packet | Sealed) -> None:
        """A packet for this host has come."""
        if isinstance(arrived, Packet):
            self._let_in(arrived)
            return
        try:
            self._open(arrived)
        except PacketRefused as refused:
            self.refused[refused.reason.value] += 1

    def _let_in(self, packet: Packet) -> None:
        flow = reverse(packet.flow)
        decision = self.decide(flow, Direction.INBOUND)
        if decision is None or decision.action is Action.PERMIT:
            self._deliver(packet, 0)
        elif decision.action is Action.BLOCK:
            self.refused[BLOCKED_IN] += 1
        elif decision.filter_action.accept_unsecured or self._passes_softly(decision):
            self._deliver(packet, 0)
        else:
            self.refused[CLEAR_IN] += 1

    def _open(self, sealed: Sealed) -> None:
        """Raises PacketRefused."""
        live = self._pairs.receiver(sealed.spi, sealed.protocol, sealed.destination.packed)
        if live is None:
            self._tell_bad_spi(sealed)
            raise PacketRefused(Refusal.BAD_SPI)
        if live.is_used_up:
            raise PacketRefused(Refusal.EXPIRED)
        ends, packet = self._ends[sealed.spi], sealed.packet
        if not ends.window.permits(sealed.sequence):
            raise PacketRefused(Refusal.REPLAYED)
        if sealed.seal != seal(ends.inbound_key, sealed.sequence, packet):
            raise PacketRefused(Refusal.NOT_AUTHENTICATED)
        ends.window.advance(sealed.sequence)
        flow = reverse(packet.flow)
        if not live.pair.selector.matches(flow):
            raise PacketRefused(Refusal.WRONG_TRAFFIC)
        live.packets_received += 1
        live.octets_received += packet.octets
        self._is_stale |= ends.note(self._clock())
        first = live.packets_received == 1
        decision = self.decide(flow, Direction.INBOUND)
        if decision is not None and decision.action is Action.BLOCK:
            self.refused[BLOCKED_IN] += 1
        else:
            self._deliver(packet, sealed.spi)
        if first:
            self._switch(live)
            if self._upward is not None:
                self._upward.used(sealed.spi)
        self._grow(live)

    def _tell_bad_spi(self, sealed: Sealed) -> None:
        if (
            sealed.spi >= limits.SPI_MIN
            and self._upward is not None
            and self._bad_spis.may_tell(sealed.source, self._clock())
        ):
            protocol = PROTOCOL_IDS[sealed.protocol]
            self._upward.bad_spi(sealed.destination, sealed.source, protocol, sealed.spi)

    def _passes_softly(self, decision: Decision) -> bool:
        """Whether a soft association is for this very traffic; it has some then."""
        for soft in self._soft.values():
            if soft.soft.selector == decision.selector and decision.filter_action.allow_fallback:
                self._is_stale |= soft.note(self._clock())
                return True
        return False

    # --- time -----------------------------------------------------------------------------

    @property
    def next_tick(self) -> float | None:
        """When `tick` has something to do, or may have; None: not before something else happens."""
        if self._is_stale:
            self._is_stale = False
            self._next_tick = self._moment()
        return self._next_tick

    def _moment(self) -> float | None:
        moments = [self._ticked_at + _TICK_S] if len(self._held) else []
        for live in self._pairs:
            moments.append(live.lifespan.next_at)
            if live.replaces is not None:
                moments.append(live.replaces.until)
        moments += [
            traffic.active_at + traffic.idle_s
            for traffic in (*self._ends.values(), *self._soft.values())
            if not traffic.is_idle
        ]
        first = min(moments, default=_NEVER)
        return first if first < _NEVER else None

    def tick(self) -> None:
        """What time brings: lifetimes, idleness, packets that have waited too long."""
        now = self._ticked_at = self._clock()
        self._is_stale = True
        for live in self._pairs:
            if now >= live.lifespan.next_at:
                self._grow(live)
            if live.replaces is not None and now >= live.replaces.until:
                self._switch(live)
            ends = self._ends.get(live.pair.spi)
            if ends is not None and ends.falls_idle(now) and self._upward is not None:
                self._upward.idle(live.pair.spi)
        for number, soft in list(self._soft.items()):
            if soft.falls_idle(now) and self._upward is not None:
                self._upward.soft_idle(number)
        self.refused[Refusal.HELD_TOO_LONG.value] += self._held.expire(now)
        if self._upward is not None:
            for flow in list(self._held.to_ask(now)):
                self._upward.acquire(flow)

    def _grow(self, live: LivePair) -> None:
        age = live.grow(self._clock())
        if age is Age.HARD:
            self._flows.clear()
        if age is not None and self._upward is not None:
            self._upward.expired(live.pair.spi, hard=age is Age.HARD)

    # --- what IKE asks --------------------------------------------------------------------

    def assign(self, selection: Selection) -> None:
        """Judge flows by this policy from now on, the waiting ones too."""
        self._follow(self._answers.assign(selection, [live.pair for live in self._pairs]))
        self._release(lambda _: True)

    def _follow(self, selection: Selection | None) -> None:
        if selection is not None:
            self._selection = selection
            self._decisions.clear()
            self._flows.clear()

    def _release(self, wanted: Callable[[Flow], bool]) -> None:
        for _, packet in self._held.release(wanted):
            self.outbound(packet)

    def allocate_spi(self, protocol: ProtocolId, local: IpAddress, peer: IpAddress) -> int:
        self._require_willing(None)
        return self._spis.allocate()

    def install(self, pair: SaPair, direction: Direction) -> None:
        self._require_willing(direction)
        self._pairs.install(pair, direction, self._clock())
        if direction is Direction.INBOUND:
            self._spis.take(pair.spi)
            self._ends[pair.spi] = PairAtWork(pair, self._clock())
            self._follow(self._answers.add(pair))
            self._is_stale = True
            return
        self._statistics.key_additions += 1
        self._flows.clear()
        self._release(pair.selector.matches)

    def replace(self, old_spi: int, pair: SaPair, *, once_used: bool = False) -> None:
        live = self._pairs.get(pair.spi)
        if live is not None:
            live.replaces = Replaces(old_spi, self._clock() + limits.SWITCH_S)
            self._is_stale = True
        self.install(pair, Direction.OUTBOUND)
        self._statistics.rekeys += 1
        if live is not None and (not once_used or live.packets_received):
            self._switch(live)

    def _switch(self, live: LivePair) -> None:
        """From now on it sends instead of the one that it replaces."""
        if live.replaces is not None:
            self._pairs.stop_sending(live.replaces.spi)
            live.replaces = None
            self._flows.clear()

    def _require_willing(self, what: Direction | None) -> None:
        if self.refuses(what):
            raise DriverError("the driver is told to refuse")

    def permit_clear(self, soft: SoftSa) -> None:
        self._soft[soft.number] = SoftAtWork(soft, self._clock())
        self._is_stale = True
        self._release(soft.selector.matches)

    def end_clear(self, number: int) -> None:
        self._soft.pop(number, None)

    def remove(self, spi: int) -> None:
        self._spis.free(spi)
        if self._pairs.remove(spi) is not None:
            del self._ends[spi]
            self._flows.clear()
            self._statistics.key_deletions += 1
        self._follow(self._answers.remove(spi))

    def receive(self, esp: bytes, path: Path) -> None:
        """Nothing travels in UDP here."""

    # --- what it tells --------------------------------------------------------------------

    def pair(self, spi: int) -> LivePair | None:
        """The pair with this inbound SPI. To look at, not to change."""
        return self._pairs.get(spi)

    def pairs(self) -> tuple[LivePair, ...]:
        """All of them, oldest first."""
        return tuple(self._pairs)

    def soft_associations(self) -> tuple[SoftSa, ...]:
        """What may pass in clear now."""
        return tuple(each.soft for each in self._soft.values())

    @property
    def promised(self) -> int:
        """How many SPIs are promised to negotiations that have not come to an end."""
        return self._spis.promised

    @property
    def waiting(self) -> int:
        """How many packets wait for their SA."""
        return len(self._held)

    def counters(self, spi: int) -> PairCounters | None:
        live = self._pairs.get(spi)
        if live is None:
            return None
        return PairCounters(
            live.packets_sent, live.packets_received, live.octets_sent, live.octets_received
        )

    def statistics(self) -> DriverStatistics:
        """Keys and refusals; traffic is not added up."""
        statistics = self._statistics
        statistics.active_security_associations = sum(
            live.outbound is not None for live in self._pairs
        )
        statistics.pending_key_operations = self._spis.promised
        statistics.bad_spi_packets = self.refused[Refusal.BAD_SPI.value]
        statistics.packets_not_authenticated = self.refused[Refusal.NOT_AUTHENTICATED.value]
        return statistics

    async def refusals(self) -> dict[str, int]:
        return {reason: count for reason, count in self.refused.items() if count}


_NEVER = float("inf")
_PROTOCOLS = {theirs: number for number, theirs in PROTOCOL_IDS.items()}
