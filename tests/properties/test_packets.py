"""Laws of the packet layer, for every suite, mode and size."""

import random
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainmode.crypto.algorithms import CIPHERS, HASHES
from mainmode.model import Mode, SaPair, UdpEncapsulation
from mainmode.packets import ip, nat
from mainmode.packets.associations import InboundSa, OutboundSa
from mainmode.packets.refusal import PacketRefused, Refusal
from mainmode.packets.replay import ReplayWindow
from tests.driver.pairs import other_view, pair, through_nat
from tests.properties.effort import examples

A, B = "192.0.2.1", "192.0.2.2"
INTEGRITIES = list(HASHES)
ESP = [f"esp:{cipher}-{integrity}" for cipher in CIPHERS for integrity in INTEGRITIES]
SUITES = ESP + [f"ah:{integrity}" for integrity in INTEGRITIES]

suites = st.sampled_from(SUITES)
modes = st.sampled_from(list(Mode))
octets = st.integers(0, 255)


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    """Any whole datagram from A to B but the dummy kind, which is never delivered."""
    return ip.build(
        draw(octets.filter(lambda protocol: protocol != 59)),
        ip_address(A).packed,
        ip_address(B).packed,
        draw(st.binary(max_size=200).filter(lambda data: not 0 < len(data) < 4)),
        tos=draw(octets),
        ttl=draw(octets),
        identification=draw(st.integers(1, 0xFFFF)),
    )


def ends(suite: str, mode: Mode) -> tuple[OutboundSa, InboundSa]:
    mine: SaPair = pair(A, B, suite, mode)
    return OutboundSa(mine, lambda: 1), InboundSa(other_view(mine))


def without_identification(packet: bytes) -> bytes:
    """Transport mode gives the datagram another one, and with it another checksum."""
    return packet[:4] + packet[6:10] + packet[12:]


@pytest.mark.parametrize("suite", [*SUITES, "esp:3des", "esp:aes256"])
@pytest.mark.parametrize("mode", list(Mode))
@examples(20)
@given(wanted=st.lists(packets(), min_size=1, max_size=4))
def test_what_is_sealed_opens(suite: str, mode: Mode, wanted: list[bytes]) -> None:
    sealer, opener = ends(suite, mode)
    for packet in wanted:
        opened = opener.open(sealer.seal(packet), 20)
        assert ip.checksum(opened[:20]) == 0
        if mode is Mode.TUNNEL:
            assert opened == packet
        else:
            assert without_identification(opened) == without_identification(packet)


