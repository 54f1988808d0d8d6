"""How SAs end: deletes and INITIAL-CONTACT of the peer's, and our own."""

import pytest

from mainmode.engine.events import (
    DatagramDropped,
    MainModeEnded,
    NotificationReceived,
    QuickModeEnded,
)
from mainmode.engine.quick_mode import QuickMode
from mainmode.failures import Side
from mainmode.numbers import Doi, ExchangeType, IdType, NotifyType, ProtocolId
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, policy, rule
from mainmode.wire.payloads import (
    Delete,
    Hash,
    Identification,
    Nonce,
    Notification,
    Payload,
    VendorId,
)
from tests.engine.rungs import initial_contact, rung
from tests.engine.scene import Scene, failure, header, port_scene, state, tables

BOB = Identification.of_name(IdType.FQDN, "bob.example")
MALLORY = Identification.of_name(IdType.FQDN, "mallory.example")


def host_and_network() -> tuple[Host, Network]:
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    return host, Network(host)


def identified(
    network: Network,
    host: Host,
    who: Identification,
    *,
    address: str = "192.0.2.66",
    port: int = 500,
    seed: int = 0,
) -> Puppet:
    """A puppet with a main mode SA under this identity."""
    puppet = Puppet(network, host, address=address, port=port, seed=seed)
    puppet.offers()
    puppet.exchanges_keys()
    puppet.proves(*puppet.proof(who))
    return puppet


def spi_of(host: Host) -> bytes:
    """The outbound SPI of a host's only pair: what its peer deletes."""
    [pair] = host.inbound.values()
    return pair.outbound.spi.to_bytes(4)


def delete(*spis: bytes, protocol: int = ProtocolId.ESP) -> Delete:
    return Delete(Doi.IPSEC, protocol, spis)


def main_mode_delete(puppet: Puppet) -> Delete:
    return delete(puppet.cky_i + puppet.cky_r, protocol=ProtocolId.ISAKMP)


def ending(what: str, host: Host, puppet: Puppet) -> Payload:
    """Something that counts only under protection."""
    if what == "pair":
        return delete(spi_of(host))
    if what == "main mode":
        return main_mode_delete(puppet)
    if what == "initial contact":
        return initial_contact(puppet)
    spi = puppet.cky_i + puppet.cky_r
    return Notification(Doi.IPSEC, ProtocolId.ISAKMP, NotifyType.R_U_THERE, spi, bytes(4))


# --- deletes of pairs -----------------------------------------------------------------------------


@pytest.mark.parametrize("suite", ["esp:3des-sha1", "ah:sha1"])
def test_deleting_the_spi_we_send_to_removes_the_pair(suite: str) -> None:
    host = Host("192.0.2.1", policy(rule(quick_mode=suite)), CREDENTIALS)
    puppet = Puppet(Network(host), host).establish()
    talk = puppet.talk()
    first = talk.first(talk.proposal(suite), Nonce(talk.nonce_b), *talk.identifications())
    [message_2] = puppet.hears(first)
    talk.read(message_2)
    puppet.hears(talk.third())
    protocol = ProtocolId.AH if suite.startswith("ah") else ProtocolId.ESP
    wrong = ProtocolId.ESP if protocol is ProtocolId.AH else ProtocolId.AH
    puppet.hears(puppet.inform(delete(spi_of(host), protocol=wrong)))
    assert host.inbound, "another protocol has SPIs of its own"
    assert puppet.hears(puppet.inform(delete(spi_of(host), protocol=protocol))) == []
    assert not host.inbound
    assert not host.outbound
    [event] = host.of(QuickModeEnded)
    assert event.why == "deleted by the peer"
    assert host.engine.main_mode_sas(), "main mode stays"


def test_several_spis_in_one_delete_and_unknown_ones_among_them() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    talks = [puppet.talk().establish() for _ in range(3)]
    spis = [talk.spi.to_bytes(4) for talk in talks]
    puppet.hears(puppet.inform(delete(b"\1\2\3\4", spis[0], spis[2], spis[0])))
    [left] = host.inbound.values()
    assert left.outbound.spi == talks[1].spi


def test_two_deletes_and_more_in_one_message() -> None:
    """The second names what the first has removed; then comes something else."""
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    puppet.talk().establish()
    probe = Notification(Doi.IPSEC, 1, NotifyType.R_U_THERE, puppet.cky_i + puppet.cky_r, bytes(4))
    gone = main_mode_delete(puppet)
    puppet.hears(puppet.inform(gone, gone, delete(spi_of(host)), probe, delete(b"\1\2\3\4")))
    assert not host.engine.main_mode_sas()
    assert not host.inbound
    assert len(host.of(MainModeEnded)) == 1


