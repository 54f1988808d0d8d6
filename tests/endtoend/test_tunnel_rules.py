"""A tunnel as Windows writes it: two rules, one for each direction, each with its own filter that
is not mirrored; the endpoint of the second is this computer itself."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from mainmode.diagnosis.capture import in_clear
from tests.driver.lab import Pinger
from tests.endtoend.link import Link, linked_hosts
from tests.endtoend.station import Station
from tests.peers.network import FIRST, SECOND, Host

pytestmark = pytest.mark.network

NETWORKS = {FIRST: "10.1.0.0/16", SECOND: "10.2.0.0/16"}
INSIDE = {FIRST: "10.1.0.1", SECOND: "10.2.0.1"}

POLICY = """\
[policy]
name = "NAME"

[main_mode]
retry_intervals = ["0.3s", "0.3s", "0.6s"]

[filter_list.there]
filters = [{{ source = "{near}", destination = "{far}", mirrored = false }}]

[filter_list.back]
filters = [{{ source = "{far}", destination = "{near}", mirrored = false }}]

[filter_action.protect]
action = "negotiate"
offers = ["esp:3des-sha1"]

[[rule]]
name = "there"
filter_list = "there"
filter_action = "protect"
tunnel_endpoint = "{peer}"
authentication = [{{ method = "preshared_key", secret_file = "psk" }}]

[[rule]]
name = "back"
filter_list = "back"
filter_action = "protect"
tunnel_endpoint = "{me}"
authentication = [{{ method = "preshared_key", secret_file = "psk" }}]
"""


def policy(me: str, peer: str) -> str:
    return POLICY.format(near=NETWORKS[me], far=NETWORKS[peer], me=me, peer=peer)


@dataclass(frozen=True)
class Field:
    first: Host
    second: Host
    link: Link
    folder: Path

    def station(self, host: Host) -> Station:
        peer = SECOND if host.address == FIRST else FIRST
        return Station(host, self.folder, policy(host.address, peer))


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    with ExitStack() as stack:
        first, second, link = stack.enter_context(linked_hosts())
        for host, other in ((first, second), (second, first)):
            host.run(["ip", "link", "set", "lo", "up"])
            host.run(["ip", "address", "add", f"{INSIDE[host.address]}/32", "dev", "lo"])
            host.run(["ip", "route", "add", NETWORKS[other.address], "via", other.address])
        yield Field(first, second, link, tmp_path)


def reaches(host: Host, other: Host, seconds: float) -> bool:
    """From inside one network to inside the other."""
    with Pinger(host, INSIDE[other.address], source=INSIDE[host.address]) as pinger:
        return pinger.answered(pinger.send(), seconds)


def test_it_carries_both_directions(field: Field) -> None:
    with field.station(field.first) as first, field.station(field.second) as second:
        assert reaches(field.first, field.second, 3.0)
        assert reaches(field.second, field.first, 3.0)
        assert in_clear(field.link.frames) == []
        [pair] = first.ask("qmsas")
        assert pair["mode"] == "tunnel"
        assert len(second.ask("qmsas")) == 1


def test_what_comes_back_in_clear_is_dropped(field: Field) -> None:
    """The other gateway has no IPsec."""
    assert reaches(field.second, field.first, 1.0)
    with field.station(field.first) as first:
        mark = len(field.link.frames)
        assert not reaches(field.second, field.first, 0.5)
        assert not reaches(field.first, field.second, 1.0)
        dropped = first.ask("stats")["dropped"]
        assert dropped["arrived in clear where policy requires protection"] > 0
        shown = in_clear(field.link.frames[mark:])
        assert bytes((10, 1, 0, 1)) not in {frame.octets[26:30] for frame in shown}


def test_the_gateways_themselves_talk_in_clear(field: Field) -> None:
    with field.station(field.first) as first, field.station(field.second):
        assert first.reaches(SECOND)
        assert first.ask("qmsas") == []
