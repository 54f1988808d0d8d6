"""IPv4 packets as octets: the few fields that IPsec reads and rewrites.

    octet  0  version 4 bits, header length in words 4 bits
           1  type of service
           2  total length 2
           4  identification 2
           6  flags 3 bits (reserved, don't fragment, more fragments), offset in 8 octets 13 bits
           8  time to live
           9  protocol
          10  header checksum 2
          12  source 4, destination 4, options

Source: RFC 791 3.1, RFC 1071 (checksum).
Does not: IPv6, which the driver's packet filter drops where policy asks for protection.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address
from struct import Struct

from mainmode import limits
from mainmode.model import Flow
from mainmode.packets.refusal import PacketRefused, Refusal

HEADER_OCTETS = 20
"""Of a header without options."""
TTL_DEFAULT = 64
"""Of packets that we originate (RFC 1700)."""

_HEADER = Struct(">BBHHHBBH4s4s")
_PORTS = Struct(">HH")
_MORE_FRAGMENTS = 0x2000
_OFFSET_MASK = 0x1FFF
WITH_PORTS = frozenset({6, 17, 33, 132, 136})
"""TCP, UDP, DCCP, SCTP, UDP-Lite begin with a source and a destination port of 2 octets each."""
_KEY_OCTETS = 9
_KEYWITH_PORTS_OCTETS = 13


def checksum(data: bytes) -> int:
    """The internet checksum of an even number of octets, as it stands in the header."""
    return -int.from_bytes(data, "big") % 0xFFFF


def _summed(header: bytes) -> bytes:
    """The header with its checksum, which is zero in `header`."""
    return header[:10] + checksum(header).to_bytes(2, "big") + header[12:]


def build(
    protocol: int,
    source: bytes,
    destination: bytes,
    payload: bytes,
    *,
    tos: int = 0,
    identification: int = 0,
    ttl: int = TTL_DEFAULT,
) -> bytes:
    """A whole packet without options that routers may fragment.

    Raises PacketRefused TOO_BIG.
    """
    total = HEADER_OCTETS + len(payload)
    if total > limits.PACKET_MAX_OCTETS:
        raise PacketRefused(Refusal.TOO_BIG)
    fields = (0x45, tos, total, identification, 0, ttl, protocol)
    return _summed(_HEADER.pack(*fields, 0, source, destination)) + payload


def identification(sequence: int) -> int:
    """The identification of the n-th packet of an SA: never 0, which the kernel would replace."""
    return sequence % 0xFFFF + 1


def with_payload(header: bytes, protocol: int, payload: bytes) -> bytes:
    """The packet that has this header, options included, but another protocol and payload.

    Length and checksum are made anew; flags and offset are cleared.
    """
    _, tos, _, identification, _, ttl, _, _, source, destination = _HEADER.unpack_from(header)
    total = len(header) + len(payload)
    fields = (header[0], tos, total, identification, 0, ttl, protocol)
    blank = _HEADER.pack(*fields, 0, source, destination) + header[HEADER_OCTETS:]
    return _summed(blank) + payload


def require_packet(data: bytes) -> bytes:
    """`data` cut to the total length its header tells.

    Raises PacketRefused MALFORMED when it is no IPv4 packet or is cut short.
    """
    if len(data) < HEADER_OCTETS or data[0] >> 4 != 4:
        raise PacketRefused(Refusal.MALFORMED)
    total = int.from_bytes(data[2:4], "big")
    if not HEADER_OCTETS <= header_octets(data) <= total <= len(data):
        raise PacketRefused(Refusal.MALFORMED)
    return data if total == len(data) else data[:total]


def header_octets(packet: bytes) -> int:
    return (packet[0] & 0x0F) * 4


def is_fragment(packet: bytes) -> bool:
    """Whether the packet is a part of a datagram: the first, a middle or the last one."""
    return packet[7] != 0 or packet[6] & 0x3F != 0


def flow_key(packet: bytes) -> bytes:
    """What names the packet's flow, short enough for a dictionary on the hot path.

        protocol 1 | source 4 | destination 4 [ | source port 2 | destination port 2 ]

    Ports only where the protocol has them and this is no later fragment.
    """
    if packet[9] in WITH_PORTS and packet[7] == 0 and packet[6] & 0x1F == 0:
        start = header_octets(packet)
        return packet[9:10] + packet[12:20] + packet[start : start + 4]
    return packet[9:10] + packet[12:20]


def outbound_flow(key: bytes) -> Flow:
    """The flow of a packet that leaves: its source is local. Raises PacketRefused MALFORMED."""
    source, destination, source_port, destination_port = _ends(key)
    return Flow(source, destination, key[0], source_port, destination_port)


def inbound_flow(key: bytes) -> Flow:
    """The flow of a packet that arrives: its destination is local. Raises as outbound_flow."""
    source, destination, source_port, destination_port = _ends(key)
    return Flow(destination, source, key[0], destination_port, source_port)


def _ends(key: bytes) -> tuple[IPv4Address, IPv4Address, int, int]:
    if len(key) == _KEYWITH_PORTS_OCTETS:
        ports = _PORTS.unpack_from(key, _KEY_OCTETS)
    elif len(key) == _KEY_OCTETS:
        ports = (0, 0)
    else:  # the packet ends inside its ports
        raise PacketRefused(Refusal.MALFORMED)
    return IPv4Address(key[1:5]), IPv4Address(key[5:9]), *ports


def fragments(packet: bytes, mtu: int) -> Iterator[bytes]:
    """The packet in pieces of at most `mtu` octets (at least 68, RFC 791 3.2), whatever its flags
    say. It may be a fragment itself.

    Raises PacketRefused OPTIONS when it has to be cut and has options.
    """
    if len(packet) <= mtu:
        yield packet
        return
    version, tos, _, identification, place, ttl, protocol, _, source, destination = (
        _HEADER.unpack_from(packet)
    )
    if header_octets(packet) != HEADER_OCTETS:
        raise PacketRefused(Refusal.OPTIONS)
    if not identification:  # the kernel would fill in another for each piece
        identification = checksum(packet + bytes(len(packet) % 2)) + 1
    offset, more_to_come = place & _OFFSET_MASK, place & _MORE_FRAGMENTS
    step = (mtu - HEADER_OCTETS) // 8 * 8
    for start in range(HEADER_OCTETS, len(packet), step):
        piece = packet[start : start + step]
        more = _MORE_FRAGMENTS if start + step < len(packet) else more_to_come
        here = more | offset + (start - HEADER_OCTETS) // 8
        fields = (version, tos, HEADER_OCTETS + len(piece), identification, here, ttl, protocol)
        yield _summed(_HEADER.pack(*fields, 0, source, destination)) + piece
