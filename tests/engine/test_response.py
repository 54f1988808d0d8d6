"""A host whose policy is the default response rule alone, and one that asks."""

from dataclasses import replace
from ipaddress import ip_address

from mainmode.model import Direction, Flow
from mainmode.policy.model import Action, DefaultResponse, Policy
from mainmode.policy.selection import Selection
from mainmode.testing.samples import CREDENTIALS, PRESHARED_KEY, policy, rule
from tests.engine.scene import ALICE, BOB, Scene, failure
from tests.engine.test_doubts import bad_spi

RESPONSE = DefaultResponse(True, authentication=(PRESHARED_KEY,))
RESPOND_ONLY = replace(policy(), name="respond only", rules=(), default_response=RESPONSE)


def scene(alice: Policy | None = None) -> Scene:
    """Bob responds only."""
    return Scene(alice or policy(), RESPOND_ONLY)


def test_who_asks_is_secured() -> None:
    asked = scene().connect()
    asked.require_agreement()


def test_for_just_the_traffic_that_is_asked_for() -> None:
    asked = scene(policy(rule(protocol=6, port=80)))
    asked.acquire(asked.alice, asked.flow(80))
    asked.network.run(1.0)
    asked.require_agreement()
    [pair] = asked.bob.inbound.values()
    assert (pair.selector.protocol, pair.selector.local_port) == (6, 80)


def test_it_asks_nobody() -> None:
    asked = scene()
    bob, network = asked.bob, asked.network
    network.do(bob, bob.engine.connect(bob.path_to(asked.alice), network.now))
    asked.acquire(bob, Flow(ip_address(BOB), ip_address(ALICE)))
    bad_spi(asked, bob)
    network.run(1.0)
    assert asked.datagrams == []
    assert failure(bob).detail == ALICE


def test_it_renews_what_it_has_when_the_asker_does_not() -> None:
    """The peer began, so it is its turn; after a while ours."""
    asked = scene().connect()
    [spi] = asked.bob.inbound
    asked.network.do(asked.bob, asked.bob.engine.expired(spi, asked.network.now, hard=False))
    asked.network.run(30.0)
    assert len(asked.bob.outbound) == 2


def test_nothing_is_agreed_with_another_key() -> None:
    other = replace(PRESHARED_KEY, secret="another")
    asked = Scene(
        policy(), replace(RESPOND_ONLY, default_response=replace(RESPONSE, authentication=(other,)))
    )
    asked.connect(60.0)
    assert asked.bob.engine.quick_mode_sas() == ()


def test_pairs_stay_over_a_new_policy_that_still_responds_and_end_with_the_rule() -> None:
    asked = scene().connect()
    bob, network = asked.bob, asked.network
    again = replace(RESPOND_ONLY, rules=(rule("me", "198.51.100.7", action=Action.BLOCK),))
    for assigned, pairs in ((again, 1), (replace(again, default_response=DefaultResponse()), 0)):
        selection = Selection(assigned, [bob.address])
        network.do(bob, bob.engine.assign(selection, CREDENTIALS, network.now))
        assert len(bob.engine.quick_mode_sas()) == pairs
        assert len(bob.engine.main_mode_sas()) == pairs


def test_a_filter_that_permits_all_traffic_with_a_peer_answers_it_nothing() -> None:
    clear = replace(RESPOND_ONLY, rules=(rule("me", ALICE, action=Action.PERMIT),))
    asked = Scene(policy(), clear).connect(60.0)
    assert asked.sent_by(asked.bob) == []


def test_the_driver_is_told_inbound_first_so_that_no_answer_leaves_in_clear() -> None:
    """`driver.answers` makes the filter then."""
    asked = scene()
    asked.bob.refuse = Direction.OUTBOUND
    asked.connect(60.0)
    assert asked.bob.outbound == {}
