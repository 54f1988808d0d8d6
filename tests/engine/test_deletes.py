"""Deletes of the peer's: what they name, who may say them, and only under protection."""

import pytest

from mainmode.engine.events import (
    DatagramDropped,
    MainModeEnded,
    QuickModeEnded,
)
from mainmode.engine.quick_mode import QuickMode
from mainmode.failures import Side
from mainmode.numbers import Doi, ExchangeType, NotifyType, ProtocolId
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, policy, rule
from mainmode.wire.payloads import (
    Delete,
    Hash,
    Identification,
    Nonce,
    Notification,
    VendorId,
)
from tests.engine.peers import (
    BOB,
    MALLORY,
    delete,
    ending,
    host_and_network,
    identified,
    main_mode_delete,
    spi_of,
)
from tests.engine.rungs import rung
from tests.engine.scene import failure, state

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


def test_our_own_spi_in_a_delete_means_the_same_pair() -> None:
    """strongSwan says it so when it cannot install; libreswan and strongSwan understand it."""
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    puppet.talk().establish()
    [ours] = host.inbound
    other = Puppet(network, host, address="192.0.2.67", seed=1).establish()
    other.hears(other.inform(delete(ours.to_bytes(4))))
    assert host.inbound, "not from somebody else"
    puppet.hears(puppet.inform(delete(ours.to_bytes(4))))
    assert not host.inbound


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


# --- through the other port of IKE ----------------------------------------------------------------


def test_a_delete_counts_through_the_other_port_of_ike() -> None:
    """Of a pair whose own main mode SA is gone."""
    host, network = host_and_network()
    old = identified(network, host, BOB, port=4500)
    old.talk().establish()
    old.hears(old.inform(main_mode_delete(old)))
    new = identified(network, host, BOB, seed=1)
    new.hears(new.inform(delete(spi_of(host))))
    assert not host.inbound


def test_and_is_said_through_it() -> None:
    host, network = host_and_network()
    old = identified(network, host, BOB, port=4500)
    old.talk().establish()
    old.hears(old.inform(main_mode_delete(old)))
    new = identified(network, host, BOB, seed=1)
    [ours] = host.inbound
    network.do(host, host.engine.idle(ours, network.now))
    [said] = new.reads_informational(network.sent[-1].datagram).all(Delete)
    assert said.spis == (ours.to_bytes(4),)


# --- under a main mode SA that has just ended -----------------------------------------------------


def departed() -> tuple[Host, Puppet]:
    """A host with a pair whose main mode SA the peer has deleted."""
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    puppet.talk().establish()
    puppet.hears(puppet.inform(main_mode_delete(puppet)))
    assert host.engine.main_mode_sas() == ()
    return host, puppet


def test_a_delete_that_was_overtaken_still_counts() -> None:
    host, puppet = departed()
    overtaken = puppet.inform(delete(spi_of(host)))
    puppet.hears(overtaken)
    assert not host.inbound
    before = state(host)
    puppet.hears(overtaken)
    assert state(host) == before, "once"


def test_but_nothing_else_does() -> None:
    host, puppet = departed()
    before = state(host)
    cookies = puppet.cky_i + puppet.cky_r
    for notify in (NotifyType.R_U_THERE, NotifyType.INITIAL_CONTACT, NotifyType.INVALID_SPI):
        said = Notification(Doi.IPSEC, ProtocolId.ISAKMP, notify, cookies, bytes(4))
        assert puppet.hears(puppet.inform(said)) == []
    unknown = Notification(Doi.IPSEC, ProtocolId.ESP, NotifyType.INVALID_SPI, spi_of(host), b"")
    assert puppet.hears(puppet.inform(unknown)) == []
    assert puppet.hears(puppet.talk().first()) == []
    forged = puppet.inform(delete(spi_of(host)), digest=bytes(20))
    assert puppet.hears(forged) == []
    assert state(host) == before
    puppet.hears(puppet.inform(delete(spi_of(host)), unknown))
    assert not host.inbound, "a delete counts in whatever company"


def test_and_a_minute_later_deletes_do_not_either() -> None:
    host, puppet = departed()
    puppet.network.run(61.0)
    puppet.hears(puppet.inform(delete(spi_of(host))))
    assert host.inbound
