"""Quick mode in both roles: every suite, with and without perfect forward secrecy, both modes."""

import itertools

import pytest

from mainmode.crypto.algorithms import CIPHERS, GROUPS, HASHES
from mainmode.engine.events import DatagramDropped, QuickModeEnded, QuickModeEstablished
from mainmode.model import AddressRange, Direction, Lifetime, Mode, Selector
from mainmode.numbers import ExchangeType, HeaderFlag, ProtocolId
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet, Talk
from mainmode.testing.samples import CREDENTIALS, policy, rule
from mainmode.wire.payloads import Hash, Identification, KeyExchange, Nonce, SaPayload
from tests.engine.scene import Scene, failure, header, port_scene

ESP = [
    f"esp:{cipher}" + (f"-{integrity}" if integrity else "")
    for cipher, integrity in itertools.product(CIPHERS, ["", *HASHES])
    if cipher != "null" or integrity
]
AH = [f"ah:{integrity}" for integrity in HASHES]
NETWORK_HERE, NETWORK_THERE = "10.1.0.0/16", "10.2.0.0/16"


@pytest.mark.parametrize("suite", ESP + AH)
def test_two_hosts_agree_with_every_suite(suite: str) -> None:
    scene = Scene(policy(rule(quick_mode=suite))).connect()
    scene.require_agreement()
    [pair] = scene.alice.inbound.values()
    assert pair.inbound.suite.replace(" ", ":") == suite
    protocol = ProtocolId.AH if suite in AH else ProtocolId.ESP
    assert pair.inbound.protocol is pair.outbound.protocol is protocol


@pytest.mark.parametrize("suite", ESP + AH)
def test_keys_have_the_length_of_the_algorithms(suite: str) -> None:
    scene = Scene(policy(rule(quick_mode=suite))).connect()
    [pair] = scene.alice.inbound.values()
    for sa in (pair.inbound, pair.outbound):
        assert len(sa.cipher_key) == (CIPHERS[sa.cipher].key_octets if sa.cipher else 0)
        assert len(sa.integrity_key) == (HASHES[sa.integrity].octets if sa.integrity else 0)
    assert pair.inbound.integrity_key + pair.inbound.cipher_key != (
        pair.outbound.integrity_key + pair.outbound.cipher_key
    )


@pytest.mark.parametrize("group", [*GROUPS, "main mode"])
def test_session_key_pfs_works_with_every_group(group: str) -> None:
    scene = Scene(policy(rule(pfs=group))).connect()
    scene.require_agreement()
    [sa] = scene.alice.engine.quick_mode_sas()
    assert sa.pfs == ("group2" if group == "main mode" else group)
    [event] = scene.bob.of(QuickModeEstablished)
    assert event.pfs == sa.pfs


def test_without_pfs_no_key_is_exchanged_in_quick_mode() -> None:
    puppet = puppet_and_host()[0]
    talk = puppet.talk()
    [message_2] = puppet.hears(talk.first())
    assert not talk.read(message_2).all(KeyExchange)


@pytest.mark.parametrize("suite", ["esp:3des-sha1", "ah:sha1"])
@pytest.mark.parametrize("pfs", ["", "group2"])
def test_tunnel_mode_carries_networks(suite: str, pfs: str) -> None:
    scene = tunnel_scene(suite, pfs).connect()
    scene.require_agreement()
    [pair] = scene.alice.inbound.values()
    assert pair.mode is Mode.TUNNEL
    assert pair.selector == Selector(
        AddressRange.parse(NETWORK_HERE), AddressRange.parse(NETWORK_THERE)
    )
    assert (pair.local, pair.peer) == (scene.alice.address, scene.bob.address)


def test_a_range_that_is_no_subnet_can_be_tunnelled() -> None:
    near, far = "10.1.0.5-10.1.0.9", "10.2.0.1"
    alice = policy(rule(near, far, tunnel="192.0.2.2"))
    bob = policy(rule(far, near, tunnel="192.0.2.1"))
    scene = Scene(alice, bob).connect()
    scene.require_agreement()
    assert str(next(iter(scene.bob.inbound.values())).selector) == f"{far} <-> {near} any"


