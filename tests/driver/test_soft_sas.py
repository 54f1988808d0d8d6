"""Clear traffic under soft SAs, with a host that has no IPsec at all: it passes both ways, for
the two hosts alone, as long as IKE says so and the driver lives."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from mainmode.diagnosis.capture import in_clear, protocol_of
from tests.driver.lab import (
    Pinger,
    StaticHost,
    datagram,
    no_ping_lost,
    ping,
    ping_flood,
    transfer,
    watched,
)
from tests.driver.static_host import Setup
from tests.driver.test_closed import clean_up, connect, kill, traces, udp6
from tests.peers.network import FIRST, SECOND, Host

pytestmark = pytest.mark.network

THIRD = "192.0.2.50"
"""Another address of the second host."""
LASTS_S, IDLE_S = 2, 2.0
SETUP = Setup(
    FIRST,
    SECOND,
    far="192.0.2.0/24",
    installed=False,
    allow_fallback=True,
    limits=(("SOFT_SA_LASTS_S", LASTS_S), ("SOFT_SA_RENEWAL_S", 0.5), ("IDLE_S", IDLE_S)),
)
PATIENCE_S = 10.0


@contextmanager
def permitted(host: Host, setup: Setup = SETUP) -> Iterator[StaticHost]:
    """The driver with soft SA 1, which is in force."""
    with StaticHost(host, setup) as driver:
        driver.tell("permit 1")
        wait_for(lambda: ping(host, SECOND, seconds=0.1), "clear traffic")
        yield driver


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"never came: {what}"


@pytest.fixture
def third(hosts: tuple[Host, Host]) -> None:
    hosts[1].run(["ip", "address", "add", f"{THIRD}/24", "dev", "wire"])


@pytest.mark.parametrize("size", [56, 1_473, 60_000])
def test_a_packet_that_waits_leaves_in_clear(hosts: tuple[Host, Host], size: int) -> None:
    """In fragments where the network asks for them."""
    one, _ = hosts
    with StaticHost(one, SETUP) as here, Pinger(one, SECOND) as pinger:
        request = pinger.send(size)
        here.expect("acquire")
        assert not pinger.answered(request, 0.2)
        here.tell("permit 1")
        assert pinger.answered(request, 3.0)


def test_everything_passes_both_ways(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    with permitted(one) as here, watched(one) as wire:
        for size in (0, 1_472, 1_473, 60_000):
            assert ping(one, SECOND, size), size
            assert ping(other, FIRST, size), size
        transfer(one, other, SECOND, 1_000_000)
        transfer(other, one, FIRST, 1_000_000, port=5_003)
        assert datagram(one, other, SECOND, 20_000) is not None
        assert {protocol_of(frame) for frame in wire.stop()} - {None} == {1, 6, 17}
        assert here.numbers("refusals") == {}


@pytest.mark.usefixtures("third")
def test_nothing_is_open_for_others(hosts: tuple[Host, Host]) -> None:
    """An address for which no soft SA stands, and protection required for every port there."""
    one, other = hosts
    with permitted(one) as here, watched(one) as wire:
        assert not ping(one, THIRD, seconds=0.3)
        with Pinger(other, FIRST, source=THIRD) as pinger:
            assert not pinger.answered(pinger.send(), 0.3)
        frames = in_clear(wire.stop())
        assert [frame for frame in frames if frame.octets[26:30] == bytes([192, 0, 2, 1])] == []
        refused = here.numbers("refusals")
        assert refused["arrived in clear where policy requires protection"] == 1


def test_more_specific_filters_hold(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    with permitted(one, replace(SETUP, far="", blocked_port=23)) as here:
        with pytest.raises(TimeoutError):
            connect(other, FIRST, 23, server=one)
        connect(other, FIRST, 24, server=one)
        assert here.numbers("refusals")["blocked by policy on arrival"] >= 1


def test_ipv6_passes_too(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    near, far = "2001:db8::1", "2001:db8::2"
    for host, address in ((one, near), (other, far)):
        host.run(["ip", "address", "add", f"{address}/64", "dev", "wire", "nodad"])
    assert udp6(other, one, near, PATIENCE_S) == b"hello", "the hosts know each other"
    with StaticHost(one, replace(SETUP, local=near, peer=far, far="")) as here:
        assert udp6(other, one, near) is None
        here.tell("permit 1")
        wait_for(lambda: udp6(other, one, near) == b"hello", "clear traffic")
        assert udp6(one, other, far) == b"hello"
        here.tell("end 1")
        wait_for(lambda: udp6(other, one, near) is None, "the end of clear traffic")


def test_the_end(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    with permitted(one) as here:
        here.tell("end 1")
        wait_for(lambda: not ping(other, FIRST, seconds=0.1), "the end of clear traffic")
        with watched(one) as wire:
            assert not ping(one, SECOND, seconds=0.3)
            assert not ping(other, FIRST, seconds=0.3)
            frames = in_clear(wire.stop())
        assert [frame for frame in frames if frame.octets[26:30] == bytes([192, 0, 2, 1])] == []
        here.tell("end 1")


def test_renewal_and_reload_lose_nothing(hosts: tuple[Host, Host]) -> None:
    """For longer than a soft SA lasts in the packet filter."""
    one, other = hosts
    with permitted(one) as here, no_ping_lost(one, SECOND), no_ping_lost(other, FIRST):
        end = time.monotonic() + 2 * LASTS_S
        while time.monotonic() < end:
            here.tell("assign")


def test_idle_when_nothing_passes(hosts: tuple[Host, Host]) -> None:
    """Traffic from either side keeps it."""
    one, other = hosts
    with permitted(one) as here:
        end = time.monotonic() + 1.5 * IDLE_S
        while time.monotonic() < end:
            assert ping(other, FIRST)
            time.sleep(0.2)
        here.tell("statistics")
        assert "soft_idle 1" not in here.asked
        began = time.monotonic()
        assert here.expect("soft_idle") == "soft_idle 1"
        assert IDLE_S - 0.5 < time.monotonic() - began < IDLE_S + 2.5
        time.sleep(1.0)
        here.tell("statistics")
        assert "soft_idle 1" not in here.asked, "told once"


def test_a_pair_ends_clear_traffic(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    setup = replace(SETUP, far="")
    with permitted(one, setup) as here, StaticHost(other, replace(setup.other, installed=True)):
        here.tell("install 0")
        with watched(one) as wire:
            wait_for(lambda: ping(one, SECOND, seconds=0.3), "protected traffic")
        with watched(one) as wire:
            assert ping(one, SECOND)
            assert ping(other, FIRST)
            assert in_clear(wire.stop()) == []


def test_clear_traffic_ends_by_itself_after_kill_9(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    here = StaticHost(one, SETUP)
    here.expect("ready")
    here.tell("permit 1")
    wait_for(lambda: ping(one, SECOND, seconds=0.1), "clear traffic")
    with ping_flood(one, SECOND), ping_flood(other, FIRST):
        kill(here)
        time.sleep(LASTS_S + 0.5)
        with watched(one) as wire:
            time.sleep(0.3)
            frames = in_clear(wire.stop())
    assert frames != [], "the other host does not stop"
    assert [frame for frame in frames if frame.octets[26:30] == bytes([192, 0, 2, 1])] == []
    clean_up(one)
    assert traces(one) == []


def test_a_successor_starts_without_soft_sas(hosts: tuple[Host, Host]) -> None:
    """Even before those of its predecessor have ended by themselves."""
    one, other = hosts
    lasting = replace(SETUP, limits=(("SOFT_SA_LASTS_S", 60),))
    here = StaticHost(one, lasting)
    here.expect("ready")
    here.tell("permit 1")
    wait_for(lambda: ping(one, SECOND, seconds=0.1), "clear traffic")
    kill(here)
    assert ping(one, SECOND), "for a while"
    with StaticHost(one, lasting) as successor:
        assert not ping(one, SECOND, seconds=0.3)
        assert not ping(other, FIRST, seconds=0.3)
        assert f"acquire {FIRST} -> {SECOND} icmp" in successor_asked(successor)
    assert traces(one) == []


def successor_asked(host: StaticHost) -> list[str]:
    host.tell("statistics")
    return host.asked
