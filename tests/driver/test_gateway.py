"""Two gateways with a tunnel between them, and a host behind each.

host 10.1.0.2 --- 10.1.0.1 gateway 192.0.2.1 === 192.0.2.2 gateway 10.2.0.1 --- host 10.2.0.2
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from ipaddress import ip_address

import pytest

from mainmode.diagnosis.capture import in_clear, protocol_of
from tests.driver.lab import StaticHost, datagram, ping, ping_flood, transfer, watched
from tests.driver.static_host import Setup
from tests.peers.network import FIRST, SECOND, Host, two_hosts

pytestmark = pytest.mark.network

SETUP = Setup(FIRST, SECOND, tunnel=True, near="10.1.0.0/16", far="10.2.0.0/16")
NEAR, FAR = "10.1.0.2", "10.2.0.2"
MB = 1_000_000


@dataclass(frozen=True)
class Site:
    """A gateway and the host behind it."""

    gateway: Host
    host: Host


@pytest.fixture
def sites() -> Iterator[tuple[Site, Site]]:
    with ExitStack() as stack:
        gateways = stack.enter_context(two_hosts())
        made = []
        for number, gateway in enumerate(gateways, 1):
            host = Host(f"10.{number}.0.2")
            stack.callback(host.close)
            join(gateway, host, number)
            made.append(Site(gateway, host))
        yield made[0], made[1]


def join(gateway: Host, host: Host, number: int) -> None:
    inner = f"10.{number}.0.1"
    gateway.run(
        ["ip", "link", "add", "inner", "type", "veth", "peer", "name", "wire", "netns", host.path]
    )
    for where, device, address in ((gateway, "inner", inner), (host, "wire", host.address)):
        where.run(["ip", "address", "add", f"{address}/16", "dev", device])
        where.run(["ip", "link", "set", device, "up"])
    host.run(["ip", "route", "add", "default", "via", inner])
    gateway.run(["sysctl", "-qw", "net.ipv4.ip_forward=1"])
    peer = SECOND if number == 1 else FIRST
    gateway.run(["ip", "route", "add", f"10.{3 - number}.0.0/16", "via", peer])


@pytest.mark.parametrize("suite", ["esp:3des-sha1", "esp:aes128-sha1", "ah:sha1"])
def test_everything_between_two_networks(sites: tuple[Site, Site], suite: str) -> None:
    near, far = sites
    setup = replace(SETUP, suite=suite)
    with (
        StaticHost(near.gateway, setup) as here,
        StaticHost(far.gateway, setup.other) as there,
    ):
        with watched(near.gateway) as wire:
            for size in (56, 1_472, 8_000, 30_000):
                assert ping(near.host, FAR, size), size
            assert ping(far.host, NEAR)
            transfer(near.host, far.host, FAR, 2 * MB)
            for octets in (1, 20_000):
                received = datagram(far.host, near.host, NEAR, octets)
                assert received is not None
                assert len(received) == octets
        assert in_clear(wire.frames) == []
        assert {protocol_of(frame) for frame in wire.frames} - {None} == {
            51 if suite.startswith("ah") else 50
        }
        for driver in (here, there):
            assert driver.numbers("refusals") == {}


def test_the_first_packet_of_a_network_waits(sites: tuple[Site, Site]) -> None:
    near, far = sites
    setup = replace(SETUP, installed=False)
    with StaticHost(near.gateway, setup) as here, StaticHost(far.gateway, setup.other) as there:
        with watched(near.gateway) as wire, ping_flood(near.host, FAR, per_second=50):
            assert here.expect("acquire") == f"acquire {NEAR} -> {FAR} icmp"
            there.tell("install 0")
            here.tell("install 0")
            assert ping(near.host, FAR)
        assert in_clear(wire.frames) == []


def test_a_killed_gateway_lets_nothing_through(sites: tuple[Site, Site]) -> None:
    near, far = sites
    with StaticHost(far.gateway, SETUP.other), watched(near.gateway) as wire:
        driver = StaticHost(near.gateway, SETUP)
        driver.expect("ready")
        with ping_flood(near.host, FAR), ping_flood(far.host, NEAR):
            assert ping(near.host, FAR)
            driver.kill()
            assert not ping(near.host, FAR, seconds=0.5)
        # The gateway itself tells the other one that nobody takes its ESP any more.
        speakers = {frame.octets[26:30] for frame in in_clear(wire.stop())}
        assert speakers <= {ip_address(FIRST).packed}


def test_the_other_network_must_come_through_the_tunnel(sites: tuple[Site, Site]) -> None:
    """The far gateway forwards in clear; the near one does not let it in."""
    near, far = sites
    with StaticHost(near.gateway, SETUP) as here, watched(near.host) as behind:
        assert not ping(far.host, NEAR, seconds=0.3)
        assert [frame for frame in in_clear(behind.stop()) if protocol_of(frame) == 1] == []
        assert here.numbers("refusals") == {"arrived in clear where policy requires protection": 1}


def test_other_traffic_of_the_gateway_goes_on(sites: tuple[Site, Site]) -> None:
    near, far = sites
    with StaticHost(near.gateway, SETUP), StaticHost(far.gateway, SETUP.other):
        assert ping(near.gateway, SECOND)
        assert ping(near.host, "10.1.0.1")