def test_an_spi_that_the_peer_has_said_twice_names_the_younger_pair() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    talks = [puppet.talk() for _ in range(3)]
    for talk in talks:
        talk.spi = 0x1234
        talk.establish()
    older, middle, younger = host.inbound
    network.do(host, host.engine.expired(middle, 0.0, hard=True))
    puppet.hears(puppet.inform(delete(bytes.fromhex("00001234"))))
    assert list(host.inbound) == [older], younger
    network.do(host, host.engine.expired(older, 0.0, hard=True))
    assert not host.inbound


def test_our_own_spi_in_a_delete_means_nothing() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    puppet.talk().establish()
    [ours] = host.inbound
    puppet.hears(puppet.inform(delete(ours.to_bytes(4))))
    assert host.inbound


def test_a_pair_can_be_deleted_under_a_later_main_mode_of_the_same_peer() -> None:
    host, network = host_and_network()
    first = Puppet(network, host).establish()
    first.talk().establish()
    first.hears(first.inform(main_mode_delete(first)))
    assert host.inbound, "pairs may outlive their main mode"
    later = Puppet(network, host, seed=1).establish()
    later.hears(later.inform(delete(spi_of(host))))
    assert not host.inbound


@pytest.mark.parametrize(
    ("who", "port"), [(MALLORY, 500), (BOB, 501), (MALLORY, 501)], ids=["name", "port", "both"]
)
def test_nobody_else_can_delete_it(who: Identification, port: int) -> None:
    """Somebody else at the same address, or the same name from another port."""
    host, network = host_and_network()
    bob = identified(network, host, BOB)
    bob.talk().establish()
    other = identified(network, host, who, port=port, seed=1)
    other.hears(other.inform(delete(spi_of(host))))
    other.hears(other.inform(main_mode_delete(bob)))
    assert host.inbound
    assert len(host.engine.main_mode_sas()) == 2


def test_a_delete_of_an_sa_that_is_not_complete_ends_its_quick_mode() -> None:
    standing = rung("quick_mode_3")
    puppet, host = standing.puppet, standing.host
    [exchange] = host.engine._negotiations.exchanges.under_way()
    assert isinstance(exchange.negotiation, QuickMode)
    spi = exchange.negotiation.peer_spi.to_bytes(4)
    puppet.hears(puppet.inform(delete(spi, protocol=ProtocolId.AH)))
    assert host.inbound, "not that protocol"
    puppet.hears(puppet.inform(delete(spi)))
    assert not host.promised
    assert failure(host).decided_by is Side.PEER


def test_a_delete_of_another_sa_may_overtake_message_3() -> None:
    """As when a peer replaces an old pair in a hurry."""
    standing = rung("quick_mode_3")
    puppet, host = standing.puppet, standing.host
    puppet.hears(puppet.inform(delete(b"\1\2\3\4")))
    puppet.hears(standing.datagram)
    assert len(host.engine.quick_mode_sas()) == 1


def test_deletes_of_other_protocols_mean_nothing() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    puppet.talk().establish()
    for protocol in (0, ProtocolId.IPCOMP, 99):
        puppet.hears(puppet.inform(delete(spi_of(host), protocol=protocol)))
    assert host.inbound


# --- deletes of main modes ------------------------------------------------------------------------


def test_deleting_a_main_mode_leaves_its_pairs() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    puppet.talk().establish()
    assert puppet.hears(puppet.inform(main_mode_delete(puppet))) == []
    assert not host.engine.main_mode_sas()
    assert len(host.inbound) == len(host.outbound) == 1
    assert puppet.hears(puppet.talk().first()) == [], "and no quick mode starts on it"
    assert host.engine.statistics.invalid_cookies_received == 1


def test_a_delete_may_name_another_main_mode_of_the_same_peer() -> None:
    """isakmpd deletes old ones under the newest."""
    host, network = host_and_network()
    old, new = (Puppet(network, host, seed=seed).establish() for seed in (1, 2))
    new.hears(new.inform(main_mode_delete(old)))
    assert [sa.cookies for sa in host.engine.main_mode_sas()] == [(new.cky_i, new.cky_r)]


def test_unknown_cookies_and_odd_lengths_mean_nothing() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    cookies = puppet.cky_i + puppet.cky_r
    for spi in (bytes(16), cookies[::-1], puppet.cky_r + puppet.cky_i):
        puppet.hears(puppet.inform(delete(spi, protocol=ProtocolId.ISAKMP)))
    assert host.engine.main_mode_sas()


