"""Captures: what counts as clear, and pcap files."""

import io
import struct
from ipaddress import ip_address

import pytest

from mainmode.diagnosis.capture import (
    Capture,
    Frame,
    esp_of,
    in_clear,
    protocol_of,
    read_pcap,
    write_pcap,
)
from mainmode.errors import PersonError
from mainmode.packets import ip
from tests.driver.lab import ping
from tests.peers.network import SECOND, two_hosts

A, B = ip_address("192.0.2.1").packed, ip_address("192.0.2.2").packed
MACS = bytes(12)


def ports(source: int, destination: int) -> bytes:
    return struct.pack(">HH", source, destination) + bytes(4)


def ipv4(protocol: int, payload: bytes = bytes(8)) -> Frame:
    return Frame(1.0, MACS + b"\x08\x00" + ip.build(protocol, A, B, payload))


def ipv6(next_header: int, payload: bytes) -> Frame:
    header = b"\x60" + bytes(5) + bytes([next_header, 1]) + bytes(32)
    return Frame(1.0, MACS + b"\x86\xdd" + header + payload)


@pytest.mark.parametrize(
    "frame",
    [
        ipv4(50),
        ipv4(51),
        ipv4(17, ports(500, 500)),
        ipv4(17, ports(1_024, 4_500)),
        Frame(1.0, MACS + b"\x08\x06" + bytes(28)),
        ipv6(58, bytes([135]) + bytes(23)),
        ipv6(0, bytes([58, 0, 5, 2, 0, 0, 0, 0, 143]) + bytes(20)),
    ],
    ids=["esp", "ah", "ike", "ike nat", "arp", "neighbour", "multicast report"],
)
def test_what_a_protected_link_shows(frame: Frame) -> None:
    assert in_clear([frame]) == []


@pytest.mark.parametrize(
    "frame",
    [
        ipv4(1),
        ipv4(6, ports(500, 500)),
        ipv4(17, ports(53, 53)),
        ipv4(17, b""),
        ipv6(58, bytes([128]) + bytes(7)),
        ipv6(17, ports(500, 500)),
        Frame(1.0, MACS + b"\x88\xb5" + bytes(46)),
    ],
    ids=["ping", "tcp", "dns", "empty", "ping6", "udp6", "something else"],
)
def test_what_is_in_clear(frame: Frame) -> None:
    assert in_clear([frame]) == [frame]


def test_ike_ports_as_configured() -> None:
    assert in_clear([ipv4(17, ports(5_000, 5_000))], ike_ports=(5_000,)) == []
    assert in_clear([ipv4(17, ports(500, 500))], ike_ports=(5_000,)) != []


def fragments_of(frame: Frame) -> list[Frame]:
    packet = frame.octets[14:]
    return [Frame(1.0, MACS + b"\x08\x00" + piece) for piece in ip.fragments(packet, 576)]


def test_later_fragments_are_judged_by_the_first() -> None:
    covered = fragments_of(ipv4(17, ports(4_500, 41_500) + bytes(1_500)))
    clear = fragments_of(ipv4(17, ports(53, 53) + bytes(1_500)))
    assert len(covered) == 3
    assert in_clear(covered) == []
    assert in_clear(clear) == clear
    assert in_clear([*covered, *clear]) == clear, "the same identification again"
    assert in_clear(covered[1:]) == covered[1:], "nobody knows what they belong to"
    assert in_clear([ipv4(17, ports(500, 500)), *covered[1:]]) == covered[1:]


def test_esp_in_udp_or_not() -> None:
    esp = bytes.fromhex("5eed0001 00000001") + bytes(64)
    assert esp_of(ipv4(50, esp)) == esp
    assert esp_of(ipv4(17, ports(4_500, 41_500) + esp)) == esp
    assert esp_of(ipv4(17, ports(5_000, 5_001) + esp), nat_port=5_001) == esp
    padded = Frame(1.0, ipv4(17, ports(41_500, 4_500) + esp[:8]).octets + bytes(10))
    assert esp_of(padded) == esp[:8]


@pytest.mark.parametrize(
    "frame",
    [
        ipv4(17, ports(4_500, 4_500) + bytes(4) + b"an IKE message"),
        ipv4(17, ports(4_500, 4_500) + b"\xff"),
        ipv4(17, ports(500, 500) + bytes.fromhex("5eed0001 00000001")),
        ipv4(6, ports(4_500, 4_500) + bytes.fromhex("5eed0001 00000001")),
        ipv6(17, ports(4_500, 4_500) + bytes.fromhex("5eed0001 00000001")),
        fragments_of(ipv4(50, bytes(1_500)))[1],
        fragments_of(ipv4(17, ports(4_500, 4_500) + bytes(1_500)))[1],
    ],
    ids=["ike", "keepalive", "ike port", "tcp", "ipv6", "later fragment", "later in udp"],
)
def test_what_is_no_esp(frame: Frame) -> None:
    assert esp_of(frame) is None


def test_protocol_of() -> None:
    assert protocol_of(ipv4(50)) == 50
    assert protocol_of(ipv6(58, bytes(8))) is None


# --- files --------------------------------------------------------------------------------

FRAMES = [Frame(1_100_000_000.25, b"a" * 60), Frame(1_100_000_000.999999, b"b")]


def written() -> bytes:
    file = io.BytesIO()
    write_pcap(file, FRAMES)
    return file.getvalue()


def test_the_file_begins_as_the_format_says() -> None:
    assert written()[:24].hex() == "a1b2c3d40002000400000000000000000004000000000001"
    assert written()[24:40] == struct.pack(">IIII", 1_100_000_000, 250_000, 60, 60)


def test_what_is_written_reads_back() -> None:
    assert list(read_pcap(io.BytesIO(written()))) == FRAMES


def test_files_of_little_endian_machines() -> None:
    header = struct.pack("<IHHiIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1, 7)[:24]
    record = struct.pack("<IIII", 7, 500_000, 3, 3) + b"abc"
    assert list(read_pcap(io.BytesIO(header + record))) == [Frame(7.5, b"abc")]


@pytest.mark.parametrize("end", [0, 3, 20, 30, 50])
def test_files_that_are_cut_short(end: int) -> None:
    with pytest.raises(PersonError):
        list(read_pcap(io.BytesIO(written()[:end])))


def test_other_files() -> None:
    with pytest.raises(PersonError, match="not a pcap file"):
        list(read_pcap(io.BytesIO(b"#!/bin/sh\n" * 10)))
    not_ethernet = written()[:20] + struct.pack(">I", 101) + written()[24:]
    with pytest.raises(PersonError, match="Ethernet"):
        list(read_pcap(io.BytesIO(not_ethernet)))


def test_a_length_out_of_all_proportion() -> None:
    huge = written()[:32] + struct.pack(">II", 0x7FFF_FFFF, 0x7FFF_FFFF)
    with pytest.raises(PersonError):
        list(read_pcap(io.BytesIO(huge)))


# --- a real link --------------------------------------------------------------------------


@pytest.mark.network
def test_both_directions_of_a_link_are_seen() -> None:
    with two_hosts() as (one, _):
        with one.inside(lambda: Capture("wire")) as wire:
            assert ping(one, SECOND)
        assert wire.missed == 0
        kinds = [frame.octets[34] for frame in wire.frames if protocol_of(frame) == 1]
        assert kinds == [8, 0], "the request and its answer"
        assert len(in_clear(wire.frames)) == 2
