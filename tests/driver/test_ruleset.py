"""Policy as a table of nftables, rule by rule, and against `policy.selection` itself."""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address

import pytest

from mainmode.driver.user import ruleset
from mainmode.driver.user.routing import ARRIVED, DEPARTING, SENT
from mainmode.model import AddressRange, Flow, IpAddress, Selector, SoftSa
from mainmode.policy.model import Action, Rule
from mainmode.policy.selection import Selection
from mainmode.policy.settings import Settings
from tests.driver.nft_model import Fate, Json, Packet, fate
from tests.driver.pairs import policy, rule

A, B, C = (ip_address(f"192.0.2.{number}") for number in (1, 2, 3))
BROADCAST, GROUP = ip_address("192.0.2.255"), ip_address("224.0.0.251")
A6, B6 = ip_address("2001:db8::1"), ip_address("2001:db8::2")
NEAR, FAR = ip_address("10.1.0.5"), ip_address("10.2.0.9")
LOCAL = (A, A6)
TCP, UDP, ICMP, ESP, AH, ICMPV6 = 6, 17, 1, 50, 51, 58
DEVICE = "mainmode0"

PASSES = Fate(True, 0, "")
MARKED = Fate(True, DEPARTING, "")


def dropped(counter: str, mark: int = 0) -> Fate:
    return Fate(False, mark, counter)


def table(*rules: Rule, soft: Iterable[SoftSa] = ()) -> Json:
    selection = Selection(policy(*rules), LOCAL, broadcast_addresses=[BROADCAST])
    return ruleset.build(selection, device=DEVICE, ike_ports=(500, 4500), soft=soft)


def here(packet: Packet) -> Packet:
    return replace(packet, local=LOCAL, broadcast=(BROADCAST,))


def leaves(made: Json, flow: Flow, **more: object) -> Fate:
    return fate(made, "output", here(Packet.leaving(flow, **more)))


def arrives(made: Json, flow: Flow, **more: object) -> Fate:
    return fate(made, "input", here(Packet.arriving(flow, **more)))


def passes_through(made: Json, packet: Packet) -> Fate:
    """Prerouting, then forward if it gets so far."""
    first = fate(made, "prerouting", here(packet))
    if not first.passes:
        return first
    return fate(made, "forward", here(replace(packet, mark=first.mark)))


SECURE = table(rule(Action.NEGOTIATE, "me", "any"))


# --- what needs protection ----------------------------------------------------------------


def test_departing_packets_are_marked() -> None:
    assert leaves(SECURE, Flow(A, B, TCP, 1_024, 80)) == MARKED


def test_arriving_packets_must_come_out_of_the_device() -> None:
    flow = Flow(A, B, TCP, 80, 1_024)
    assert arrives(SECURE, flow) == dropped("clear_in")
    assert arrives(SECURE, flow, came_in=DEVICE) == PASSES


def test_inbound_pass_through() -> None:
    made = table(rule(Action.NEGOTIATE, "me", "any", accept_unsecured=True))
    assert arrives(made, Flow(A, B, TCP, 80, 1_024)) == PASSES
    assert leaves(made, Flow(A, B, TCP, 80, 1_024)) == MARKED


def test_marked_packets_leave_through_the_device_only() -> None:
    """After the device has vanished with its process, and when somebody flushed the rules."""
    marked = Packet(A, B, mark=DEPARTING)
    assert fate(SECURE, "postrouting", marked) == dropped("escaped", DEPARTING)
    assert fate(SECURE, "postrouting", replace(marked, goes_out=DEVICE)).passes
    assert fate(SECURE, "postrouting", replace(marked, mark=0)).passes


@pytest.mark.parametrize(
    "flow",
    [Flow(A, B, ESP), Flow(A, B, AH), Flow(A, B, UDP, 500, 500), Flow(A, B, UDP, 4500, 1_024)],
    ids=["esp", "ah", "ike", "ike through nat"],
)
def test_what_carries_protection_goes_in_clear(flow: Flow) -> None:
    assert leaves(SECURE, flow) == PASSES
    assert arrives(SECURE, flow) == PASSES


