"""Whole packets through the two halves of a pair, in both modes."""

import json
import os
import sys
from dataclasses import replace
from ipaddress import ip_address

import pytest

from mainmode import limits
from mainmode.model import Lifetime, Mode, SaPair, Selector, UdpEncapsulation
from mainmode.numbers import ProtocolId
from mainmode.packets import ip, nat
from mainmode.packets.associations import InboundSa, OutboundSa
from mainmode.packets.refusal import PacketRefused, Refusal
from tests.driver.pairs import addresses, other_view, pair, through_nat
from tests.packets.vectors import Case, cases, sa_of

LOCAL, PEER = "192.0.2.1", "192.0.2.2"
NEAR, FAR = "10.1.0.0/16", "10.2.0.0/16"
PORTS = bytes.fromhex("0fa01388")  # 4000, 5000
SUITES = ("esp:3des-sha1", "esp:null-md5", "ah:sha1")


def packet(source: str = LOCAL, destination: str = PEER, protocol: int = 17, **more: int) -> bytes:
    near, far = ip_address(source).packed, ip_address(destination).packed
    return ip.build(protocol, near, far, PORTS + b"payload", **more)


def transport(suite: str = "esp:3des-sha1", selector: Selector | None = None) -> SaPair:
    return pair(LOCAL, PEER, suite, selector=selector)


def tunnel(suite: str = "esp:3des-sha1") -> SaPair:
    selector = Selector(addresses(NEAR), addresses(FAR))
    return pair(LOCAL, PEER, suite, Mode.TUNNEL, selector=selector)


def both(mine: SaPair) -> tuple[OutboundSa, InboundSa]:
    return OutboundSa(mine, os.getpid), InboundSa(other_view(mine))


def reason(opener: InboundSa, sealed: bytes) -> Refusal:
    with pytest.raises(PacketRefused) as refused:
        opener.open(sealed, 20)
    return refused.value.reason


@pytest.mark.parametrize("case", cases("packets-scapy.json"))
def test_packets_of_another_implementation_open(case: Case) -> None:
    is_tunnel = case["mode"] == "tunnel"
    words = sa_of(case)
    selector = Selector(addresses(FAR), addresses(NEAR)) if is_tunnel else None
    mode = Mode.TUNNEL if is_tunnel else Mode.TRANSPORT
    mine = pair(PEER, LOCAL, "esp:3des", mode, selector=selector)
    mine = SaPair(words, words, mode, mine.local, mine.peer, mine.selector, Lifetime(0, 0))
    protected = bytes.fromhex(case["protected"])
    opened = InboundSa(mine).open(protected, ip.header_octets(protected))
    assert opened.hex() == case["packet"]


@pytest.mark.parametrize(
    "case", [each for each in cases("packets-scapy.json") if "null" in json.dumps(each.values)]
)
def test_packets_without_a_random_iv_are_sealed_alike(case: Case) -> None:
    words = sa_of(case)
    mode = Mode(case["mode"])
    mine = SaPair(
        words,
        words,
        mode,
        ip_address(LOCAL),
        ip_address(PEER),
        transport().selector,
        Lifetime(0, 0),
    )
    ours = OutboundSa(mine, os.getpid)
    for _ in range(case["sequence"]):
        sealed = ours.seal(bytes.fromhex(case["packet"]))
    assert words.protocol is ProtocolId.ESP
    assert sealed[20:].hex() == bytes.fromhex(case["protected"])[20:].hex()


@pytest.mark.parametrize("suite", SUITES)
def test_transport_mode_keeps_the_header(suite: str) -> None:
    """Type of service and time to live are those on the wire; the identification is ours."""
    sealer, opener = both(transport(suite))
    sealed = sealer.seal(packet(tos=0x12, ttl=17))
    assert (sealed[1], sealed[8]) == (0x12, 17)
    assert sealed[12:20] == packet()[12:20]
    assert opener.open(sealed, 20) == packet(tos=0x12, ttl=17, identification=2)


@pytest.mark.parametrize("suite", SUITES)
def test_tunnel_mode_keeps_the_whole_packet(suite: str) -> None:
    sealer, opener = both(tunnel(suite))
    inner = packet("10.1.0.5", "10.2.0.9", tos=0x13, ttl=3, identification=99)
    sealed = sealer.seal(inner)
    assert sealed[12:20] == packet()[12:20]
    assert (sealed[1], sealed[8]) == (0x10, 64), "no congestion bits, a time to live of our own"
    assert opener.open(sealed, 20) == inner


