"""Real traffic in UDP, with pairs made without IKE: between two hosts, and through a NAT."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from mainmode.diagnosis.capture import Frame, esp_of, in_clear, protocol_of
from mainmode.packets.refusal import Refusal
from tests.driver.lab import StaticHost, datagram, ping, send_every_size, transfer, watched
from tests.driver.static_host import Setup
from tests.endtoend.nat import INSIDE, OUTSIDE, SEEN, SEEN_NAT_PORT, Site, hosts_around_nat
from tests.peers.network import FIRST, SECOND, Host

pytestmark = pytest.mark.network

MB = 1_000_000
UDP = 17
SETUP = Setup(FIRST, SECOND, peer_port=4500)
SUITES = [
    replace(SETUP, suite=suite, tunnel=tunnel)
    for suite in ("esp:3des-sha1", "esp:aes256-sha2-512")
    for tunnel in (False, True)
]
INNER = Setup(INSIDE, OUTSIDE, peer_port=4500)
OUTER = Setup(OUTSIDE, SEEN, peer_port=SEEN_NAT_PORT, behind_nat=INSIDE)
TUNNEL = replace(INNER, tunnel=True), replace(OUTER, tunnel=True, far=INSIDE)


def name_of(setup: Setup) -> str:
    return f"{setup.suite} {'tunnel' if setup.tunnel else 'transport'}"


def ports(frames: list[Frame]) -> set[tuple[int, int]]:
    """Between which ESP went in UDP; there must be some."""
    found = {
        (int.from_bytes(each.octets[34:36], "big"), int.from_bytes(each.octets[36:38], "big"))
        for each in frames
        if esp_of(each) is not None and protocol_of(each) == UDP
    }
    assert found
    return found


@pytest.mark.parametrize("setup", SUITES, ids=name_of)
def test_every_size_of_everything(hosts: tuple[Host, Host], setup: Setup) -> None:
    one, other = hosts
    with StaticHost(one, setup) as here, StaticHost(other, setup.other) as there:
        with watched(one) as wire:
            send_every_size(one, other)
        assert in_clear(wire.frames) == []
        assert {protocol_of(frame) for frame in wire.frames} - {None} == {UDP}
        assert ports(wire.frames) == {(4500, 4500)}
        for driver in (here, there):
            assert driver.numbers("refusals") == {}


def test_tcp_segments_need_no_fragments(hosts: tuple[Host, Host]) -> None:
    setup = replace(SETUP, suite="esp:aes256-sha2-512", tunnel=True)
    with StaticHost(hosts[0], setup), StaticHost(hosts[1], setup.other):
        with watched(hosts[0]) as wire:
            transfer(*hosts, SECOND, MB)
        places = {
            int.from_bytes(frame.octets[20:22], "big") & 0x3FFF
            for frame in wire.frames
            if protocol_of(frame) == UDP
        }
        assert places == {0}
        assert max(len(frame.octets) for frame in wire.frames) <= 1_514


def test_fragments_of_esp_in_udp_are_not_protected_again(hosts: tuple[Host, Host]) -> None:
    """The later ones have no ports; policy would lead them into the device again."""
    one, other = hosts
    with StaticHost(one, SETUP) as here, StaticHost(other, SETUP.other):
        assert ping(one, SECOND, 20_000)
        assert here.numbers("statistics")["Confidential Bytes Sent"] == 20_028


# --- through a NAT ------------------------------------------------------------------------


@contextmanager
def through_nat(inner: Setup, outer: Setup) -> Iterator[Site]:
    """A pair that passes a NAT. In the end the link outside must have shown nothing but ESP in
    UDP, with the ports that the NAT gives, and nobody may have refused a packet."""
    with (
        hosts_around_nat() as site,
        StaticHost(site.inside, inner) as here,
        StaticHost(site.outside, outer) as there,
    ):
        yield site
        frames = list(site.link.frames)
        assert in_clear(frames) == []
        assert {protocol_of(frame) for frame in frames} - {None} == {UDP}
        assert ports(frames) == {(SEEN_NAT_PORT, 4500), (4500, SEEN_NAT_PORT)}
        for driver in (here, there):
            assert driver.numbers("refusals") == {}


def test_transport_mode_through_a_nat() -> None:
    """TCP and UDP pass in both directions although their checksums were made over addresses that
    have changed on the way."""
    with through_nat(INNER, OUTER) as site:
        inside, outside = site.inside, site.outside
        for size in (0, 56, 1_472, 20_000):
            assert ping(inside, OUTSIDE, size), size
        assert ping(outside, SEEN, 4_000)
        transfer(inside, outside, OUTSIDE, 2 * MB)
        transfer(outside, inside, SEEN, 2 * MB, port=5_003)
        for octets in (1, 1_473, 20_000):
            for sender, receiver, address in (
                (inside, outside, OUTSIDE),
                (outside, inside, SEEN),
            ):
                received = datagram(sender, receiver, address, octets)
                assert received is not None, octets
                assert len(received) == octets


def test_tunnel_mode_through_a_nat() -> None:
    """The host outside knows the one inside by its own address."""
    with through_nat(*TUNNEL) as site:
        inside, outside = site.inside, site.outside
        outside.run(["ip", "route", "add", INSIDE, "via", SEEN])
        for size in (0, 56, 1_472, 20_000):
            assert ping(inside, OUTSIDE, size), size
        assert ping(outside, INSIDE, 4_000)
        transfer(inside, outside, OUTSIDE, 2 * MB)
        transfer(outside, inside, INSIDE, 2 * MB, port=5_003)
        assert datagram(outside, inside, INSIDE, 20_000) is not None


def test_a_nat_that_gives_another_port() -> None:
    """Not the one that main mode has verified: refused, and told apart."""
    with (
        hosts_around_nat(nat_port=SEEN_NAT_PORT + 1) as site,
        StaticHost(site.inside, INNER),
        StaticHost(site.outside, OUTER) as there,
    ):
        for _ in range(2):
            assert not ping(site.inside, OUTSIDE, seconds=0.3)
        assert there.numbers("refusals") == {Refusal.WRONG_PATH.value: 2}
