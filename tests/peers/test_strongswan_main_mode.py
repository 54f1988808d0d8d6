"""Main mode with strongSwan: every suite in both roles, and every way it can fail.

Debian's strongSwan can do all of {des, 3des} x {md5, sha1} x {group 1, 2, 14}.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

import pytest

from mainmode import limits
from mainmode.testing.charon import proposal
from tests.peers.network import FIRST, SECOND, Host, two_hosts
from tests.peers.service import Service, Terms, require_failure
from tests.peers.strongswan import PeerFailed, StrongSwan, main_mode

pytestmark = pytest.mark.peer

SUITES = tuple(product(("des", "3des"), ("md5", "sha1"), ("group1", "group2", "group14")))
MODERN = (("aes128", "sha2-256", "group5"), ("aes192", "sha2-384", "group19"))
GOOD, OTHER = ("3des", "sha1", "group14"), ("des", "md5", "group1")

KEY = b"correct horse battery staple"
NAME = "peer"
SHORT_RETRIES = ("0.3s", "0.3s")
UNANSWERED_S = 2.0
AGREEMENT_S = 5.0

Suite = tuple[str, str, str]


class Meeting:
    """mainmode on one host, strongSwan on the other."""

    def __init__(self, service: Service, peer: StrongSwan, peer_host: Host) -> None:
        self.service = service
        self.peer = peer
        self.peer_host = peer_host

    def peer_offers(self, suite: Suite) -> None:
        self.peer.load(NAME, main_mode(SECOND, FIRST, [proposal(*suite)]))

    def peer_initiates_in_vain(self) -> None:
        with pytest.raises(PeerFailed):
            self.peer.initiate(NAME, timeout_s=UNANSWERED_S)


@contextmanager
def meeting(*suites: Suite, peer_key: bytes = KEY) -> Iterator[Meeting]:
    """The service offers these suites."""
    with two_hosts() as (here, there):
        offers = ["-".join(suite) for suite in suites]
        with (
            Service(here, Terms(SECOND, offers, SHORT_RETRIES), key=KEY) as service,
            StrongSwan(there) as peer,
        ):
            peer.share_key(peer_key, FIRST, SECOND)
            yield Meeting(service, peer, there)


@pytest.fixture(scope="module")
def established() -> Iterator[Meeting]:
    """One meeting for all the suites."""
    with meeting(*SUITES, *MODERN) as both:
        yield both


def require_agreement(both: Meeting, suite: Suite, role: str) -> None:
    """Both sides have the same one SA, with this suite."""
    (ours,) = both.service.mmsas()
    (theirs,) = both.peer.sas()
    assert (ours["encryption"], ours["integrity"], ours["key_exchange"]) == suite
    assert ours["role"] == role
    assert ours["remote_identity"] == SECOND
    assert theirs["state"] == "ESTABLISHED"
    assert theirs["initiator-spi"] == ours["initiator_cookie"]
    assert theirs["responder-spi"] == ours["responder_cookie"]


# --- every suite in both roles ------------------------------------------------------------------


@pytest.mark.parametrize("suite", [*SUITES, *MODERN], ids="-".join)
def test_as_initiator_and_its_delete(established: Meeting, suite: Suite) -> None:
    established.peer_offers(suite)
    established.service.up()
    require_agreement(established, suite, "initiator")
    established.service.down()
    established.peer.wait_until_sas(0)


@pytest.mark.parametrize("suite", [*SUITES, *MODERN], ids="-".join)
def test_as_responder_and_the_peers_delete(established: Meeting, suite: Suite) -> None:
    established.peer_offers(suite)
    established.peer.initiate(NAME)
    require_agreement(established, suite, "responder")
    established.peer.terminate(NAME)
    established.service.wait_until_no_mmsa()


# --- every way to fail --------------------------------------------------------------------------


def test_wrong_key_as_initiator() -> None:
    """strongSwan cannot decrypt message 5, and falls silent for whoever cannot decrypt it."""
    with meeting(GOOD, peer_key=b"another key") as both:
        both.peer_offers(GOOD)
        assert not both.service.up()
        event = both.service.wait_for("NegotiationFailed")
        waiting = "while waiting for the responder's proof of identity"
        require_failure(event, "wrong-key", "peer", "different preshared keys", waiting)
        assert both.service.mmsas() == []


def test_wrong_key_as_responder() -> None:
    """Said at once, though the exchange waits on: message 5 may have been forged."""
    with meeting(GOOD, peer_key=b"another key") as both:
        both.peer_offers(GOOD)
        both.peer_initiates_in_vain()
        event = both.service.wait_for("Suspicion")
        waiting = "while waiting for the initiator's proof of identity"
        require_failure(event, "wrong-key", "me", "different preshared keys", waiting)
        assert both.service.mmsas() == []


def test_no_common_proposal_as_initiator() -> None:
    """strongSwan says so in clear, so it is evidence until the retry cycle ends."""
    with meeting(GOOD) as both:
        both.peer_offers(OTHER)
        assert not both.service.up()
        event = both.service.wait_for("NegotiationFailed")
        offered = f"offered: {'-'.join(GOOD)} psk"
        require_failure(event, "no-common-proposal", "peer", "NO-PROPOSAL-CHOSEN", offered)
        assert any("NO-PROPOSAL-CHOSEN" in each for each in event["failure"]["evidence"])


def test_no_common_proposal_as_responder() -> None:
    with meeting(GOOD) as both:
        both.peer_offers(OTHER)
        with pytest.raises(PeerFailed, match="NO_PROPOSAL_CHOSEN"):
            both.peer.initiate(NAME)
        event = both.service.wait_for("NegotiationFailed")
        offered, wanted = f"offered: {'-'.join(OTHER)} psk", f"wanted: {'-'.join(GOOD)} psk"
        require_failure(event, "no-common-proposal", "me", "in common", offered, wanted)


def test_dead_peer_as_initiator() -> None:
    with meeting(GOOD) as both:
        both.peer_offers(GOOD)
        with both.peer.frozen():
            assert not both.service.up()
        event = both.service.wait_for("NegotiationFailed")
        waiting = "while waiting for the peer's choice of our offers"
        require_failure(event, "timed-out", "nobody", "the peer did not answer", waiting)


def test_dead_peer_as_responder() -> None:
    """The peer is cut off before message 5; half-open main modes have a time of their own."""
    with meeting(GOOD) as both:
        both.peer_offers(GOOD)
        drop_encrypted(both.peer_host)
        both.peer_initiates_in_vain()
        event = both.service.wait_for("NegotiationFailed", limits.HALF_OPEN_S + AGREEMENT_S)
        waiting = "while waiting for the initiator's proof of identity"
        require_failure(event, "timed-out", "nobody", waiting)


def drop_encrypted(host: Host) -> None:
    """From now on no message with the encryption flag leaves: bit 0 of ISAKMP's octet 19
    (RFC 2408 3.1), which is octet 27 from the UDP header on."""
    rule = "udp dport 500 @th,216,8 & 1 == 1 drop"
    host.run(["nft", "add table inet cut"])
    host.run(["nft", "add chain inet cut out { type filter hook output priority 0 ; }"])
    host.run(["nft", f"add rule inet cut out {rule}"])
