"""Where policy allows clear traffic: with hosts that have no IPsec, and from those that begin in
clear and are answered under protection."""

import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from mainmode.diagnosis.capture import Frame, in_clear, protocol_of
from mainmode.numbers import IpProtocol
from tests.driver.lab import Pinger, ping, transfer
from tests.endtoend.link import Link, linked_hosts
from tests.endtoend.station import Station, wait_for
from tests.peers.network import FIRST, SECOND, Host

pytestmark = pytest.mark.network

THIRD = "192.0.2.50"
"""Another address of the host without IPsec."""
IDLE_S = 3
IMPATIENT = (sys.executable, "-m", "tests.endtoend.impatient", f"IDLE_S={IDLE_S}")

POLICY = """\
[policy]
name = "NAME"

[main_mode]
retry_intervals = ["0.3s", "0.3s", "0.6s"]
fallback_after = "0.5s"

[filter_list.network]
filters = [{{ source = "me", destination = "192.0.2.0/24" }}]

[filter_action.secure]
action = "negotiate"
offers = ["esp:3des-sha1"]
{settings}

[[rule]]
name = "network"
filter_list = "network"
filter_action = "secure"
authentication = [{{ method = "preshared_key", secret_file = "psk" }}]
"""
REQUIRE = POLICY.format(settings="")
REQUEST = POLICY.format(settings="allow_fallback = true")
ACCEPT = POLICY.format(settings="accept_unsecured = true")


@dataclass(frozen=True)
class Field:
    """A host with a service, one without, and the wire."""

    first: Station
    other: Host
    link: Link
    folder: Path

    def clear_from(self, address: str, since: int = 0) -> list[Frame]:
        """What a host has shown on the wire from frame number `since` on."""
        sender = IPv4Address(address).packed
        frames = in_clear(self.link.frames[since:])
        return [frame for frame in frames if frame.octets[26:30] == sender]

    def second(self) -> Station:
        """A service that begins on the other host, with the same key, and requires security."""
        return Station(self.other, self.folder, REQUIRE)


@pytest.fixture
def policy() -> str:
    return REQUEST


@pytest.fixture
def field(tmp_path: Path, policy: str) -> Iterator[Field]:
    with ExitStack() as stack:
        first, other, link = stack.enter_context(linked_hosts())
        other.run(["ip", "address", "add", f"{THIRD}/24", "dev", "wire"])
        station = stack.enter_context(Station(first, tmp_path, policy, IMPATIENT))
        yield Field(station, other, link, tmp_path)


# --- soft SAs -----------------------------------------------------------------------------


def test_clear_traffic_with_a_host_that_has_no_ipsec(field: Field) -> None:
    """Not before the brief interval, and with nobody else."""
    first, other = field.first, field.other
    with Pinger(first.host, SECOND) as pinger:
        request = pinger.send()
        assert not pinger.answered(request, 0.3)
        assert field.clear_from(FIRST) == []
        assert pinger.answered(request, 3.0)
    transfer(first.host, other, SECOND, 1_000_000)
    transfer(other, first.host, FIRST, 1_000_000, port=5_003)
    (soft,) = first.ask("soft")
    assert (soft["local_address"], soft["remote_address"]) == (FIRST, SECOND)
    assert (soft["protocol"], soft["remote_port"]) == ("any", 0)
    assert first.ask("stats")["ike"]["Soft Associations"] == 1
    with Pinger(other, FIRST, source=THIRD) as pinger:
        assert not pinger.answered(pinger.send(), 0.5)
    destinations = {frame.octets[30:34] for frame in field.clear_from(FIRST)}
    assert destinations == {IPv4Address(SECOND).packed}


def test_it_ends_when_nothing_passes(field: Field) -> None:
    first, other = field.first, field.other
    assert ping(first.host, SECOND)
    assert ping(other, FIRST)
    wait_for(lambda: first.ask("soft") == [], "the end of the soft SA")
    first.service.wait_for_log("ended: nothing has passed for some time")
    wait_for(lambda: not ping(other, FIRST, seconds=0.2), "a closed door")
    shown = len(field.link.frames)
    assert not ping(other, FIRST, seconds=0.3)
    assert field.clear_from(FIRST, shown) == []
    assert ping(first.host, SECOND), "and it begins again"


