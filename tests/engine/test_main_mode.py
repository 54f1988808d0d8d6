"""Main mode in both roles: every suite, and what goes over the wire."""

import itertools

import pytest

from mainmode import limits
from mainmode.auth.authenticator import Role
from mainmode.crypto.algorithms import CIPHERS, GROUPS, HASHES
from mainmode.engine.events import MainModeEstablished, MessageReceived, MessageSent
from mainmode.numbers import ExchangeType, HeaderFlag
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, policy
from mainmode.wire.nat import NatDiscovery
from mainmode.wire.payloads import Identification, KeyExchange, Nonce, SaPayload
from tests.engine.scene import Scene, header, payloads

SUITES = [
    f"{cipher}-{hash_}-{group}"
    for cipher, hash_, group in itertools.product(
        [name for name, cipher in CIPHERS.items() if cipher.ike is not None], HASHES, GROUPS
    )
]


@pytest.mark.parametrize("suite", SUITES)
def test_two_hosts_agree_with_every_suite(suite: str) -> None:
    scene = Scene(policy(main_mode=suite)).connect()
    [ours], [theirs] = scene.alice.engine.main_mode_sas(), scene.bob.engine.main_mode_sas()
    assert ours.offer.name == theirs.offer.name == suite
    assert ours.keys == theirs.keys
    assert ours.cipher_key == theirs.cipher_key
    assert ours.last_block == theirs.last_block
    assert (ours.role, theirs.role) == (Role.INITIATOR, Role.RESPONDER)
    scene.require_agreement()


@pytest.mark.parametrize("suite", ["des-md5-group1", "3des-sha1-group2", "aes256-sha2-512-group19"])
def test_a_host_agrees_with_formulas_done_by_hand_as_responder(suite: str) -> None:
    host = Host("192.0.2.1", policy(main_mode=suite), CREDENTIALS)
    puppet = Puppet(Network(host), host, offer=suite).establish()
    [sa] = host.engine.main_mode_sas()
    assert sa.keys == puppet.keys
    assert sa.last_block == puppet.last_block
    assert sa.role is Role.RESPONDER


@pytest.mark.parametrize("suite", ["des-md5-group1", "3des-sha1-group2", "aes256-sha2-512-group19"])
def test_a_host_agrees_with_formulas_done_by_hand_as_initiator(suite: str) -> None:
    host = Host("192.0.2.1", policy(main_mode=suite), CREDENTIALS)
    puppet = Puppet(network := Network(host), host, offer=suite)
    network.do(host, host.engine.connect(puppet.path, 0.0))
    puppet.respond(network.sent[0].datagram)
    [sa] = host.engine.main_mode_sas()
    assert sa.keys == puppet.keys
    assert sa.role is Role.INITIATOR


def test_the_six_messages_are_those_of_the_diagram() -> None:
    scene = Scene().connect()
    six = scene.datagrams[:6]
    kinds = [[type(payload) for payload in payloads(datagram)] for datagram in six]
    assert [each[0] for each in kinds[:2]] == [SaPayload, SaPayload]
    assert kinds[2] == kinds[3] == [KeyExchange, Nonce, NatDiscovery, NatDiscovery]
    assert kinds[4] == kinds[5] == [], "sealed"
    headers = [header(datagram) for datagram in six]
    assert {each.exchange for each in headers} == {ExchangeType.MAIN}
    assert {each.message_id for each in headers} == {0}
    assert [each.flags for each in headers] == [0] * 4 + [HeaderFlag.ENCRYPTION] * 2
    assert [any(each.cky_r) for each in headers] == [False] + [True] * 5
    assert [sent.path.local.address for sent in scene.network.sent[:6]] == [
        scene.alice.address,
        scene.bob.address,
    ] * 3


def test_both_record_each_message_with_its_payloads() -> None:
    scene = Scene().connect()
    steps = [f"main mode message {number}" for number in range(1, 7)]
    for host, first in ((scene.alice, MessageSent), (scene.bob, MessageReceived)):
        said = [event for event in host.events if getattr(event, "step", "") in steps]
        assert [getattr(event, "step", "") for event in said] == steps
        assert isinstance(said[0], first)
    sent = [event for event in scene.alice.of(MessageSent) if event.step == steps[4]]
    assert sent[0].payloads == ("HDR*", "ID", "HASH", "N(INITIAL-CONTACT)")


def test_an_established_main_mode_is_reported_with_both_identities() -> None:
    scene = Scene().connect()
    [event] = scene.alice.of(MainModeEstablished)
    assert (event.local_identity, event.peer_identity) == ("192.0.2.1", "192.0.2.2")
    assert (event.role, event.offer, event.authentication) == (
        "initiator",
        "3des-sha1-group2",
        "preshared_key",
    )
    assert event.audit == 541
    [event] = scene.bob.of(MainModeEstablished)
    assert (event.local_identity, event.peer_identity) == ("192.0.2.2", "192.0.2.1")
    assert event.role == "responder"


def test_ipv6_hosts_agree() -> None:
    scene = Scene(alice="2001:db8::1", bob="2001:db8::2").connect()
    scene.require_agreement()
    [sa] = scene.alice.engine.main_mode_sas()
    assert str(sa.peer) == "2001:db8::2"


def test_nonces_and_cookies_are_drawn_anew_each_time() -> None:
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    network = Network(host)
    first = Puppet(network, host, seed=1).establish()
    second = Puppet(network, host, seed=2).establish()
    assert first.cky_r != second.cky_r
    assert first.keys != second.keys


@pytest.mark.parametrize("octets", [8, 256])
def test_nonces_from_8_to_256_octets_are_taken(octets: int) -> None:
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    puppet = Puppet(Network(host), host)
    puppet.nonce_b = puppet.random.randbytes(octets)
    puppet.establish()
    assert host.engine.main_mode_sas()


@pytest.mark.parametrize("octets", [0, 7, 257])
def test_other_nonces_are_dropped_and_the_right_one_still_counts(octets: int) -> None:
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    puppet = Puppet(Network(host), host)
    puppet.offers()
    wrong = [*puppet.key_exchange()[:1], Nonce(bytes(octets))]
    assert puppet.say(*wrong) == []
    assert puppet.exchanges_keys()
    assert puppet.proves()
    assert host.engine.main_mode_sas()


def test_the_responder_takes_the_first_offer_that_its_policy_has() -> None:
    alice = policy(main_mode=["des-md5-group1", "3des-sha1-group2", "aes128-sha1-group14"])
    bob = policy(main_mode=["aes128-sha1-group14", "3des-sha1-group2"])
    scene = Scene(alice, bob).connect()
    assert [sa.offer.name for sa in scene.bob.engine.main_mode_sas()] == ["3des-sha1-group2"]


def test_the_shorter_lifetime_is_enforced_by_each_side_for_itself() -> None:
    scene = Scene(policy(lifetime_s=7200), policy(lifetime_s=600)).connect()
    assert scene.alice.engine.main_mode_sas()[0].lifetime_s == 7200
    assert scene.bob.engine.main_mode_sas()[0].lifetime_s == 600


def test_identities_are_only_ever_sent_encrypted() -> None:
    scene = Scene().connect()
    for datagram in scene.datagrams:
        if not header(datagram).flags & HeaderFlag.ENCRYPTION:
            assert not any(isinstance(each, Identification) for each in payloads(datagram))


def test_a_nonce_has_32_octets() -> None:
    scene = Scene().connect()
    for datagram in scene.datagrams[2:4]:
        [nonce] = [each for each in payloads(datagram) if isinstance(each, Nonce)]
        assert len(nonce.data) == limits.NONCE_OCTETS
