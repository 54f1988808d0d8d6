"""Pairs are renewed before they end, and of several for the same traffic one stays."""

from collections.abc import Iterable

import pytest

from mainmode import limits
from mainmode.engine.effects import Send
from mainmode.engine.events import NegotiationFailed, QuickModeEnded, QuickModeEstablished
from mainmode.engine.vendor_ids import NLBS_PRESENT
from mainmode.policy.model import Action
from mainmode.policy.selection import Selection
from mainmode.testing.faults import Weather
from mainmode.testing.network import Arrival, Host
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import policy, rule
from mainmode.wire.payloads import VendorId
from tests.engine.peers import host_and_network
from tests.engine.scene import Scene, port_scene, tables


def nears_end(scene: Scene, host: Host, spi: int) -> None:
    """The driver of a host says that a pair nears its end."""
    network = scene.network
    network.do(host, host.engine.expired(spi, network.now, hard=False))


def is_used(scene: Scene, host: Host, spi: int) -> None:
    network = scene.network
    network.do(host, host.engine.used(spi, network.now))


def newest(host: Host) -> int:
    return host.engine.quick_mode_sas()[-1].pair.spi


def test_the_initiator_renews_a_pair_at_once() -> None:
    scene = Scene().connect()
    [old] = scene.alice.inbound
    nears_end(scene, scene.alice, old)
    scene.network.run(2.0)
    scene.require_agreement(pairs=2)
    assert len(scene.alice.engine.main_mode_sas()) == 1, "under the main mode there is"


def test_the_old_pair_goes_when_the_new_one_is_used_and_stragglers_are_in() -> None:
    scene = Scene().connect()
    [old] = scene.alice.inbound
    nears_end(scene, scene.alice, old)
    scene.network.run(2.0)
    is_used(scene, scene.alice, newest(scene.alice))
    scene.network.run(2.0 + limits.STRAGGLERS_S - 0.1)
    scene.require_agreement(pairs=2)
    scene.network.run(2.0 + limits.STRAGGLERS_S + 0.1)
    scene.require_agreement(pairs=1)
    assert old not in scene.alice.inbound
    [ended] = scene.bob.of(QuickModeEnded)
    assert ended.why == "deleted by the peer"


def test_old_pairs_go_though_newer_ones_come_quickly() -> None:
    """A fast link reaches the kilobytes of a pair within a second."""
    scene = Scene().connect()
    for round_ in range(10):
        nears_end(scene, scene.alice, newest(scene.alice))
        scene.network.run(1.0 + round_)
        is_used(scene, scene.alice, newest(scene.alice))
    assert len(scene.alice.inbound) <= 2 + limits.STRAGGLERS_S


def test_the_old_pair_goes_also_when_no_packet_comes() -> None:
    scene = Scene().connect()
    nears_end(scene, scene.alice, newest(scene.alice))
    scene.network.run(limits.RETIREMENT_S)
    scene.require_agreement(pairs=2)
    scene.network.run(limits.RETIREMENT_S + 3.0)
    scene.require_agreement(pairs=1)


@pytest.mark.parametrize(("age_s", "patience_s"), [(3_240.0, limits.REKEY_PATIENCE_S), (18.0, 1.0)])
def test_the_responder_waits_for_the_initiator_and_renews_in_the_end(
    age_s: float, patience_s: float
) -> None:
    """Not longer than half of what is left to the pair."""
    scene = Scene().connect(0.5)
    [sa] = scene.bob.engine.quick_mode_sas()
    began = sa.established_at + age_s
    scene.network.run(began)
    nears_end(scene, scene.bob, newest(scene.bob))
    scene.network.run(began + patience_s - 0.1)
    scene.require_agreement(pairs=1)
    scene.network.run(began + patience_s + 1.0)
    scene.require_agreement(pairs=2)
    assert scene.bob.of(QuickModeEstablished)[-1].role == "initiator"


def test_both_drivers_may_say_so_and_one_pair_comes_of_it() -> None:
    scene = Scene().connect()
    for host in (scene.bob, scene.alice):
        nears_end(scene, host, newest(host))
    scene.network.run(100.0)
    scene.require_agreement(pairs=1)
    assert len(scene.alice.of(QuickModeEstablished)) == 2


