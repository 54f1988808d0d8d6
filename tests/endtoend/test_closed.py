"""What policy protects never passes in clear while there is no service to protect it, and a service
that ends in good order opens the door and leaves nothing behind."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from mainmode.diagnosis.capture import in_clear, protocol_of
from mainmode.numbers import IpProtocol
from tests.driver.lab import datagram
from tests.endtoend.link import Link, linked_hosts
from tests.endtoend.station import Station, wait_for
from tests.endtoend.traffic import flood
from tests.peers.network import Host
from tests.service.processes import MAINMODE

pytestmark = pytest.mark.network

FIRST_V6, SECOND_V6 = "fd00::1", "fd00::2"
PORT = 5003


@dataclass(frozen=True)
class Field:
    """Two protected hosts and the wire."""

    first: Station
    second: Station
    link: Link

    @property
    def hosts(self) -> tuple[Host, Host]:
        return self.first.host, self.second.host

    def clear_pings(self) -> int:
        clear = in_clear(list(self.link.frames))
        return sum(protocol_of(frame) == IpProtocol.ICMP for frame in clear)


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    with ExitStack() as stack:
        first, second, link = stack.enter_context(linked_hosts())
        for host, address in ((first, FIRST_V6), (second, SECOND_V6)):
            host.run(["ip", "address", "add", f"{address}/64", "dev", "wire", "nodad"])
        yield Field(
            stack.enter_context(Station(first, tmp_path)),
            stack.enter_context(Station(second, tmp_path)),
            link,
        )


def settings(host: Host) -> list[str]:
    """Everything a driver works with."""
    commands = ("ip -br link", "ip rule", "ip -4 route show table all", "nft list ruleset")
    return [host.run(command.split()) for command in commands]


# --- kill -9 ------------------------------------------------------------------------------


def test_closed_after_kill_9_until_somebody_opens(field: Field) -> None:
    """Stays closed for as long as nobody comes; `mainmode driver clean` opens."""
    first, second = field.first, field.second
    clean = [*MAINMODE, "driver", "clean"]
    with flood(field.hosts):
        first.wait_until_reaching(second.address)
        with pytest.raises(subprocess.CalledProcessError):
            first.host.run(clean)  # not while the service lives
        first.kill()
        time.sleep(2)
        assert in_clear(list(field.link.frames)) == []
        first.host.run(clean)
        wait_for(lambda: field.clear_pings() > 0, "pings in clear")
    assert "mainmode" not in "".join(settings(first.host))


def test_closed_after_both_were_killed_and_both_come_back(field: Field) -> None:
    first, second = field.first, field.second
    with flood(field.hosts):
        first.wait_until_reaching(second.address)
        for each in (first, second):
            each.kill()
        assert not first.reaches(second.address, seconds=0.5)
        for each in (first, second):
            each.start()
        first.wait_until_reaching(second.address)
        second.wait_until_reaching(first.address)
    assert in_clear(list(field.link.frames)) == []


def test_nothing_in_clear_gets_in_after_kill_9(field: Field) -> None:
    """The other host opens its door and calls; the killed one's stays shut."""
    first, second = field.first, field.second
    assert first.reaches(second.address)
    first.kill()
    assert second.service.end(signal.SIGTERM) == 0
    assert datagram(second.host, first.host, first.address, 100, seconds=0.5) is None
    first.host.run([*MAINMODE, "driver", "clean"])
    assert datagram(second.host, first.host, first.address, 100) is not None


# --- signals ------------------------------------------------------------------------------


def test_sigterm_says_goodbye_and_leaves_nothing(tmp_path: Path) -> None:
    with ExitStack() as stack:
        hosts = stack.enter_context(linked_hosts())[:2]
        before = [settings(host) for host in hosts]
        first, second = (stack.enter_context(Station(host, tmp_path)) for host in hosts)
        assert first.reaches(second.address)
        assert [settings(host) for host in hosts] != before
        assert first.service.end(signal.SIGTERM) == 0
        wait_for(lambda: second.ask("mmsas") == second.ask("qmsas") == [], "the peer's deletes")
        assert second.service.end(signal.SIGTERM) == 0
        assert [settings(host) for host in hosts] == before


def test_sighup_with_a_broken_policy_changes_nothing(field: Field) -> None:
    first, second = field.first, field.second
    good = first.policy.read_text()
    with flood(field.hosts):
        first.wait_until_reaching(second.address)
        before = [sa["inbound_spi"] for sa in first.ask("qmsas")], rules(first.host)
        first.policy.write_text(good.replace("negotiate", "negociate"))
        first.service.process.send_signal(signal.SIGHUP)
        first.service.wait_for_log("the new policy is not used, the one before stays in force")
        assert first.reaches(second.address)
        assert ([sa["inbound_spi"] for sa in first.ask("qmsas")], rules(first.host)) == before
        assert in_clear(list(field.link.frames)) == []


def test_a_new_policy_comes_into_force_without_a_gap(field: Field) -> None:
    first, second = field.first, field.second
    text = first.policy.read_text()
    with flood(field.hosts):
        first.wait_until_reaching(second.address)
        for number in range(5):
            first.policy.write_text(text.replace("192.0.2.1", f"new {number}", 1))
            assert first.service.mainmode("reload").returncode == 0
        first.wait_until_reaching(second.address)
        assert in_clear(list(field.link.frames)) == []


def rules(host: Host) -> list[str]:
    """The table of the driver but for its counters."""
    lines = host.run(["nft", "--stateless", "list", "ruleset"]).splitlines()
    return [line for line in lines if "packets" not in line]


# --- IPv6 ---------------------------------------------------------------------------------


def send_v6(host: Host, address: str) -> None:
    """One UDP datagram."""
    with host.socket(socket.AF_INET6, socket.SOCK_DGRAM) as out:
        out.sendto(b"in clear", (address, PORT))


def test_ipv6_that_a_rule_covers_never_passes(field: Field) -> None:
    """It cannot be protected yet, so it is dropped, on its way out and on its way in."""
    first, second = field.first, field.second
    for host, address in ((first.host, SECOND_V6), (second.host, FIRST_V6)):
        with pytest.raises(PermissionError):
            send_v6(host, address)
    assert first.reaches(second.address)
    assert in_clear(list(field.link.frames)) == []

    assert second.service.end(signal.SIGTERM) == 0  # a host without protection from now on
    with first.host.socket(socket.AF_INET6, socket.SOCK_DGRAM) as ear:
        ear.bind(("::", PORT))
        ear.settimeout(0.5)
        send_v6(second.host, FIRST_V6)
        wait_for(lambda: len(in_clear(list(field.link.frames))) > 0, "the datagram on the wire")
        with pytest.raises(TimeoutError):
            ear.recv(100)
