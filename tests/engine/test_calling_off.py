"""Disconnecting and closing: what runs and what waits is called off."""

import pytest

from mainmode.testing.puppet import Puppet
from tests.engine.peers import standing
from tests.engine.rungs import asked_for
from tests.engine.scene import (
    LONG_ENOUGH_S,
    header,
    port_scene,
    tables,
)

PORTS = range(1000, 1010)


@pytest.mark.parametrize("at_s", [0.0, 0.015, 0.035, 0.055, 0.065, 0.075, 0.085, 0.095])
def test_disconnecting_ends_what_runs_and_what_waits(at_s: float) -> None:
    scene = port_scene(*PORTS)
    for port in PORTS:
        scene.acquire(scene.alice, scene.flow(port))
    scene.network.run(at_s)
    scene.network.do(scene.alice, scene.alice.engine.disconnect(scene.bob.address, at_s))
    scene.network.run(LONG_ENOUGH_S)
    assert not scene.alice.inbound
    assert not scene.alice.promised
    assert not scene.bob.inbound
    assert not scene.alice.engine.main_mode_sas()
    for host in (scene.alice, scene.bob):
        assert set(tables(host).values()) == {0}


def test_disconnecting_from_one_peer_spares_the_others() -> None:
    host, first = standing()
    second = Puppet(first.network, host, address="192.0.2.67").establish()
    for puppet in (first, second):
        puppet.network.do(host, host.engine.connect(puppet.path, 0.0))
    message_1 = first.network.sent[-1].datagram
    first.network.do(host, host.engine.disconnect(first.address, 0.0))
    assert [sa.path.peer.address for sa in host.engine.main_mode_sas()] == [second.address]
    talk = second.talk(header(message_1).message_id)
    second.hears(talk.second(message_1))
    assert [pair.peer for pair in host.inbound.values()] == [second.address]


def test_quick_modes_that_wait_for_their_turn_are_called_off_too() -> None:
    host, puppet, begun = asked_for(PORTS)
    sent = len(puppet.network.sent)
    puppet.network.do(host, host.engine.disconnect(puppet.address, 0.0))
    new = [each for each in puppet.network.sent[sent:] if header(each.datagram).exchange == 32]
    assert len(begun) == 3
    assert new == []
    assert host.engine.next_wake is None or tables(host)["exchanges under way"] == 0


@pytest.mark.parametrize("at_s", [0.0, 0.035, 0.065, 0.085, 0.095, 1.0])
def test_closing_ends_everything_with_everybody(at_s: float) -> None:
    scene = port_scene(*PORTS)
    for port in PORTS:
        scene.acquire(scene.alice, scene.flow(port))
    scene.network.run(at_s)
    scene.network.do(scene.alice, scene.alice.engine.close(at_s))
    assert not scene.alice.promised
    assert tables(scene.alice)["exchanges under way"] == 0
    assert tables(scene.alice)["wishes"] == 0
    scene.network.run(LONG_ENOUGH_S)
    assert not scene.bob.inbound
    assert set(tables(scene.alice).values()) == {0}
