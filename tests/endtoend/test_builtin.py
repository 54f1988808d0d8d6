"""The policies that Windows comes with, between two hosts with real traffic. Their authentication
method is replaced by a preshared key; nothing else is."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from mainmode.diagnosis.capture import Frame, in_clear, protocol_of
from mainmode.numbers import IpProtocol
from mainmode.policy.builtin import template_text
from tests.driver.lab import ping, transfer
from tests.endtoend.link import Link, linked_hosts
from tests.endtoend.station import Station, wait_for
from tests.peers.network import FIRST, SECOND, Host

pytestmark = pytest.mark.network

RESPOND = "Client (Respond Only)"
REQUEST = "Server (Request Security)"
REQUIRE = "Secure Server (Require Security)"
OCTETS = 300_000


def builtin(name: str) -> str:
    """The three policies with one of them assigned."""
    text = template_text("windows2003")
    assert 'assigned = ""' in text
    key = '{ method = "preshared_key", secret_file = "psk" }'
    return text.replace('{ method = "kerberos" }', key).replace(
        'assigned = ""', f'assigned = "{name}"'
    )


@dataclass(frozen=True)
class Field:
    """Two hosts and the wire between them."""

    first: Host
    second: Host
    link: Link
    folder: Path

    def station(self, host: Host, policy: str) -> Station:
        return Station(host, self.folder, builtin(policy))

    def in_clear(self, address: str = "", since: int = 0) -> list[Frame]:
        """TCP that a host, or any, has shown on the wire from frame number `since` on. The
        policies permit ICMP."""
        clear = (
            frame
            for frame in in_clear(self.link.frames[since:])
            if protocol_of(frame) == IpProtocol.TCP
        )
        sender = IPv4Address(address).packed if address else b""
        return [frame for frame in clear if not sender or frame.octets[26:30] == sender]


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    with ExitStack() as stack:
        first, second, link = stack.enter_context(linked_hosts())
        yield Field(first, second, link, tmp_path)


def connects(caller: Host, address: str, seconds: float) -> bool:
    """Whether a TCP connection comes about, or is refused, in this time."""
    with caller.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(seconds)
        try:
            client.connect((address, 5_009))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
        return True


def test_a_server_that_requests_security_and_a_client_that_only_responds(field: Field) -> None:
    with (
        field.station(field.first, REQUEST) as server,
        field.station(field.second, RESPOND) as client,
    ):
        transfer(server.host, client.host, SECOND, OCTETS)
        assert field.in_clear() == [], "whoever begins is the server: nothing at all in clear"
        transfer(client.host, server.host, FIRST, OCTETS, port=5_003)
        assert field.in_clear() == [], "and the client goes on under the pair"
        [pair] = server.ask("qmsas")
        [theirs] = client.ask("qmsas")
        assert pair["outbound_spi"] == theirs["inbound_spi"]
        assert theirs["packets_received"] > OCTETS // 1_500
        assert server.ask("soft") == client.ask("soft") == []


def test_when_the_client_begins_the_server_answers_under_protection(field: Field) -> None:
    with (
        field.station(field.first, REQUEST) as server,
        field.station(field.second, RESPOND) as client,
    ):
        transfer(client.host, server.host, FIRST, OCTETS)
        assert field.in_clear(FIRST) == []
        asked = field.in_clear(SECOND)
        assert 0 < len(asked) < 10, "the client knows of no protection before it is asked"
        assert all(len(frame.octets) < 100 for frame in asked), "calls, no data"
        assert len(server.ask("qmsas")) == 1
        assert client.ask("soft") == []


def test_the_clients_filter_goes_with_its_last_pair(field: Field) -> None:
    with (
        field.station(field.first, REQUEST) as server,
        field.station(field.second, RESPOND) as client,
    ):
        transfer(server.host, client.host, SECOND, OCTETS)
        rules = client.host.run(["nft", "list", "chain", "inet", "mainmode", "answers_out"])
        assert SECOND in rules
        assert server.service.end() == 0
        wait_for(lambda: client.ask("qmsas") == [], "the end of the pair")
        rules = client.host.run(["nft", "list", "chain", "inet", "mainmode", "answers_out"])
        assert SECOND not in rules
        transfer(client.host, server.host, FIRST, OCTETS, port=5_003)
        assert len(field.in_clear(SECOND)) > 10, "nobody asks any more: in clear, as before"


def test_a_clear_packet_from_the_server_is_not_believed_while_a_pair_stands(field: Field) -> None:
    with (
        field.station(field.first, REQUEST) as server,
        field.station(field.second, RESPOND) as client,
    ):
        transfer(server.host, client.host, SECOND, OCTETS)
        server.kill()
        server.host.run(["nft", "delete", "table", "inet", "mainmode"])
        assert not connects(server.host, SECOND, 2.0)
        assert len(field.in_clear(FIRST)) > 0
        assert (
            client.ask("stats")["dropped"]["arrived in clear where policy requires protection"] > 0
        )


def test_a_server_that_requests_security_and_a_host_without_ipsec(field: Field) -> None:
    with field.station(field.first, REQUEST) as server:
        shown = len(field.link.frames)
        transfer(server.host, field.second, SECOND, OCTETS)
        [soft] = server.ask("soft")
        assert (soft["local_address"], soft["remote_address"]) == (FIRST, SECOND)
        assert server.ask("stats")["ike"]["Soft Associations"] == 1
        transfer(field.second, server.host, FIRST, OCTETS, port=5_003)
        first_clear = field.in_clear(FIRST, shown)[0].time
        first_offer = min(
            frame.time
            for frame in field.link.frames[shown:]
            if frame not in field.in_clear("", shown)
        )
        assert first_clear - first_offer > 2.5, "the brief interval of three seconds"


def test_a_server_that_requires_security_and_a_host_without_ipsec(field: Field) -> None:
    with field.station(field.first, REQUIRE) as server:
        assert not connects(server.host, SECOND, 6.0)
        assert not connects(field.second, FIRST, 6.0)
        assert field.in_clear(FIRST) == []
        assert server.ask("soft") == []
        assert ping(server.host, SECOND), "ICMP is permitted"


def test_a_server_that_requires_security_and_a_client_that_only_responds(field: Field) -> None:
    with (
        field.station(field.first, REQUIRE) as server,
        field.station(field.second, RESPOND) as client,
    ):
        transfer(client.host, server.host, FIRST, OCTETS)
        transfer(server.host, client.host, SECOND, OCTETS, port=5_003)
        assert field.in_clear(FIRST) == []


def test_two_that_only_respond_talk_in_clear(field: Field) -> None:
    with field.station(field.first, RESPOND) as one, field.station(field.second, RESPOND) as other:
        transfer(one.host, other.host, SECOND, OCTETS)
        assert len(field.in_clear()) > OCTETS // 1_500
        assert one.ask("mmsas") == other.ask("mmsas") == []