def test_quick_modes_under_way_go_on_when_their_main_mode_is_deleted() -> None:
    standing = rung("quick_mode_3")
    puppet, host = standing.puppet, standing.host
    puppet.hears(puppet.inform(main_mode_delete(puppet)))
    puppet.hears(standing.datagram)
    assert len(host.engine.quick_mode_sas()) == 1


# --- only under protection ------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["pair", "main mode", "initial contact"])
def test_nothing_ends_in_clear(what: str) -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    puppet.talk().establish()
    payload = ending(what, host, puppet)
    before = state(host)
    assert puppet.hears(puppet.clear([payload], 5, message_id=99)) == []
    assert puppet.hears(puppet.clear([payload], 5)) == []
    assert state(host) == before


@pytest.mark.parametrize("what", ["pair", "main mode", "initial contact", "probe"])
def test_a_protected_message_without_a_hash_in_front_is_dropped(what: str) -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    puppet.talk().establish()
    payload = ending(what, host, puppet)
    before = state(host)
    for payloads in ([payload], [payload, Hash(bytes(20))], [VendorId(b"first"), payload]):
        datagram = puppet.talk().seals(payloads, ExchangeType.INFORMATIONAL)
        assert puppet.hears(datagram) == []
        assert state(host) == before


@pytest.mark.parametrize("what", ["pair", "main mode", "initial contact", "probe"])
def test_every_block_of_a_protected_message_is_under_the_hash(what: str) -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    puppet.talk().establish()
    payload = ending(what, host, puppet)
    right = puppet.inform(payload)
    before = state(host)
    for at in range(28, len(right) - 8):
        flipped = bytearray(right)
        flipped[at] ^= 1
        assert puppet.hears(bytes(flipped)) == []
        assert state(host) == before, at
    for digest in (b"", bytes(20), bytes(19), bytes(21)):
        assert puppet.hears(puppet.inform(payload, digest=digest)) == []
        assert state(host) == before
    for octets in range(28, len(right)):
        cut = right[:24] + octets.to_bytes(4) + right[28:octets]
        assert puppet.hears(cut) == []
        assert state(host) == before, octets
    puppet.hears(right)
    assert state(host) != before


def test_a_replayed_delete_does_nothing() -> None:
    """A new pair happens to get the SPI that the old one had."""
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    talk = puppet.talk().establish()
    recorded = puppet.inform(delete(talk.spi.to_bytes(4)))
    puppet.hears(recorded)
    again = puppet.talk()
    again.spi = talk.spi
    again.establish()
    assert puppet.hears(recorded) == []
    assert len(host.inbound) == 1


def test_an_informational_message_with_nothing_to_say_is_dropped() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    before = state(host)
    for payloads in ([], [VendorId(b"hello")], [Nonce(bytes(20))], [puppet.identification()]):
        assert puppet.hears(puppet.inform(*payloads)) == []
        assert state(host) == before
        assert isinstance(host.events[-1], DatagramDropped)


def test_a_nonce_beside_a_delete_does_no_harm() -> None:
    """Microsoft's reliable delete has one."""
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    puppet.talk().establish()
    puppet.hears(puppet.inform(Nonce(bytes(32)), delete(spi_of(host))))
    assert not host.inbound


def test_ten_thousand_spis_in_deletes_are_a_matter_of_a_moment() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    talks = [puppet.talk().establish() for _ in range(20)]
    unknown = [number.to_bytes(4) for number in range(1000, 1500)]
    for _ in range(20):
        puppet.hears(puppet.inform(delete(*unknown)))
    assert len(host.inbound) == len(talks)


# --- INITIAL-CONTACT ------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["informational", "message 5"])
def test_a_peer_that_has_started_anew_loses_what_it_has_forgotten(where: str) -> None:
    host, network = host_and_network()
    old = Puppet(network, host).establish()
    old.talk().establish()
    orphan_maker = Puppet(network, host, seed=1).establish()
    orphan_maker.talk().establish()
    orphan_maker.hears(orphan_maker.inform(main_mode_delete(orphan_maker)))
    assert len(host.inbound) == 2
    new = Puppet(network, host, seed=2)
    new.offers()
    new.exchanges_keys()
    if where == "message 5":
        new.proves(*new.proof(), initial_contact(new))
    else:
        new.proves()
        new.hears(new.inform(initial_contact(new)))
    assert not host.inbound
    assert [sa.cookies for sa in host.engine.main_mode_sas()] == [(new.cky_i, new.cky_r)]
    said = [event.notification for event in host.of(NotificationReceived)]
    assert said == ["INITIAL-CONTACT"]
    assert {event.why for event in host.of(QuickModeEnded)} == {"the peer has started anew"}


