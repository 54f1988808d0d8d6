"""Computers without strong encryption: DES where policy says 3DES, toward peers named so."""

from dataclasses import replace

import pytest

from mainmode.engine.events import MainModeEstablished, NegotiationFailed
from mainmode.engine.vendor_ids import MICROSOFT
from mainmode.failures import Reason
from mainmode.policy.check import warnings
from mainmode.policy.model import Policy
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, policy, rule
from mainmode.wire.payloads import VendorId
from tests.engine.scene import Scene

STRONG = policy(rule(), main_mode="3des-sha1-group2")
WEAK = replace(STRONG, weak_host=True)


def lenient(*peers: str) -> Policy:
    """Strong, but for these peers."""
    rules = [replace(rule("me", peer, name=peer), windows_2000_peer=True) for peer in peers]
    return policy(*rules, rule(), main_mode="3des-sha1-group2")


@pytest.mark.parametrize("first", ["weak", "strong"])
def test_des_is_what_both_have_when_a_rule_names_the_peer(first: str) -> None:
    if first == "weak":
        scene = Scene(WEAK, lenient("192.0.2.1")).connect()
    else:
        scene = Scene(lenient("192.0.2.2"), WEAK).connect()
    scene.require_agreement()
    [established] = scene.alice.of(MainModeEstablished)
    assert established.offer == "des-sha1-group2"
    [pair] = scene.alice.inbound.values()
    assert pair.inbound.suite == "esp des-sha1"


@pytest.mark.parametrize("first", ["weak", "strong"])
def test_without_such_a_rule_they_do_not_meet(first: str) -> None:
    sides = (WEAK, STRONG) if first == "weak" else (STRONG, WEAK)
    scene = Scene(*sides).connect(100.0)
    assert scene.alice.inbound == {}
    [failed] = scene.alice.of(NegotiationFailed)
    assert failed.failure.reason in (Reason.TIMED_OUT, Reason.NO_COMMON_PROPOSAL)


def test_with_a_strong_peer_3des_is_chosen_all_the_same() -> None:
    scene = Scene(lenient("192.0.2.2"), STRONG).connect()
    [pair] = scene.alice.inbound.values()
    assert pair.inbound.suite == "esp 3des-sha1"


def test_others_are_offered_no_des() -> None:
    scene = Scene(lenient("192.0.2.99"), WEAK).connect(100.0)
    assert scene.alice.inbound == {}


def test_no_vendor_id_weakens_an_offer() -> None:
    host = Host("192.0.2.1", STRONG, CREDENTIALS)
    puppet = Puppet(Network(host), host, offer="des-sha1-group2")
    replies = puppet.hears(puppet.clear([puppet.proposal(), VendorId(MICROSOFT + (2).to_bytes(4))]))
    assert host.engine.main_mode_sas() == ()
    assert all(len(each) < 60 for each in replies)
    assert host.of(NegotiationFailed)


def test_both_settings_are_warned_of() -> None:
    texts = [warning.text for warning in warnings(replace(lenient("192.0.2.2"), weak_host=True))]
    assert any("windows_2000_peer" not in text and "3DES means DES" in text for text in texts)
    assert any("DES is offered and taken after 3DES" in text for text in texts)
