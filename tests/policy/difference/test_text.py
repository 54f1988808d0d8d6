"""What changes for which traffic, in lines."""

from dataclasses import replace
from ipaddress import ip_address

from mainmode.model import IpAddress
from mainmode.policy.difference import Zone, changes
from mainmode.policy.difference.text import change_lines
from mainmode.policy.model import (
    Authentication,
    DefaultResponse,
    MainModeSettings,
    Method,
    Policy,
    Rule,
)
from mainmode.policy.selection import Selection
from mainmode.policy.words import parse_group, parse_quick_mode_offer
from tests.policy.policies import (
    BLOCK,
    HERE,
    HERE6,
    NEGOTIATE,
    PERMIT,
    rule,
    traffic,
)

WEB = traffic("me", "10.0.0.0/8", "tcp", 0, 80)
KEY = "by preshared key 'peer.psk'"
SOFT = replace(NEGOTIATE, allow_fallback=True)
BOTH = (HERE, ip_address("192.0.2.7"))


def lines(
    old: tuple[Rule, ...], new: tuple[Rule, ...], here: tuple[IpAddress, ...] = (HERE,)
) -> list[str]:
    """What is said of traffic between this computer and others."""
    before, after = (Selection(Policy("test", rules), here) for rules in (old, new))
    own = [each for each in changes(before, after) if each.zone is Zone.OWN]
    return list(change_lines(own, here))


def test_what_was_permitted_is_negotiated() -> None:
    assert lines((), (rule("web", SOFT, WEB),)) == [
        "tcp between me and 10.0.0.0/8:80: permitted -> "
        f"negotiate (esp:3des-sha1), fallback allowed, {KEY}"
    ]


def test_a_line_changed_is_no_change() -> None:
    """Of names, of order, of a filter that decides nothing."""
    web, ping = rule("web", PERMIT, WEB), rule("ping", BLOCK, traffic("me", "any", "icmp"))
    hidden = rule("hidden", BLOCK, replace(WEB, description="as well"))
    again = replace(ping, name="echo", filter_action=replace(BLOCK, name="shut"))
    assert lines((web, ping), (again, web)) == []
    assert lines((hidden,), (hidden, web)) == []


def test_only_what_differs_is_said_of_what_is_negotiated_before_and_after() -> None:
    fixed = replace(
        SOFT,
        offers=(parse_quick_mode_offer("esp:aes128-sha1 15m"),),
        session_pfs=True,
        session_pfs_group=parse_group("group14"),
        accept_unsecured=True,
    )
    other = (Authentication(Method.CERTIFICATE, root_ca="CN=CA"),)
    assert lines((rule("web", SOFT, WEB),), (rule("web", fixed, WEB, authentication=other),)) == [
        "tcp between me and 10.0.0.0/8:80: negotiate: offers esp:3des-sha1 -> esp:aes128-sha1 15m; "
        "unsecured not accepted -> accepted; session PFS no -> group14; "
        "authentication preshared key 'peer.psk' -> certificate from 'CN=CA'"
    ]


def test_a_rules_own_main_mode() -> None:
    own = replace(rule("web", NEGOTIATE, WEB), main_mode=MainModeSettings(lifetime_s=60))
    assert lines((rule("web", NEGOTIATE, WEB),), (own,)) == [
        "tcp between me and 10.0.0.0/8:80: negotiate: main mode the policy's -> the rule's own; "
        "main mode lifetime 8h -> 1m; main mode soft_lifetime 8h -> 1m"
    ]


def test_a_tunnel_in_place_of_transport_mode() -> None:
    out = traffic("me", "10.2.0.0/16")
    assert lines((rule("r", NEGOTIATE, out),), (rule("r", SOFT, out, tunnel="192.0.2.2"),)) == [
        "all traffic between me and 10.2.0.0/16: negotiate: with the other host -> 192.0.2.2; "
        "mode transport -> tunnel; fallback not allowed -> allowed"
    ]
    assert lines((), (rule("r", SOFT, out, tunnel="192.0.2.2"),)) == [
        "all traffic between me and 10.2.0.0/16: permitted -> "
        f"negotiate (esp:3des-sha1) through the tunnel to 192.0.2.2, {KEY}"
    ]