def test_what_came_from_the_same_main_mode_is_not_forgotten() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    puppet.talk().establish()
    puppet.hears(puppet.inform(initial_contact(puppet)))
    assert host.inbound
    assert host.engine.main_mode_sas()


@pytest.mark.parametrize("who", ["name", "address", "port"])
@pytest.mark.parametrize("orphaned", [False, True])
def test_nobody_else_is_forgotten(who: str, orphaned: bool) -> None:
    """Another name at the same address and port; the same name elsewhere."""
    host, network = host_and_network()
    bob = identified(network, host, BOB)
    bob.talk().establish()
    if orphaned:
        bob.hears(bob.inform(main_mode_delete(bob)))
    kept = len(host.engine.main_mode_sas())
    if who == "name":
        other = identified(network, host, MALLORY, seed=1)
    elif who == "address":
        other = identified(network, host, BOB, address="192.0.2.67", seed=1)
    else:
        other = identified(network, host, BOB, port=501, seed=1)
    other.hears(other.inform(initial_contact(other)))
    assert host.inbound
    assert len(host.engine.main_mode_sas()) == kept + 1


def test_in_message_5_it_must_name_this_very_main_mode() -> None:
    """What stands beside the proof is encrypted but not under the HASH."""
    host, network = host_and_network()
    old = Puppet(network, host).establish()
    old.talk().establish()
    new = Puppet(network, host, seed=2)
    new.offers()
    new.exchanges_keys()
    new.proves(*new.proof(), initial_contact(old))
    assert host.inbound
    assert len(host.engine.main_mode_sas()) == 2


def test_it_is_sent_once_to_each_peer_protected_and_with_its_cookies() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host)
    puppet.offers()
    puppet.exchanges_keys()
    _, contact = puppet.proves()
    said = puppet.reads_informational(contact).one(Notification)
    assert (said.doi, said.protocol, said.notify) == (1, 1, NotifyType.INITIAL_CONTACT)
    assert said.spi == puppet.cky_i + puppet.cky_r
    puppet.hears(puppet.inform(main_mode_delete(puppet)))
    again = Puppet(network, host, seed=1)
    again.offers()
    again.exchanges_keys()
    assert len(again.proves()) == 1, "message 6 alone: the peer knows by now"
    other = Puppet(network, host, address="192.0.2.67")
    other.offers()
    other.exchanges_keys()
    assert len(other.proves()) == 2


def test_a_host_that_restarts_clears_up_at_its_peer() -> None:
    scene = Scene().connect()
    scene.require_agreement()
    reborn = Scene(seed=1)
    scene.network.hosts[scene.alice.address] = reborn.alice
    scene.alice = reborn.alice
    scene.network.connect(scene.alice, scene.bob)
    scene.network.run(3.0)
    scene.require_agreement()
    assert len(scene.bob.engine.main_mode_sas()) == 1


def test_simultaneous_main_modes_do_not_make_each_other_forgotten() -> None:
    scene = Scene()
    scene.network.connect(scene.alice, scene.bob)
    scene.network.connect(scene.bob, scene.alice)
    scene.network.run()
    for host in (scene.alice, scene.bob):
        assert len(host.engine.main_mode_sas()) == 2
        assert len(host.inbound) == 2


# --- dead peer detection --------------------------------------------------------------------------


def test_a_probe_is_answered_with_its_cookies_and_number() -> None:
    host, network = host_and_network()
    old = Puppet(network, host).establish()
    Puppet(network, host, seed=1).establish()
    spi = old.cky_i + old.cky_r
    for number in (b"\0\0\0\7", b"\0\0\0\7", b"\0\0\0\6"):
        probe = Notification(Doi.IPSEC, ProtocolId.ISAKMP, NotifyType.R_U_THERE, spi, number)
        [reply] = old.hears(old.inform(probe))
        said = old.reads_informational(reply).one(Notification)
        assert said.notify == NotifyType.R_U_THERE_ACK
        assert (said.spi, said.data) == (spi, number)


@pytest.mark.parametrize("spi", [b"", bytes(16), b"\1\2\3\4"])
def test_odd_cookies_in_a_probe_are_echoed(spi: bytes) -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    probe = Notification(Doi.IPSEC, ProtocolId.ISAKMP, NotifyType.R_U_THERE, spi, bytes(4))
    [reply] = puppet.hears(puppet.inform(probe))
    assert puppet.reads_informational(reply).one(Notification).spi == spi


