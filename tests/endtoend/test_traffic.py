"""Traffic of every kind and size between real services: ESP, AH, and a tunnel."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from mainmode.diagnosis.capture import in_clear, protocol_of
from mainmode.numbers import IpProtocol
from tests.driver.lab import datagram, ping, transfer
from tests.endtoend.link import Link, linked_hosts
from tests.endtoend.station import POLICY, Station, wait_for
from tests.peers.network import FIRST, SECOND, Host

pytestmark = pytest.mark.network

MB = 1_000_000
PING_SIZES = (0, 56, 1_472, 1_473, 8_000, 60_000)
DATAGRAM_SIZES = (1, 1_472, 20_000, 60_000)

TUNNEL = """\
[policy]
name = "NAME"

[filter_list.branch]
filters = [{{ source = "{near}", destination = "{far}" }}]

[filter_action.protect]
action = "negotiate"

[[rule]]
name = "tunnel"
filter_list = "branch"
filter_action = "protect"
tunnel_endpoint = "{endpoint}"
authentication = [{{ method = "preshared_key", secret_file = "psk" }}]
"""
NETWORK, INSIDE, GATEWAY = "10.2.0.0/16", "10.2.0.2", "10.2.0.1"


def protocols(link: Link) -> set[IpProtocol]:
    """What the IPv4 packets on the wire were."""
    found = {protocol_of(frame) for frame in list(link.frames)} - {None}
    return {IpProtocol(each) for each in found if each is not None}


@pytest.mark.parametrize(
    ("offer", "protocol"),
    [
        ("esp:3des-sha1", IpProtocol.ESP),
        ("esp:aes256-sha2-256", IpProtocol.ESP),
        ("ah:sha1", IpProtocol.AH),
    ],
)
def test_every_size(tmp_path: Path, offer: str, protocol: IpProtocol) -> None:
    policy = POLICY.format(offer=offer)
    with ExitStack() as stack:
        first, second, link = stack.enter_context(linked_hosts())
        stations = [
            stack.enter_context(Station(each, tmp_path, policy)) for each in (first, second)
        ]
        for size in PING_SIZES:
            assert ping(first, SECOND, size), size
            assert ping(second, FIRST, size), size
        transfer(first, second, SECOND, 2 * MB)
        for octets in DATAGRAM_SIZES:
            received = datagram(second, first, FIRST, octets)
            assert received is not None, octets
            assert len(received) == octets
        assert in_clear(list(link.frames)) == []
        assert protocols(link) == {IpProtocol.UDP, protocol}
        (pair,) = stations[0].ask("qmsas")
        assert pair["octets_sent"] > 2 * MB
        algorithm = offer.partition(":")[2].rpartition("-")[2]
        assert pair["ah_integrity" if protocol is IpProtocol.AH else "esp_integrity"].endswith(
            algorithm
        )


# --- a network behind a gateway -----------------------------------------------------------


@dataclass(frozen=True)
class Branch:
    """192.0.2.1 === 192.0.2.2 gateway 10.2.0.1 --- 10.2.0.2"""

    road: Station
    gateway: Station
    inside: Host
    link: Link


@pytest.fixture
def branch(tmp_path: Path) -> Iterator[Branch]:
    with ExitStack() as stack:
        road, gateway, link = stack.enter_context(linked_hosts())
        inside = Host(INSIDE)
        stack.callback(inside.close)
        join(gateway, inside)
        road.run(["ip", "route", "add", NETWORK, "via", SECOND])
        policies = (
            TUNNEL.format(near="me", far=NETWORK, endpoint=SECOND),
            TUNNEL.format(near=NETWORK, far=FIRST, endpoint=FIRST),
        )
        yield Branch(
            stack.enter_context(Station(road, tmp_path, policies[0])),
            stack.enter_context(Station(gateway, tmp_path, policies[1])),
            inside,
            link,
        )


def join(gateway: Host, inside: Host) -> None:
    """Another wire, to the host behind the gateway."""
    gateway.run(
        ["ip", "link", "add", "inner", "type", "veth", "peer", "name", "wire", "netns", inside.path]
    )
    for host, device, address in ((gateway, "inner", GATEWAY), (inside, "wire", INSIDE)):
        host.run(["ip", "address", "add", f"{address}/16", "dev", device])
        host.run(["ip", "link", "set", device, "up"])
    inside.run(["ip", "route", "add", "default", "via", GATEWAY])
    gateway.run(["sysctl", "-qw", "net.ipv4.ip_forward=1"])


def check_tunnel(branch: Branch, initiator: Station) -> None:
    """Everything went through one tunnel that this side asked for."""
    assert in_clear(list(branch.link.frames)) == []
    assert protocols(branch.link) == {IpProtocol.UDP, IpProtocol.ESP}
    (pair,) = initiator.ask("qmsas")
    assert (pair["mode"], pair["role"]) == ("tunnel", "initiator")
    assert NETWORK in (pair["local_address"], pair["remote_address"])
    assert {pair["local_endpoint"], pair["remote_endpoint"]} == {FIRST, SECOND}


def test_a_host_negotiates_a_tunnel_to_a_network(branch: Branch) -> None:
    for size in PING_SIZES:
        assert ping(branch.road.host, INSIDE, size), size
    transfer(branch.road.host, branch.inside, INSIDE, MB)
    assert datagram(branch.inside, branch.road.host, FIRST, 20_000) is not None
    check_tunnel(branch, branch.road)


def test_a_gateway_negotiates_for_the_network_behind_it(branch: Branch) -> None:
    assert ping(branch.inside, FIRST)
    assert ping(branch.inside, FIRST, 20_000)
    transfer(branch.inside, branch.road.host, FIRST, MB)
    check_tunnel(branch, branch.gateway)


def test_a_killed_gateway_lets_nothing_through(branch: Branch) -> None:
    assert ping(branch.inside, FIRST)
    branch.gateway.kill()
    assert not ping(branch.inside, FIRST, seconds=0.5)
    branch.gateway.start()
    wait_for(lambda: ping(branch.inside, FIRST, seconds=0.5), "the tunnel again")
    clear = in_clear(list(branch.link.frames))
    assert [frame for frame in clear if INSIDE_OCTETS in frame.octets] == []


INSIDE_OCTETS = bytes(map(int, INSIDE.split(".")))
