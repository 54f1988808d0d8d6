"""A real NAT between mainmode and strongSwan, with either of them behind it: the one inside begins,
a tunnel is agreed on, and traffic flows in UDP. The proof are the counters on both sides."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mainmode.diagnosis.capture import protocol_of
from mainmode.numbers import IpProtocol
from mainmode.testing.charon import proposal
from tests.endtoend.nat import (
    INSIDE,
    OUTSIDE,
    SEEN,
    SEEN_IKE_PORT,
    SEEN_NAT_PORT,
    Site,
    hosts_around_nat,
)
from tests.peers.network import Host
from tests.peers.service import Service, Terms
from tests.peers.strongswan import Section, StrongSwan, main_mode
from tests.peers.traffic import exchange, require_counted
from tests.peers.tunnel import KEY, NAME, QUICK_MODE, SHORT_RETRIES, SUITE

pytestmark = pytest.mark.peer

BEHIND = "203.0.113.1"
"""Of the host outside; the tunnel goes from there to the host inside."""


@contextmanager
def site() -> Iterator[Site]:
    with hosts_around_nat() as found:
        found.outside.run(["ip", "address", "add", BEHIND, "dev", "lo"])
        found.outside.run(["ip", "route", "add", INSIDE, "via", SEEN, "src", BEHIND])
        yield found
        assert {protocol_of(each) for each in found.link.frames} - {None} == {IpProtocol.UDP}


def mainmode(host: Host, peer: str, near: str, far: str) -> Service:
    terms = Terms(peer, ["-".join(SUITE)], SHORT_RETRIES, tunnel=(near, far))
    return Service(host, terms, key=KEY, driver="user")


def teach(peer: StrongSwan, local: str, remote: str, near: str, far: str, *, seen: str) -> None:
    """Who is who, and the tunnel; `seen`: the address that the other one is seen under."""
    child: Section = {
        "mode": "tunnel",
        "local_ts": [near],
        "remote_ts": [far],
        "esp_proposals": [proposal(*QUICK_MODE)],
    }
    connection = main_mode(local, remote, [proposal(*SUITE)])
    peer.share_key(KEY, local, remote)
    peer.load(NAME, {**connection, "remote_addrs": [seen], "children": {NAME: child}})


def test_mainmode_behind_the_nat() -> None:
    with (
        site() as around,
        mainmode(around.inside, OUTSIDE, INSIDE, BEHIND) as service,
        StrongSwan(around.outside, user_space_ipsec=True) as peer,
    ):
        teach(peer, OUTSIDE, INSIDE, BEHIND, INSIDE, seen=SEEN)
        assert service.up()
        peer.wait_until_pairs(1)
        exchange((around.inside, around.outside), (INSIDE, BEHIND))
        ours, theirs = require_counted(service, peer)
        assert ours["role"] == "initiator"
        assert (ours["udp"]["local_port"], ours["udp"]["peer_port"]) == (4500, 4500)
        (main_mode_sa,) = peer.sas()
        assert main_mode_sa["nat-remote"] == "yes"
        where = main_mode_sa["remote-host"], main_mode_sa["remote-port"]
        assert where == (SEEN, str(SEEN_NAT_PORT))
        assert f"received packet: from {SEEN}[{SEEN_IKE_PORT}]" in peer.log
        assert theirs["remote-ts"] == [f"{INSIDE}/32"]
        event = service.wait_for("MainModeEstablished")
        assert "NAT here and there (RFC 3947)" in event["sentence"], "there: it pretends"
        service.down()
        peer.wait_until_sas(0)


def test_strongswan_behind_the_nat() -> None:
    with (
        site() as around,
        mainmode(around.outside, SEEN, BEHIND, INSIDE) as service,
        StrongSwan(around.inside, user_space_ipsec=True) as peer,
    ):
        teach(peer, INSIDE, OUTSIDE, INSIDE, BEHIND, seen=OUTSIDE)
        peer.initiate(NAME, NAME)
        peer.wait_until_pairs(1)
        exchange((around.outside, around.inside), (BEHIND, INSIDE))
        ours, _ = require_counted(service, peer)
        assert ours["role"] == "responder"
        assert (ours["udp"]["local_port"], ours["udp"]["peer_port"]) == (4500, SEEN_NAT_PORT)
        assert (ours["remote_address"], ours["remote_endpoint"]) == (INSIDE, SEEN)
        (main_mode_sa,) = service.mmsas()
        assert main_mode_sa["remote_identity"] == INSIDE
        peer.terminate(NAME)
        service.wait_until_no_mmsa()
        assert service.qmsas() == []