def test_what_the_driver_has_sealed_leaves() -> None:
    """In fragments too: the later ones of ESP in UDP have no ports. What passes through gains
    nothing by the mark, nor does what arrives."""
    later = Flow(A, B, UDP)
    assert leaves(SECURE, later, offset=185, mark=SENT) == Fate(True, SENT, "")
    assert leaves(SECURE, later, offset=185) == MARKED
    assert fate(SECURE, "postrouting", Packet(A, B, UDP, mark=SENT)).passes
    assert arrives(SECURE, later, mark=SENT) == dropped("clear_in", SENT)
    assert passes_through(gateway(), Packet(NEAR, FAR, mark=SENT)) == MARKED


def test_only_our_own_ike_ports_are_exempt() -> None:
    """Not what an application sends to port 500 elsewhere, nor what comes from there."""
    for port in (500, 4500):
        assert leaves(SECURE, Flow(A, B, UDP, 1_024, port)) == MARKED
        assert arrives(SECURE, Flow(A, B, UDP, 1_024, port)) == dropped("clear_in")
        assert arrives(SECURE, Flow(A, B, UDP, port, 1_024)) == PASSES
    assert leaves(SECURE, Flow(A, B, TCP, 500, 500)) == MARKED


def test_a_computer_talks_to_itself() -> None:
    assert leaves(SECURE, Flow(A, A, TCP, 1, 2), goes_out="lo") == PASSES
    assert arrives(SECURE, Flow(A, A, TCP, 1, 2), came_in="lo") == PASSES


@pytest.mark.parametrize("destination", [BROADCAST, GROUP])
def test_multicast_and_broadcast_are_never_negotiated(destination: object) -> None:
    flow = Flow(A, destination, UDP, 1_024, 5_353)  # type: ignore[arg-type]
    assert leaves(SECURE, flow) == PASSES
    blocked = table(rule(Action.BLOCK, "me", "any"))
    assert leaves(blocked, flow) == dropped("blocked_out")


def test_ipv6_is_dropped_both_ways() -> None:
    flow = Flow(A6, B6, TCP, 1_024, 80)
    assert leaves(SECURE, flow) == dropped("ipv6")
    assert arrives(SECURE, flow) == dropped("clear_in")


def test_ipv6_neighbours_find_each_other() -> None:
    for kind in (133, 134, 135, 136, 137):
        assert leaves(SECURE, Flow(A6, B6, ICMPV6), kind=kind) == PASSES
        assert arrives(SECURE, Flow(A6, B6, ICMPV6), kind=kind) == PASSES
    assert leaves(SECURE, Flow(A6, B6, ICMPV6), kind=128) == dropped("ipv6")


def test_ipv6_outside_policy_passes() -> None:
    made = table(rule(Action.NEGOTIATE, str(A), str(B)))
    assert leaves(made, Flow(A6, B6, TCP, 1, 2)) == PASSES


# --- addresses that policy does not know --------------------------------------------------


def test_an_address_that_came_later() -> None:
    """ "me" was compiled for the addresses there were; the packets of a new one are not in clear
    for that."""
    stranger = ip_address("192.0.2.9")
    packet = replace(here(Packet(stranger, B, TCP, 1, 2)), local=(*LOCAL, stranger))
    assert fate(SECURE, "output", packet) == dropped("unknown_address")
    back = replace(packet, source=B, destination=stranger)
    assert fate(SECURE, "input", back) == dropped("unknown_address")


def test_a_policy_without_me_does_not_care() -> None:
    made = table(rule(Action.NEGOTIATE, str(A), str(B)))
    stranger = ip_address("192.0.2.9")
    packet = replace(here(Packet(stranger, B, TCP, 1, 2)), local=(*LOCAL, stranger))
    assert fate(made, "output", packet) == PASSES


def test_a_policy_that_only_permits_does_not_care() -> None:
    made = table(rule(Action.PERMIT, "me", "any"))
    stranger = ip_address("192.0.2.9")
    packet = replace(here(Packet(stranger, B, TCP, 1, 2)), local=(*LOCAL, stranger))
    assert fate(made, "output", packet) == PASSES


# --- several filters ----------------------------------------------------------------------


