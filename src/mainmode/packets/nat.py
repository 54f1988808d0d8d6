"""What ESP needs to pass a NAT: a UDP header in front of it, and checksums made anew inside.

    IP header | source port 2 | destination port 2 | length 2 | checksum 2, zero | ESP

In transport mode TCP and UDP have summed over addresses that the NAT has changed since.

Source: RFC 3948 2.1 (header), 3.1.2 (checksums); RFC 768, RFC 9293 3.1 (what is summed).
Does not: judge where a packet came from; the driver does.
"""

from struct import Struct

from mainmode import limits
from mainmode.model import UdpEncapsulation
from mainmode.numbers import IpProtocol
from mainmode.packets.refusal import PacketRefused, Refusal

UDP_OCTETS = 8

_HEADER = Struct(">HHHH")
_TCP = int(IpProtocol.TCP)
_UDP = int(IpProtocol.UDP)
_TCP_OCTETS = 20
_TCP_CHECKSUM = 16
_UDP_LENGTH = 4
_UDP_CHECKSUM = 6
_NO_CHECKSUM = bytes(2)


def in_udp(udp: UdpEncapsulation, esp: bytes) -> bytes:
    """ESP behind a UDP header, the payload of an IP packet. Raises PacketRefused TOO_BIG."""
    octets = UDP_OCTETS + len(esp)
    if octets > limits.PACKET_MAX_OCTETS:
        raise PacketRefused(Refusal.TOO_BIG)
    return _HEADER.pack(udp.local_port, udp.peer_port, octets, 0) + esp


def with_checksum(payload: bytes, protocol: int, addresses: bytes) -> bytes:
    """The payload of an IP packet with the checksum that belongs to its addresses, which are
    source and destination as they stand in the header.

    As it is when there is nothing to mend: other protocols, UDP without a checksum, and what is
    no TCP or UDP at all, which the host will refuse.
    """
    if protocol == _TCP:
        place, octets = _TCP_CHECKSUM, len(payload)
        if octets < _TCP_OCTETS:
            return payload
    elif protocol == _UDP:
        place, octets = _UDP_CHECKSUM, int.from_bytes(payload[_UDP_LENGTH:_UDP_CHECKSUM], "big")
        is_summed = payload[_UDP_CHECKSUM:UDP_OCTETS] != _NO_CHECKSUM
        if not (is_summed and UDP_OCTETS <= octets <= len(payload)):
            return payload
    else:
        return payload
    end = place + 2
    # A number modulo 0xFFFF is the sum of its 16-bit words, which the internet checksum wants.
    total = int.from_bytes(payload[:octets], "big") % 0xFFFF << 8 * (octets % 2)
    total -= int.from_bytes(payload[place:end], "big")
    total += int.from_bytes(addresses, "big") + protocol + octets
    checksum = -total % 0xFFFF
    if protocol == _UDP:
        checksum = checksum or 0xFFFF  # 0 would say that there is none
    return payload[:place] + checksum.to_bytes(2, "big") + payload[end:]