def test_ipv6_networks_can_be_tunnelled_between_ipv4_hosts() -> None:
    near, far = "2001:db8:1::/48", "2001:db8:2::/48"
    alice = policy(rule(near, far, tunnel="192.0.2.2"))
    bob = policy(rule(far, near, tunnel="192.0.2.1"))
    Scene(alice, bob).connect().require_agreement()


def test_ipv6_hosts_agree_in_transport_mode() -> None:
    Scene(alice="2001:db8::1", bob="2001:db8::2").connect().require_agreement()


def test_protocol_and_ports_are_part_of_the_agreement() -> None:
    scene = port_scene(80)
    scene.acquire(scene.alice, scene.flow(80))
    scene.network.run()
    scene.require_agreement()
    [pair] = scene.alice.inbound.values()
    assert (pair.selector.protocol, pair.selector.remote_port) == (6, 80)
    [pair] = scene.bob.inbound.values()
    assert (pair.selector.protocol, pair.selector.local_port) == (6, 80)


def test_the_first_offer_that_both_have_is_taken() -> None:
    alice = policy(rule(quick_mode=["ah:md5", "esp:des-md5", "esp:3des-sha1"]))
    bob = policy(rule(quick_mode=["esp:3des-sha1", "esp:des-md5"]))
    scene = Scene(alice, bob).connect()
    scene.require_agreement()
    assert [pair.inbound.suite for pair in scene.alice.inbound.values()] == ["esp des-md5"]


def test_lifetimes_are_the_shorter_of_both() -> None:
    alice = policy(rule(quick_mode="esp:3des-sha1 30m 500MB"))
    bob = policy(rule(quick_mode="esp:3des-sha1 1h 100MB"))
    scene = Scene(alice, bob).connect()
    [ours], [theirs] = scene.alice.inbound.values(), scene.bob.inbound.values()
    assert ours.lifetime == theirs.lifetime == Lifetime(1_800, 100_000)


def test_the_three_messages_are_those_of_the_diagram() -> None:
    scene = Scene(policy(rule(pfs="group2"))).connect()
    quick = [datagram for datagram in scene.datagrams if header(datagram).exchange == 32]
    headers = [header(datagram) for datagram in quick]
    assert len(quick) == 3
    assert {each.flags for each in headers} == {HeaderFlag.ENCRYPTION}
    assert len({each.message_id for each in headers}) == 1
    assert headers[0].message_id != 0


def test_both_identities_and_nonces_are_always_said() -> None:
    puppet, _ = puppet_and_host()
    talk = puppet.talk()
    [message_2] = puppet.hears(talk.first())
    kinds = [type(payload) for payload in talk.read(message_2)]
    assert kinds == [Hash, SaPayload, Nonce, Identification, Identification]


def test_a_quick_mode_without_identities_means_the_two_hosts() -> None:
    puppet, host = puppet_and_host()
    talk = puppet.talk()
    [message_2] = puppet.hears(talk.first(talk.proposal(), Nonce(talk.nonce_b)))
    assert not talk.read(message_2).all(Identification), "as asked, so answered"
    puppet.hears(talk.third())
    [pair] = host.inbound.values()
    hosts = (AddressRange.host(host.address), AddressRange.host(puppet.address))
    assert (pair.selector.local, pair.selector.remote) == hosts


def test_one_identity_alone_is_no_quick_mode() -> None:
    puppet, host = puppet_and_host()
    talk = puppet.talk()
    ids = talk.identifications()
    assert puppet.hears(talk.first(talk.proposal(), Nonce(talk.nonce_b), ids[0])) == []
    assert not host.promised


@pytest.mark.parametrize("pfs", ["", "group2"])
def test_two_public_values_are_no_quick_mode(pfs: str) -> None:
    puppet, host = puppet_and_host()
    talk = puppet.talk()
    public = KeyExchange(bytes(range(128)))
    offered = talk.proposal(group=pfs)
    message_1 = talk.first(offered, Nonce(talk.nonce_b), public, public, *talk.identifications())
    assert puppet.hears(message_1) == []
    assert not host.promised
    assert "occurs once, not 2 times" in host.of(DatagramDropped)[-1].why


