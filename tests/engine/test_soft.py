"""Soft SAs: clear traffic with peers that do not negotiate, where policy allows it."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from mainmode import limits
from mainmode.engine.effects import Effect, Send
from mainmode.engine.events import NegotiationFailed, SoftSaEnded, SoftSaEstablished
from mainmode.model import Flow, Selector
from mainmode.numbers import NotifyType
from mainmode.policy.model import Policy
from mainmode.policy.selection import Selection
from mainmode.testing.faults import notification_in_clear
from mainmode.testing.network import Arrival, Host
from mainmode.testing.samples import CREDENTIALS, policy, rule
from tests.engine.scene import RETRY_CYCLE_S, Scene

SOFT = policy(rule(fallback=True))


def silent(_sent: Send, _number: int) -> Iterable[Arrival]:
    """The peer does not exist."""
    return ()


def alone(assigned: Policy = SOFT) -> Scene:
    """Alice wants to talk to Bob, who hears nothing."""
    scene = Scene(assigned, fault=silent)
    wants(scene)
    return scene


def wants(scene: Scene, port: int = 80) -> None:
    scene.acquire(scene.alice, scene.flow(port))


def only_selector(host: Host) -> Selector:
    [soft] = host.soft.values()
    return soft.selector


def test_after_the_brief_interval_traffic_passes_in_clear() -> None:
    scene = alone()
    scene.network.run(limits.FALLBACK_S - 0.1)
    assert scene.alice.soft == {}
    scene.network.run(limits.FALLBACK_S + 0.1)
    selector = only_selector(scene.alice)
    assert selector.matches(scene.flow(80))
    assert not selector.matches(Flow(scene.alice.address, scene.alice.address + 99))
    [event] = scene.alice.of(SoftSaEstablished)
    assert "the peer does not answer" in event.sentence
    assert scene.alice.engine.statistics.soft_associations == 1
    [standing] = scene.alice.engine.soft_sas()
    assert standing.since == pytest.approx(limits.FALLBACK_S)


def test_main_mode_is_tried_to_the_end_of_its_cycle() -> None:
    scene = alone()
    scene.network.run(RETRY_CYCLE_S + 1.0)
    assert len(scene.datagrams) == 6
    assert scene.alice.of(NegotiationFailed)
    assert scene.alice.soft, "and the traffic goes on"


@pytest.mark.parametrize(
    "assigned",
    [policy(rule()), policy(rule("me", "any", tunnel="192.0.2.2", fallback=True))],
    ids=["not allowed", "tunnel"],
)
def test_never_where_policy_does_not_allow_it_or_for_tunnels(assigned: Policy) -> None:
    scene = alone(assigned)
    scene.network.run(100.0)
    assert scene.alice.soft == {}
    assert scene.alice.of(SoftSaEstablished) == []


def test_an_answer_within_the_interval_is_all_it_takes() -> None:
    scene = Scene(SOFT)
    wants(scene)
    scene.network.run(100.0)
    assert scene.alice.of(SoftSaEstablished) == []
    scene.require_agreement()


def test_a_late_answer_secures_the_traffic() -> None:
    scene = alone()
    scene.network.run(10.0)
    assert scene.alice.soft
    scene.network.fault = lambda sent, number: (Arrival(sent.datagram),)
    scene.network.run(20.0)
    scene.require_agreement()
    assert scene.alice.soft == {}
    [ended] = scene.alice.of(SoftSaEnded)
    assert ended.why == "its traffic is protected now"


def test_a_peer_that_begins_secures_it_when_its_pair_is_installed() -> None:
    """And not before: anybody can send a message 1."""
    scene = alone()
    scene.network.run(10.0)
    stages: list[int] = []

    def watch(sent: Send, _number: int) -> Iterable[Arrival]:
        stages.append(len(scene.alice.soft))
        to_alice_first = sent.path.local.address == scene.alice.address and not stages[1:]
        return () if to_alice_first else (Arrival(sent.datagram),)

    scene.network.fault = watch
    scene.network.connect(scene.bob, scene.alice)
    scene.network.run(11.0)
    assert scene.alice.soft == {}
    assert stages[:9] == [1] * 9
    assert scene.alice.outbound


def test_a_spoofed_first_message_stops_no_traffic() -> None:
    scene = alone()
    scene.network.run(5.0)
    offer = Scene(SOFT).connect().datagrams[0]
    scene.network.inject(scene.bob, scene.alice, offer)
    scene.network.run(6.0)
    assert scene.alice.soft


def test_five_idle_minutes_end_it_and_the_next_packet_tries_again() -> None:
    scene = alone()
    scene.network.run(60.0)
    [number] = scene.alice.soft
    network = scene.network
    network.do(scene.alice, scene.alice.engine.soft_idle(number, network.now))
    assert scene.alice.soft == {}
    sent = len(scene.datagrams)
    wants(scene)
    assert len(scene.datagrams) == sent + 1
    network.run(network.now + 5.0)
    assert scene.alice.soft
    assert number not in scene.alice.soft, "numbers are never used again"


@pytest.mark.parametrize("settings", ["lifetime", "soft lifetime", "soft lifetime of the rule"])
def test_under_continuous_traffic_another_attempt_is_made_after_the_lifetime(settings: str) -> None:
    brief = policy(rule(fallback=True), lifetime_s=600)
    if settings != "lifetime":
        brief = policy(rule(fallback=True))
        own = replace(brief.main_mode, soft_lifetime_s=600)
        if settings == "soft lifetime":
            brief = replace(brief, main_mode=own)
        else:
            [only] = brief.rules
            brief = replace(brief, rules=(replace(only, main_mode=own),))
    scene = alone(brief)
    scene.network.run(limits.FALLBACK_S + 599.0)
    first = len(scene.datagrams)
    assert first == 6
    scene.network.run(limits.FALLBACK_S + 700.0)
    assert len(scene.datagrams) == 12
    assert len(scene.alice.soft) == 1, "while the traffic goes on"
    assert len(scene.alice.of(SoftSaEstablished)) == 1
    scene.network.fault = lambda sent, number: (Arrival(sent.datagram),)
    scene.network.run(limits.FALLBACK_S + 1_300.0)
    assert scene.alice.soft == {}
    assert scene.alice.outbound


def test_an_attempt_for_what_has_ended_meanwhile_begins_no_other() -> None:
    scene = alone(policy(rule(fallback=True), lifetime_s=300))
    network = scene.network
    network.run(limits.FALLBACK_S + 301.0)
    [number] = scene.alice.soft
    network.do(scene.alice, scene.alice.engine.soft_idle(number, network.now))
    network.run(network.now + 100.0)
    assert scene.alice.soft == {}
    assert len(scene.alice.of(SoftSaEstablished)) == 1


def test_a_shorter_retry_cycle_than_the_interval_leads_there_too() -> None:
    hasty = replace(SOFT, main_mode=replace(SOFT.main_mode, retry_intervals_s=(0.5, 0.5)))
    scene = alone(hasty)
    scene.network.run(1.1)
    assert scene.alice.soft


def test_while_a_main_mode_sa_with_the_peer_lives_there_is_none() -> None:
    ports = [rule("me", "any", protocol=6, port=port, fallback=True) for port in (80, 443)]
    scene = Scene(policy(*ports), policy(*ports))
    wants(scene)
    scene.network.run(1.0)
    assert scene.alice.engine.main_mode_sas()
    scene.network.fault = silent
    wants(scene, 443)
    scene.network.run(40.0)
    assert scene.alice.soft == {}


def test_a_main_mode_sa_that_the_peer_has_lost_is_no_obstacle() -> None:
    """It stands on until there is another."""
    scene = Scene(SOFT).connect()
    scene.network.fault = silent
    network = scene.network
    [spi] = scene.alice.inbound
    network.do(scene.alice, scene.alice.engine.expired(spi, network.now, hard=True))
    wants(scene)
    network.run(network.now + RETRY_CYCLE_S + limits.FALLBACK_S + 1.0)
    assert scene.alice.engine.main_mode_sas()
    assert scene.alice.soft


def test_another_policy_ends_what_it_does_not_allow() -> None:
    scene = alone()
    scene.network.run(5.0)
    network = scene.network
    strict = Selection(policy(rule()), [scene.alice.address])
    network.do(scene.alice, scene.alice.engine.assign(strict, CREDENTIALS, network.now))
    assert scene.alice.soft == {}


@pytest.mark.parametrize(
    "end",
    [
        lambda scene: scene.alice.engine.disconnect(scene.bob.address, scene.network.now),
        lambda scene: scene.alice.engine.close(scene.network.now),
    ],
    ids=["administrator", "shutdown"],
)
def test_it_ends_with_everything_else(end: Callable[[Scene], list[Effect]]) -> None:
    scene = alone()
    scene.network.run(5.0)
    scene.network.do(scene.alice, end(scene))
    assert scene.alice.soft == {}
    assert scene.alice.engine.soft_sas() == ()
    scene.network.run(5_000_000.0)
    assert scene.alice.engine.next_wake is None


# --- mismatches ---------------------------------------------------------------------------------


def refused(assigned: Policy, kind: NotifyType, *, foreign: bool = False) -> Scene:
    """Bob says no in clear; `foreign`: somebody who does not know the cookies."""
    scene = Scene(assigned, fault=silent)
    wants(scene)
    [first] = scene.datagrams
    about = bytes(8) + first[8:] if foreign else first
    scene.network.inject(scene.bob, scene.alice, notification_in_clear(about, kind))
    return scene


def test_a_mismatch_falls_back_only_when_policy_says_so() -> None:
    says_so = policy(rule(fallback=True), fallback_on_mismatch=True)
    scene = refused(says_so, NotifyType.NO_PROPOSAL_CHOSEN)
    assert scene.alice.soft
    [event] = scene.alice.of(SoftSaEstablished)
    assert "unauthenticated" in event.sentence
    assert refused(SOFT, NotifyType.NO_PROPOSAL_CHOSEN).alice.soft == {}
    strict = policy(rule(), fallback_on_mismatch=True)
    assert refused(strict, NotifyType.NO_PROPOSAL_CHOSEN).alice.soft == {}
    assert refused(says_so, NotifyType.NO_PROPOSAL_CHOSEN, foreign=True).alice.soft == {}