def test_transport_mode_takes_whole_datagrams_only() -> None:
    sealer, _ = both(transport())
    fragment = packet()[:6] + b"\x20\x00" + packet()[8:]
    with pytest.raises(PacketRefused) as refused:
        sealer.seal(fragment)
    assert refused.value.reason is Refusal.FRAGMENT


def test_tunnel_mode_takes_fragments() -> None:
    sealer, opener = both(tunnel())
    whole = packet("10.1.0.5", "10.2.0.9")
    for place in (b"\x20\x00", b"\x00\x05"):
        fragment = whole[:6] + place + whole[8:]
        assert opener.open(sealer.seal(fragment), 20) == fragment


def test_transport_mode_refuses_ip_options() -> None:
    sealer, _ = both(transport())
    header = bytes([0x46]) + packet()[1:20] + bytes.fromhex("94040000")
    with pytest.raises(PacketRefused) as refused:
        sealer.seal(ip.with_payload(header, 17, PORTS))
    assert refused.value.reason is Refusal.OPTIONS


@pytest.mark.parametrize("suite", SUITES)
def test_the_largest_packet_of_the_device_fits(suite: str) -> None:
    for mine, ends in (
        (transport(suite), (LOCAL, PEER)),
        (tunnel(suite), ("10.1.0.1", "10.2.0.1")),
    ):
        sealer, opener = both(mine)
        near, far = (ip_address(end).packed for end in ends)
        largest = ip.build(17, near, far, bytes(limits.DEVICE_MTU_OCTETS - 20))
        assert len(opener.open(sealer.seal(largest), 20)) == limits.DEVICE_MTU_OCTETS


# --- in UDP -------------------------------------------------------------------------------

IN_UDP = UdpEncapsulation(4500, 4500)
NAT, NAT_PORT = "203.0.113.1", 41_500


def through(mine: SaPair) -> tuple[OutboundSa, InboundSa]:
    return OutboundSa(mine, os.getpid), InboundSa(through_nat(mine, NAT, NAT_PORT))


@pytest.mark.parametrize("suite", ["esp:3des-sha1", "esp:null-md5"])
def test_esp_in_udp_is_esp_behind_a_udp_header(suite: str) -> None:
    sealed = OutboundSa(replace(transport(suite), udp=IN_UDP), os.getpid).seal(packet())
    assert sealed[9] == 17
    assert ip.require_packet(sealed) == sealed
    assert sealed[20:28].hex() == "1194" + "1194" + (len(sealed) - 20).to_bytes(2, "big").hex() + (
        "0000"
    )
    bare = OutboundSa(transport(suite), os.getpid).seal(packet())
    assert sealed[28:36] == bare[20:28], "SPI and sequence number"
    assert len(sealed) == len(bare) + 8


def test_transport_mode_through_a_nat() -> None:
    """The packet comes out with the address that the NAT gave it, and a checksum over that."""
    sealer, opener = through(replace(transport(), udp=IN_UDP))
    near, far = (ip_address(each).packed for each in (LOCAL, PEER))
    datagram = PORTS + b"\0\x0f" + b"\1\1" + b"payload"
    sent = ip.build(17, near, far, nat.with_checksum(datagram, 17, near + far))
    opened = opener.open(sealer.seal(sent)[28:], 0)
    seen = ip_address(NAT).packed
    assert opened == ip.build(17, seen, far, nat.with_checksum(datagram, 17, seen + far))
    assert opened[26:28] != sent[26:28]


def test_tunnel_mode_through_a_nat() -> None:
    """What is inside has never been touched."""
    sealer, opener = through(replace(tunnel(), udp=IN_UDP))
    inner = packet("10.1.0.5", "10.2.0.9", tos=0x13, ttl=3, identification=99)
    assert opener.open(sealer.seal(inner)[28:], 0) == inner
    stray = sealer.seal(packet("10.3.0.5", "10.2.0.9"))[28:]
    with pytest.raises(PacketRefused) as refused:
        opener.open(stray, 0)
    assert refused.value.reason is Refusal.WRONG_TRAFFIC


