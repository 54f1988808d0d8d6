"""INITIAL-CONTACT: a peer has started anew and remembers nothing."""

import pytest

from mainmode.engine.events import (
    NotificationReceived,
    QuickModeEnded,
)
from mainmode.numbers import NotifyType
from mainmode.testing.puppet import Puppet
from mainmode.wire.payloads import (
    Notification,
)
from tests.engine.peers import (
    BOB,
    MALLORY,
    host_and_network,
    identified,
    initial_contact,
    main_mode_delete,
)
from tests.engine.scene import Scene


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


@pytest.mark.parametrize("ports", [(500, 4500), (4500, 500)])
@pytest.mark.parametrize("orphaned", [False, True])
def test_a_host_that_has_gone_to_the_other_port_of_ike_is_the_same(
    ports: tuple[int, int], orphaned: bool
) -> None:
    host, network = host_and_network()
    bob = identified(network, host, BOB, port=ports[0])
    bob.talk().establish()
    if orphaned:
        bob.hears(bob.inform(main_mode_delete(bob)))
    again = identified(network, host, BOB, port=ports[1], seed=1)
    again.hears(again.inform(initial_contact(again)))
    assert not host.inbound
    assert [sa.cookies for sa in host.engine.main_mode_sas()] == [(again.cky_i, again.cky_r)]


@pytest.mark.parametrize(("old", "new"), [(4500, 40_000), (40_000, 40_001), (40_000, 500)])
def test_hosts_behind_one_nat_are_told_apart_by_their_ports(old: int, new: int) -> None:
    host, network = host_and_network()
    bob = identified(network, host, BOB, port=old)
    bob.talk().establish()
    other = identified(network, host, BOB, port=new, seed=1)
    other.hears(other.inform(initial_contact(other)))
    assert host.inbound
    assert len(host.engine.main_mode_sas()) == 2


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
