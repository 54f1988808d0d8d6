"""The two halves of an SA pair at work: IP packets in, IP packets out.

    transport   header | payload            ->  header | ESP or AH | payload
    tunnel      header | payload            ->  new header | ESP or AH | header | payload

Through a NAT there is a UDP header in front of the ESP.

Source: RFC 2401 4.1 and 5, RFC 2402 3.1, RFC 2406 3.1; type of service of the outer header as
RFC 2401 5.1.2.1, without congestion bits (RFC 3168 9.1.1, the limited functionality).
Talks to: `esp` and `ah`, which do the cryptography; `nat`.
Does not: choose the pair for a packet; `pairs` does.

Nothing is refused for being larger than the network's packets: the outer header allows
fragmentation, whatever the inner one says (RFC 2401 6.1 leaves that choice).
"""

from collections.abc import Callable
from typing import Protocol

from mainmode.model import IpsecSa, Mode, SaPair
from mainmode.numbers import IpProtocol, ProtocolId
from mainmode.packets import ip, nat
from mainmode.packets.ah import AhOpener, AhSealer
from mainmode.packets.esp import EspOpener, EspSealer
from mainmode.packets.refusal import PacketRefused, Refusal
from mainmode.packets.sequence import SequenceNumbers

NO_NEXT_HEADER = 59
"""ESP's dummy packets carry it; they are to be thrown away (RFC 4303 2.6)."""

_NO_CONGESTION_BITS = 0xFC
_KNOWN_FLOWS_MAX = 4_096


class _Sealer(Protocol):
    sequence: SequenceNumbers

    def seal(self, payload: bytes, next_header: int, tos: int, ttl: int) -> bytes: ...


class _Opener(Protocol):
    def open(self, packet: bytes, start: int) -> tuple[bytes, int]: ...


class OutboundSa:
    """Seals the packets of one pair.

    It belongs to the process that made it: a copy in a forked child would send a second packet
    under the same sequence number and IV. `process` tells where it is used (os.getpid); seal
    raises RuntimeError anywhere else.
    """

    def __init__(self, pair: SaPair, process: Callable[[], int]) -> None:
        self._process = process
        self._owner = process()
        self._tunnel = pair.mode is Mode.TUNNEL
        self._sealer = _sealer(pair)

    @property
    def sequence(self) -> int:
        """The number of the last packet sent."""
        return self._sealer.sequence.last

    def seal(self, packet: bytes) -> bytes:
        """The protected packet, to be sent as it is or in fragments. Raises PacketRefused."""
        if self._process() != self._owner:
            raise RuntimeError("an outbound SA was carried into another process")
        if self._tunnel:
            tos = packet[1] & _NO_CONGESTION_BITS
            return self._sealer.seal(packet, IpProtocol.IPV4, tos, ip.TTL_DEFAULT)
        if ip.is_fragment(packet):
            raise PacketRefused(Refusal.FRAGMENT)
        if ip.header_octets(packet) != ip.HEADER_OCTETS:
            raise PacketRefused(Refusal.OPTIONS)
        return self._sealer.seal(packet[ip.HEADER_OCTETS :], packet[9], packet[1], packet[8])


class InboundSa:
    """Opens the packets of one pair and keeps out what is not its traffic."""

    def __init__(self, pair: SaPair) -> None:
        self._selector = pair.selector
        self._tunnel = pair.mode is Mode.TUNNEL
        self._opener = _opener(pair.inbound)
        self._header = _header(pair) if pair.udp else None
        self._known_flows: set[bytes] = set()
        """Keys of flows that the selector has been found to match."""

    def open(self, packet: bytes, start: int) -> bytes:
        """The packet inside one whose ESP or AH begins at `start`; at 0 what came in UDP.

        Raises PacketRefused.
        """
        payload, next_header = self._opener.open(packet, start)
        if next_header == NO_NEXT_HEADER:
            raise PacketRefused(Refusal.WRONG_TRAFFIC)
        if not self._tunnel:
            inner = self._in_transport(packet[:start], next_header, payload)
        elif next_header == IpProtocol.IPV4:
            inner = ip.require_packet(payload)
        else:
            raise PacketRefused(Refusal.WRONG_TRAFFIC)
        self._require_traffic(inner)
        return inner

    def _in_transport(self, header: bytes, protocol: int, payload: bytes) -> bytes:
        """The packet that the peer protected, with the addresses that it has here."""
        if self._header is not None:
            header = self._header
            payload = nat.with_checksum(payload, protocol, header[12:20])
        return ip.with_payload(header, protocol, payload)

    def _require_traffic(self, inner: bytes) -> None:
        key = ip.flow_key(inner)
        if key in self._known_flows:
            return
        if not self._selector.matches(ip.inbound_flow(key)):
            raise PacketRefused(Refusal.WRONG_TRAFFIC)
        if len(self._known_flows) >= _KNOWN_FLOWS_MAX:
            self._known_flows.clear()
        self._known_flows.add(key)


def _sealer(pair: SaPair) -> _Sealer:
    sa, source, destination = pair.outbound, pair.local.packed, pair.peer.packed
    if sa.protocol is ProtocolId.AH:
        return AhSealer(sa, source, destination)
    return EspSealer(sa, source, destination, pair.udp)


def _opener(sa: IpsecSa) -> _Opener:
    return AhOpener(sa) if sa.protocol is ProtocolId.AH else EspOpener(sa)


def _header(pair: SaPair) -> bytes:
    """In place of the one that is gone when ESP comes out of a UDP socket."""
    return ip.build(IpProtocol.ANY, pair.peer.packed, pair.local.packed, b"")
