"""The data plane: every packet's way between this host and the network.

    from the device    flow -> pair -> seal -> transmit     (no pair: hold, and ask IKE for one;
                                                            under a soft SA: transmit in clear)
    from the network   SPI  -> pair -> open -> deliver       (ESP in UDP too: `inbound_in_udp`)

Talks to: `packets`, which does the work on octets; `policy.selection` for what a flow needs.
Does not: touch a device, a socket or a clock: they are arguments, so tests need none of them.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address

from mainmode import limits
from mainmode.driver.contract import DriverStatistics, PairCounters, Upward
from mainmode.model import Direction, IpAddress, Mode, Path, SaPair, Selector, SoftSa
from mainmode.numbers import IpProtocol, ProtocolId
from mainmode.packets import ip
from mainmode.packets.held import HeldPackets
from mainmode.packets.lifespan import Age, is_small_block
from mainmode.packets.pairs import PROTOCOL_IDS, LivePair, PairTable, Replaces
from mainmode.packets.refusal import PacketRefused, Refusal
from mainmode.packets.seldom import Seldom
from mainmode.policy.model import Action
from mainmode.policy.selection import Decision, Selection

_SPI_OFFSETS = {int(IpProtocol.ESP): 0, int(IpProtocol.AH): 4}


class DataPlane:
    """One host's pairs at work.

    deliver:   hands an opened packet to the host; OSError: it would not have it.
    transmit:  sends a packet, sealed as a rule, to the network; OSError: it would not have it.
    process:   tells in which process this runs (`packets.associations.OutboundSa`).
    Times are seconds on the driver's clock.
    """

    def __init__(
        self,
        *,
        deliver: Callable[[bytes], None],
        transmit: Callable[[bytes], None],
        process: Callable[[], int],
    ) -> None:
        self._deliver = deliver
        self._transmit = transmit
        self._pairs = PairTable(process)
        self._held = HeldPackets[bytes, bytes]()
        self._bad_spis = Seldom[IpAddress](limits.BAD_SPI_INTERVAL_S, limits.BAD_SPI_PEERS_MAX)
        self._flows: dict[bytes, LivePair] = {}
        """Flow key to the pair that carries it; emptied whenever that may change."""
        self._clear: dict[Selector, int] = {}
        """What may leave in clear when no pair carries it, to the number of the soft SA. Nearly
        all of it never comes here: the packet filter lets it pass."""
        self._selection: Selection | None = None
        self._upward: Upward | None = None
        self._past = DriverStatistics()
        """What pairs that are gone have carried, and the counts of keys."""
        self.refusals: Counter[Refusal] = Counter()
        self.is_slow = False
        """Whether a pair uses a 64-bit block cipher, which costs ten times as much as AES."""

    def attach(self, upward: Upward) -> None:
        self._upward = upward

    # --- packets --------------------------------------------------------------------------

    def outbound(self, packet: bytes, now: float) -> None:
        """A packet that the host wants protected: send it, or hold it until there is an SA."""
        try:
            packet = ip.require_packet(packet)
            live = self.carrier(packet, now)
            if live is None:
                return
            assert live.outbound is not None
            self._transmit(live.outbound.seal(packet))
        except PacketRefused as refused:
            self.refusals[refused.reason] += 1
            return
        except OSError:
            self.refusals[Refusal.NOT_SENT] += 1
            return
        live.packets_sent += 1
        live.octets_sent += len(packet)
        if live.octets_sent >= live.lifespan.next_octets:
            self._grow(live, now)

    def carrier(self, packet: bytes, now: float) -> LivePair | None:
        """The pair that carries a packet; None: it waits, or has left in clear under a soft SA.

        Raises PacketRefused; OSError when it could not leave.
        """
        key = ip.flow_key(packet)
        live = self._flows.get(key)
        return self._pair_or_another_way(key, packet, now) if live is None else live

    def inbound(self, packet: bytes, now: float) -> None:
        """An IP packet with ESP or AH for this host: open it and hand it over, or drop it."""
        start = ip.header_octets(packet)
        spi_start = start + _SPI_OFFSETS[packet[9]]
        spi = int.from_bytes(packet[spi_start : spi_start + 4], "big")
        live = self._pairs.receiver(spi, packet[9], packet[16:20])
        if live is None:
            local, peer = IPv4Address(packet[16:20]), IPv4Address(packet[12:16])
            self._bad_spi(local, peer, PROTOCOL_IDS[packet[9]], spi, now)
            return
        self._receive(live, None, packet, start, now)

    def inbound_in_udp(self, esp: bytes, path: Path, now: float) -> None:
        """ESP that came in UDP along this path: open it and hand over what is in it, or drop it."""
        spi = int.from_bytes(esp[:4], "big")
        live = self._pairs.receiver(spi, IpProtocol.ESP, path.local.address.packed)
        if live is None:
            self._bad_spi(*path.hosts, ProtocolId.ESP, spi, now)
            return
        self._receive(live, path, esp, 0, now)

    def _bad_spi(
        self, local: IpAddress, peer: IpAddress, protocol: ProtocolId, spi: int, now: float
    ) -> None:
        self.refusals[Refusal.BAD_SPI] += 1
        if (
            spi >= limits.SPI_MIN
            and self._upward is not None
            and self._bad_spis.may_tell(peer, now)
        ):
            self._upward.bad_spi(local, peer, protocol, spi)

    def _receive(
        self, live: LivePair, path: Path | None, packet: bytes, start: int, now: float
    ) -> None:
        """path: as `LivePair` has it. start: where ESP or AH begins in the packet."""
        try:
            assert live.inbound is not None
            if live.path != path:
                raise PacketRefused(Refusal.WRONG_PATH)
            if live.is_used_up:
                raise PacketRefused(Refusal.EXPIRED)
            inner = live.inbound.open(packet, start)
            self._deliver(inner)
        except PacketRefused as refused:
            self.refusals[refused.reason] += 1
            return
        except OSError:
            self.refusals[Refusal.NOT_DELIVERED] += 1
            return
        live.packets_received += 1
        live.octets_received += len(inner)
        if live.packets_received == 1:
            self._switch(live)
            if self._upward is not None:
                self._upward.used(live.pair.spi)
        if live.octets_received >= live.lifespan.next_octets:
            self._grow(live, now)

    def _pair_or_another_way(self, key: bytes, packet: bytes, now: float) -> LivePair | None:
        """The pair for a packet of a flow that is not known yet; None: the packet waits, or has
        left in clear under a soft SA."""
        flow = ip.outbound_flow(key)
        if self._selection is not None:
            decision = self._selection.decide(flow)
            selector, peer, mode = _wanted(decision)
            live = self._pairs.sender(flow, selector=selector, peer=peer, mode=mode)
            if live is not None:
                if len(self._flows) >= limits.FLOWS_KEPT_MAX:
                    self._flows.clear()
                self._flows[key] = live
                return live
            if selector in self._clear and decision.filter_action.allow_fallback:
                self._transmit(packet)
                return None
        first, dropped = self._held.hold(key, packet, now)
        self.refusals[Refusal.HELD_TOO_MANY] += dropped
        if first and self._selection is not None and self._upward is not None:
            self._upward.acquire(flow)
        return None

    # --- time -----------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """What time brings; to be called about once a second."""
        for live in self._pairs:
            self._grow(live, now)
            if live.replaces is not None and now >= live.replaces.until:
                self._switch(live)
            if live.falls_idle(now) and self._upward is not None:
                self._upward.idle(live.pair.spi)
        self.refusals[Refusal.HELD_TOO_LONG] += self._held.expire(now)
        if self._upward is not None and self._selection is not None:
            for key in self._held.to_ask(now):
                self._upward.acquire(ip.outbound_flow(key))

    def _grow(self, live: LivePair, now: float) -> None:
        age = live.grow(now)
        if age is None:
            return
        if age is Age.HARD:
            self._flows.clear()
        if self._upward is not None:
            self._upward.expired(live.pair.spi, hard=age is Age.HARD)

    # --- what IKE asks --------------------------------------------------------------------

    def assign(self, selection: Selection, now: float) -> None:
        """Judge flows by this policy from now on, the waiting ones too."""
        self.follow(selection)
        for _, packet in self._held.release(lambda _: True):
            self.outbound(packet, now)

    def follow(self, selection: Selection) -> None:
        """Judge new flows by it; what waits goes on to wait."""
        self._selection = selection
        self._flows.clear()

    def install(self, pair: SaPair, direction: Direction, now: float) -> None:
        """Take one half into use. Raises DriverError."""
        is_rekey = direction is Direction.OUTBOUND and self._has_predecessor(pair)
        self._pairs.install(pair, direction, now)
        if direction is Direction.INBOUND:
            return
        self._past.key_additions += 1
        self._past.rekeys += is_rekey
        self._note_change()
        self._let_go(pair.selector, now)

    def _let_go(self, selector: Selector, now: float) -> None:
        """The packets of this traffic need not wait any more."""
        for _, packet in self._held.release(lambda key: selector.matches(ip.outbound_flow(key))):
            self.outbound(packet, now)

    def _has_predecessor(self, pair: SaPair) -> bool:
        return any(
            live.outbound is not None
            and live.pair.selector == pair.selector
            and live.pair.peer == pair.peer
            for live in self._pairs
        )

    def replace(self, old_spi: int, pair: SaPair, now: float, *, once_used: bool = False) -> None:
        """Raises DriverError."""
        live = self._pairs.get(pair.spi)
        if live is not None:
            live.replaces = Replaces(old_spi, now + limits.SWITCH_S)
        self.install(pair, Direction.OUTBOUND, now)
        if live is not None and (not once_used or live.packets_received):
            self._switch(live)

    def _switch(self, live: LivePair) -> None:
        """From now on it sends instead of the one that it replaces."""
        if live.replaces is not None:
            self._pairs.stop_sending(live.replaces.spi)
            live.replaces = None
            self._note_change()

    def permit_clear(self, soft: SoftSa, now: float) -> None:
        """The packet filter lets the traffic of a soft SA pass: so may what waits here."""
        self._clear[soft.selector] = soft.number
        self._let_go(soft.selector, now)

    def end_clear(self, number: int) -> None:
        self._clear = {selector: each for selector, each in self._clear.items() if each != number}

    def remove(self, spi: int) -> None:
        live = self._pairs.remove(spi)
        if live is None:
            return
        self._note_change()
        self._past.key_deletions += 1
        _add_traffic(self._past, live)

    def _note_change(self) -> None:
        self._flows.clear()
        self.is_slow = any(is_small_block(live.pair.outbound.cipher) for live in self._pairs)

    # --- what it tells --------------------------------------------------------------------

    def pairs(self) -> list[SaPair]:
        """All that are installed."""
        return [live.pair for live in self._pairs]

    def has(self, spi: int) -> bool:
        return spi in self._pairs

    def counters(self, spi: int) -> PairCounters | None:
        live = self._pairs.get(spi)
        if live is None:
            return None
        return PairCounters(
            live.packets_sent, live.packets_received, live.octets_sent, live.octets_received
        )

    def statistics(self) -> DriverStatistics:
        """Totals since the start; traffic of live pairs included."""
        now = replace(self._past)
        for live in self._pairs:
            now.active_security_associations += live.outbound is not None
            now.active_tunnels += live.outbound is not None and live.pair.mode is Mode.TUNNEL
            _add_traffic(now, live)
        now.bad_spi_packets = self.refusals[Refusal.BAD_SPI]
        now.packets_not_decrypted = self.refusals[Refusal.NOT_DECRYPTED]
        now.packets_not_authenticated = self.refusals[Refusal.NOT_AUTHENTICATED]
        return now


def _wanted(decision: Decision) -> tuple[Selector, IpAddress, Mode]:
    """The protection that policy asks for: selector, peer and mode.

    Raises PacketRefused NOT_NEGOTIATED when it asks for none; the packet is dropped then all the
    same, for only the packet filter judges what policy permits.
    """
    selector, peer = decision.selector, decision.peer
    if decision.action is not Action.NEGOTIATE or peer is None or selector is None:
        raise PacketRefused(Refusal.NOT_NEGOTIATED)
    return selector, peer, decision.mode


def _add_traffic(total: DriverStatistics, live: LivePair) -> None:
    sent, received = live.octets_sent, live.octets_received
    if live.pair.inbound.integrity:
        total.packets_with_replay_detection += live.packets_received
    if live.pair.inbound.protocol is ProtocolId.AH:
        total.authenticated_bytes_sent += sent
        total.authenticated_bytes_received += received
    else:
        total.confidential_bytes_sent += sent
        total.confidential_bytes_received += received
    if live.pair.mode is Mode.TUNNEL:
        total.bytes_sent_in_tunnels += sent
        total.bytes_received_in_tunnels += received
    else:
        total.transport_bytes_sent += sent
        total.transport_bytes_received += received