def mixed() -> Json:
    return table(
        rule(Action.NEGOTIATE, "me", "any"),
        rule(Action.PERMIT, "me", "any", protocol=TCP, destination_port=80),
        rule(Action.BLOCK, "me", "any", protocol=TCP, destination_port=23),
    )


def test_the_most_specific_filter_decides() -> None:
    made = mixed()
    assert leaves(made, Flow(A, B, TCP, 1_024, 80)) == PASSES
    assert leaves(made, Flow(A, B, TCP, 1_024, 23)) == dropped("blocked_out")
    assert leaves(made, Flow(A, B, TCP, 1_024, 443)) == MARKED
    assert arrives(made, Flow(A, B, TCP, 1_024, 80)) == PASSES
    assert arrives(made, Flow(A, B, TCP, 1_024, 443)) == dropped("clear_in")


def test_block_rules_hold_for_opened_packets_too() -> None:
    flow = Flow(A, B, TCP, 1_024, 23)
    assert arrives(mixed(), flow, came_in=DEVICE) == dropped("blocked_in")


def test_one_way_filters() -> None:
    made = table(rule(Action.BLOCK, "me", "any", mirrored=False))
    assert leaves(made, Flow(A, B, ICMP)) == dropped("blocked_out")
    assert arrives(made, Flow(A, B, ICMP)) == PASSES


def test_address_ranges() -> None:
    made = table(rule(Action.BLOCK, str(A), "198.51.100.7-198.51.100.200"))
    for last, expected in ((6, PASSES), (7, dropped("blocked_out")), (201, PASSES)):
        flow = Flow(A, ip_address(f"198.51.100.{last}"), ICMP)
        assert leaves(made, flow) == expected


def test_later_fragments_are_never_guessed_to_be_harmless() -> None:
    """They have no ports, so a filter with ports could let them slip through."""
    made = table(rule(Action.NEGOTIATE, "me", "any", protocol=UDP, destination_port=53))
    assert leaves(made, Flow(A, B, UDP, 0, 0), offset=185) == dropped("fragments")
    assert leaves(made, Flow(A, B, TCP, 0, 0), offset=185) == PASSES
    assert leaves(made, Flow(A6, B6, UDP, 0, 0), offset=185) == dropped("fragments")
    assert leaves(made, Flow(A, B, UDP, 1, 54)) == PASSES


# --- under soft SAs -----------------------------------------------------------------------


def soft(peer: IpAddress = B, local: IpAddress = A, protocol: int = 0, port: int = 0) -> SoftSa:
    selector = Selector(AddressRange.host(local), AddressRange.host(peer), protocol, 0, port)
    return SoftSa(1, selector, peer)


REQUEST = rule(Action.NEGOTIATE, "me", "any", allow_fallback=True)
TELNET = rule(Action.BLOCK, "me", "any", protocol=TCP, destination_port=23)
SMB = rule(Action.NEGOTIATE, "me", "any", protocol=TCP, destination_port=445)


def test_a_soft_sa_lets_its_hosts_talk_both_ways() -> None:
    made = table(REQUEST, soft=[soft()])
    flow = Flow(A, B, TCP, 80, 1_024)
    assert leaves(made, flow) == PASSES
    assert arrives(made, flow) == PASSES
    assert arrives(made, flow, came_in=DEVICE) == PASSES


def test_and_nobody_else() -> None:
    made = table(REQUEST, soft=[soft()])
    flow = Flow(A, C, TCP, 80, 1_024)
    assert leaves(made, flow) == MARKED
    assert arrives(made, flow) == dropped("clear_in")
    assert passes_through(made, Packet(B, C, came_in="wire")) == PASSES, "no concern of this policy"


def test_more_specific_filters_hold_all_the_same() -> None:
    made = table(REQUEST, TELNET, SMB, soft=[soft()])
    assert leaves(made, Flow(A, B, TCP, 1_024, 23)) == dropped("blocked_out")
    assert leaves(made, Flow(A, B, TCP, 1_024, 445)) == MARKED
    assert arrives(made, Flow(A, B, TCP, 1_024, 445)) == dropped("clear_in")
    assert leaves(made, Flow(A, B, TCP, 1_024, 80)) == PASSES


