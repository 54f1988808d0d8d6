"""Real traffic between two hosts with pairs made without IKE: all of it gets through, and none of
it in clear."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from mainmode.diagnosis.capture import in_clear, protocol_of
from tests.driver.lab import Pinger, StaticHost, datagram, ping, send_every_size, transfer, watched
from tests.driver.static_host import Setup
from tests.peers.network import FIRST, SECOND, Host

pytestmark = pytest.mark.network

MB = 1_000_000
SETUP = Setup(FIRST, SECOND)
TRANSPORT = ("esp:des-md5", "esp:3des-sha1", "esp:aes128-sha1", "esp:aes256-sha2-512")
SUITES = [
    *(replace(SETUP, suite=suite) for suite in (*TRANSPORT, "esp:null-sha1", "ah:md5", "ah:sha1")),
    *(replace(SETUP, suite=suite, tunnel=True) for suite in ("esp:3des-sha1", "ah:sha2-256")),
]


@contextmanager
def protected(hosts: tuple[Host, Host], setup: Setup) -> Iterator[tuple[StaticHost, StaticHost]]:
    with StaticHost(hosts[0], setup) as here, StaticHost(hosts[1], setup.other) as there:
        yield here, there


@pytest.mark.parametrize(
    "setup", SUITES, ids=lambda setup: f"{setup.suite} {'tunnel' if setup.tunnel else 'transport'}"
)
def test_every_size_of_everything(hosts: tuple[Host, Host], setup: Setup) -> None:
    one, other = hosts
    with protected(hosts, setup) as drivers:
        with watched(one) as wire:
            send_every_size(one, other)
        assert in_clear(wire.frames) == []
        protocols = {protocol_of(frame) for frame in wire.frames} - {None}
        assert protocols == {51 if setup.suite.startswith("ah") else 50}
        for driver in drivers:
            assert driver.numbers("refusals") == {}


def test_tcp_segments_need_no_fragments(hosts: tuple[Host, Host]) -> None:
    with protected(hosts, replace(SETUP, suite="esp:aes256-sha2-512", tunnel=True)):
        with watched(hosts[0]) as wire:
            transfer(*hosts, SECOND, MB)
        offsets = {
            int.from_bytes(frame.octets[20:22], "big") & 0x3FFF
            for frame in wire.frames
            if protocol_of(frame) == 50
        }
        assert offsets == {0}
        assert max(len(frame.octets) for frame in wire.frames) <= 1_514


def test_counters_of_both_ends_agree(hosts: tuple[Host, Host]) -> None:
    with protected(hosts, SETUP) as (here, there):
        assert ping(hosts[0], SECOND, 1_000)
        sent, received = here.numbers("statistics"), there.numbers("statistics")
        assert sent["Confidential Bytes Sent"] == received["Confidential Bytes Received"] == 1_028
        assert sent["Confidential Bytes Received"] == received["Confidential Bytes Sent"] == 1_028


def test_the_first_packet_waits_for_its_pair(hosts: tuple[Host, Host]) -> None:
    """Nothing is lost and nothing leaves in clear while an SA is made."""
    with (
        protected(hosts, replace(SETUP, installed=False)) as (here, there),
        watched(hosts[0]) as wire,
        Pinger(hosts[0], SECOND) as pinger,
    ):
        request = pinger.send()
        assert here.expect("acquire") == f"acquire {FIRST} -> {SECOND} icmp"
        assert not pinger.answered(request, 0.2)
        there.tell("install 0")
        here.tell("install 0")
        assert pinger.answered(request, 3.0)
        assert in_clear(wire.stop()) == []


def test_strict_reverse_path_filters(hosts: tuple[Host, Host]) -> None:
    for host in hosts:
        for which in ("all", "wire"):
            host.run(["sysctl", "-qw", f"net.ipv4.conf.{which}.rp_filter=1"])
    with protected(hosts, SETUP):
        assert ping(hosts[0], SECOND)
        assert ping(hosts[1], FIRST, 4_000)


def test_a_peer_that_is_not_ready_does_no_harm(hosts: tuple[Host, Host]) -> None:
    """Its kernel answers ESP with "protocol unreachable"; the driver goes on."""
    one, other = hosts
    with StaticHost(one, SETUP) as here:
        for _ in range(3):
            assert not ping(one, SECOND, seconds=0.2)
        with StaticHost(other, SETUP.other):
            assert ping(one, SECOND)
        assert here.process.poll() is None


def test_a_link_whose_mtu_shrinks(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    with protected(hosts, replace(SETUP, suite="ah:sha1")):
        assert ping(one, SECOND, 3_000)
        for host in hosts:
            host.run(["ip", "link", "set", "wire", "mtu", "900"])
        with watched(one) as wire:
            assert ping(one, SECOND, 3_000)
            transfer(one, other, SECOND, MB // 10)
        assert in_clear(wire.frames) == []
        assert max(len(frame.octets) for frame in wire.frames) <= 914


def test_datagrams_larger_than_the_device_are_refused_not_lost_in_silence(
    hosts: tuple[Host, Host],
) -> None:
    """Transport mode protects whole datagrams only, and with ESP around it this one would be
    larger than an IP packet can be."""
    with protected(hosts, SETUP) as (here, _):
        with watched(hosts[0]) as wire:
            assert datagram(*hosts, SECOND, 65_500) is None
        assert in_clear(wire.frames) == []
        (reason,) = here.numbers("refusals")
        assert reason == "transport mode protects whole datagrams only (RFC 2406 3.3)"


def test_type_of_service_and_time_to_live_stay(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    with protected(hosts, SETUP), watched(one) as wire:
        there = other.socket(socket.AF_INET, socket.SOCK_DGRAM)
        here = one.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with there, here:
            there.bind(("0.0.0.0", 5_004))
            there.settimeout(3.0)
            there.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
            here.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x28)
            here.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 17)
            here.sendto(b"hello", (SECOND, 5_004))
            data, marks, _, _ = there.recvmsg(100, 100)
        assert (data, marks[0][2]) == (b"hello", b"\x28")
        outer = [(frame.octets[15], frame.octets[22]) for frame in wire.stop()]
        assert (0x28, 17) in outer
