"""Filters that share a rule of the packet filter. `tests/properties/test_ruleset.py` shows that
they go on to decide as policy does."""

from ipaddress import IPv4Address, ip_address

import pytest

from mainmode.driver.user import ruleset
from mainmode.driver.user.bundles import bundled
from mainmode.model import Direction, Flow
from mainmode.policy.model import (
    Action,
    Filter,
    FilterAction,
    FilterList,
    Policy,
    Rule,
)
from mainmode.policy.selection import Selection
from tests.driver.nft_model import Json, Packet, fate
from tests.policy.policies import BLOCK, HERE, NEGOTIATE, PERMIT, rule, traffic

MANY = 10_000
SOFT = FilterAction("soft", Action.NEGOTIATE, allow_fallback=True)


def selection(*rules: Rule) -> Selection:
    return Selection(Policy("test", rules), [HERE])


def sizes(*rules: Rule, direction: Direction = Direction.OUTBOUND) -> list[int]:
    """How many filters stand in each bundle."""
    return [len(each.filters) for each in bundled(selection(*rules).ordered, direction)]


def hosts(count: int, first: str = "10.0.0.0") -> list[Filter]:
    return [traffic("me", str(IPv4Address(first) + number)) for number in range(count)]


def test_neighbours_with_networks_of_the_same_sizes_share_a_rule() -> None:
    nets = [traffic("me", f"10.{number}.0.0/16") for number in range(4)]
    assert sizes(rule("hosts", NEGOTIATE, *hosts(3)), rule("nets", NEGOTIATE, *nets)) == [3, 4]


def test_of_several_rules_too_if_the_same_becomes_of_their_packets() -> None:
    one, other = rule("one", NEGOTIATE, *hosts(3)), rule("two", NEGOTIATE, *hosts(3, "10.1.0.0"))
    assert sizes(one, other) == [6]


@pytest.mark.parametrize(
    "others",
    [
        rule("block", BLOCK, *hosts(2, "10.1.0.0")),
        rule("permit", PERMIT, *hosts(2, "10.1.0.0")),
        rule("soft", SOFT, *hosts(2, "10.1.0.0")),
        rule("tunnel", NEGOTIATE, *hosts(2, "10.1.0.0"), tunnel="192.0.2.9"),
        rule("tcp", NEGOTIATE, traffic("me", "10.1.0.0", "tcp"), traffic("me", "10.1.0.1", "tcp")),
    ],
    ids=lambda each: each.name,
)
def test_what_is_treated_otherwise_does_not(others: Rule) -> None:
    assert sorted(sizes(rule("one", NEGOTIATE, *hosts(3)), others)) == [2, 3]


def test_ranges_that_are_no_networks_stand_alone() -> None:
    """Two of them could overlap, which a set does not take."""
    ranges = [traffic("me", f"10.0.0.{number}-10.0.0.{number + 2}") for number in range(4, 9)]
    assert sizes(rule("ranges", BLOCK, *ranges)) == [1] * 5


def test_a_soft_sa_is_for_its_own_filters_ports() -> None:
    ports = [traffic("me", "any", "tcp", 0, port) for port in (80, 443)]
    assert sizes(rule("soft", SOFT, *ports)) == [1, 1]
    assert sizes(rule("strict", NEGOTIATE, *ports)) == [2]


def test_one_way_filters_stand_in_the_bundles_of_their_direction() -> None:
    out = traffic("me", "10.0.0.9", mirrored=False)
    rules = (rule("hosts", BLOCK, *hosts(3)), rule("out", BLOCK, out))
    assert sizes(*rules) == [4]
    assert sizes(*rules, direction=Direction.INBOUND) == [3]


# --- ten thousand ---------------------------------------------------------------------------------


def mixed(count: int) -> tuple[Rule, ...]:
    """So many filters, as a large policy may have them."""
    each = count // 5
    networks = [traffic("me", f"{IPv4Address(n << 8 | 172 << 24)}/24") for n in range(each)]
    services = [traffic("me", "any", "tcp", 0, 1 + n) for n in range(each)]
    served = [traffic("me", str(IPv4Address("10.0.0.0") + n), "udp", 1 + n) for n in range(each)]
    return (
        rule("hosts", NEGOTIATE, *hosts(count - 4 * each)),
        rule("soft hosts", SOFT, *hosts(each, "11.0.0.0")),
        rule("networks", BLOCK, *networks),
        rule("services", PERMIT, *services),
        rule("served", BLOCK, *served),
    )


def rules_of(made: Json) -> int:
    return sum("rule" in each.get("add", {}) for each in made["nftables"])


def build(count: int) -> Json:
    return ruleset.build(selection(*mixed(count)), device="mainmode0", ike_ports=(500, 4500))


def test_a_packet_passes_as_many_rules_among_ten_thousand_filters_as_among_ten() -> None:
    many, few = build(MANY), build(10)
    assert rules_of(many) == rules_of(few) < 60
    last = MANY // 5 - 1
    fates = [
        fate(many, "output", Packet.leaving(Flow(HERE, ip_address(remote), *rest), local=[HERE]))
        for remote, *rest in (
            (str(IPv4Address("10.0.0.0") + last), 6, 1_024, 80),
            (str(IPv4Address(last << 8 | 172 << 24) + 7), 6, 1_024, 80),
            ("203.0.113.9", 6, 1_024, 1 + last),
            ("203.0.113.9", 6, 1_024, 2 + last),
            (str(IPv4Address("10.0.0.0") + last), 17, 1 + last, 9),
        )
    ]
    assert [(each.passes, each.mark != 0) for each in fates] == [
        (True, True),
        (False, False),
        (True, False),
        (True, False),
        (False, False),
    ]


def test_filters_given_twice_stand_in_a_set_once() -> None:
    twice = Rule("twice", FilterList("twice", (*hosts(2), *hosts(2))), BLOCK)
    made = ruleset.build(selection(twice), device="mainmode0", ike_ports=(500,))
    sets = [
        statement["match"]["right"]["set"]
        for each in made["nftables"]
        if each.get("add", {}).get("rule", {}).get("chain") == "forward"
        for statement in each["add"]["rule"]["expr"]
        if "match" in statement and isinstance(statement["match"]["right"], dict)
    ]
    assert ["10.0.0.0", "10.0.0.1"] in sets
