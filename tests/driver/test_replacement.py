"""New pairs for old while traffic flows: nothing is lost, whoever replaces first. And the driver
tells when the new one is used, and when a packet belongs to none."""

import time
from dataclasses import replace

import pytest

from mainmode.diagnosis.capture import in_clear
from tests.driver.lab import StaticHost, no_ping_lost, ping, watched
from tests.driver.static_host import Setup
from tests.peers.network import FIRST, SECOND, Host

pytestmark = pytest.mark.network

SETUP = Setup(FIRST, SECOND, suite="esp:aes128-sha1")
ROUNDS = 20
PATIENCE_S = 10.0


def replaced(first: StaticHost, second: StaticHost, number: int) -> None:
    """As IKE does it: inbound halves at both ends, then one goes over, then the other."""
    for host in (first, second):
        host.tell(f"inbound {number}")
    for host in (first, second):
        host.tell(f"replace {number} {number - 1}")


def test_no_packet_is_lost_in_either_direction(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    with (
        StaticHost(one, SETUP) as here,
        StaticHost(other, SETUP.other) as there,
        watched(one) as wire,
    ):
        with no_ping_lost(one, SECOND) as ours, no_ping_lost(other, FIRST) as theirs:
            for number in range(1, ROUNDS + 1):
                order = (here, there) if number % 2 else (there, here)
                replaced(*order, number)
                wait_until_said(here, f"used {here.setup.pair(str(number)).spi:08x}")
                for each in order:
                    each.tell(f"remove {number - 1}")
        assert min(ours.sent, theirs.sent) > ROUNDS
        assert in_clear(wire.stop()) == []
        for host in (here, there):
            assert host.numbers("refusals") == {}
            statistics = host.numbers("statistics")
            assert statistics["Active Security Associations"] == 1
            assert statistics["Rekeys"] == ROUNDS


def wait_until_said(host: StaticHost, report: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while report not in host.asked:
        assert time.monotonic() < deadline, f"never said {report!r}"
        host.tell("statistics")  # whatever was reported before stands in front of the answer


def test_use_is_told_once(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    with StaticHost(one, SETUP) as here, StaticHost(other, SETUP.other) as there:
        for _ in range(3):
            assert ping(one, SECOND)
        for host in (here, there):
            host.tell("statistics")
            assert host.asked == [f"used {host.setup.pair().spi:08x}"]


def test_an_spi_that_names_no_pair_is_told(hosts: tuple[Host, Host]) -> None:
    """The other host has started anew and knows nothing of the pair."""
    one, other = hosts
    with (
        StaticHost(one, SETUP),
        StaticHost(other, replace(SETUP.other, installed=False)) as there,
    ):
        for _ in range(3):
            assert not ping(one, SECOND, seconds=0.05)
        spi = SETUP.pair().outbound.spi
        assert there.expect("bad_spi") == f"bad_spi {SECOND} {FIRST} ESP {spi:08x}"
        there.tell("statistics")
        assert there.asked == []
