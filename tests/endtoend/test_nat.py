"""Two services and a NAT between them: they find it, move to port 4500, and all traffic passes in
UDP, of which the link outside shows nothing else."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mainmode.diagnosis.capture import esp_of, in_clear, protocol_of
from mainmode.numbers import IpProtocol
from tests.driver.lab import datagram, ping, transfer
from tests.endtoend.nat import (
    INSIDE,
    OUTSIDE,
    SEEN,
    SEEN_IKE_PORT,
    SEEN_NAT_PORT,
    Site,
    hosts_around_nat,
)
from tests.endtoend.station import Station, wait_for

pytestmark = pytest.mark.network

MB = 1_000_000
PROFILES = ("modern", "windows2003")
PING_SIZES = (0, 56, 1_472, 1_473, 20_000, 60_000)
DATAGRAM_SIZES = (1, 1_473, 20_000)

POLICY = """\
[policy]
name = "NAME"
profile = "{profile}"

[filter_list.peer]
filters = [{{ source = "{near}", destination = "{far}" }}]

[filter_action.protect]
action = "negotiate"

[[rule]]
name = "peer"
filter_list = "peer"
filter_action = "protect"
{tunnel}
authentication = [{{ method = "preshared_key", secret_file = "psk" }}]
"""


def policy(profile: str, near: str, far: str, endpoint: str = "") -> str:
    tunnel = f'tunnel_endpoint = "{endpoint}"' if endpoint else ""
    return POLICY.format(profile=profile, near=near, far=far, tunnel=tunnel)


@dataclass(frozen=True)
class Field:
    """A service inside, one outside, and the NAT between them."""

    site: Site
    inside: Station
    outside: Station

    @property
    def pairs(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The one pair, as each side shows it."""
        (ours,), (theirs,) = self.inside.ask("qmsas"), self.outside.ask("qmsas")
        return ours, theirs


@contextmanager
def services(folder: Path, inner: str, outer: str) -> Iterator[Field]:
    """In the end the link must have shown nothing but IKE and ESP in UDP."""
    with ExitStack() as stack:
        site = stack.enter_context(hosts_around_nat())
        yield Field(
            site,
            stack.enter_context(Station(site.inside, folder, inner)),
            stack.enter_context(Station(site.outside, folder, outer)),
        )
        frames = list(site.link.frames)
        assert in_clear(frames) == []
        assert {protocol_of(each) for each in frames} - {None} == {IpProtocol.UDP}
        assert sum(esp_of(each) is not None for each in frames) > 100
        assert ports(site) == {
            (SEEN_IKE_PORT, 500),
            (500, SEEN_IKE_PORT),
            (SEEN_NAT_PORT, 4500),
            (4500, SEEN_NAT_PORT),
        }


def ports(site: Site) -> set[tuple[int, int]]:
    """Of every UDP packet outside that is no later fragment."""
    return {
        (int.from_bytes(octets[34:36], "big"), int.from_bytes(octets[36:38], "big"))
        for octets in (each.octets for each in site.link.frames if protocol_of(each) is not None)
        if int.from_bytes(octets[20:22], "big") & 0x1FFF == 0
    }


def check_traffic(field: Field, address: str) -> None:
    """Everything passes in both directions; `address`: under which the inner host is reached."""
    inside, outside = field.site.inside, field.site.outside
    for size in PING_SIZES:
        assert ping(inside, OUTSIDE, size), size
        assert ping(outside, address, size), size
    transfer(inside, outside, OUTSIDE, MB)
    transfer(outside, inside, address, MB, port=5_003)
    for octets in DATAGRAM_SIZES:
        for sender, receiver, there in ((inside, outside, OUTSIDE), (outside, inside, address)):
            received = datagram(sender, receiver, there, octets)
            assert received is not None, octets
            assert len(received) == octets


def check_counters(field: Field) -> None:
    """Each side has received what the other one sent, and refused nothing."""
    ours, theirs = field.pairs
    assert ours["octets_sent"] == theirs["octets_received"] > MB
    assert theirs["octets_sent"] == ours["octets_received"] > MB
    for station in (field.inside, field.outside):
        stats = station.ask("stats")
        assert stats["dropped"] == {}
        assert stats["ipsec"]["Confidential Bytes Sent"] > MB
        assert stats["ipsec"]["Confidential Bytes Received"] > MB
        assert stats["service"]["ESP In UDP Packets Received"] > MB // 1_500
        assert stats["ike"]["Authentication Failures"] == 0


@pytest.mark.parametrize("profile", PROFILES)
def test_transport_mode_through_a_nat(tmp_path: Path, profile: str) -> None:
    inner, outer = policy(profile, "me", OUTSIDE), policy(profile, "me", SEEN)
    with services(tmp_path, inner, outer) as field:
        check_traffic(field, SEEN)
        ours, theirs = field.pairs
        assert (ours["mode"], ours["role"]) == ("transport", "initiator")
        assert ours["udp"] == {"local_port": 4500, "peer_port": 4500, "peer_original": OUTSIDE}
        assert theirs["udp"] == {
            "local_port": 4500,
            "peer_port": SEEN_NAT_PORT,
            "peer_original": INSIDE,
        }
        check_counters(field)


@pytest.mark.parametrize("profile", PROFILES)
def test_tunnel_mode_through_a_nat(tmp_path: Path, profile: str) -> None:
    """The host outside reaches the one inside by its own address, as long as the tunnel stands."""
    inner = policy(profile, "me", OUTSIDE, endpoint=OUTSIDE)
    outer = policy(profile, "me", INSIDE, endpoint=SEEN)
    with services(tmp_path, inner, outer) as field:
        field.site.outside.run(["ip", "route", "add", INSIDE, "via", SEEN])
        check_traffic(field, INSIDE)
        ours, theirs = field.pairs
        assert (ours["mode"], theirs["mode"]) == ("tunnel", "tunnel")
        assert (theirs["remote_address"], theirs["remote_endpoint"]) == (INSIDE, SEEN)
        assert (ours["udp"]["peer_port"], theirs["udp"]["peer_port"]) == (4500, SEEN_NAT_PORT)
        check_counters(field)


def test_the_end_of_one_service_reaches_the_other(tmp_path: Path) -> None:
    """Deletes take the way of the SAs."""
    inner, outer = policy("modern", "me", OUTSIDE), policy("modern", "me", SEEN)
    with services(tmp_path, inner, outer) as field:
        for _ in range(60):
            assert ping(field.site.inside, OUTSIDE)
        assert field.inside.service.end() == 0
        wait_for(lambda: field.outside.ask("qmsas") == [], "the deletes of the service inside")