def test_what_more_specific_filters_keep_is_excepted() -> None:
    shut = rule("shut", BLOCK, traffic("me", "any"))
    ping = rule("ping", PERMIT, traffic("me", "any", "icmp"))
    inner = rule("inner", PERMIT, traffic("me", "10.1.0.0/16", "udp", 0, 53))
    assert lines((ping, inner), (shut, ping, inner)) == [
        "all traffic between me and any IPv4 address (except icmp, udp port 53 there with "
        "10.1.0.0/16): permitted -> blocked"
    ]


def test_many_exceptions_are_counted() -> None:
    some = [rule(str(each), PERMIT, traffic("me", f"10.{each}.0.0/16")) for each in range(6)]
    (line,) = lines((), (*some, rule("shut", BLOCK, traffic("me", "10.0.0.0/8"))))
    assert line.endswith("10.2.0.0/16, 2 more): permitted -> blocked")


def test_neighbours_are_one() -> None:
    halves = [rule(each, BLOCK, traffic("me", each)) for each in ("10.0.0.0/9", "10.128.0.0/9")]
    assert lines((), tuple(halves)) == [
        "all traffic between me and 10.0.0.0/8: permitted -> blocked"
    ]


def test_me_is_every_address_of_this_computer() -> None:
    shut = rule("shut", BLOCK, traffic("me", "any"))
    expected = "all traffic between me and any: permitted -> blocked"
    assert lines((), (shut,), (*BOTH, HERE6)) == [expected]
    one = rule("one", BLOCK, traffic("192.0.2.1", "any"))
    assert lines((), (one,), BOTH) == [
        "all traffic between 192.0.2.1 and any IPv4 address: permitted -> blocked"
    ]


def test_one_direction() -> None:
    shut = rule("shut", BLOCK, traffic("10.0.0.0/8", "me", "tcp", mirrored=False))
    assert lines((), (shut,)) == ["tcp from 10.0.0.0/8 to me: permitted -> blocked"]
    shut = rule("shut", BLOCK, traffic("me", "10.0.0.0/8", "tcp", mirrored=False))
    assert lines((), (shut,)) == ["tcp from me to 10.0.0.0/8: permitted -> blocked"]


def test_groups_and_forwarded_packets_are_told_apart() -> None:
    anyone = rule("anyone", NEGOTIATE, traffic("0.0.0.0/0", "10.0.0.0/8"))
    shut = rule("shut", BLOCK, traffic("me", "224.0.0.0/4", "udp"))
    before, after = (Selection(Policy("test", rules), [HERE]) for rules in ((), (anyone, shut)))
    assert list(change_lines(changes(before, after), [HERE])) == [
        f"all traffic between me and 10.0.0.0/8: permitted -> negotiate (esp:3des-sha1), {KEY}",
        "multicast and broadcast: udp from me to 224.0.0.0/4: permitted -> blocked",
        "forwarded: all traffic between any IPv4 address and 10.0.0.0/8: permitted -> blocked",
        "forwarded: all traffic between 10.0.0.0/8 and any IPv4 address: permitted -> blocked",
    ]


def test_the_default_response_rule_is_about_what_no_filter_decides() -> None:
    web = (rule("web", PERMIT, WEB),)
    before = Selection(Policy("test", web), [HERE])
    response = DefaultResponse(active=True)
    after = Selection(Policy("test", web, default_response=response), [HERE])
    assert list(change_lines(changes(before, after), [HERE])) == [
        "all traffic between me and any IPv4 address (except tcp port 80 there with 10.0.0.0/8): "
        "permitted -> permitted, secured where the peer asks (esp:3des-sha1)"
    ]