def test_the_responder_installs_inbound_before_it_answers_and_outbound_at_the_end() -> None:
    puppet, host = puppet_and_host()
    talk = puppet.talk()
    [message_2] = puppet.hears(talk.first())
    assert (len(host.inbound), len(host.outbound)) == (1, 0)
    assert not host.engine.quick_mode_sas()
    talk.read(message_2)
    puppet.hears(talk.third())
    assert (len(host.inbound), len(host.outbound)) == (1, 1)
    assert len(host.engine.quick_mode_sas()) == 1


def test_the_initiator_installs_both_before_its_last_word() -> None:
    puppet, host, talk, message_1 = asked_puppet()
    host.slow = True
    assert puppet.hears(talk.second(message_1)) == []
    assert [run.job.direction for run in host.jobs if hasattr(run.job, "direction")] == [
        Direction.INBOUND
    ]
    puppet.network.finish_jobs(host)
    assert (len(host.inbound), len(host.outbound)) == (1, 1)
    assert header(puppet.network.sent[-1].datagram).exchange == ExchangeType.QUICK


def test_an_answer_narrowed_by_the_peer_is_taken_as_it_is() -> None:
    puppet, host, talk, message_1 = asked_puppet()
    narrow = Selector(AddressRange.host(host.address), AddressRange.host(puppet.address), 6, 0, 80)
    ids = [
        Identification.of_addresses(narrow.local, 6, 0),
        Identification.of_addresses(narrow.remote, 6, 80),
    ]
    talk.read(message_1)
    message_2 = second_by_hand(talk, message_1, ids)
    puppet.hears(message_2)
    [pair] = host.inbound.values()
    assert pair.selector == narrow


def test_an_answer_about_other_traffic_ends_the_quick_mode() -> None:
    puppet, host, talk, message_1 = asked_puppet()
    other = AddressRange.parse("198.51.100.7")
    ids = [
        Identification.of_addresses(AddressRange.host(host.address)),
        Identification.of_addresses(other),
    ]
    talk.read(message_1)
    puppet.hears(second_by_hand(talk, message_1, ids))
    assert "other traffic" in failure(host).detail
    assert not host.promised


def test_several_pairs_stand_side_by_side_and_end_alone() -> None:
    scene = port_scene(80, 443)
    scene.acquire(scene.alice, scene.flow(80))
    scene.acquire(scene.alice, scene.flow(443))
    scene.network.run()
    scene.require_agreement(pairs=2)
    assert len(scene.alice.engine.main_mode_sas()) == 1
    spi = next(iter(scene.alice.inbound))
    scene.network.do(scene.alice, scene.alice.engine.expired(spi, 1.0, hard=True))
    scene.network.run(2)
    scene.require_agreement(pairs=1)
    assert [event.why for event in scene.alice.of(QuickModeEnded)] == ["its lifetime has passed"]
    assert [event.why for event in scene.bob.of(QuickModeEnded)] == ["deleted by the peer"]


# --- scenes ---------------------------------------------------------------------------------------


def tunnel_scene(suite: str, pfs: str) -> Scene:
    alice = rule(NETWORK_HERE, NETWORK_THERE, tunnel="192.0.2.2", quick_mode=suite, pfs=pfs)
    bob = rule(NETWORK_THERE, NETWORK_HERE, tunnel="192.0.2.1", quick_mode=suite, pfs=pfs)
    return Scene(policy(alice), policy(bob))


def puppet_and_host() -> tuple[Puppet, Host]:
    """A puppet with a main mode SA, and its host."""
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    return Puppet(Network(host), host).establish(), host


def asked_puppet() -> tuple[Puppet, Host, Talk, bytes]:
    """A puppet that the host has asked for a quick mode: with the message 1 of it."""
    puppet, host = puppet_and_host()
    puppet.network.do(host, host.engine.connect(puppet.path, 0.0))
    message_1 = puppet.network.sent[-1].datagram
    return puppet, host, puppet.talk(header(message_1).message_id), message_1


def second_by_hand(talk: Talk, message_1: bytes, ids: list[Identification]) -> bytes:
    """Message 2 with these identities."""
    fresh = talk.puppet.talk(talk.message_id)
    theirs = talk.theirs
    return fresh.second(message_1, fresh.chosen(theirs.one(SaPayload)), Nonce(fresh.nonce_b), *ids)
