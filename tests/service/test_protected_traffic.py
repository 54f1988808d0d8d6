"""Two hosts with the whole of mainmode: a ping starts the negotiation and is protected."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from mainmode.numbers import IpProtocol
from tests.driver.lab import ping
from tests.peers.network import FIRST, SECOND, Host, captured, two_hosts
from tests.service.processes import MAINMODE, POLICY, Service, prepare, running

pytestmark = pytest.mark.network

ON_THE_WIRE = POLICY.replace("127.0.0.0/29", "192.0.2.0/24")


@dataclass(frozen=True)
class Wire:
    """Two hosts, their services, and what passes between them."""

    hosts: tuple[Host, Host]
    services: tuple[Service, Service]
    frames: Callable[[], list[bytes]]

    def count(self, protocol: IpProtocol) -> int:
        """IPv4 packets of this protocol seen so far."""
        return sum(frame[12:14] == b"\x08\x00" and frame[23] == protocol for frame in self.frames())


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    with ExitStack() as stack:
        hosts = stack.enter_context(two_hosts())
        frames = stack.enter_context(captured(hosts[0]))
        services = []
        for host in hosts:
            directory = tmp_path / host.address
            prepare(directory, ON_THE_WIRE)
            inside = ["nsenter", f"--net={host.path}", "--"]
            services.append(
                stack.enter_context(running(directory, host.address, ["--driver", "auto"], inside))
            )
        yield Wire(hosts, (services[0], services[1]), frames)


def test_a_ping_negotiates_and_goes_protected(wire: Wire) -> None:
    assert ping(wire.hosts[0], SECOND)
    assert ping(wire.hosts[1], FIRST, size=4000)
    assert wire.count(IpProtocol.ICMP) == 0
    assert wire.count(IpProtocol.ESP) >= 4
    for service, peer in zip(wire.services, (SECOND, FIRST), strict=True):
        # Two pairs stand when both sides asked at the same moment.
        pairs = json.loads(service.mainmode("show", "qmsas", "--json").stdout)
        assert {pair["remote_address"] for pair in pairs} == {peer}
        for way in ("octets_sent", "octets_received"):
            assert sum(pair[way] for pair in pairs) > 4000


def test_dropped_packets_are_shown_with_the_reason(wire: Wire) -> None:
    assert wire.services[1].end() == 0
    assert not ping(wire.hosts[1], FIRST, seconds=0.2), "in clear now"
    statistics = json.loads(wire.services[0].mainmode("show", "stats", "--json").stdout)
    assert statistics["dropped"] == {"arrived in clear where policy requires protection": 1}


def test_sigterm_leaves_nothing_behind(wire: Wire) -> None:
    host, service = wire.hosts[0], wire.services[0]
    assert ping(host, SECOND)
    assert service.end() == 0
    wire.services[1].wait_for_log("audit 543")
    assert host.run(["nft", "list", "ruleset"]) == ""
    assert host.run(["ip", "rule"]).splitlines() == [
        "0:\tfrom all lookup local",
        "32766:\tfrom all lookup main",
        "32767:\tfrom all lookup default",
    ]
    assert "mainmode" not in host.run(["ip", "link"])
    assert host.run(["ip", "route", "show", "table", "all", "proto", "static"]) == ""


def test_a_killed_service_leaves_the_door_shut_until_its_successor_comes(wire: Wire) -> None:
    host, service = wire.hosts[0], wire.services[0]
    assert ping(host, SECOND)
    service.process.kill()
    service.process.wait()
    assert not ping(host, SECOND, seconds=1.0)
    assert wire.count(IpProtocol.ICMP) == 0
    inside = ["nsenter", f"--net={host.path}", "--"]
    with running(service.directory, FIRST, ["--driver", "auto"], inside) as successor:
        assert ping(host, SECOND)
        assert successor.end() == 0
    assert wire.count(IpProtocol.ICMP) == 0


def test_a_second_service_does_not_disturb_the_first(wire: Wire, tmp_path: Path) -> None:
    """Other ports, another control socket: only the driver can tell."""
    host = wire.hosts[0]
    assert ping(host, SECOND)
    second = ["--port", "5000", "--nat-port", "5001", "--control", str(tmp_path / "second.sock")]
    policy = str(wire.services[0].policy)
    command = [*MAINMODE, "run", "--policy", policy, "--driver", "auto", *second]
    with pytest.raises(subprocess.CalledProcessError) as caught:
        host.run(command)
    assert caught.value.returncode == 2
    assert "the IPSec driver cannot start" in caught.value.stderr
    assert ping(host, SECOND)
    assert wire.count(IpProtocol.ICMP) == 0


def test_a_new_address_is_covered_by_policy_at_once(wire: Wire) -> None:
    host, service = wire.hosts[0], wire.services[0]
    host.run(["ip", "address", "add", "192.0.2.77/24", "dev", "wire"])
    service.wait_for_log("this computer's addresses changed")
    assert ping(wire.hosts[1], "192.0.2.77")
    assert wire.count(IpProtocol.ICMP) == 0
