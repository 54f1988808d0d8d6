"""Deletes between peers with Microsoft's vendor ID are acknowledged; to others they go out once."""

from random import Random

import pytest

from mainmode.engine.effects import Send
from mainmode.engine.events import DatagramDropped, InvalidCookies, QuickModeEnded
from mainmode.numbers import ExchangeType
from mainmode.policy.model import Profile
from mainmode.testing.faults import Weather
from mainmode.testing.mutations import mutate
from mainmode.testing.network import Arrival, Host
from mainmode.testing.samples import policy
from tests.engine.scene import LONG_ENOUGH_S, Scene, header

INTERVALS_S = [0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 47.0]


def standing(profile: Profile = Profile.WINDOWS_2003) -> Scene:
    scene = Scene(policy(profile=profile)).connect()
    scene.network.sent.clear()
    scene.network.sent_at.clear()
    return scene


def deletes_pair(scene: Scene, host: Host) -> None:
    network = scene.network
    spi = next(iter(host.inbound))
    network.do(host, host.engine.expired(spi, network.now, hard=True))


def test_a_delete_is_acknowledged_and_not_said_again() -> None:
    scene = standing()
    deletes_pair(scene, scene.alice)
    scene.network.run(LONG_ENOUGH_S)
    said = scene.datagrams
    assert len(said) == 2
    assert header(said[0]).message_id == header(said[1]).message_id
    assert {header(each).exchange for each in said} == {ExchangeType.INFORMATIONAL}
    assert scene.bob.inbound == {}


def test_without_an_answer_it_is_said_again_and_then_let_be() -> None:
    scene = standing()
    scene.network.fault = lambda sent, number: ()
    deletes_pair(scene, scene.alice)
    scene.network.run(LONG_ENOUGH_S)
    assert len(set(scene.datagrams)) == 1
    assert scene.times(scene.datagrams[0]) == INTERVALS_S
    assert len(scene.alice.engine._endings.reliable) == 0


def test_a_lost_acknowledgement_is_given_again_octet_for_octet() -> None:
    scene = standing()
    lost: list[bytes] = []

    def fault(sent: Send, _number: int) -> list[Arrival]:
        if sent.path.local.address == scene.bob.address and not lost:
            lost.append(sent.datagram)
            return []
        return [Arrival(sent.datagram)]

    scene.network.fault = fault
    deletes_pair(scene, scene.alice)
    scene.network.run(LONG_ENOUGH_S)
    answers = scene.sent_by(scene.bob)
    assert answers == lost * 2
    assert len(scene.sent_by(scene.alice)) == 2
    assert len(scene.bob.of(QuickModeEnded)) == 1


def test_the_main_mode_sa_itself_can_be_deleted_so() -> None:
    scene = standing()
    network = scene.network
    network.do(scene.alice, scene.alice.engine.disconnect(scene.bob.address, network.now))
    network.run(LONG_ENOUGH_S)
    assert scene.bob.engine.main_mode_sas() == ()
    assert len(scene.datagrams) == 4, "the pair and the main mode SA, each with its answer"
    assert len(scene.alice.engine._endings.reliable) == 0
    assert len(scene.bob.engine._endings.reliable) == 0


def test_a_delete_is_heard_though_that_of_its_main_mode_sa_has_overtaken_it() -> None:
    scene = standing()
    network, lost = scene.network, list[bytes]()

    def fault(sent: Send, _number: int) -> list[Arrival]:
        if not lost:
            lost.append(sent.datagram)
        return [] if sent.datagram in lost and network.now < 10.0 else [Arrival(sent.datagram)]

    network.fault = fault
    network.do(scene.alice, scene.alice.engine.disconnect(scene.bob.address, network.now))
    network.run(5.0)
    assert scene.bob.engine.main_mode_sas() == ()
    assert scene.bob.inbound
    network.run(LONG_ENOUGH_S)
    assert scene.bob.inbound == {}
    assert scene.times(lost[0]) == INTERVALS_S[:5], "then it is acknowledged"
    for host in (scene.alice, scene.bob):
        assert len(host.engine._endings.reliable) == 0
        assert host.of(InvalidCookies) == []


def test_deletes_of_main_mode_that_cross_are_both_acknowledged() -> None:
    scene = standing()
    network = scene.network
    for host, peer in ((scene.alice, scene.bob), (scene.bob, scene.alice)):
        network.do(host, host.engine.disconnect(peer.address, network.now))
    network.run(LONG_ENOUGH_S)
    assert len(scene.datagrams) == 8, "two deletes of each, and their answers"
    for host in (scene.alice, scene.bob):
        assert host.of(InvalidCookies) == []
        assert len(host.engine._endings.reliable) == 0


def test_other_peers_get_the_plain_delete_once() -> None:
    scene = standing(Profile.MODERN)
    scene.network.fault = lambda sent, number: ()
    deletes_pair(scene, scene.alice)
    scene.network.run(LONG_ENOUGH_S)
    assert len(scene.datagrams) == 1


def test_a_false_acknowledgement_acknowledges_nothing() -> None:
    scene = standing()
    scene.network.fault = lambda sent, number: ()
    deletes_pair(scene, scene.alice)
    [delete] = scene.datagrams
    for octets in range(8, 200, 8):
        forged = delete[:24] + (28 + octets).to_bytes(4) + bytes(octets)
        assert scene.network.inject(scene.bob, scene.alice, forged) == []
    assert scene.network.inject(scene.bob, scene.alice, delete) == [], "not even our own"
    assert scene.alice.of(DatagramDropped)
    scene.network.run(LONG_ENOUGH_S)
    assert scene.times(delete) == INTERVALS_S


def test_a_replay_gets_a_few_answers_and_no_more() -> None:
    scene = standing()
    deletes_pair(scene, scene.alice)
    scene.network.run(2.0)
    delete = scene.datagrams[0]
    answers = [scene.network.inject(scene.alice, scene.bob, delete) for _ in range(20)]
    assert sum(len(each) for each in answers) <= 5


@pytest.mark.parametrize("seed", range(30))
def test_in_bad_weather_both_sides_forget_it_in_the_end(seed: int) -> None:
    scene = standing()
    scene.network.fault = Weather(seed, loss=0.3, duplication=0.3, lateness=0.3, forgery=0.3)
    deletes_pair(scene, scene.alice)
    scene.network.run(2 * LONG_ENOUGH_S)
    for host in (scene.alice, scene.bob):
        assert len(host.engine._endings.reliable) == 0


def test_spoilt_acknowledgements_raise_nothing() -> None:
    scene = standing()
    deletes_pair(scene, scene.alice)
    scene.network.run(2.0)
    chance = Random(5)
    for _ in range(300):
        for host, peer in ((scene.alice, scene.bob), (scene.bob, scene.alice)):
            scene.network.inject(peer, host, mutate(chance, scene.datagrams[:2]))
