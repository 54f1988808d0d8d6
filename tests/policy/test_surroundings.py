"""What is around this computer, as far as policy names it."""

from dataclasses import replace
from ipaddress import ip_address

from mainmode.policy.model import ANY, PlaceKind, Policy
from mainmode.policy.surroundings import Surroundings, names_in, servers_in
from tests.policy.policies import BLOCK, NEGOTIATE, PEER, PEER6, rule, traffic

NAMES = rule("names", BLOCK, traffic("me", "host.example"), traffic("peer.example", "me"))
SERVERS = rule("servers", BLOCK, traffic("me", "dns"), traffic("gateway", "any"))
TUNNEL = replace(rule("tunnel", NEGOTIATE, traffic("me", "10.0.0.0/8")), tunnel_name="gw.example")


def test_what_a_policy_names() -> None:
    policy = Policy("test", (NAMES, SERVERS, TUNNEL))
    assert names_in(policy) == {"host.example", "peer.example", "gw.example"}
    assert servers_in(policy) == {PlaceKind.DNS_SERVERS, PlaceKind.GATEWAY}


def test_rules_that_are_not_active_name_nothing() -> None:
    idle = tuple(replace(each, active=False) for each in (NAMES, SERVERS, TUNNEL))
    assert not names_in(Policy("test", idle))
    assert not servers_in(Policy("test", idle))


def test_the_gateway_of_several_is_the_lowest() -> None:
    """The order of answers changes from one to the next."""
    later = ip_address("192.0.2.9")
    for found in ((later, PEER6, PEER), (PEER, later, PEER6)):
        assert Surroundings({"gw.example": found}).tunnel_endpoint(TUNNEL) == PEER
    assert Surroundings().tunnel_endpoint(TUNNEL) is None


def test_a_gateway_with_an_address_needs_no_name() -> None:
    named = rule("tunnel", NEGOTIATE, traffic("me", "10.0.0.0/8"), tunnel="192.0.2.2")
    assert Surroundings().tunnel_endpoint(named) == PEER


def test_other_places_are_not_looked_up() -> None:
    assert Surroundings().addresses_of(ANY) == ()