@pytest.mark.parametrize("mode", list(Mode))
def test_the_largest_packet_of_the_device_fits_into_udp(mode: Mode) -> None:
    mine = pair(LOCAL, PEER, "esp:aes256-sha2-512", mode, udp=IN_UDP)
    sealer, opener = through(mine)
    near, far = (ip_address(end).packed for end in (LOCAL, PEER))
    largest = ip.build(6, near, far, bytes(limits.DEVICE_MTU_OCTETS - 20))
    sealed = sealer.seal(largest)
    assert len(sealed) - 28 <= limits.DATAGRAM_MAX_OCTETS
    assert len(opener.open(sealed[28:], 0)) == limits.DEVICE_MTU_OCTETS


# --- what the selector keeps out ----------------------------------------------------------


def test_a_tunnel_carries_only_its_networks() -> None:
    """A peer may be sincere about its keys and still claim another source."""
    sealer, opener = both(tunnel())
    assert opener.open(sealer.seal(packet("10.1.2.3", "10.2.0.1")), 20)
    for source, destination in (("10.3.0.1", "10.2.0.1"), ("10.1.0.1", "10.9.0.1")):
        sealed = sealer.seal(packet(source, destination))
        assert reason(opener, sealed) is Refusal.WRONG_TRAFFIC


def test_transport_mode_from_another_address() -> None:
    """The outer source is not covered by ESP: a packet moved to another host's name is no
    traffic of this pair."""
    sealer, opener = both(transport())
    moved = sealer.seal(packet())
    moved = moved[:12] + ip_address("192.0.2.77").packed + moved[16:]
    assert reason(opener, moved) is Refusal.WRONG_TRAFFIC


def test_protocol_and_ports_of_the_selector() -> None:
    narrow = Selector(addresses(LOCAL), addresses(PEER), 17, 4000, 5000)
    sealer, opener = both(transport(selector=narrow))
    assert opener.open(sealer.seal(packet()), 20)
    other_port = packet()[:20] + bytes.fromhex("0fa01389") + b"payload"
    for wrong in (packet(protocol=6), other_port):
        assert reason(opener, sealer.seal(wrong)) is Refusal.WRONG_TRAFFIC


def test_known_flows_are_not_confused() -> None:
    """The memory of flows that fit must not let a flow pass that does not."""
    narrow = Selector(addresses(LOCAL), addresses(PEER), 17)
    sealer, opener = both(transport(selector=narrow))
    for _ in range(3):
        assert opener.open(sealer.seal(packet()), 20)
        assert reason(opener, sealer.seal(packet(protocol=6))) is Refusal.WRONG_TRAFFIC


def test_a_tunnel_carries_nothing_but_ipv4_packets() -> None:
    """Next header 4 with something else inside, or another next header altogether."""
    mine = tunnel()
    opener = InboundSa(other_view(mine))
    as_transport = SaPair(
        mine.inbound,
        mine.outbound,
        Mode.TRANSPORT,
        mine.local,
        mine.peer,
        transport().selector,
        mine.lifetime,
    )
    sealer = OutboundSa(as_transport, os.getpid)
    assert reason(opener, sealer.seal(packet())) is Refusal.WRONG_TRAFFIC
    assert reason(opener, sealer.seal(packet(protocol=4))) is Refusal.MALFORMED
    assert reason(opener, sealer.seal(packet(protocol=41))) is Refusal.WRONG_TRAFFIC


def test_dummy_packets_are_thrown_away() -> None:
    sealer, opener = both(transport())
    assert reason(opener, sealer.seal(packet(protocol=59))) is Refusal.WRONG_TRAFFIC


# --- one process --------------------------------------------------------------------------


def test_an_outbound_sa_works_in_one_process_only() -> None:
    """A copy would use sequence numbers and IVs a second time."""
    process = 100
    sealer = OutboundSa(transport(), lambda: process)
    sealer.seal(packet())
    process = 101
    with pytest.raises(RuntimeError, match="another process"):
        sealer.seal(packet())


def test_a_forked_child_cannot_seal() -> None:
    sealer = OutboundSa(transport(), os.getpid)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            sealer.seal(packet())
        except RuntimeError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert sealer.seal(packet())
