"""What policy protects never passes in clear: not before there are pairs, not after kill -9, not
while a successor starts. And a driver that ends in good order leaves nothing behind."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from mainmode.diagnosis.capture import Frame, in_clear
from mainmode.driver.user.driver import clean
from mainmode.errors import DriverError
from tests.driver.lab import Pinger, StaticHost, datagram, ping, ping_flood, watched
from tests.driver.static_host import Setup
from tests.peers.network import FIRST, SECOND, Host

pytestmark = pytest.mark.network

SETUP = Setup(FIRST, SECOND)
RULES = [
    "0:\tfrom all lookup local",
    "32766:\tfrom all lookup main",
    "32767:\tfrom all lookup default",
]


@pytest.fixture
def peer(hosts: tuple[Host, Host]) -> Iterator[StaticHost]:
    """The second host, protected all the time."""
    with StaticHost(hosts[1], SETUP.other) as there:
        yield there


def traces(host: Host) -> list[str]:
    """What a driver may have left in a namespace."""
    rules = [line.strip() for line in host.run(["ip", "rule"]).splitlines()]
    routes = host.run(["ip", "route", "show", "table", "all", "proto", "109"]).splitlines()
    tables = host.run(["nft", "list", "tables"]).splitlines()
    links = [line for line in host.run(["ip", "-br", "link"]).splitlines() if "mainmode" in line]
    return [*(set(rules) - set(RULES)), *routes, *tables, *links]


def kill(host: StaticHost) -> None:
    host.kill()
    deadline = time.monotonic() + 2
    while "mainmode0" in host.host.run(["ip", "-br", "link"]):
        assert time.monotonic() < deadline


def icmp(frames: list[Frame]) -> list[Frame]:
    return [frame for frame in in_clear(frames) if frame.octets[23] == socket.IPPROTO_ICMP]


# --- kill -9 ------------------------------------------------------------------------------


def test_closed_after_kill_9_and_in_order_after_a_restart(
    hosts: tuple[Host, Host], peer: StaticHost
) -> None:
    one, other = hosts
    with watched(one) as wire:
        first = StaticHost(one, SETUP)
        first.expect("ready")
        assert ping(one, SECOND)
        with ping_flood(one, SECOND), ping_flood(other, FIRST):
            time.sleep(0.2)
            kill(first)
            time.sleep(0.3)
            with Pinger(one, SECOND) as pinger, pytest.raises(PermissionError):
                pinger.send()
        with successor(one, peer):
            assert ping(one, SECOND)
    assert in_clear(wire.frames) == []
    assert len(wire.frames) > 100
    assert traces(one) == []


@contextmanager
def successor(host: Host, peer: StaticHost) -> Iterator[StaticHost]:
    """A new driver, and a pair that it makes with the peer as IKE would."""
    with StaticHost(host, replace(SETUP, installed=False)) as driver:
        peer.tell("install 1")
        driver.tell("install 1")
        yield driver


@pytest.mark.parametrize("delay_s", [0.0, 0.15, 0.25, 0.3, 0.35, 0.4, 0.5])
def test_kill_9_at_any_moment_of_a_restart(
    hosts: tuple[Host, Host], peer: StaticHost, delay_s: float
) -> None:
    """Each start takes over what its killed predecessor left, and may be killed itself."""
    one, other = hosts
    with watched(one) as wire:
        first = StaticHost(one, SETUP)
        first.expect("ready")
        with ping_flood(one, SECOND), ping_flood(other, FIRST):
            kill(first)
            for _ in range(3):
                driver = StaticHost(one, SETUP)
                time.sleep(delay_s)
                kill(driver)
        with successor(one, peer):
            assert ping(one, SECOND)
    assert in_clear(wire.frames) == []
    assert traces(one) == []


def test_closed_while_there_are_no_pairs(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    waiting = replace(SETUP, installed=False)
    with StaticHost(one, waiting), StaticHost(other, waiting.other), watched(one) as wire:
        with ping_flood(one, SECOND), ping_flood(other, FIRST):
            assert datagram(one, other, SECOND, 100, seconds=0.3) is None
            assert not ping(one, SECOND, seconds=0.3)
        assert in_clear(wire.stop()) == []


# --- what arrives in clear ----------------------------------------------------------------


def test_clear_packets_from_a_protected_peer_are_not_heard(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    with StaticHost(one, SETUP) as here:
        with watched(one) as wire:
            for _ in range(3):
                assert not ping(other, FIRST, seconds=0.2)
            assert datagram(other, one, FIRST, 100, seconds=0.3) is None
            frames = wire.stop()
        answers = [frame for frame in icmp(frames) if frame.octets[34] != 8]
        assert answers == []
        assert here.numbers("refusals") == {"arrived in clear where policy requires protection": 4}


def test_a_stranger_is_not_concerned(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    other.run(["ip", "address", "add", "192.0.2.50/24", "dev", "wire"])
    with StaticHost(one, SETUP):
        assert ping(one, "192.0.2.50")


# --- policy in the kernel -----------------------------------------------------------------


def test_block_and_permit_beside_negotiate(hosts: tuple[Host, Host], peer: StaticHost) -> None:
    """Filters for single ports of the first host; the second one protects everything."""
    one, other = hosts
    setup = replace(SETUP, blocked_port=23, permitted_port=80)
    with StaticHost(one, setup) as here:
        with watched(one) as wire:
            with pytest.raises(TimeoutError):
                connect(other, FIRST, 23, server=one)
            with pytest.raises(TimeoutError):
                connect(other, FIRST, 80, server=one)
            connect(other, FIRST, 81, server=one)
            frames = wire.stop()
        # The first host may answer on port 80 in clear, where nobody listens to it.
        ports = {int.from_bytes(frame.octets[34:36], "big") for frame in in_clear(frames)}
        assert ports == {80}
        assert here.numbers("refusals")["blocked by policy on arrival"] >= 1


def connect(client: Host, address: str, port: int, *, server: Host) -> None:
    listener = server.socket(socket.AF_INET, socket.SOCK_STREAM)
    caller = client.socket(socket.AF_INET, socket.SOCK_STREAM)
    with listener, caller:
        listener.bind(("0.0.0.0", port))
        listener.listen()
        caller.settimeout(0.5)
        caller.connect((address, port))


def test_ipv6_that_needs_protection_does_not_pass(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    near, far = "2001:db8::1", "2001:db8::2"
    for host, address in ((one, near), (other, far)):
        host.run(["ip", "address", "add", f"{address}/64", "dev", "wire", "nodad"])
    assert udp6(other, one, near, NEIGHBOUR_S) == b"hello"
    with StaticHost(one, replace(SETUP, others=((near, far),))) as here:
        assert udp6(other, one, near) is None
        with watched(one) as wire:
            with pytest.raises(PermissionError):
                udp6(one, other, far)
            assert in_clear(wire.stop()) == []
        refused = here.numbers("refusals")
    assert refused["arrived in clear where policy requires protection"] == 1
    assert sum(refused.values()) == 2
    assert udp6(one, other, far, NEIGHBOUR_S) == b"hello"


SILENCE_S = 0.5
NEIGHBOUR_S = 5.0
"""For an answer to come: neighbour discovery asks again after a second when it is not heard."""


def udp6(sender: Host, receiver: Host, address: str, patience_s: float = SILENCE_S) -> bytes | None:
    there = receiver.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    here = sender.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    with there, here:
        there.bind(("::", 5_005))
        there.settimeout(patience_s)
        here.sendto(b"hello", (address, 5_005))
        try:
            return there.recv(100)
        except TimeoutError:
            return None


def test_an_address_that_came_after_policy(hosts: tuple[Host, Host]) -> None:
    """Policy speaks of "me": closed, even if the service is dead and nobody assigns it anew."""
    one, _ = hosts
    driver = StaticHost(one, replace(SETUP, near="me"))
    driver.expect("ready")
    one.run(["ip", "address", "add", "192.0.2.9/24", "dev", "wire"])
    driver.kill()
    with watched(one) as wire:
        with one.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind(("192.0.2.9", 0))
            with pytest.raises(PermissionError):
                sender.sendto(b"hello", (SECOND, 5_006))
        assert in_clear(wire.stop()) == []
    clean_up(one)


def test_a_program_bound_to_the_link_gains_nothing(
    hosts: tuple[Host, Host], peer: StaticHost
) -> None:
    one, _ = hosts
    with StaticHost(one, SETUP), watched(one) as wire:
        with one.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"wire")
            with pytest.raises(PermissionError):
                sender.sendto(b"hello", (SECOND, 5_007))
        assert in_clear(wire.stop()) == []


def test_counters_survive_a_new_policy(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    with StaticHost(one, SETUP) as here:
        assert not ping(other, FIRST, seconds=0.2)
        before = here.numbers("refusals")
        here.tell("assign")
        assert here.numbers("refusals") == before != {}


# --- order --------------------------------------------------------------------------------


def test_an_orderly_end_leaves_nothing(hosts: tuple[Host, Host]) -> None:
    one, _ = hosts
    with StaticHost(one, SETUP):
        assert len(traces(one)) == 6, "two rules, two routes, the table, the device"
    assert traces(one) == []
    assert ping(one, SECOND)


def clean_up(host: Host) -> None:
    host.inside(clean)


def test_clean_after_kill_9(hosts: tuple[Host, Host]) -> None:
    one, _ = hosts
    driver = StaticHost(one, SETUP)
    driver.expect("ready")
    kill(driver)
    assert len(traces(one)) == 4, "two rules, the guard route and the table"
    assert not ping(one, SECOND, seconds=0.2)
    clean_up(one)
    assert traces(one) == []
    assert ping(one, SECOND)
    clean_up(one)


def test_clean_does_not_pull_the_rug_from_under_a_live_driver(
    hosts: tuple[Host, Host], peer: StaticHost
) -> None:
    one, _ = hosts
    with StaticHost(one, SETUP):
        with pytest.raises(DriverError, match="stop the service"):
            clean_up(one)
        assert ping(one, SECOND)


def test_two_drivers_do_not_share_a_host(hosts: tuple[Host, Host], peer: StaticHost) -> None:
    one, _ = hosts
    with StaticHost(one, SETUP):
        second = StaticHost(one, SETUP)
        assert second.expect() == "refused device mainmode0 exists: does another mainmode run?"
        second.kill()
        assert ping(one, SECOND), "the first one goes on as before"


def test_a_device_that_somebody_removes(hosts: tuple[Host, Host], peer: StaticHost) -> None:
    """Closed, and the process lives to say so."""
    one, _ = hosts
    with StaticHost(one, SETUP) as here:
        one.run(["ip", "link", "del", "mainmode0"])
        with watched(one) as wire:
            with Pinger(one, SECOND) as pinger, pytest.raises(PermissionError):
                pinger.send()
            assert in_clear(wire.stop()) == []
        assert here.tell("statistics")
    assert traces(one) == []
