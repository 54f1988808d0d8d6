"""Filters with words in them, while what the words stand for changes: a DNS name, the gateway, this
computer itself."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from mainmode.diagnosis.capture import in_clear
from tests.driver.lab import Pinger, ping
from tests.endtoend.link import Link, linked_hosts
from tests.endtoend.station import POLICY, Station, wait_for
from tests.peers.network import SECOND, Host

pytestmark = pytest.mark.network

THIRD, FOURTH = "192.0.2.3", "192.0.2.4"
"""Other addresses of the second host and of the first."""
OFTEN_S = 0.3
CHANGED = "what its names stand for changed"
PARTNER = POLICY.replace(
    """    {{ source = "me", destination = "192.0.2.0/24" }},
    {{ source = "me", destination = "fd00::/64" }},
""",
    """    {{ source = "me", destination = "WORD" }},
""",
).format(offer="esp:3des-sha1")
assert "WORD" in PARTNER


def program(limit: str, hosts_file: Path | None = None) -> list[str]:
    """`mainmode` that looks often, and that reads another hosts file."""
    command = [sys.executable, "-m", "tests.endtoend.impatient", f"{limit}={OFTEN_S}"]
    if hosts_file is None:
        return command
    script = f'mount --bind {hosts_file} /etc/hosts && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh", *command]


@dataclass(frozen=True)
class Field:
    """Two hosts; the second protects everything that the first asks for."""

    first: Host
    second: Station
    link: Link
    folder: Path

    def clear_since(self, mark: int) -> bool:
        return in_clear(self.link.frames[mark:]) != []

    @property
    def mark(self) -> int:
        return len(self.link.frames)


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    with ExitStack() as stack:
        first, second, link = stack.enter_context(linked_hosts())
        second.run(["ip", "address", "add", f"{THIRD}/24", "dev", "wire"])
        station = stack.enter_context(Station(second, tmp_path))
        yield Field(first, station, link, tmp_path)


def spis(station: Station) -> set[str]:
    return {pair["inbound_spi"] for pair in station.ask("qmsas")}


def test_a_dns_name(field: Field) -> None:
    names = field.folder / "hosts"
    names.write_text(f"{SECOND} partner.example\n")
    policy = PARTNER.replace("WORD", "partner.example")
    with Station(field.first, field.folder, policy, program("NAME_INTERVAL_S", names)) as first:
        first.service.wait_for_log(f"the name 'partner.example' stands for {SECOND}")
        wait_for(lambda: first.service.log.count(CHANGED) == 1, "a filter")
        mark = field.mark
        assert first.reaches(SECOND)
        assert not field.clear_since(mark)
        before = spis(first)
        assert before

        names.write_text(f"{SECOND} partner.example\n{THIRD} partner.example\n")
        wait_for(lambda: first.service.log.count(CHANGED) == 2, "another filter")
        mark = field.mark
        assert first.reaches(THIRD)
        assert first.reaches(SECOND)
        assert not field.clear_since(mark)
        assert before < spis(first), "what is still wanted stays"

        names.write_text(f"{THIRD} partner.example\n")
        wait_for(lambda: not before & spis(first), "the end of what is not wanted")
        assert len(spis(first)) == 1
        mark = field.mark
        assert first.reaches(THIRD)
        assert not field.clear_since(mark)


def test_the_gateway(field: Field) -> None:
    policy = PARTNER.replace("WORD", "gateway")
    with Station(field.first, field.folder, policy, program("SERVERS_INTERVAL_S")) as first:
        for gateway in (SECOND, THIRD):
            field.first.run(["ip", "route", "replace", "default", "via", gateway])
            wait_for(partial(_protected, field, first, gateway), f"{gateway} is the gateway")
        field.first.run(["ip", "route", "del", "default"])
        wait_for(lambda: first.ask("qmsas") == [], "the end of the pair")


def _protected(field: Field, station: Station, address: str) -> bool:
    mark = field.mark
    return station.reaches(address, seconds=0.3) and not field.clear_since(mark)


def test_a_new_address_of_this_computer(field: Field) -> None:
    policy = PARTNER.replace("WORD", SECOND)
    with Station(field.first, field.folder, policy) as first:
        assert first.reaches(SECOND)
        before, mark = spis(first), field.mark
        field.first.run(["ip", "address", "add", f"{FOURTH}/24", "dev", "wire"])
        first.service.wait_for_log("this computer's addresses changed")
        with Pinger(field.first, SECOND, source=FOURTH) as pinger:
            assert pinger.answered(pinger.send(), 3.0)
        assert not field.clear_since(mark)
        assert before < spis(first)
        assert ping(field.first, SECOND)