def test_each_filter_has_soft_sas_of_its_own() -> None:
    web = rule(
        Action.NEGOTIATE, "me", "any", protocol=TCP, destination_port=80, allow_fallback=True
    )
    made = table(REQUEST, web, soft=[soft(protocol=TCP, port=80)])
    assert leaves(made, Flow(A, B, TCP, 1_024, 80)) == PASSES
    assert leaves(made, Flow(A, B, TCP, 1_024, 81)) == MARKED
    made = table(REQUEST, web, soft=[soft()])
    assert leaves(made, Flow(A, B, TCP, 1_024, 80)) == MARKED
    assert leaves(made, Flow(A, B, TCP, 1_024, 81)) == PASSES


def test_no_soft_sa_where_policy_does_not_allow_fallback() -> None:
    """As after a reload."""
    for made in (table(SMB, soft=[soft(protocol=TCP, port=445)]), table(soft=[soft()])):
        assert "permitted" not in str(made)
    assert leaves(table(rule(Action.NEGOTIATE, "me", "any"), soft=[soft()]), Flow(A, B)) == MARKED


def test_no_soft_sa_for_what_passes_through() -> None:
    made = table(
        rule(Action.NEGOTIATE, "10.1.0.0/16", "10.2.0.0/16", allow_fallback=True),
        soft=[soft(FAR, NEAR)],
    )
    assert passes_through(made, Packet(NEAR, FAR)) == dropped("not_local")


def test_no_soft_sa_for_a_tunnel() -> None:
    tunnel = rule(
        Action.NEGOTIATE, "me", "10.2.0.0/16", tunnel_endpoint=str(B), allow_fallback=True
    )
    assert leaves(table(tunnel, soft=[soft(FAR)]), Flow(A, FAR, ICMP)) == MARKED


def test_ipv6_passes_under_a_soft_sa() -> None:
    made = table(REQUEST, soft=[soft(B6, A6)])
    flow = Flow(A6, B6, TCP, 1_024, 80)
    assert leaves(made, flow) == arrives(made, flow) == PASSES


def test_what_passes_is_noted_for_the_idle_time() -> None:
    (noted,) = {
        str(statement["set"])
        for command in table(REQUEST)["nftables"]
        for statement in command.get("add", {}).get("rule", {}).get("expr", ())
        if "set" in statement
        and "ip6" not in str(statement)
        # the inbound rule notes the same hosts the other way round
        and str(statement).index("saddr") < str(statement).index("daddr")
    }
    assert "@passed_ipv4_0_0_0" in noted
    assert "'timeout': 300" in noted


# --- passing through ----------------------------------------------------------------------


def gateway() -> Json:
    return table(rule(Action.NEGOTIATE, "10.1.0.0/16", "10.2.0.0/16", tunnel_endpoint=str(B)))


def test_a_gateway_marks_what_goes_into_its_tunnel() -> None:
    assert passes_through(gateway(), Packet(NEAR, FAR)) == MARKED
    assert fate(gateway(), "postrouting", Packet(NEAR, FAR, mark=DEPARTING)).passes is False


def test_a_gateway_lets_in_what_came_out_of_its_tunnel() -> None:
    back = Packet(FAR, NEAR)
    assert passes_through(gateway(), back) == dropped("clear_in")
    opened = passes_through(gateway(), replace(back, came_in=DEVICE))
    assert opened == Fate(True, ARRIVED, "")


def test_from_one_tunnel_into_another() -> None:
    """What came out of a tunnel and is on its way to another network behind a tunnel must not go
    there in clear."""
    made = table(
        rule(Action.NEGOTIATE, "10.1.0.0/16", "10.2.0.0/16", tunnel_endpoint=str(B)),
        rule(Action.NEGOTIATE, "10.2.0.0/16", "10.3.0.0/16", tunnel_endpoint=str(C)),
    )
    onward = Packet(FAR, ip_address("10.3.0.1"), came_in=DEVICE)
    assert passes_through(made, onward) == MARKED


def test_the_gateway_itself_uses_the_tunnel() -> None:
    made = table(rule(Action.NEGOTIATE, "any", "10.2.0.0/16", tunnel_endpoint=str(B)))
    assert leaves(made, Flow(A, FAR, TCP, 1, 2)) == MARKED


