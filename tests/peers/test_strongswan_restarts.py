"""One side starts anew or dies while the other still has their SAs.

What strongSwan cannot do:

- say INITIAL-CONTACT as responder: the pair of its former life stays here until it expires;
- believe INITIAL-CONTACT that comes after message 5, as ours does when we are the responder: then
  what it has of our former life stays there until dead peer detection or its lifetime ends it;
- see that a quick mode nobody answers means a lost main mode SA: it repeats itself for 165 s,
  unless dead peer detection ends the SA before.
"""

from collections.abc import Iterator

import pytest

from tests.driver.lab import ping
from tests.peers.network import BEHIND, Host
from tests.peers.service import require_failure
from tests.peers.strongswan import PeerFailed, Section
from tests.peers.tunnel import NAME, Tunnel, tunnel

pytestmark = pytest.mark.peer

PROBING: Section = {"dpd_delay": "1s", "dpd_timeout": "2s"}
"""Dead peer detection (RFC 3706): strongSwan asks when nothing was heard for the delay, and deletes
its SAs when there is no answer until the timeout."""
UNANSWERED_S = 1.0


@pytest.fixture
def standing() -> Iterator[Tunnel]:
    """Agreed, by mainmode's wish."""
    with tunnel() as both:
        both.peer_has()
        assert both.service.up()
        both.require_agreement()
        yield both


# --- mainmode starts anew -------------------------------------------------------------------------


def test_mainmode_crashes_and_asks_again(standing: Tunnel) -> None:
    """INITIAL-CONTACT in its message 5 removes what stands there, before the new pair comes."""
    (lost,) = standing.peer.sas()
    standing.service.kill()
    standing.service.start()
    assert standing.service.up()
    standing.require_agreement()
    (new,) = standing.peer.sas()
    assert new["initiator-spi"] != lost["initiator-spi"]
    assert len(new["child-sas"]) == 1, "none that another one has replaced"


def test_mainmode_crashes_and_strongswan_sends_on() -> None:
    """Its packets name no pair of ours: another main mode tells it that what it has is gone."""
    with tunnel(driver="user") as both:
        both.peer_has()
        assert both.service.up()
        both.require_agreement()
        both.service.kill()
        both.service.start()
        assert not ping(both.hosts[1], BEHIND[0], seconds=0.5)
        both.service.wait_for("MainModeEstablished")
        both.peer.wait_until_pairs(0)
        both.peer.wait_until_sas(1)
        assert both.service.up()
        both.require_agreement()
        assert ping(both.hosts[1], BEHIND[0])


def test_mainmode_stops_in_good_order_and_comes_back(standing: Tunnel) -> None:
    """It takes its SAs back, so strongSwan has none left."""
    standing.service.stop()
    standing.peer.wait_until_sas(0)
    standing.service.start()
    standing.peer_initiates()
    standing.require_agreement()


def test_mainmode_crashes_and_strongswan_asks(standing: Tunnel) -> None:
    """Under a main mode SA that is gone here: there is no answer, but an event."""
    standing.service.kill()
    standing.service.start()
    with pytest.raises(PeerFailed):
        standing.peer.initiate(NAME, NAME, timeout_s=UNANSWERED_S)
    event = standing.service.wait_for("InvalidCookies")
    assert "belongs to no established main mode SA" in event["sentence"]
    assert standing.service.mmsas() == []


def test_mainmode_crashes_and_strongswan_finds_out() -> None:
    """Its probes are not answered under the old main mode SA. Then it makes another."""
    with tunnel() as both:
        both.peer_has(connection=PROBING)
        both.peer_initiates()
        both.service.kill()
        both.service.start()
        both.peer.wait_until_sas(0)
        both.peer_initiates()
        both.require_agreement()


# --- strongSwan starts anew -----------------------------------------------------------------------


def test_strongswan_crashes_and_asks_again(standing: Tunnel) -> None:
    """Its INITIAL-CONTACT removes what stands here."""
    standing.peer.kill()
    standing.peer.start()
    standing.peer_has()
    standing.peer_initiates()
    standing.require_agreement()
    assert standing.service.wait_for("MainModeEnded")["why"] == "the peer has started anew"
    assert standing.service.wait_for("QuickModeEnded")["why"] == "the peer has started anew"


def test_strongswan_crashes_and_is_asked(standing: Tunnel) -> None:
    """It does not answer under the main mode SA that it has lost; under another one it does."""
    (lost,) = standing.service.mmsas()
    standing.peer.kill()
    standing.peer.start()
    standing.peer_has()
    assert standing.service.up()
    event = standing.service.wait_for("NegotiationFailed")
    waiting = "while waiting for the peer's choice of our quick mode offers"
    require_failure(event, "timed-out", "nobody", waiting, "trying once more")
    assert standing.service.wait_for("MainModeEnded")["why"] == "the peer has lost it"
    (new,), (theirs,) = standing.service.mmsas(), standing.peer.sas()
    assert new["initiator_cookie"] == theirs["initiator-spi"] != lost["initiator_cookie"]
    standing.peer.wait_until_pairs(1)
    (their_pair,) = standing.peer.pairs()
    assert their_pair["spi-in"] in [each["outbound_spi"] for each in standing.service.qmsas()]


def test_strongswan_stops_in_good_order_and_comes_back(standing: Tunnel) -> None:
    standing.peer.stop()
    standing.service.wait_until_no_mmsa()
    assert standing.service.qmsas() == []
    standing.peer.start()
    standing.peer_has()
    assert standing.service.up()
    standing.require_agreement()


# --- it is gone for good --------------------------------------------------------------------------


def test_strongswan_falls_silent(standing: Tunnel) -> None:
    """First under the main mode SA that stands, then before there is another."""
    with standing.peer.frozen():
        assert not standing.service.up()
    silent, dead = standing.service.events("NegotiationFailed")
    choosing = "while waiting for the peer's choice of our"
    silence = "the peer did not answer"
    require_failure(silent, "timed-out", "nobody", silence, f"{choosing} quick mode offers")
    require_failure(dead, "timed-out", "nobody", silence, f"{choosing} offers")


@pytest.mark.parametrize(
    ("role", "step"),
    [
        ("initiator", "the peer's choice of our quick mode offers"),
        ("responder", "the initiator's last word"),
    ],
)
def test_strongswan_is_cut_off(role: str, step: str) -> None:
    """After main mode: as responder its message 2 vanishes, as initiator it never gets ours."""
    with tunnel() as both:
        both.peer_has()
        drop_quick_mode(both.hosts[1], "output" if role == "initiator" else "input")
        event = both.fails(role)
        silence, waiting = "the peer did not answer", f"while waiting for {step}"
        require_failure(event, "timed-out", "nobody", silence, waiting)
        assert not event["again"]
        (stays,) = both.service.mmsas()
        assert stays["quick_modes"] == 0


def drop_quick_mode(host: Host, hook: str) -> None:
    """From now on no message of quick mode leaves or enters: octet 18 of ISAKMP's header is the
    exchange type (RFC 2408 3.1), behind UDP's header and the marker of port 4500."""
    rule = "udp dport 4500 @th,240,8 32 drop"
    host.run(["nft", "add table inet cut"])
    host.run(["nft", f"add chain inet cut gone {{ type filter hook {hook} priority 0 ; }}"])
    host.run(["nft", f"add rule inet cut gone {rule}"])