@pytest.mark.parametrize("name", ["main_mode_3", "main_mode_5", "main_mode_4", "main_mode_6"])
@pytest.mark.parametrize("kind", [NotifyType.R_U_THERE, NotifyType.R_U_THERE_ACK])
def test_a_probe_without_an_sa_is_not_answered(name: str, kind: NotifyType) -> None:
    standing = rung(name)
    puppet = standing.puppet
    probe = Notification(Doi.IPSEC, 1, kind, puppet.cky_i + puppet.cky_r, bytes(4))
    before = state(standing.host)
    assert puppet.hears(puppet.clear([probe], 5, message_id=3)) == []
    assert state(standing.host) == before


def test_an_answer_to_a_probe_nobody_sent_is_noted_and_nothing_else() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    answer = Notification(Doi.IPSEC, 1, NotifyType.R_U_THERE_ACK, bytes(16), bytes(4))
    assert puppet.hears(puppet.inform(answer)) == []
    assert [event.notification for event in host.of(NotificationReceived)] == ["R-U-THERE-ACK"]


# --- our own endings ------------------------------------------------------------------------------


def test_disconnecting_deletes_the_pairs_first_then_main_mode() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    puppet.talk().establish()
    [ours] = host.inbound
    before = len(network.sent)
    network.do(host, host.engine.disconnect(puppet.address, 0.0))
    said = [puppet.reads_informational(sent.datagram).one(Delete) for sent in network.sent[before:]]
    assert [each.protocol for each in said] == [ProtocolId.ESP, ProtocolId.ISAKMP]
    assert said[0].spis == (ours.to_bytes(4),), "the SPI that the peer sends to"
    assert said[1].spis == (puppet.cky_i + puppet.cky_r,)
    assert {event.why for event in host.of(QuickModeEnded)} == {"by the administrator"}
    assert [event.audit for event in host.of(QuickModeEnded)] == [542]
    assert [event.audit for event in host.of(MainModeEnded)] == [543]


def test_a_pair_without_a_main_mode_ends_in_silence() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    puppet.talk().establish()
    puppet.hears(puppet.inform(main_mode_delete(puppet)))
    before = len(network.sent)
    network.do(host, host.engine.disconnect(puppet.address, 0.0))
    assert len(network.sent) == before
    assert not host.inbound


def test_a_main_mode_ends_with_its_lifetime_and_says_so() -> None:
    host = Host("192.0.2.1", policy(lifetime_s=300), CREDENTIALS)
    network = Network(host)
    puppet = Puppet(network, host).establish()
    puppet.talk().establish()
    network.run(299.9)
    assert host.engine.main_mode_sas()
    network.run(300.1)
    assert not host.engine.main_mode_sas()
    assert puppet.reads_informational(network.sent[-1].datagram).one(Delete).protocol == 1
    assert host.inbound, "the pair has a lifetime of its own"
    assert [event.why for event in host.of(MainModeEnded)] == ["its lifetime has passed"]
    assert host.engine.next_wake is None


def test_an_ended_main_mode_has_no_lifetime_left() -> None:
    host = Host("192.0.2.1", policy(lifetime_s=300), CREDENTIALS)
    network = Network(host)
    puppet = Puppet(network, host).establish()
    puppet.hears(puppet.inform(main_mode_delete(puppet)))
    network.run(1000.0)
    assert len(host.of(MainModeEnded)) == 1


def test_the_hard_end_of_an_unknown_pair_is_nothing() -> None:
    host, _ = host_and_network()
    assert host.engine.expired(0x1234, 0.0, hard=True) == []


def test_goodbye_reaches_everybody() -> None:
    scene = port_scene(80, 443)
    for port in (80, 443):
        scene.acquire(scene.alice, scene.flow(port))
    scene.network.run()
    scene.network.do(scene.alice, scene.alice.engine.close(1.0))
    scene.network.run(2.0)
    for host in (scene.alice, scene.bob):
        assert not host.inbound
        assert not host.engine.main_mode_sas()
        assert not host.engine.quick_mode_sas()
    assert [header(each).exchange for each in scene.datagrams[-3:]] == [5, 5, 5]


def test_goodbye_goes_to_the_peers_in_the_order_of_their_addresses() -> None:
    host, network = host_and_network()
    for address in ("192.0.2.9", "192.0.2.3"):
        Puppet(network, host, address=address).establish()
    before = len(network.sent)
    network.do(host, host.engine.close(0.0))
    order = [str(sent.path.peer.address) for sent in network.sent[before:]]
    assert order == ["192.0.2.3", "192.0.2.9"]
    assert tables(host)["exchanges under way"] == 0