@given(suite=suites, mode=modes, packet=packets(), data=st.data())
def test_any_changed_bit_is_refused(
    suite: str, mode: Mode, packet: bytes, data: st.DataObject
) -> None:
    """In all that is covered: from the SPI on; for AH, the IP header's fixed fields too (they
    have tests of their own)."""
    sealer, opener = ends(suite, mode)
    sealed = sealer.seal(packet)
    place = data.draw(st.integers(20 * 8, len(sealed) * 8 - 1))
    changed = bytearray(sealed)
    changed[place // 8] ^= 1 << place % 8
    with pytest.raises(PacketRefused):
        opener.open(bytes(changed), 20)
    opener.open(sealed, 20)


@given(suite=suites, junk=st.binary(max_size=120), mode=modes)
def test_junk_is_refused_and_nothing_else(suite: str, junk: bytes, mode: Mode) -> None:
    _, opener = ends(suite, mode)
    protocol = 51 if suite.startswith("ah") else 50
    packet = ip.build(protocol, ip_address(A).packed, ip_address(B).packed, junk)
    with pytest.raises(PacketRefused):
        opener.open(packet, 20)


@examples(50)
@given(suite=st.sampled_from(ESP), mode=modes, packet=packets(), junk=st.binary(max_size=120))
def test_in_udp_nothing_else_changes(suite: str, mode: Mode, packet: bytes, junk: bytes) -> None:
    """What goes through a NAT has in transport mode the address that the NAT gave it, and its own
    checksum; in tunnel mode it is as it was. Junk is refused."""
    mine = pair(A, B, suite, mode, udp=UdpEncapsulation(4500, 4500))
    sealer, opener = (
        OutboundSa(mine, lambda: 1),
        InboundSa(through_nat(mine, "203.0.113.1", 40_000)),
    )
    with pytest.raises(PacketRefused):
        opener.open(junk, 0)
    opened = opener.open(sealer.seal(packet)[28:], 0)
    if mode is Mode.TUNNEL:
        assert opened == packet
        return
    seen = ip_address("203.0.113.1").packed + ip_address(B).packed
    assert opened[12:20] == seen
    assert ip.checksum(opened[:20]) == 0
    assert opened[9] == packet[9]
    assert opened[20:] == nat.with_checksum(packet[20:], packet[9], seen)


@given(suite=suites, mode=modes, seed=st.integers(), jitter=st.integers(0, 60))
@examples(40)
def test_reordering_inside_the_window_loses_nothing(
    suite: str, mode: Mode, seed: int, jitter: int
) -> None:
    """Every packet opens once, in any order that stays within the window, and never again."""
    sealer, opener = ends(suite, mode)
    order = random.Random(seed)
    packet = ip.build(17, ip_address(A).packed, ip_address(B).packed, bytes(12))
    sealed = [sealer.seal(packet) for _ in range(150)]
    arriving = sorted(enumerate(sealed), key=lambda each: each[0] + order.uniform(0, jitter))
    for _, each in arriving:
        opener.open(each, 20)
    for _, each in arriving:
        with pytest.raises(PacketRefused) as refused:
            opener.open(each, 20)
        assert refused.value.reason is Refusal.REPLAYED


@given(numbers=st.lists(st.integers(0, 600), max_size=200), size=st.sampled_from([1, 32, 128]))
def test_the_window_does_what_a_set_would(numbers: list[int], size: int) -> None:
    window, accepted = ReplayWindow(size), set[int]()
    for number in numbers:
        highest = max(accepted, default=0)
        expected = number > 0 and number > highest - size and number not in accepted
        assert window.permits(number) == expected
        if expected:
            window.advance(number)
            accepted.add(number)


@given(
    protocol=st.sampled_from([6, 17]),
    payload=st.binary(min_size=20, max_size=200),
    seen=st.binary(min_size=8, max_size=8),
    sent=st.binary(min_size=8, max_size=8),
)
def test_a_mended_checksum_fits_and_nothing_else_has_changed(
    protocol: int, payload: bytes, seen: bytes, sent: bytes
) -> None:
    """Whatever addresses it was summed over before."""
    place = 16 if protocol == 6 else 6
    if protocol == 17:
        payload = payload[:4] + len(payload).to_bytes(2, "big") + b"\1\1" + payload[8:]
    before = nat.with_checksum(payload, protocol, sent)
    after = nat.with_checksum(before, protocol, seen)
    assert after == nat.with_checksum(payload, protocol, seen)
    assert after[:place] + after[place + 2 :] == payload[:place] + payload[place + 2 :]
    pseudo = seen + protocol.to_bytes(2, "big") + len(after).to_bytes(2, "big")
    assert ip.checksum(pseudo + after + bytes(len(after) % 2)) == 0


@given(protocol=octets, junk=st.binary(max_size=40), addresses=st.binary(min_size=8, max_size=8))
def test_junk_keeps_its_size(protocol: int, junk: bytes, addresses: bytes) -> None:
    assert len(nat.with_checksum(junk, protocol, addresses)) == len(junk)


@given(payload=st.binary(max_size=4_000), mtu=st.integers(68, 2_000))
def test_fragments_carry_the_payload(payload: bytes, mtu: int) -> None:
    whole = ip.build(51, ip_address(A).packed, ip_address(B).packed, payload)
    pieces = list(ip.fragments(whole, mtu))
    assert b"".join(piece[20:] for piece in pieces) == payload
    assert all(len(piece) <= mtu for piece in pieces)
    assert all(len(piece) % 8 == 4 for piece in pieces[:-1])
