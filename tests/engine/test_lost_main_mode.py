"""A peer that has lost our main mode SA: silence in the second or a later quick mode means another
main mode; and INITIAL-CONTACT that comes late."""

import pytest

from mainmode.engine.effects import Send
from mainmode.engine.events import MainModeEnded, MainModeEstablished, NegotiationFailed
from mainmode.failures import Reason
from mainmode.numbers import ExchangeType
from mainmode.testing.faults import lose_from
from mainmode.testing.network import Arrival, Host, Network, faithful
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, policy
from tests.engine.peers import initial_contact
from tests.engine.scene import (
    LONG_ENOUGH_S,
    RETRY_CYCLE_S,
    Scene,
    failures,
    header,
    numbers,
    port_scene,
    tables,
)


def test_a_peer_that_has_forgotten_everything_gets_a_new_main_mode() -> None:
    """Bob crashes and comes back; Alice asks for a second pair under the SA that he has lost."""
    scene = Scene().connect()
    reborn = Host("192.0.2.2", policy(), CREDENTIALS, seed=1)
    scene.network.hosts[reborn.address] = reborn
    scene.bob = reborn
    scene.connect(1.0 + RETRY_CYCLE_S - 0.5)
    assert len(scene.alice.of(MainModeEstablished)) == 1
    scene.network.run(RETRY_CYCLE_S + 3.0)
    assert len(scene.alice.of(MainModeEstablished)) == 2
    assert len(reborn.inbound) == 1, "and the quick mode that was wished for"
    [event] = scene.alice.of(NegotiationFailed)
    assert event.failure.reason is Reason.TIMED_OUT
    assert event.again
    assert len(scene.alice.inbound) == 1, "Bob's INITIAL-CONTACT has removed the old pair"


@pytest.mark.parametrize("at_s", [0.015, 0.035, 0.055, 0.075, 0.085, 0.095])
def test_an_initiator_that_restarts_in_the_middle_succeeds_at_once(at_s: float) -> None:
    """What the responder has kept of its former life is gone after the retry cycle."""
    scene = Scene().connect(at_s)
    scene.alice = Host("192.0.2.1", policy(), CREDENTIALS, seed=1)
    scene.network.hosts[scene.alice.address] = scene.alice
    scene.connect(at_s + 1.0)
    assert len(scene.alice.inbound) == 1
    scene.network.run(LONG_ENOUGH_S)
    scene.require_agreement()
    assert set(tables(scene.bob).values()) == {0}


def test_a_peer_that_is_gone_is_given_up_after_the_second_cycle() -> None:
    scene = Scene().connect()
    scene.network.fault = lose_from(0)
    scene.connect(1.0 + LONG_ENOUGH_S)
    assert [event.mode for event in scene.alice.of(NegotiationFailed)] == [
        "quick mode",
        "main mode",
    ]
    assert scene.alice.engine.statistics.active_acquire == 0


def test_a_main_mode_sa_that_the_peer_has_lost_ends_once_there_is_another() -> None:
    """Also when the peer, as responder, says no INITIAL-CONTACT."""

    def speechless(sent: Send, _number: int) -> list[Arrival]:
        informs = header(sent.datagram).exchange == ExchangeType.INFORMATIONAL
        return [] if informs else [Arrival(sent.datagram)]

    scene = Scene().connect()
    [lost] = scene.alice.engine.main_mode_sas()
    reborn = Host("192.0.2.2", policy(), CREDENTIALS, seed=1)
    scene.network.hosts[reborn.address] = reborn
    scene.network.fault = speechless
    scene.connect(1.0 + LONG_ENOUGH_S)
    [new] = scene.alice.engine.main_mode_sas()
    assert new.cookies != lost.cookies
    [ended] = scene.alice.of(MainModeEnded)
    assert ended.why == "the peer has lost it"
    assert len(scene.alice.inbound) == 1, "a newer pair has taken over its traffic"


