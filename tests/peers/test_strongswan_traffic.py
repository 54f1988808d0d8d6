"""Traffic between mainmode's user-space driver and strongSwan's user-space IPsec, in both roles:
every suite they share, and perfect forward secrecy. The proof are the counters of the SAs on both
sides.

| what strongSwan's user-space IPsec cannot do  | what it says                                   |
|-----------------------------------------------|------------------------------------------------|
| transport mode                                | agrees, then refuses; as responder by a delete |
|                                               | of the initiator's SPI, which means nothing    |
| AH                                            | no offer: mainmode offers none through a NAT   |
| ESP outside UDP                               | pretends a NAT                                 |
| packets of more than 10,000 octets            | nothing: its buffer cuts them off              |
| what comes right behind message 3             | nothing: it installs its SAs after message 3   |
"""

import time
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from mainmode.diagnosis.capture import Frame, protocol_of
from mainmode.numbers import IpProtocol
from tests.driver.lab import ping
from tests.peers.network import BEHIND, captured
from tests.peers.traffic import exchange, require_counted
from tests.peers.tunnel import QUICK_MODE, SUITE, Tunnel, Words, tunnel

pytestmark = pytest.mark.peer

ROLES = ("initiator", "responder")
SUITES: tuple[Words, ...] = tuple(product(("des", "3des", "null"), ("md5", "sha1")))
AES: Words = ("aes128", "sha2-256")
ECP: Words = ("aes128", "sha2-256", "group19")
THEIR_CIPHERS = {"des": "DES_CBC", "3des": "3DES_CBC", "null": "NULL", "aes128": "AES_CBC"}
THEIR_HASHES = {"md5": "HMAC_MD5_96", "sha1": "HMAC_SHA1_96", "sha2-256": "HMAC_SHA2_256_128"}
PATIENCE_S = 5.0


@pytest.fixture(scope="module")
def plain() -> Iterator[Tunnel]:
    with tunnel(quick_mode=[*SUITES, AES], main_mode=[SUITE, ECP], driver="user") as both:
        yield both


@pytest.fixture(scope="module")
def secret() -> Iterator[Tunnel]:
    """With perfect forward secrecy."""
    with tunnel(pfs_group="group14", driver="user") as both:
        yield both


def begin(both: Tunnel, role: str) -> None:
    if role == "initiator":
        assert both.service.up()
    else:
        both.peer_initiates()
    both.require_agreement()


def check(both: Tunnel, role: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Traffic flows, through one pair, and on the wire there is nothing but UDP."""
    with captured(both.hosts[0]) as frames:
        begin(both, role)
        exchange(both.hosts, BEHIND)
        seen = [Frame(0.0, each) for each in frames()]
    ours, theirs = require_counted(both.service, both.peer)
    both.end()
    assert {protocol_of(each) for each in seen} - {None} == {IpProtocol.UDP}
    assert (ours["role"], ours["mode"], theirs["mode"]) == (role, "tunnel", "TUNNEL")
    assert theirs["encap"] == "yes"
    return ours, theirs


def test_the_first_packet_begins_the_negotiation(plain: Tunnel) -> None:
    """And reaches strongSwan before it is ready for it, but the next ones pass."""
    plain.peer_has()
    deadline = time.monotonic() + PATIENCE_S
    while not ping(plain.hosts[0], BEHIND[1], seconds=0.5):
        assert time.monotonic() < deadline
    (pair,) = plain.service.qmsas()
    assert pair["role"] == "initiator"
    plain.end()


# --- the matrix -----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("esp", [*SUITES, AES], ids="-".join)
def test_every_suite(plain: Tunnel, esp: Words, role: str) -> None:
    plain.peer_has(esp=esp)
    ours, theirs = check(plain, role)
    assert (ours["esp_confidentiality"], ours["esp_integrity"], ours["pfs"]) == (*esp, "")
    assert (theirs["encr-alg"], theirs["integ-alg"]) == (
        THEIR_CIPHERS[esp[0]],
        THEIR_HASHES[esp[1]],
    )


@pytest.mark.parametrize("role", ROLES)
def test_a_main_mode_with_an_elliptic_curve(plain: Tunnel, role: str) -> None:
    plain.peer_has(ike=ECP, esp=AES)
    plain.service.forget_events()
    check(plain, role)
    event = plain.service.wait_for("MainModeEstablished")
    assert event["offer"] == "-".join(ECP)


@pytest.mark.parametrize("role", ROLES)
def test_perfect_forward_secrecy(secret: Tunnel, role: str) -> None:
    secret.peer_has(esp=(*QUICK_MODE, "group14"))
    ours, theirs = check(secret, role)
    assert ours["pfs"] == "group14"
    assert theirs["dh-group"] == "MODP_2048"