def test_a_pair_takes_its_place(field: Field) -> None:
    first, other = field.first, field.other
    assert ping(first.host, SECOND)
    with field.second() as second:
        second.wait_until_reaching(FIRST)
        assert first.ask("soft") == []
        shown = len(field.link.frames)
        assert ping(first.host, SECOND)
        assert ping(other, FIRST)
        transfer(other, first.host, FIRST, 100_000)
        wait_for(  # two for a moment when both sides have begun
            lambda: ping(other, FIRST) and len(first.ask("qmsas")) == 1, "one pair"
        )
        assert in_clear(field.link.frames[shown:]) == []


def test_an_administrator_ends_it(field: Field) -> None:
    first, other = field.first, field.other
    assert ping(first.host, SECOND)
    first.down(SECOND)
    assert first.ask("soft") == []
    wait_for(lambda: not ping(other, FIRST, seconds=0.2), "a closed door")


def test_a_policy_that_no_longer_allows_it_ends_it(field: Field) -> None:
    first, other = field.first, field.other
    assert ping(first.host, SECOND)
    text = first.policy.read_text()
    first.policy.write_text(text.replace(FIRST, "the same again", 1))
    assert first.service.mainmode("reload").returncode == 0
    assert len(first.ask("soft")) == 1
    assert ping(other, FIRST, seconds=0.5), "it stands over a reload"
    first.policy.write_text(text.replace("allow_fallback = true", ""))
    assert first.service.mainmode("reload").returncode == 0
    shown = len(field.link.frames)
    assert first.ask("soft") == []
    assert not ping(other, FIRST, seconds=0.3)
    assert not ping(first.host, SECOND, seconds=1.5)
    assert field.clear_from(FIRST, shown) == []


def test_an_orderly_end_leaves_nothing(field: Field) -> None:
    first = field.first
    assert ping(first.host, SECOND)
    assert first.service.end() == 0
    assert "Traceback" not in first.service.log
    assert first.host.run(["nft", "list", "tables"]) == ""
    assert ping(field.other, FIRST)


@pytest.mark.parametrize("policy", [REQUIRE])
def test_nothing_passes_in_clear_where_policy_does_not_allow_it(field: Field) -> None:
    assert not ping(field.first.host, SECOND, seconds=2.0)
    assert field.first.ask("soft") == []
    assert field.clear_from(FIRST) == []


# --- clear packets are accepted, and answered under protection ------------------------------


@pytest.mark.parametrize("policy", [ACCEPT])
def test_what_comes_in_clear_is_answered_under_protection(field: Field) -> None:
    """The other host calls before its service runs. The answer waits; it starts the negotiation,
    which succeeds when the service is there."""
    first, other = field.first, field.other
    listener = first.host.socket(socket.AF_INET, socket.SOCK_STREAM)
    caller = other.socket(socket.AF_INET, socket.SOCK_STREAM)
    with listener, caller, ThreadPoolExecutor(1) as worker:
        listener.bind((FIRST, 5_001))
        listener.listen()
        for each in (listener, caller):
            each.settimeout(20.0)
        calling = worker.submit(caller.connect, (FIRST, 5_001))
        first.service.wait_for_log("the peer did not answer")
        assert not calling.done()
        with field.second():
            calling.result()
            accepted, _ = listener.accept()
            with accepted:
                caller.sendall(b"question")
                assert accepted.recv(100) == b"question"
                accepted.sendall(b"answer")
                assert caller.recv(100) == b"answer"
    assert not any(
        b"question" in each.octets or b"answer" in each.octets for each in field.link.frames
    )
    assert field.clear_from(FIRST) == []
    called = [frame for frame in field.clear_from(SECOND) if protocol_of(frame) == IpProtocol.TCP]
    assert called != [], "the call came in clear"
    pairs = first.ask("qmsas")  # two for a moment when both sides have begun
    assert sum(pair["packets_sent"] for pair in pairs) > 0


@pytest.mark.parametrize("policy", [ACCEPT])
def test_without_a_negotiation_there_is_no_answer(field: Field) -> None:
    assert not ping(field.other, FIRST, seconds=2.0)
    assert field.clear_from(FIRST) == []
    assert field.first.ask("stats")["dropped"].keys() <= {
        "no security association came up while the packet waited"
    }


@pytest.mark.parametrize("policy", [ACCEPT])
def test_a_packet_that_asks_for_no_answer_begins_no_negotiation(field: Field) -> None:
    """docs/protocol-notes.md, Clear traffic: the answer begins it."""
    first, other = field.first, field.other
    with (
        first.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear,
        other.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth,
    ):
        ear.bind((FIRST, 5_002))
        ear.settimeout(3.0)
        mouth.sendto(b"a log line", (FIRST, 5_002))
        assert ear.recv(100) == b"a log line"
    assert first.ask("status")["last_event"] == 1, "the start of the service"