def test_silence_in_the_first_quick_mode_is_no_reason_for_another_main_mode() -> None:
    """The peer has just proved itself; it will not answer the next time either."""
    scene = Scene(fault=lose_from(numbers()["quick mode message 1"])).connect(LONG_ENOUGH_S)
    assert [event.mode for event in scene.alice.of(NegotiationFailed)] == ["quick mode"]
    assert len(scene.alice.of(MainModeEstablished)) == 1


def test_but_in_the_second_it_is_though_none_has_succeeded() -> None:
    """Else the two would never come together before the lifetime ends."""
    scene = Scene(fault=lose_from(numbers()["quick mode message 1"])).connect(LONG_ENOUGH_S)
    scene.network.fault = faithful
    reborn = Host("192.0.2.2", policy(), CREDENTIALS, seed=1)
    scene.network.hosts[reborn.address] = reborn
    scene.bob = reborn
    scene.connect(2 * LONG_ENOUGH_S)
    assert [event.again for event in scene.alice.of(NegotiationFailed)] == [False, True]
    scene.require_agreement()


def test_a_peer_that_never_answers_a_certain_quick_mode_is_not_asked_for_ever() -> None:
    """It answers others, and makes a new main mode each time."""

    def deaf(sent: Send, _number: int) -> list[Arrival]:
        quick = header(sent.datagram).exchange == ExchangeType.QUICK
        return [] if quick else [Arrival(sent.datagram)]

    scene = Scene().connect()
    scene.network.fault = deaf
    scene.connect(5 * LONG_ENOUGH_S)
    assert len(scene.alice.of(MainModeEstablished)) == 2
    assert len(failures(scene.alice)) == 2


def test_a_wish_that_is_never_answered_costs_others_their_main_mode_once() -> None:
    """Port 443 is never answered; the others are, before and after."""
    scene = port_scene(80, 443, 8080)
    deaf: set[int] = set()

    def fault(sent: Send, _number: int) -> list[Arrival]:
        return [] if header(sent.datagram).message_id in deaf else [Arrival(sent.datagram)]

    def silence() -> None:
        """Nobody answers the quick mode that has just begun."""
        under_way = scene.alice.engine._negotiations.exchanges.under_way()
        deaf.update(each.message_id for each in under_way)

    scene.network.fault = fault
    scene.acquire(scene.alice, scene.flow(80))
    scene.network.run(1.0)
    scene.acquire(scene.alice, scene.flow(443))
    silence()
    scene.network.run(1.0 + RETRY_CYCLE_S + 0.065)
    silence()
    scene.acquire(scene.alice, scene.flow(8080))
    scene.network.run(LONG_ENOUGH_S)
    assert len(failures(scene.alice)) == 2
    assert len(scene.alice.of(MainModeEstablished)) == 2
    assert len(scene.alice.inbound) == 2
    newest = scene.alice.engine.main_mode_sas()[-1]
    assert newest.usable


def test_initial_contact_that_comes_late_spares_what_is_younger_than_its_main_mode() -> None:
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    network = Network(host)
    first = Puppet(network, host)
    first.offers()
    first.exchanges_keys()
    first.proves()
    late = first.inform(initial_contact(first))
    network.run(1.0)
    younger = Puppet(network, host, seed=1).establish()
    younger.talk().establish()
    first.hears(late)
    assert len(host.engine.main_mode_sas()) == 2
    assert host.inbound


def test_simultaneous_main_modes_with_a_late_initial_contact_stay_both() -> None:
    """Bob's is done and announced before Alice's reaches him; the announcement is delayed."""
    announced: list[int] = []

    def fault(sent: Send, number: int) -> list[Arrival]:
        if number == 0:
            return []
        informs = header(sent.datagram).exchange == ExchangeType.INFORMATIONAL
        if informs and sent.path.local.address == scene.bob.address:
            announced.append(number)
            return [Arrival(sent.datagram, 3.0)]
        return [Arrival(sent.datagram)]

    scene = Scene()
    scene.network.fault = fault
    scene.network.connect(scene.alice, scene.bob)
    scene.network.connect(scene.bob, scene.alice)
    scene.network.run(LONG_ENOUGH_S)
    assert announced
    for host in (scene.alice, scene.bob):
        assert len(host.engine.main_mode_sas()) == 2
    scene.require_agreement(pairs=1)
