"""IPv4 headers: made, read, rewritten, cut to pieces."""

from ipaddress import ip_address

import pytest

from mainmode.model import Flow
from mainmode.packets import ip
from mainmode.packets.refusal import PacketRefused, Refusal

A, B = ip_address("192.0.2.1"), ip_address("192.0.2.2")
UDP_PORTS = bytes.fromhex("0fa01388")  # 4000, 5000


def packet(payload: bytes = UDP_PORTS + b"12345", protocol: int = 17, **fields: int) -> bytes:
    return ip.build(protocol, A.packed, B.packed, payload, **fields)


def with_options(options: bytes, payload: bytes = UDP_PORTS) -> bytes:
    plain = packet(payload)
    header = bytes([0x40 | (20 + len(options)) // 4]) + plain[1:20] + options
    return ip.with_payload(header, 17, payload)


def test_a_header_from_a_textbook() -> None:
    """RFC 1071's sum over a well known header gives its checksum."""
    header = bytes.fromhex("4500003c1c4640004006b1e6ac100a63ac100a0c")
    assert ip.checksum(header) == 0
    assert ip.checksum(header[:10] + bytes(2) + header[12:]) == 0xB1E6


def test_built_packets_are_whole() -> None:
    made = packet(b"payload", 50, tos=0x10, ttl=7, identification=0x1234)
    assert made.hex() == "4510001b123400000732" + made[10:12].hex() + "c0000201c0000202" + (
        b"payload".hex()
    )
    assert ip.checksum(made[:20]) == 0


def test_no_packet_beyond_65535_octets() -> None:
    assert len(packet(bytes(65_515))) == 65_535
    with pytest.raises(PacketRefused) as refused:
        packet(bytes(65_516))
    assert refused.value.reason is Refusal.TOO_BIG


def test_identification_is_never_zero() -> None:
    """The kernel fills a zero in, and AH has covered it by then."""
    assert {ip.identification(number) for number in range(1, 200_000)} == set(range(1, 0x10000))


def test_with_payload_keeps_the_header_but_for_what_must_change() -> None:
    before = packet(b"long payload", 50, tos=0x28, ttl=9, identification=77)
    fragment = before[:6] + b"\x20\x01" + before[8:20]
    after = ip.with_payload(fragment, 6, b"short")
    assert after == packet(b"short", 6, tos=0x28, ttl=9, identification=77)


def test_with_payload_keeps_options() -> None:
    router_alert = bytes.fromhex("94040000")
    made = with_options(router_alert)
    assert made[20:24] == router_alert
    assert ip.header_octets(made) == 24
    assert ip.checksum(made[:24]) == 0
    assert ip.require_packet(made) == made


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x45" * 19,
        b"\x65" + packet()[1:],
        b"\x44" + packet()[1:],
        b"\x4f" + packet()[1:],
        packet()[:-1],
        packet()[:2] + b"\x00\x13" + packet()[4:],
    ],
    ids=["empty", "short", "ipv6", "header too short", "header too long", "cut", "total too short"],
)
def test_what_is_no_packet(data: bytes) -> None:
    with pytest.raises(PacketRefused) as refused:
        ip.require_packet(data)
    assert refused.value.reason is Refusal.MALFORMED


def test_octets_behind_the_packet_are_cut_off() -> None:
    assert ip.require_packet(packet() + b"rest") == packet()


def test_flow_of_a_packet() -> None:
    key = ip.flow_key(packet())
    assert ip.outbound_flow(key) == Flow(A, B, 17, 4000, 5000)
    assert ip.inbound_flow(key) == Flow(B, A, 17, 5000, 4000)


def test_ports_are_found_behind_options() -> None:
    key = ip.flow_key(with_options(bytes.fromhex("94040000")))
    assert ip.outbound_flow(key) == Flow(A, B, 17, 4000, 5000)


def test_protocols_without_ports() -> None:
    assert ip.outbound_flow(ip.flow_key(packet(b"\x08\x00abcd", 1))) == Flow(A, B, 1)


