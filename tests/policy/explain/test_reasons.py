"""Why a filter decides, and why each other one does not."""

from ipaddress import ip_address

import pytest

from mainmode.model import Direction, Flow
from mainmode.policy.explain.reasons import Comparison, Verdict, compared
from mainmode.policy.model import Filter, Policy
from mainmode.policy.selection import Selection
from tests.policy.policies import (
    BLOCK,
    HERE,
    NEGOTIATE,
    PERMIT,
    flow,
    rule,
    selection,
    tcp,
    traffic,
)

EVERYTHING = rule("everything", NEGOTIATE, traffic("me", "any"))


def reasons(
    chosen: Selection, packet: Flow, direction: Direction = Direction.OUTBOUND
) -> dict[str, Comparison]:
    """By the rule's name."""
    decision = chosen.decide(packet, direction)
    return {each.filter.rule.name: each for each in compared(chosen, decision, packet, direction)}


def test_every_filter_in_the_filter_order() -> None:
    web = rule("web", PERMIT, traffic("me", "any", "tcp", 0, 80))
    ssh = rule("ssh", PERMIT, traffic("me", "any", "tcp", 0, 22))
    other = rule("other", BLOCK, traffic("me", "10.0.0.0/8"))
    found = reasons(selection(EVERYTHING, ssh, web, other), tcp(1024, 80))
    assert [(name, each.verdict) for name, each in found.items()] == [
        ("other", Verdict.OTHER_ADDRESSES),
        ("ssh", Verdict.OTHER_TRAFFIC),
        ("web", Verdict.DECIDES),
        ("everything", Verdict.LESS_SPECIFIC),
    ]
    assert found["other"].why == "it is for 10.0.0.0/8 there, not 192.0.2.2"
    assert found["ssh"].why == "it is for port 22 there, not 80"
    assert found["everything"].step == 3
    assert found["everything"].why == "it is for any protocol, not for tcp alone"


@pytest.mark.parametrize(
    ("winner", "loser", "step", "why"),
    [
        (
            traffic("me", "192.0.2.0/24"),
            traffic("me", "any"),
            1,
            "its wider side, 0.0.0.0/0, has more addresses than 192.0.2.0/24",
        ),
        (
            traffic("me", "any"),
            traffic("192.0.2.0/24", "any"),
            2,
            "its narrower side, 192.0.2.0/24, has more addresses than 192.0.2.1",
        ),
        (
            traffic("me", "any", "tcp"),
            traffic("me", "any"),
            3,
            "it is for any protocol, not for tcp alone",
        ),
        (
            traffic("me", "any", "tcp", 1024, 80),
            traffic("me", "any", "tcp", 0, 80),
            4,
            "it names one port, not two ports",
        ),
    ],
)
def test_a_filter_that_loses_says_at_which_step(
    winner: Filter, loser: Filter, step: int, why: str
) -> None:
    found = reasons(
        selection(rule("loser", BLOCK, loser), rule("winner", PERMIT, winner)),
        tcp(1024, 80),
    )
    assert found["winner"].verdict is Verdict.DECIDES
    assert (found["loser"].step, found["loser"].why) == (step, why)


def test_the_stricter_of_two_equal_filters_comes_first() -> None:
    both = selection(rule("open", PERMIT, traffic("me", "any")), EVERYTHING)
    open_ = reasons(both, tcp())["open"]
    assert (open_.step, open_.why) == (5, "negotiate comes before permit")


def test_the_place_in_the_policy_comes_last() -> None:
    second = rule("second", NEGOTIATE, traffic("me", "any"))
    found = reasons(selection(EVERYTHING, second), tcp())["second"]
    assert found.step == 6
    assert found.why == "it is equally specific and its rule stands later in the policy"
    twice = selection(rule("twice", BLOCK, traffic("me", "any"), traffic("me", "any", "tcp")))
    assert reasons(twice, tcp())["twice"].step == 3


def test_the_direction_of_a_one_way_filter() -> None:
    shut = selection(rule("shut", BLOCK, traffic("any", "me", "tcp", mirrored=False)))
    assert reasons(shut, tcp())["shut"].why == "it is for inbound packets alone"
    assert reasons(shut, tcp(), Direction.INBOUND)["shut"].verdict is Verdict.DECIDES


def test_other_protocols_and_ports() -> None:
    some = selection(
        rule("ping", PERMIT, traffic("me", "any", "icmp")),
        rule("served", PERMIT, traffic("me", "any", "tcp", 443)),
    )
    found = reasons(some, tcp(1024, 80))
    assert found["ping"].why == "it is for protocol icmp, not tcp"
    assert found["served"].why == "it is for port 443 here, not 1024"
    assert reasons(some, tcp(0, 80))["served"].why == "it is for port 443 here, not any other"


def test_what_multicast_passes_over() -> None:
    shut = rule("shut", BLOCK, traffic("0.0.0.0/0", "any"))
    both = Selection(Policy("test", (EVERYTHING, shut)), [HERE])
    found = reasons(both, flow("192.0.2.1", "224.0.0.5", "udp"))
    assert found["everything"].verdict is Verdict.PASSED_OVER
    assert found["everything"].why == "multicast and broadcast are never negotiated"
    assert found["shut"].verdict is Verdict.DECIDES


def test_nothing_is_compared_where_an_exemption_stands_above() -> None:
    chosen = selection(EVERYTHING, here=(HERE, ip_address("192.0.2.7")))
    assert reasons(chosen, flow("192.0.2.1", "192.0.2.7")) == {}
    assert reasons(chosen, flow("192.0.2.1", "192.0.2.2", "udp", 500, 500)) == {}