def test_transport_mode_cannot_protect_what_passes_through() -> None:
    made = table(rule(Action.NEGOTIATE, "10.1.0.0/16", "10.2.0.0/16"))
    assert passes_through(made, Packet(NEAR, FAR)) == dropped("not_local")


def test_others_esp_and_ike_are_no_exception_on_their_way_through() -> None:
    for protocol, ports in ((ESP, (0, 0)), (UDP, (500, 500))):
        assert passes_through(gateway(), Packet(NEAR, FAR, protocol, *ports)) == MARKED


def test_other_traffic_passes_through() -> None:
    assert passes_through(gateway(), Packet(NEAR, B)) == PASSES


def test_the_way_back_of_a_pair_of_tunnel_rules() -> None:
    """A rule whose endpoint is this computer only demands protection on arrival."""
    made = table(
        rule(
            Action.NEGOTIATE,
            "10.2.0.0/16",
            "10.1.0.0/16",
            tunnel_endpoint=str(A),
            mirrored=False,
        )
    )
    assert passes_through(made, Packet(FAR, NEAR)) == dropped("clear_in")
    assert passes_through(made, Packet(NEAR, FAR)) == PASSES


# --- the transaction ----------------------------------------------------------------------


def kinds(made: Json) -> Iterable[str]:
    for command in made["nftables"]:
        for verb, subject in command.items():
            yield f"{verb} {next(iter(subject))}"


def test_old_rules_go_in_the_same_transaction_as_new_ones_come() -> None:
    order = list(dict.fromkeys(kinds(SECURE)))
    assert order == ["add table", "add chain", "flush table", "add counter", "add rule"]


def test_soft_sas_are_renewed_in_the_same_transaction() -> None:
    """Those of a predecessor go."""
    made = table(REQUEST, soft=[soft()])
    order = list(dict.fromkeys(kinds(made)))
    assert order[3:] == ["add counter", "flush set", "add element", "add rule"]
    assert list(kinds(made)).count("flush set") == 2, "for IPv4 and IPv6"


def test_every_counter_that_a_rule_names_is_there() -> None:
    used = {
        statement["counter"]
        for made in (SECURE, mixed(), gateway(), table(rule(Action.NEGOTIATE, str(NEAR), str(FAR))))
        for command in made["nftables"]
        for statement in command.get("add", {}).get("rule", {}).get("expr", ())
        if "counter" in statement
    }
    assert used <= set(ruleset.COUNTERS)


def test_small_segments_in_both_directions() -> None:
    clamping = [
        (command["add"]["rule"]["chain"], command["add"]["rule"]["expr"][-1]["mangle"]["value"])
        for command in SECURE["nftables"]
        if "tcp option" in str(command)
    ]
    assert sorted(clamping) == [("postrouting", 1_360), ("prerouting", 1_360)]


# --- what the general settings exempt -----------------------------------------------------

_EXEMPT_FLOWS = {
    Flow(A, GROUP, UDP, 5_353, 5_353): (0, 1),
    Flow(A, BROADCAST, UDP, 137, 137): (0, 1),
    Flow(A, B, 46): (0, 2),
    Flow(A, B, TCP, 40_000, 88): (0, 2),
    Flow(A, B, UDP, 88, 40_000): (0, 2),
    Flow(A, B, TCP, 40_000, 80): (),
}


@pytest.mark.parametrize("level", range(4))
@pytest.mark.parametrize("flow", list(_EXEMPT_FLOWS), ids=str)
def test_exemptions(flow: Flow, level: int) -> None:
    strict = policy(rule(Action.BLOCK, "any", "any"))
    settings = Settings(exempt=level)
    selection = Selection(strict, LOCAL, broadcast_addresses=[BROADCAST], settings=settings)
    made = ruleset.build(selection, device=DEVICE, ike_ports=(500, 4500))
    exempt = level in _EXEMPT_FLOWS[flow]
    assert leaves(made, flow).passes == exempt
    if flow.remote is B:
        assert arrives(made, flow).passes == exempt
    assert not passes_through(made, Packet(B, NEAR, TCP, 40_000, 88)).passes
