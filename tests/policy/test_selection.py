"""What the filters decide for a packet, a peer, and a peer's quick mode."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from mainmode.failures import Failure, Reason, Refused
from mainmode.model import Direction, IpAddress, Mode, Selector
from mainmode.policy.model import (
    Action,
    Authentication,
    FilterAction,
    MainModeSettings,
    Method,
    Policy,
    Rule,
)
from mainmode.policy.selection import Selection
from tests.policy.policies import (
    BLOCK,
    HERE,
    HERE6,
    KEY,
    NEGOTIATE,
    OTHER,
    PEER,
    PEER6,
    PERMIT,
    flow,
    rule,
    selection,
    selector,
    tcp,
    traffic,
)

EVERYTHING = rule("everything", NEGOTIATE, traffic("me", "any"))
TUNNEL = rule("tunnel", NEGOTIATE, traffic("10.1.0.0/16", "10.2.0.0/16"), tunnel="192.0.2.2")

# --- packets ------------------------------------------------------------------------------------


def test_what_no_filter_matches_is_permitted() -> None:
    decision = selection().decide(tcp())
    assert (decision.action, decision.rule) == (Action.PERMIT, None)
    assert decision.because == ("no filter decides: permitted",)


def test_transport_mode_negotiates_the_two_hosts_with_the_filters_protocol_and_ports() -> None:
    web = rule("web", NEGOTIATE, traffic("me", "192.0.2.0/24", "tcp", 0, 80))
    decision = selection(web).decide(tcp(1024, 80))
    assert decision.action is Action.NEGOTIATE
    assert decision.selector == selector("192.0.2.1", "192.0.2.2", "tcp", 0, 80)
    assert (decision.peer, decision.mode) == (PEER, Mode.TRANSPORT)


def test_tunnel_mode_negotiates_the_filters_own_ranges_with_the_endpoint() -> None:
    decision = selection(TUNNEL).decide(flow("10.1.0.5", "10.2.0.9", "tcp", 1024, 22))
    assert decision.action is Action.NEGOTIATE
    assert decision.selector == selector("10.1.0.0/16", "10.2.0.0/16")
    assert (decision.peer, decision.mode) == (PEER, Mode.TUNNEL)


def test_in_a_tunnel_rule_me_is_the_address_of_this_host() -> None:
    out = rule("out", NEGOTIATE, traffic("me", "10.2.0.0/16"), tunnel="192.0.2.2")
    decision = selection(out).decide(flow("192.0.2.1", "10.2.0.9"))
    assert decision.selector == selector("192.0.2.1", "10.2.0.0/16")


def test_a_decision_names_the_filter_that_decided() -> None:
    web = rule("web", PERMIT, traffic("me", "any", "tcp", 0, 80))
    decision = selection(EVERYTHING, web).decide(tcp(1024, 80))
    assert decision.rule is web
    assert decision.decided_by is not None
    assert decision.decided_by.rule is web
    assert decision.because == ("rule 'web' (192.0.2.1 <-> 0.0.0.0/0:80 tcp) decides: permit",)


def test_inbound_packets_match_one_way_filters_of_their_direction() -> None:
    shut = selection(rule("shut", BLOCK, traffic("any", "me", "tcp", mirrored=False)))
    assert shut.decide(tcp(), Direction.INBOUND).action is Action.BLOCK
    assert shut.decide(tcp()).action is Action.PERMIT


def test_the_inbound_half_of_a_tunnel_only_demands_protection() -> None:
    back = traffic("10.2.0.0/16", "10.1.0.0/16", mirrored=False)
    only = selection(rule("in", NEGOTIATE, back, tunnel="192.0.2.1"))
    packet = flow("10.1.0.5", "10.2.0.9")
    inbound = only.decide(packet, Direction.INBOUND)
    assert (inbound.action, inbound.peer) == (Action.NEGOTIATE, None)
    assert only.decide(packet).action is Action.PERMIT
    assert only.toward(HERE, PEER) is None


def test_both_halves_of_a_windows_tunnel_negotiate_with_the_far_end() -> None:
    out = rule("out", NEGOTIATE, traffic("10.1.0.0/16", "10.2.0.0/16", mirrored=False))
    out = replace(out, tunnel_endpoint=PEER)
    back = traffic("10.2.0.0/16", "10.1.0.0/16", mirrored=False)
    both = selection(rule("in", NEGOTIATE, back, tunnel="192.0.2.1"), out)
    assert both.decide(flow("10.1.0.5", "10.2.0.9")).peer == PEER
    wanted = selector("10.1.0.0/16", "10.2.0.0/16")
    granted = both.authorise(wanted, HERE, PEER, KEY, Mode.TUNNEL)
    assert granted.rule is out


def test_forwarded_packets_cannot_have_transport_mode_and_are_blocked() -> None:
    anyone = selection(rule("anyone", NEGOTIATE, traffic("any", "any")))
    decision = anyone.decide(flow("10.9.0.1", "192.0.2.2"))
    assert decision.action is Action.BLOCK
    assert "10.9.0.1 is not an address of this computer" in decision.because[-1]


@pytest.mark.parametrize("port", [500, 4500])
@pytest.mark.parametrize("action", [BLOCK, NEGOTIATE])
def test_our_own_ike_is_exempt(port: int, action: FilterAction) -> None:
    strict = selection(rule("all", action, traffic("any", "any")))
    for direction in Direction:
        decision = strict.decide(flow("192.0.2.1", "192.0.2.2", "udp", port, 31000), direction)
        assert decision.action is Action.PERMIT


def test_a_strangers_source_port_500_opens_nothing() -> None:
    strict = selection(rule("all", BLOCK, traffic("any", "any")))
    to_dns = flow("192.0.2.1", "192.0.2.2", "udp", 53, 500)
    assert strict.decide(to_dns, Direction.INBOUND).action is Action.BLOCK
    forwarded = flow("10.9.0.1", "192.0.2.2", "udp", 500, 500)
    assert strict.decide(forwarded).action is Action.BLOCK


def test_ike_on_other_ports_is_exempt_there() -> None:
    policy = Policy("test", (rule("all", BLOCK, traffic("any", "any")),))
    moved = Selection(policy, [HERE], ike_ports=[10500])
    assert moved.decide(flow("192.0.2.1", "192.0.2.2", "udp", 10500, 500)).action is Action.PERMIT
    assert moved.decide(flow("192.0.2.1", "192.0.2.2", "udp", 500, 500)).action is Action.BLOCK


def test_what_stays_on_this_computer_is_permitted() -> None:
    here = ip_address("192.0.2.7")
    strict = selection(rule("all", BLOCK, traffic("any", "any")), here=(HERE, here))
    assert strict.decide(flow("192.0.2.1", "192.0.2.7")).action is Action.PERMIT


@pytest.mark.parametrize(
    ("local", "remote"),
    [
        ("192.0.2.1", "224.0.0.251"),
        ("192.0.2.1", "255.255.255.255"),
        ("192.0.2.1", "192.0.2.255"),
        ("224.0.0.251", "192.0.2.2"),
        ("2001:db8::1", "ff02::1"),
    ],
)
def test_multicast_and_broadcast_are_never_negotiated_but_may_be_blocked(
    local: str, remote: str
) -> None:
    def decided(*rules: Rule) -> Action:
        broadcast = [ip_address("192.0.2.255")]
        chosen = Selection(Policy("test", rules), [HERE, HERE6], broadcast_addresses=broadcast)
        return chosen.decide(flow(local, remote, "udp", 5353, 5353)).action

    anyone = rule("negotiate", NEGOTIATE, traffic("any", "any", "udp"))
    shut = rule("block", BLOCK, traffic("any", "any"))
    assert decided(anyone) is Action.PERMIT
    assert decided(anyone, shut) is Action.BLOCK


def test_a_negotiate_rule_for_any_covers_both_families() -> None:
    both = selection(EVERYTHING, here=(HERE, HERE6))
    assert both.decide(flow("2001:db8::1", "2001:db8::2", "tcp", 1, 2)).peer == PEER6


# --- peers --------------------------------------------------------------------------------------

OTHER_KEY = Authentication(Method.PRESHARED_KEY, "other.psk")


def test_terms_toward_a_peer_list_each_authentication_once_the_deciding_rule_first() -> None:
    web = rule(
        "web", NEGOTIATE, traffic("me", "any", "tcp", 0, 80), authentication=(OTHER_KEY, KEY)
    )
    terms = selection(EVERYTHING, web).toward(HERE, PEER)
    assert terms is not None
    assert terms.rules == (web, EVERYTHING)
    assert terms.authentications == (OTHER_KEY, KEY)
    assert not terms.explain_refusals


def test_a_rule_may_have_main_mode_settings_of_its_own() -> None:
    own = MainModeSettings(lifetime_s=60)
    special = replace(rule("one", NEGOTIATE, traffic("me", "192.0.2.2")), main_mode=own)
    chosen = selection(EVERYTHING, special)
    assert chosen.main_mode(HERE, PEER) is own
    assert chosen.main_mode(HERE, OTHER) is chosen.policy.main_mode
    weak = selection(EVERYTHING, replace(special, windows_2000_peer=True)).main_mode(HERE, PEER)
    assert [offer.cipher.name for offer in weak.offers] == ["3des", "3des", "des", "des"]
    assert weak.lifetime_s == 60


def test_a_computer_that_plays_a_weak_one_is_weak_toward_everybody() -> None:
    special = replace(EVERYTHING, main_mode=MainModeSettings(lifetime_s=60))
    chosen = Selection(Policy("weak", (special,), weak_host=True), [HERE])
    settings = chosen.main_mode(HERE, PEER)
    assert {offer.cipher.name for offer in settings.offers} == {"des"}
    assert settings.lifetime_s == 60


def test_one_rule_that_explains_is_enough() -> None:
    open_ = rule("open", NEGOTIATE, traffic("me", "192.0.2.2"), explain_refusals=True)
    terms = selection(EVERYTHING, open_).toward(HERE, PEER)
    assert terms is not None
    assert terms.explain_refusals
    others = selection(EVERYTHING, open_).toward(HERE, OTHER)
    assert others is not None
    assert not others.explain_refusals


@pytest.mark.parametrize(
    ("peer", "why"),
    [
        (OTHER, "no filter names it"),
        (ip_address("192.0.2.9"), "everything between the two is permitted in clear"),
        (ip_address("224.0.0.1"), "a group is no peer"),
        (HERE, "this computer is no peer"),
        (PEER6, "no IPv6 here"),
    ],
)
def test_no_terms_where_no_rule_asks_for_negotiation(peer: IpAddress, why: str) -> None:
    some = selection(
        rule("some", NEGOTIATE, traffic("me", "192.0.2.2"), traffic("me", "192.0.2.8/29")),
        rule("clear", PERMIT, traffic("me", "192.0.2.9"), traffic("me", "192.0.2.10", "icmp")),
    )
    assert some.toward(HERE, peer) is None, why
    for asked in (PEER, ip_address("192.0.2.10"), ip_address("192.0.2.11")):
        assert some.toward(HERE, asked) is not None


def test_a_tunnel_rule_gives_terms_toward_its_endpoint_alone() -> None:
    assert selection(TUNNEL).toward(HERE, PEER) is not None
    assert selection(TUNNEL).toward(HERE, OTHER) is None


def test_a_connection_takes_the_most_specific_negotiate_filter() -> None:
    web = rule("web", NEGOTIATE, traffic("me", "192.0.2.2", "tcp", 0, 80))
    decision = selection(EVERYTHING, web).connection(HERE, PEER)
    assert decision is not None
    assert decision.selector == selector("192.0.2.1", "192.0.2.2", "tcp", 0, 80)
    assert decision.filter_action is NEGOTIATE


def test_a_connection_through_a_tunnel_takes_its_ranges() -> None:
    decision = selection(TUNNEL).connection(HERE, PEER)
    assert decision is not None
    assert decision.selector == selector("10.1.0.0/16", "10.2.0.0/16")
    assert decision.mode is Mode.TUNNEL


def test_no_connection_where_nothing_is_negotiated() -> None:
    assert selection(rule("clear", PERMIT, traffic("me", "any"))).connection(HERE, PEER) is None


def test_a_decision_without_a_rule_has_no_filter_action() -> None:
    with pytest.raises(ValueError, match="no rule"):
        _ = selection().decide(tcp()).filter_action


# --- quick mode ---------------------------------------------------------------------------------

HOSTS = selector("192.0.2.1", "192.0.2.2")


def refused(
    chosen: Selection,
    wanted: Selector,
    mode: Mode = Mode.TRANSPORT,
    authentication: Authentication = KEY,
) -> Failure:
    with pytest.raises(Refused) as caught:
        chosen.authorise(wanted, HERE, PEER, authentication, mode)
    return caught.value.failure


def test_what_a_negotiate_filter_covers_is_granted() -> None:
    for wanted in (HOSTS, selector("192.0.2.1", "192.0.2.2", "tcp", 0, 80)):
        granted = selection(EVERYTHING).authorise(wanted, HERE, PEER, KEY, Mode.TRANSPORT)
        assert granted.rule is EVERYTHING
        assert (granted.selector, granted.peer, granted.mode) == (wanted, PEER, Mode.TRANSPORT)


def test_transport_mode_is_for_the_two_hosts_of_main_mode() -> None:
    failure = refused(selection(EVERYTHING), selector("192.0.2.1", "192.0.2.3"))
    assert failure.reason is Reason.NOT_AUTHORISED
    assert failure.detail == "in transport mode the addresses are those of main mode"
    assert failure.offered == ("192.0.2.1 <-> 192.0.2.3 any transport mode",)
    assert failure.wanted == ("192.0.2.1 <-> 192.0.2.2 any transport mode (rule 'everything')",)


def test_more_than_the_filter_covers_is_refused() -> None:
    web = rule("web", NEGOTIATE, traffic("me", "any", "tcp", 0, 80))
    failure = refused(selection(web), HOSTS)
    assert failure.reason is Reason.NOT_AUTHORISED
    assert failure.detail == "no filter of ours toward this peer covers it"


def test_the_method_of_main_mode_must_be_one_of_the_rules() -> None:
    failure = refused(selection(EVERYTHING), HOSTS, authentication=OTHER_KEY)
    assert failure.reason is Reason.NOT_AUTHORISED
    assert "does not list the preshared_key" in failure.detail


@pytest.mark.parametrize("action", [PERMIT, BLOCK])
def test_what_goes_in_clear_or_not_at_all_is_not_negotiated(action: FilterAction) -> None:
    decided = rule("decided", action, traffic("me", "192.0.2.2", "icmp"))
    failure = refused(selection(EVERYTHING, decided), selector("192.0.2.1", "192.0.2.2", "icmp"))
    assert failure.detail.endswith(f"decides: {action.name}")


def test_more_specific_permit_and_block_filters_inside_are_left_to_the_driver() -> None:
    inside = rule("inside", BLOCK, traffic("me", "192.0.2.2", "tcp", 0, 23))
    granted = selection(EVERYTHING, inside).authorise(HOSTS, HERE, PEER, KEY, Mode.TRANSPORT)
    assert granted.rule is EVERYTHING
    assert "rule 'inside'" in granted.because[0]


def test_a_part_that_another_rule_gives_to_the_same_peer_is_no_obstacle() -> None:
    web = rule("web", NEGOTIATE, traffic("me", "192.0.2.2", "tcp", 0, 80))
    granted = selection(EVERYTHING, web).authorise(HOSTS, HERE, PEER, KEY, Mode.TRANSPORT)
    assert granted.rule is EVERYTHING


def test_a_part_that_belongs_to_another_peer_is_refused() -> None:
    wide = selector("10.1.0.0/16", "10.2.0.0/16")
    narrow = traffic("10.1.0.0/16", "10.2.7.0/24")
    elsewhere = rule("elsewhere", NEGOTIATE, narrow, tunnel="192.0.2.3")
    failure = refused(selection(TUNNEL, elsewhere), wide, Mode.TUNNEL)
    assert failure.reason is Reason.NOT_AUTHORISED
    assert "rule 'elsewhere'" in failure.detail
    assert "names another peer" in failure.detail
    granted = selection(TUNNEL, elsewhere).authorise(
        selector("10.1.0.0/16", "10.2.8.0/24"), HERE, PEER, KEY, Mode.TUNNEL
    )
    assert granted.rule is TUNNEL


def test_a_host_behind_a_tunnel_that_we_negotiate_with_itself_stays_its_own() -> None:
    out = rule("out", NEGOTIATE, traffic("me", "10.2.0.0/16"), tunnel="192.0.2.2")
    direct = rule("direct", NEGOTIATE, traffic("me", "10.2.0.9"))
    failure = refused(selection(out, direct), selector("192.0.2.1", "10.2.0.0/16"), Mode.TUNNEL)
    assert "rule 'direct'" in failure.detail


def test_anothers_tunnel_gives_this_peer_nothing() -> None:
    elsewhere = replace(TUNNEL, tunnel_endpoint=OTHER)
    failure = refused(selection(elsewhere), selector("10.1.0.0/16", "10.2.0.0/16"), Mode.TUNNEL)
    assert failure.reason is Reason.NOT_AUTHORISED


@pytest.mark.parametrize(
    ("ours", "wanted", "mode"),
    [
        (EVERYTHING, HOSTS, Mode.TUNNEL),
        (EVERYTHING, selector("10.1.0.0/16", "10.2.0.0/16"), Mode.TUNNEL),
        (rule("t", NEGOTIATE, traffic("me", "any"), tunnel="192.0.2.2"), HOSTS, Mode.TRANSPORT),
        (TUNNEL, HOSTS, Mode.TRANSPORT),
    ],
)
def test_the_other_mode_is_the_reason_when_it_is(ours: Rule, wanted: Selector, mode: Mode) -> None:
    assert refused(selection(ours), wanted, mode).reason is Reason.MODE_MISMATCH