def fragment_at(offset: int, more: bool) -> bytes:
    place = (0x2000 if more else 0) | offset
    return packet()[:6] + place.to_bytes(2, "big") + packet()[8:]


def test_later_fragments_have_no_ports() -> None:
    for offset in (1, 0x100, 0x1FFF):
        assert ip.outbound_flow(ip.flow_key(fragment_at(offset, True))) == Flow(A, B, 17)
    assert ip.outbound_flow(ip.flow_key(fragment_at(0, True))) == Flow(A, B, 17, 4000, 5000)


def test_what_counts_as_a_fragment() -> None:
    assert ip.is_fragment(fragment_at(0, True))
    assert ip.is_fragment(fragment_at(1, False))
    assert ip.is_fragment(fragment_at(0x100, False))
    assert not ip.is_fragment(packet())
    dont_fragment = packet()[:6] + b"\x40\x00" + packet()[8:]
    assert not ip.is_fragment(dont_fragment)


@pytest.mark.parametrize("octets", [1, 2, 3])
def test_a_packet_that_ends_inside_its_ports(octets: int) -> None:
    with pytest.raises(PacketRefused) as refused:
        ip.outbound_flow(ip.flow_key(packet(UDP_PORTS[:octets])))
    assert refused.value.reason is Refusal.MALFORMED


def reassemble(pieces: list[bytes]) -> bytes:
    data = bytearray()
    for piece in pieces:
        place = int.from_bytes(piece[6:8], "big")
        assert place & 0x1FFF == len(data) // 8
        assert ip.checksum(piece[:20]) == 0
        assert ip.require_packet(piece) == piece
        assert bool(place & 0x2000) == (piece is not pieces[-1])
        data += piece[20:]
    return bytes(data)


@pytest.mark.parametrize("mtu", [68, 576, 1499, 1500])
@pytest.mark.parametrize("size", [1, 1_481, 2_961, 30_000])
def test_fragments_make_the_packet_again(mtu: int, size: int) -> None:
    payload = bytes(number & 0xFF for number in range(size))
    whole = packet(payload, 51, tos=4, ttl=33, identification=0x4242)
    pieces = list(ip.fragments(whole, mtu))
    assert max(map(len, pieces)) <= mtu
    assert {piece[4:6] for piece in pieces} == {b"\x42\x42"}
    assert {piece[8:10] for piece in pieces} == {b"\x21\x33"}
    assert reassemble(pieces) == payload


@pytest.mark.parametrize("more", [False, True])
def test_a_fragment_in_smaller_pieces(more: bool) -> None:
    whole = fragment_at(100, more)
    whole = ip.with_payload(whole[:20], 17, bytes(range(100)))
    whole = whole[:6] + fragment_at(100, more)[6:8] + whole[8:]
    pieces = list(ip.fragments(whole, 60))
    places = [int.from_bytes(piece[6:8], "big") for piece in pieces]
    assert [place & 0x1FFF for place in places] == [100, 105, 110]
    assert [place & 0x2000 > 0 for place in places] == [True, True, more]
    assert b"".join(piece[20:] for piece in pieces) == bytes(range(100))
    assert all(ip.checksum(piece[:20]) == 0 for piece in pieces)


def test_pieces_belong_together_even_when_the_packet_has_no_identification() -> None:
    """A kernel that may not be told "don't fragment" leaves it out."""
    pieces = list(ip.fragments(packet(bytes(99), identification=0), 60))
    (identification,) = {piece[4:6] for piece in pieces}
    assert identification != bytes(2)


def test_options_are_not_cut_up() -> None:
    whole = with_options(bytes.fromhex("94040000"), bytes(100))
    assert list(ip.fragments(whole, 1_500)) == [whole]
    with pytest.raises(PacketRefused) as refused:
        list(ip.fragments(whole, 60))
    assert refused.value.reason is Refusal.OPTIONS


def test_what_fits_stays_whole() -> None:
    assert list(ip.fragments(packet(), len(packet()))) == [packet()]
