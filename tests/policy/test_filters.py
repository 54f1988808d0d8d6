"""Compiling filters for this computer, and the order in which they decide."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from mainmode.model import Direction, IpAddress, Mode
from mainmode.policy.filters import CompiledFilter, compile_filters
from mainmode.policy.model import ConnectionType, Filter, FilterAction, PlaceKind, Policy, Rule
from mainmode.policy.surroundings import Surroundings
from tests.policy.policies import (
    BLOCK,
    HERE,
    HERE6,
    NEGOTIATE,
    OTHER,
    PEER,
    PERMIT,
    rule,
    selector,
    traffic,
)


def compiled(*rules: Rule, around: Surroundings | None = None) -> tuple[CompiledFilter, ...]:
    return compile_filters(Policy("test", rules), (HERE,), around)


def test_me_becomes_each_address_of_this_computer() -> None:
    policy = Policy("test", (rule("all", NEGOTIATE, traffic("me", "any")),))
    both = compile_filters(policy, (HERE, HERE6))
    assert {each.selector for each in both} == {
        selector("192.0.2.1", "0.0.0.0/0"),
        selector("2001:db8::1", "::/0"),
    }


def test_a_mirrored_filter_applies_to_both_directions() -> None:
    [web] = compiled(rule("web", PERMIT, traffic("me", "192.0.2.9", "tcp", 0, 80)))
    assert web.selector == selector("192.0.2.1", "192.0.2.9", "tcp", 0, 80)
    assert web.applies_to(Direction.OUTBOUND)
    assert web.applies_to(Direction.INBOUND)


@pytest.mark.parametrize(
    ("one_way", "direction"),
    [
        (traffic("me", "192.0.2.9", mirrored=False), Direction.OUTBOUND),
        (traffic("192.0.2.9", "me", mirrored=False), Direction.INBOUND),
    ],
)
def test_a_filter_that_is_not_mirrored_applies_to_its_direction_alone(
    one_way: Filter, direction: Direction
) -> None:
    [only] = compiled(rule("one way", BLOCK, one_way))
    assert only.selector == selector("192.0.2.1", "192.0.2.9")
    assert [each for each in Direction if only.applies_to(each)] == [direction]


def test_networks_that_are_not_ours_are_read_from_both_ends() -> None:
    """A router sees packets from either network, and either may be the nearer one."""
    both = compiled(rule("through", BLOCK, traffic("10.1.0.0/16", "10.2.0.0/16", mirrored=False)))
    ways = {(each.selector, each.outbound, each.inbound) for each in both}
    assert ways == {
        (selector("10.1.0.0/16", "10.2.0.0/16"), True, False),
        (selector("10.2.0.0/16", "10.1.0.0/16"), False, True),
    }


def test_places_without_addresses_give_no_filter() -> None:
    unresolved = rule("names", BLOCK, traffic("me", "host.example"), traffic("me", "dns"))
    assert compiled(unresolved) == ()
    nowhere = replace(unresolved, filter_action=NEGOTIATE, tunnel_name="gateway.example")
    assert compiled(nowhere) == ()


def test_names_and_kinds_of_servers_stand_for_what_is_known_of_them() -> None:
    around = Surroundings({"host.example": (OTHER,)}, {PlaceKind.DNS_SERVERS: (PEER, HERE)})
    named = rule("names", BLOCK, traffic("me", "host.example"), traffic("me", "dns"))
    assert {each.selector for each in compiled(named, around=around)} == {
        selector("192.0.2.1", "192.0.2.3"),
        selector("192.0.2.1", "192.0.2.2"),
    }, "a server on this very computer is never reached through a filter"


def test_a_tunnel_to_a_name() -> None:
    around = Surroundings({"gateway.example": (OTHER,)})
    through = rule("out", NEGOTIATE, traffic("10.1.0.0/16", "10.2.0.0/16"))
    [tunnel] = compiled(replace(through, tunnel_name="gateway.example"), around=around)
    assert (tunnel.mode, tunnel.peer) == (Mode.TUNNEL, OTHER)


@pytest.mark.parametrize(
    ("kind", "mine"),
    [(ConnectionType.LAN, HERE), (ConnectionType.DIALUP, OTHER)],
)
def test_on_links_of_one_kind_me_is_the_addresses_there(
    kind: ConnectionType, mine: IpAddress
) -> None:
    on_links = replace(rule("links", BLOCK, traffic("me", "any")), connection_type=kind)
    around = Surroundings(dialup=frozenset((OTHER,)))
    [only] = compile_filters(Policy("test", (on_links,)), (HERE, OTHER), around)
    assert only.selector == selector(str(mine), "0.0.0.0/0")


def test_a_rule_that_is_not_active_gives_no_filter() -> None:
    assert compiled(rule("off", BLOCK, traffic("me", "any"), active=False)) == ()


def test_sides_of_different_families_never_meet() -> None:
    assert compiled(rule("mixed", BLOCK, traffic("me", "2001:db8::/32"))) == ()


# --- tunnels ------------------------------------------------------------------------------------


def test_a_tunnel_runs_from_source_to_destination_and_carries_both_directions() -> None:
    near_to_far = traffic("10.1.0.0/16", "10.2.0.0/16", mirrored=False)
    [tunnel] = compiled(rule("out", NEGOTIATE, near_to_far, tunnel="192.0.2.3"))
    assert tunnel.selector == selector("10.1.0.0/16", "10.2.0.0/16")
    assert (tunnel.mode, tunnel.peer) == (Mode.TUNNEL, OTHER)
    assert tunnel.outbound
    assert tunnel.inbound


def test_a_tunnel_that_ends_here_is_the_inbound_half_of_a_pair_of_rules() -> None:
    far_to_near = traffic("10.2.0.0/16", "10.1.0.0/16", mirrored=False)
    [half] = compiled(rule("in", NEGOTIATE, far_to_near, tunnel="192.0.2.1"))
    assert half.selector == selector("10.1.0.0/16", "10.2.0.0/16")
    assert half.is_inbound_half
    assert not half.outbound


def test_a_tunnel_filter_that_can_only_mean_the_way_back_is_turned_round() -> None:
    [tunnel] = compiled(rule("out", NEGOTIATE, traffic("10.2.0.0/16", "me"), tunnel="192.0.2.3"))
    assert tunnel.selector == selector("192.0.2.1", "10.2.0.0/16")


def test_a_tunnel_endpoint_means_nothing_to_permit_and_block() -> None:
    [blocked] = compiled(rule("off", BLOCK, traffic("me", "192.0.2.9"), tunnel="192.0.2.3"))
    assert blocked.mode is Mode.TRANSPORT


def test_a_tunnel_to_a_name_matches_nothing_until_it_has_an_address() -> None:
    named = replace(rule("t", NEGOTIATE, traffic("me", "any")), tunnel_name="gateway.example")
    assert compiled(named) == ()
    [blocked] = compiled(replace(named, filter_action=BLOCK))
    assert blocked.mode is Mode.TRANSPORT
    [tunnel] = compiled(replace(named, tunnel_endpoint=ip_address("192.0.2.3")))
    assert tunnel.mode is Mode.TUNNEL


# --- order --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(("me", "10.0.0.0/24"), ("me", "any"), id="the widest side is smaller"),
        pytest.param(
            ("10.0.0.0/24", "10.0.1.0/24"), ("me", "10.0.0.0/16"), id="the widest side first"
        ),
        pytest.param(("me", "any"), ("192.0.2.0/24", "any"), id="the other side is smaller"),
        pytest.param(("me", "any", "icmp"), ("me", "any"), id="a named protocol"),
        pytest.param(
            ("me", "192.0.2.9"), ("me", "192.0.2.0/24", "tcp", 0, 80), id="addresses before ports"
        ),
        pytest.param(
            ("me", "any", "tcp", 1, 80), ("me", "any", "tcp", 0, 80), id="two named ports"
        ),
        pytest.param(("me", "any", "tcp", 0, 80), ("me", "any", "tcp"), id="one named port"),
    ],
)
def test_the_more_specific_filter_comes_first_wherever_it_stands(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    one, other = rule("first", PERMIT, traffic(*first)), rule("second", BLOCK, traffic(*second))
    for rules in ((one, other), (other, one)):
        assert compiled(*rules)[0].rule.name == "first"


@pytest.mark.parametrize(("first", "second"), [(BLOCK, NEGOTIATE), (NEGOTIATE, PERMIT)])
def test_of_equally_specific_filters_the_stricter_comes_first(
    first: FilterAction, second: FilterAction
) -> None:
    everything = traffic("me", "any")
    one, other = rule("strict", first, everything), rule("lax", second, everything)
    for rules in ((one, other), (other, one)):
        assert [each.rule.name for each in compiled(*rules)] == ["strict", "lax"]


def test_what_is_equal_in_all_else_keeps_the_order_of_the_file() -> None:
    everything = traffic("me", "any")
    rules = [rule(name, NEGOTIATE, everything) for name in ("b", "a", "c")]
    assert [each.rule.name for each in compiled(*rules)] == ["b", "a", "c"]
