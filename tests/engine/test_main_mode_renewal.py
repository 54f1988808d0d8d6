"""Main mode SAs end with their lifetime; where a peer would drop pairs with one, it is renewed."""

import pytest

from mainmode import limits
from mainmode.engine.events import MainModeEnded, MainModeEstablished
from mainmode.engine.vendor_ids import MICROSOFT
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, policy
from mainmode.wire.payloads import VendorId
from tests.engine.scene import Scene

LIFETIME_S = 1_000


def test_an_sa_whose_pairs_stand_is_renewed_before_it_ends() -> None:
    scene = Scene(policy(lifetime_s=LIFETIME_S)).connect(LIFETIME_S - limits.RENEWAL_S - 1.0)
    assert len(scene.alice.engine.main_mode_sas()) == 1
    scene.network.run(LIFETIME_S - limits.RENEWAL_S + 1.0)
    for host in (scene.alice, scene.bob):
        assert len(host.engine.main_mode_sas()) == 2
    assert len(scene.alice.of(MainModeEstablished)) == 2, "by the initiator alone"
    scene.network.run(LIFETIME_S + 1.0)
    scene.require_agreement(pairs=1)
    for host in (scene.alice, scene.bob):
        [sa] = host.engine.main_mode_sas()
        assert sa.established_at > LIFETIME_S / 2


def test_without_pairs_it_ends_and_nothing_follows() -> None:
    scene = Scene(policy(lifetime_s=LIFETIME_S)).connect()
    network = scene.network
    [spi] = scene.alice.inbound
    network.do(scene.alice, scene.alice.engine.expired(spi, network.now, hard=True))
    network.run(LIFETIME_S + 2.0)
    assert scene.alice.engine.main_mode_sas() == scene.bob.engine.main_mode_sas() == ()
    [ended] = scene.alice.of(MainModeEnded)
    assert ended.why == "its lifetime has passed"


def test_a_time_out_of_ones_own_ends_it_before_its_lifetime() -> None:
    scene = Scene(policy(timeout_s=LIFETIME_S, lifetime_s=9 * LIFETIME_S), policy()).connect()
    network = scene.network
    [spi] = scene.alice.inbound
    network.do(scene.alice, scene.alice.engine.expired(spi, network.now, hard=True))
    network.run(LIFETIME_S - 1.0)
    assert scene.alice.engine.main_mode_sas()
    network.run(LIFETIME_S + 2.0)
    assert scene.alice.engine.main_mode_sas() == ()
    assert scene.bob.engine.main_mode_sas() == (), "it was told"


def test_the_responder_renews_what_the_initiator_does_not() -> None:
    scene = Scene(policy(lifetime_s=LIFETIME_S)).connect(1.0)
    [sa] = scene.alice.engine.main_mode_sas()
    sa.lifetime_s = 10 * LIFETIME_S
    scene.alice.engine._desk.timers._at.clear()
    scene.network.run(LIFETIME_S + 1.0)
    scene.require_agreement(pairs=1)
    assert scene.bob.of(MainModeEstablished)[-1].role == "initiator"


def test_microsofts_peers_keep_pairs_so_nothing_is_renewed() -> None:
    host = Host("192.0.2.1", policy(lifetime_s=LIFETIME_S), CREDENTIALS)
    network = Network(host)
    puppet = Puppet(network, host)
    puppet.offers(puppet.proposal(), VendorId(MICROSOFT + bytes(4)))
    puppet.exchanges_keys()
    puppet.proves()
    network.run(LIFETIME_S + 1.0)
    assert host.engine.main_mode_sas() == ()
    assert len(host.of(MainModeEstablished)) == 1


@pytest.mark.parametrize("silent_for_s", [20.0, 500.0])
def test_the_end_waits_for_a_renewal_that_is_under_way(silent_for_s: float) -> None:
    """The peer cannot be reached while the renewal is due; the SA ends with its successor, or
    with the retry cycle."""
    scene = Scene(policy(lifetime_s=100)).connect(80.0)
    network = scene.network
    [host] = [network.hosts.pop(scene.bob.address)]
    network.run(95.0)
    if silent_for_s < 100.0:
        network.run(80.0 + silent_for_s)
        network.hosts[host.address] = host
    network.run(400.0)
    standing = scene.alice.engine.main_mode_sas()
    ended = scene.alice.of(MainModeEnded)
    assert [event.why for event in ended][:1] == ["its lifetime has passed"]
    assert bool(standing) is (silent_for_s < 100.0)