def test_a_pair_that_is_gone_is_not_renewed() -> None:
    scene = Scene().connect()
    spi = newest(scene.bob)
    nears_end(scene, scene.bob, spi)
    network = scene.network
    network.do(scene.alice, scene.alice.engine.disconnect(scene.bob.address, network.now))
    network.run(100.0)
    assert scene.bob.inbound == {}
    nears_end(scene, scene.bob, spi)
    assert scene.bob.inbound == {}


def test_what_policy_no_longer_gives_is_not_renewed() -> None:
    scene = Scene().connect()
    blocked = policy(rule(action=Action.BLOCK))
    spi = newest(scene.alice)
    sas = scene.alice.engine.quick_mode_sas()
    scene.alice.engine._terms.selection = Selection(blocked, [scene.alice.address])
    nears_end(scene, scene.alice, spi)
    scene.network.run(10.0)
    assert scene.alice.engine.quick_mode_sas() == sas


@pytest.mark.parametrize("seed", range(20))
def test_rivals_converge_on_the_same_pair(seed: int) -> None:
    """Both sides make a pair for the same traffic at once."""
    scene = Scene(seed=seed).connect()
    network = scene.network
    for host in (scene.alice, scene.bob):
        peer = scene.bob if host is scene.alice else scene.alice
        network.do(host, host.engine.connect(host.path_to(peer), network.now))
    network.run(2.0)
    scene.require_agreement(pairs=3)
    network.run(100.0)
    scene.require_agreement(pairs=1)
    assert set(tables(scene.alice).values()) == {0}


@pytest.mark.parametrize("seed", range(20))
def test_rivals_converge_in_bad_weather(seed: int) -> None:
    weather = Weather(seed, loss=0.1, duplication=0.2, lateness=0.2)
    scene = Scene(fault=weather, seed=seed)
    network = scene.network
    for host in (scene.alice, scene.bob):
        peer = scene.bob if host is scene.alice else scene.alice
        network.do(host, host.engine.connect(host.path_to(peer), network.now))
    network.run(200.0)
    standing = {frozenset((p.inbound.spi, p.outbound.spi)) for p in scene.alice.inbound.values()}
    theirs = {frozenset((p.inbound.spi, p.outbound.spi)) for p in scene.bob.inbound.values()}
    assert len(standing & theirs) <= 1, f"{len(standing & theirs)} that both have"


def test_pairs_for_other_traffic_stay() -> None:
    scene = port_scene(80, 443)
    for port in (80, 443):
        scene.acquire(scene.alice, scene.flow(port))
    scene.network.run(100.0)
    scene.require_agreement(pairs=2)
    nears_end(scene, scene.alice, newest(scene.alice))
    scene.network.run(200.0)
    scene.require_agreement(pairs=2)


def test_an_old_pair_stays_when_its_successor_goes_first() -> None:
    scene = Scene().connect()
    [old] = scene.alice.inbound
    nears_end(scene, scene.alice, old)
    scene.network.run(2.0)
    network = scene.network
    network.do(scene.alice, scene.alice.engine.expired(newest(scene.alice), network.now, hard=True))
    network.run(100.0)
    scene.require_agreement(pairs=1)
    assert list(scene.alice.inbound) == [old]


def test_an_idle_pair_is_let_go_on_both_sides() -> None:
    scene = Scene().connect()
    network = scene.network
    network.do(scene.alice, scene.alice.engine.idle(newest(scene.alice), network.now))
    network.run(2.0)
    assert scene.alice.inbound == scene.bob.inbound == {}
    assert scene.alice.engine.main_mode_sas(), "main mode stays"


@pytest.mark.parametrize(("vendor_ids", "idle_s"), [([], 300.0), ([NLBS_PRESENT], 60.0)])
def test_pairs_with_members_of_a_cluster_are_idle_sooner(
    vendor_ids: list[bytes], idle_s: float
) -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host)
    puppet.offers(puppet.proposal(), *(VendorId(each) for each in vendor_ids))
    puppet.exchanges_keys()
    puppet.proves()
    puppet.talk().establish()
    [pair] = host.inbound.values()
    assert pair.idle_s == idle_s


def test_a_renewal_that_fails_leaves_the_old_pair_to_its_end() -> None:
    deaf = False

    def fault(sent: Send, _number: int) -> Iterable[Arrival]:
        return () if deaf else (Arrival(sent.datagram),)

    scene = Scene(fault=fault).connect()
    [old] = scene.alice.inbound
    deaf = True
    nears_end(scene, scene.alice, old)
    scene.network.run(200.0)
    assert list(scene.alice.inbound) == [old]
    assert scene.alice.of(NegotiationFailed)
