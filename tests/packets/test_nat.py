"""ESP in UDP, octet by octet, and checksums over the addresses that a packet has here."""

from ipaddress import ip_address

import pytest

from mainmode.model import UdpEncapsulation
from mainmode.packets import ip, nat
from mainmode.packets.refusal import PacketRefused, Refusal
from tests.packets.vectors import Case, cases

TCP, UDP, ICMP = 6, 17, 1
A, B, NAT = (ip_address(each).packed for each in ("10.0.0.2", "192.0.2.2", "192.0.2.1"))


def sum_of(protocol: int, addresses: bytes, payload: bytes) -> int:
    """As RFC 1071 4.1 adds up, word by word, with the pseudo header in front."""
    data = addresses + bytes((0, protocol)) + len(payload).to_bytes(2, "big") + payload
    data += bytes(len(data) % 2)
    total = 0
    for place in range(0, len(data), 2):
        total += data[place] << 8 | data[place + 1]
        total = (total & 0xFFFF) + (total >> 16)
    return total


def tcp(data: bytes = b"payload", checksum: int = 0xBEEF) -> bytes:
    fields = bytes.fromhex("0fa01388 00000001 00000002 50180100")
    return fields + checksum.to_bytes(2, "big") + bytes(2) + data


def udp(data: bytes = b"payload", checksum: int = 0xBEEF, octets: int = 0) -> bytes:
    length = octets or 8 + len(data)
    return (
        bytes.fromhex("0fa01388") + length.to_bytes(2, "big") + checksum.to_bytes(2, "big") + data
    )


# --- in UDP -------------------------------------------------------------------------------


def test_the_udp_header() -> None:
    """No checksum: a NAT would have to look at all of the packet, and ESP has its own."""
    made = nat.in_udp(UdpEncapsulation(4500, 41_500), b"12345678esp")
    assert made.hex() == "1194" + "a21c" + "0013" + "0000" + b"12345678esp".hex()


def test_no_datagram_beyond_65535_octets() -> None:
    ports = UdpEncapsulation(4500, 4500)
    assert len(nat.in_udp(ports, bytes(65_527))) == 65_535
    with pytest.raises(PacketRefused) as refused:
        nat.in_udp(ports, bytes(65_528))
    assert refused.value.reason is Refusal.TOO_BIG


# --- checksums ----------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases("packets-scapy.json"))
def test_checksums_of_another_implementation(case: Case) -> None:
    """Whatever stood in the field before, the one that scapy has computed comes out."""
    packet = bytes.fromhex(case["packet"])
    start = ip.header_octets(packet)
    datagram = packet[start:]
    for spoilt in (b"\x12\x34", b"\xff\xff"):
        made = nat.with_checksum(datagram[:6] + spoilt + datagram[8:], UDP, packet[12:20])
        assert made == datagram


@pytest.mark.parametrize("data", [b"", b"odd", b"even", bytes(1_400), b"\xff" * 65_000])
def test_the_host_behind_the_nat_gets_another_address(data: bytes) -> None:
    for protocol, payload in ((TCP, tcp(data)), (UDP, udp(data))):
        made = nat.with_checksum(payload, protocol, NAT + B)
        assert sum_of(protocol, NAT + B, made) == 0xFFFF
        assert sum_of(protocol, A + B, made) != 0xFFFF


def test_a_udp_checksum_is_never_zero() -> None:
    """0 would say that there is none: its complement stands for it (RFC 768)."""
    bare = nat.with_checksum(udp(b"\0\0"), UDP, A + B)
    remainder = int.from_bytes(bare[6:8], "big")
    made = nat.with_checksum(udp(remainder.to_bytes(2, "big")), UDP, A + B)
    assert made[6:8] == b"\xff\xff"
    assert sum_of(UDP, A + B, made) == 0xFFFF


def test_what_lies_behind_a_udp_datagram_is_not_summed() -> None:
    made = nat.with_checksum(udp(b"payload") + b"rest", UDP, A + B)
    assert made == nat.with_checksum(udp(b"payload"), UDP, A + B) + b"rest"


@pytest.mark.parametrize(
    ("protocol", "payload"),
    [
        (UDP, udp(checksum=0)),
        (UDP, udp(octets=7)),
        (UDP, udp(octets=16)),
        (UDP, udp(b"")[:7]),
        (UDP, b""),
        (TCP, tcp()[:19]),
        (TCP, b""),
        (ICMP, b"\x08\0\xbe\xef" + bytes(60)),
        (132, bytes(60)),
    ],
    ids=[
        "udp without a checksum",
        "udp that says it is shorter than its header",
        "udp that says it is longer than it is",
        "half a udp header",
        "no udp header",
        "not all of a tcp header",
        "no tcp header",
        "icmp",
        "sctp",
    ],
)
def test_what_is_left_as_it_is(protocol: int, payload: bytes) -> None:
    assert nat.with_checksum(payload, protocol, NAT + B) == payload
