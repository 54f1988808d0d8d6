"""SAs end and others take over, while pings run in both directions: none of them is lost.

Lifetimes are seconds here, or few kilobytes. strongSwan's are such:

- a pair that it has renewed it keeps until its lifetime, and deletes it then;
- it gives its pairs to the new main mode SA, and would drop them with the old one had it no other;
- as responder it installs a pair after message 3 and drops what comes before: mainmode goes on
  sending through the old one until something has come through the new one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.driver.lab import no_ping_lost, ping
from tests.peers.network import BEHIND, FIRST, SECOND, Host
from tests.peers.tunnel import NAME, Tunnel, tunnel

pytestmark = [pytest.mark.peer, pytest.mark.slow]

PINGS_PER_S = 200
"""Each way; with their answers 34 kB a second. A renewal takes about 5 ms."""
TAKEN_OVER = "a newer pair has taken over"
LIFETIME = "its lifetime has passed"
DELETED = "deleted by the peer"


@contextmanager
def pings(both: Tunnel) -> Iterator[None]:
    """Both ways without end while the block runs, from when the first of them has passed:
    strongSwan is not ready right behind message 3."""
    here, there = both.hosts
    assert any(ping(here, BEHIND[1], seconds=0.5) for _ in range(10))
    with (
        no_ping_lost(here, BEHIND[1], PINGS_PER_S) as ours,
        no_ping_lost(there, BEHIND[0], PINGS_PER_S) as theirs,
    ):
        yield
    assert min(ours.sent, theirs.sent) > PINGS_PER_S


def ends(both: Tunnel, kind: str) -> set[str]:
    """Why those of this kind ended that have ended."""
    return {each["why"] for each in both.service.events(kind)}


# --- by mainmode's lifetimes ----------------------------------------------------------------------


def test_mainmode_renews_pairs_by_volume() -> None:
    """The message 3 of the first renewal is lost, so strongSwan installs that pair much later."""
    with tunnel(driver="user", pair_lifetime="1h 200kB", retransmit_s=0.2) as both:
        both.peer_has()
        assert both.service.up()
        with pings(both):
            drop_one_message_3(both.hosts[1])
            pairs = both.service.wait_for_all("QuickModeEstablished", 3)
            both.service.wait_for_all("QuickModeEnded", 2)
        assert {each["role"] for each in pairs} == {"initiator"}
        assert ends(both, "QuickModeEnded") == {TAKEN_OVER}
        assert len(both.service.events("MainModeEstablished")) == 1
        assert both.peer.log.count("sending retransmit 1 of response") == 1


def drop_one_message_3(host: Host) -> None:
    """The next one that comes in on port 4500: octet 18 of ISAKMP's header is the exchange type
    (RFC 2408 3.1), behind UDP's header and the marker; no other quick mode message is so short."""
    rule = "udp dport 4500 udp length < 100 @th,240,8 32 limit rate 1/hour burst 1 packets drop"
    host.run(["nft", "add table inet cut"])
    host.run(["nft", "add chain inet cut one { type filter hook input priority 0 ; }"])
    host.run(["nft", f"add rule inet cut one {rule}"])


def test_mainmode_renews_everything_by_time() -> None:
    """The pair after 11 s, main mode after 13.5 s: the pair made under it stays."""
    with tunnel(driver="user", pair_lifetime="12s", main_mode_lifetime="15s") as both:
        both.peer_has()
        assert both.service.up()
        with pings(both):
            both.service.wait_for_all("QuickModeEstablished", 2)
            ended = both.service.wait_for("MainModeEnded")
            both.service.wait_for("QuickModeEnded")
        both.require_agreement()
        assert ended["why"] == LIFETIME
        assert ends(both, "QuickModeEnded") <= {TAKEN_OVER, LIFETIME}
        old, new = both.service.events("MainModeEstablished")
        assert (old["cky_i"], new["role"]) == (ended["cky_i"], "initiator")


# --- by strongSwan's ------------------------------------------------------------------------------


def test_strongswan_renews_pairs() -> None:
    with tunnel(driver="user") as both:
        both.peer_has(child={"rekey_time": "3s", "life_time": "5s", "rand_time": "0s"})
        both.peer_initiates()
        with pings(both):
            pairs = both.service.wait_for_all("QuickModeEstablished", 3)
            both.service.wait_for_all("QuickModeEnded", 2)
        assert {each["role"] for each in pairs} == {"responder"}
        assert ends(both, "QuickModeEnded") <= {DELETED, LIFETIME}


@pytest.mark.parametrize("renewal", ["rekey_time", "reauth_time"])
def test_strongswan_renews_main_mode(renewal: str) -> None:
    """By its rekeying or its reauthentication: in IKEv1 both are another main mode."""
    times = {"rekey_time": "0s", renewal: "5s", "over_time": "3s", "rand_time": "0s"}
    with tunnel(driver="user") as both:
        both.peer_has(connection=times)
        both.peer_initiates()
        with pings(both):
            (pair,) = both.service.qmsas()
            ended = both.service.wait_for("MainModeEnded")
        assert ended["why"] in {DELETED, LIFETIME}
        established = both.service.events("MainModeEstablished")
        assert established[0]["cky_i"] == ended["cky_i"]
        assert {each["role"] for each in established} == {"responder"}
        (stays,), (theirs,) = both.service.qmsas(), both.peer.pairs()
        assert stays["inbound_spi"] == pair["inbound_spi"] == theirs["spi-out"]


# --- nobody takes over ----------------------------------------------------------------------------


def test_mainmode_ends_what_cannot_be_renewed() -> None:
    """First the pair, which strongSwan would not have again, then main mode, which has none."""
    with tunnel(driver="user", pair_lifetime="3s", main_mode_lifetime="8s") as both:
        both.peer_has()
        assert both.service.up()
        both.require_agreement()
        both.peer_has(child={"local_ts": [SECOND], "remote_ts": [FIRST]})
        both.peer.wait_until_pairs(0)
        assert len(both.peer.sas()) == 1
        assert ends(both, "QuickModeEnded") == {LIFETIME}
        both.peer.wait_until_sas(0)
        assert ends(both, "MainModeEnded") == {LIFETIME}


def test_strongswan_ends_a_pair_and_then_main_mode() -> None:
    with tunnel(driver="user") as both:
        both.peer_has()
        assert both.service.up()
        both.require_agreement()
        both.peer.terminate_pair(NAME)
        both.service.wait_until_qmsas(0)
        (main_mode,) = both.service.mmsas()
        assert both.service.up()
        both.require_agreement()
        assert both.service.mmsas()[0]["initiator_cookie"] == main_mode["initiator_cookie"]
        both.peer.terminate(NAME)
        both.service.wait_until_no_mmsa()
        both.service.wait_until_qmsas(0)
        assert ends(both, "QuickModeEnded") == ends(both, "MainModeEnded") == {DELETED}
