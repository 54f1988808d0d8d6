"""Quick modes that mainmode and strongSwan cannot agree on, in both roles: each says why.

What strongSwan says, and all that an initiator can know from it:

| its obstacle                       | its notification                                       |
|------------------------------------|--------------------------------------------------------|
| algorithms, perfect forward secrecy| NO-PROPOSAL-CHOSEN, without what it would take         |
| traffic                            | INVALID-ID-INFORMATION                                 |
| transport against tunnel mode      | INVALID-ID-INFORMATION: no child config is found for it|
"""

from collections.abc import Iterator

import pytest

from tests.peers.network import BEHIND, FIRST, SECOND
from tests.peers.service import require_failure
from tests.peers.strongswan import Section
from tests.peers.tunnel import QUICK_MODE, Tunnel, tunnel

pytestmark = pytest.mark.peer

ROLES = ("initiator", "responder")
WITH_PFS = (*QUICK_MODE, "group2")
HOST_TO_HOST: Section = {"local_ts": ["dynamic"], "remote_ts": ["dynamic"]}


@pytest.fixture(scope="module")
def plain() -> Iterator[Tunnel]:
    """A tunnel without perfect forward secrecy."""
    with tunnel() as both:
        yield both


@pytest.fixture(scope="module")
def secret() -> Iterator[Tunnel]:
    """A tunnel with perfect forward secrecy."""
    with tunnel(pfs_group="group2") as both:
        yield both


@pytest.fixture(scope="module")
def direct() -> Iterator[Tunnel]:
    """Transport mode between the two hosts."""
    with tunnel(ends=None) as both:
        yield both


@pytest.fixture(scope="module")
def around() -> Iterator[Tunnel]:
    """A tunnel for what the two hosts themselves say to each other."""
    with tunnel(ends=(FIRST, SECOND)) as both:
        yield both


# --- algorithms -----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_no_common_proposal(plain: Tunnel, role: str) -> None:
    plain.peer_has(esp=("aes128", "sha2-256"))
    event = plain.fails(role)
    if role == "initiator":
        require_failure(event, "no-common-proposal", "peer", "offered: esp:3des-sha1 udp-tunnel")
    else:
        offered, wanted = (
            "offered: esp:aes128-sha2-256 udp-tunnel",
            "wanted: esp:3des-sha1 udp-tunnel",
        )
        require_failure(event, "no-common-proposal", "me", offered, wanted)


# --- traffic --------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "other", [{"local_ts": ["203.0.113.99"]}, {"remote_ts": ["198.51.100.99"]}], ids=str
)
def test_other_traffic(plain: Tunnel, other: Section, role: str) -> None:
    plain.peer_has(other)
    event = plain.fails(role)
    ours = f"{BEHIND[0]} <-> {BEHIND[1]} any tunnel mode"
    if role == "initiator":
        require_failure(event, "not-authorised", "peer", "which traffic", f"offered: {ours}")
    else:
        require_failure(event, "not-authorised", "me", "which traffic", f"wanted: {ours}")
        assert "99 " in event["failure"]["offered"][0]


# --- perfect forward secrecy ----------------------------------------------------------------------


@pytest.mark.parametrize("other", [QUICK_MODE, (*QUICK_MODE, "group5")], ids="-".join)
@pytest.mark.parametrize("role", ROLES)
def test_perfect_forward_secrecy_here_but_not_there(
    secret: Tunnel, role: str, other: tuple[str, ...]
) -> None:
    secret.peer_has(esp=other)
    event = secret.fails(role)
    if role == "initiator":
        offered = "offered: esp:3des-sha1 udp-tunnel 1h 100MB group2"
        require_failure(event, "no-common-proposal", "peer", "forward secrecy", offered)
    else:
        require_failure(event, "pfs-mismatch", "me", "wanted: esp:3des-sha1 udp-tunnel group2")


def test_perfect_forward_secrecy_there_but_not_here_as_initiator(plain: Tunnel) -> None:
    plain.peer_has(esp=WITH_PFS)
    event = plain.fails("initiator")
    require_failure(event, "no-common-proposal", "peer", "perfect forward secrecy")


def test_perfect_forward_secrecy_there_but_not_here_is_welcome(plain: Tunnel) -> None:
    """More than policy asks for."""
    plain.peer_has(esp=WITH_PFS)
    plain.peer_initiates()
    plain.require_agreement()
    (pair,) = plain.service.qmsas()
    assert pair["pfs"] == "group2"
    plain.end()


# --- transport mode against tunnel mode -----------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_transport_mode_here_tunnel_there(direct: Tunnel, role: str) -> None:
    direct.peer_has(HOST_TO_HOST)
    event = direct.fails(role)
    ours = f"{FIRST} <-> {SECOND} any transport mode"
    if role == "initiator":
        require_failure(event, "not-authorised", "peer", f"offered: {ours}")
    else:
        require_failure(event, "mode-mismatch", "me", f"wanted: {ours}")


@pytest.mark.parametrize("role", ROLES)
def test_tunnel_here_transport_mode_there(around: Tunnel, role: str) -> None:
    around.peer_has({**HOST_TO_HOST, "mode": "transport"})
    event = around.fails(role)
    ours = f"{FIRST} <-> {SECOND} any tunnel mode"
    if role == "initiator":
        require_failure(event, "not-authorised", "peer", f"offered: {ours}")
    else:
        require_failure(event, "mode-mismatch", "me", f"wanted: {ours}")


def test_transport_mode_on_both_sides(direct: Tunnel) -> None:
    """Agreed on, but strongSwan's user-space IPsec cannot do what it has offered itself."""
    direct.peer_has({**HOST_TO_HOST, "mode": "transport"})
    event = direct.fails("responder")
    waiting = "while waiting for the initiator's last word"
    require_failure(event, "peer-refused", "peer", "perhaps it cannot install the pair", waiting)
