"""The packet filter decides as policy does, for any policy and any packet."""

from ipaddress import ip_address

from hypothesis import assume, given
from hypothesis import strategies as st

from mainmode.driver.user import ruleset
from mainmode.driver.user.routing import DEPARTING
from mainmode.model import Direction, Flow, IpAddress, SoftSa
from mainmode.policy.model import Action, Rule
from mainmode.policy.selection import Decision, Selection
from tests.driver.nft_model import Packet, fate
from tests.driver.pairs import policy, rule
from tests.properties.effort import examples

ME = ip_address("192.0.2.1")
ME6 = ip_address("2001:db8::1")
BROADCAST = ip_address("192.0.2.255")
DEVICE = "mainmode0"
V4 = [ip_address(each) for each in ("192.0.2.2", "192.0.2.3", "198.51.100.7", "10.1.0.5")]
GROUPS = [BROADCAST, ip_address("224.0.0.251"), ip_address("255.255.255.255")]
V6 = [ip_address("2001:db8::2"), ip_address("2001:db8:9::1")]
PLACES = ("me", "any", "192.0.2.2", "192.0.2.0/24", "198.51.100.3-198.51.100.9", "2001:db8::/48")
PROTOCOLS = (1, 6, 17, 47)
PORTS = (0, 53, 80, 500)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    protocol = draw(st.sampled_from((0, *PROTOCOLS)))
    with_ports = protocol in (6, 17)
    return rule(
        draw(st.sampled_from(list(Action))),
        draw(st.sampled_from(PLACES)),
        draw(st.sampled_from(PLACES)),
        protocol=protocol,
        source_port=draw(st.sampled_from(PORTS)) if with_ports else 0,
        destination_port=draw(st.sampled_from(PORTS)) if with_ports else 0,
        mirrored=draw(st.booleans()),
        accept_unsecured=draw(st.booleans()),
        allow_fallback=draw(st.booleans()),
    )


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    local = draw(st.sampled_from([ME, ME6]))
    others: list[IpAddress] = [*V4, *GROUPS] if local is ME else V6
    protocol = draw(st.sampled_from(PROTOCOLS))
    ports = st.sampled_from(PORTS) if protocol in (6, 17) else st.just(0)
    return Flow(local, draw(st.sampled_from(others)), protocol, draw(ports), draw(ports))


def selection_of(wanted: list[Rule]) -> Selection:
    return Selection(policy(*wanted), [ME, ME6], broadcast_addresses=[BROADCAST])


def soft_sas(selection: Selection, between: list[Flow]) -> list[SoftSa]:
    """For the traffic that these flows belong to, as far as policy allows it."""
    decisions = [selection.decide(flow) for flow in between]
    return [
        SoftSa(number, decision.selector, decision.peer)
        for number, decision in enumerate(decisions)
        if decision.selector is not None
        and decision.peer is not None
        and decision.filter_action.allow_fallback
    ]


def permitted(decision: Decision, soft: list[SoftSa]) -> bool:
    """Whether a soft SA stands for just what the deciding filter is about."""
    allowed = decision.filter_action.allow_fallback
    return allowed and decision.selector in [each.selector for each in soft]


@given(
    wanted=st.lists(rules(), max_size=5),
    flow=flows(),
    clear=st.lists(flows(), max_size=3),
    itself=st.booleans(),
)
@examples(400)
def test_departures(wanted: list[Rule], flow: Flow, clear: list[Flow], itself: bool) -> None:
    selection = selection_of(wanted)
    soft = soft_sas(selection, [*clear, flow] if itself else clear)
    made = ruleset.build(selection, device=DEVICE, ike_ports=(500, 4500), soft=soft)
    packet = Packet.leaving(flow, local=(ME, ME6), broadcast=GROUPS)
    got = fate(made, "output", packet)
    decision = selection.decide(flow)
    match decision.action:
        case Action.PERMIT:
            assert (got.passes, got.mark) == (True, 0)
        case Action.BLOCK:
            assert not got.passes
        case Action.NEGOTIATE if permitted(decision, soft):
            assert (got.passes, got.mark) == (True, 0)
        case Action.NEGOTIATE if flow.local.version == 6:
            assert not got.passes
        case Action.NEGOTIATE:
            assert (got.passes, got.mark) == (True, DEPARTING)


@given(
    wanted=st.lists(rules(), max_size=5),
    flow=flows(),
    clear=st.lists(flows(), max_size=3),
    itself=st.booleans(),
    opened=st.booleans(),
)
@examples(400)
def test_arrivals(
    wanted: list[Rule], flow: Flow, clear: list[Flow], itself: bool, opened: bool
) -> None:
    assume(flow.remote not in GROUPS)  # nothing comes from a group
    selection = selection_of(wanted)
    soft = soft_sas(selection, [*clear, flow] if itself else clear)
    made = ruleset.build(selection, device=DEVICE, ike_ports=(500, 4500), soft=soft)
    came_in = DEVICE if opened else "wire"
    packet = Packet.arriving(flow, local=(ME, ME6), broadcast=GROUPS, came_in=came_in)
    decision = selection.decide(flow, Direction.INBOUND)
    match decision.action:
        case Action.PERMIT:
            expected = True
        case Action.BLOCK:
            expected = False
        case Action.NEGOTIATE:
            unsecured = decision.filter_action.accept_unsecured or permitted(decision, soft)
            expected = opened or unsecured
    assert fate(made, "input", packet).passes == expected


# --- filters that share rules ---------------------------------------------------------------------

_ALIKE = ("192.0.2.2", "192.0.2.3", "198.51.100.7", "192.0.2.0/24", "10.1.0.0/24")


@st.composite
def alike(draw: st.DrawFn) -> Rule:
    """Rules whose filters are often neighbours of the same sizes."""
    protocol = draw(st.sampled_from((0, 6, 17)))
    return rule(
        draw(st.sampled_from(list(Action))),
        "me",
        draw(st.sampled_from(_ALIKE)),
        protocol=protocol,
        source_port=draw(st.sampled_from(PORTS)) if protocol else 0,
        destination_port=draw(st.sampled_from(PORTS)) if protocol else 0,
        mirrored=draw(st.booleans()),
        accept_unsecured=draw(st.booleans()),
    )


_FLOWS_ALIKE = st.builds(
    Flow, st.just(ME), st.sampled_from(V4), st.sampled_from((6, 17)), *[st.sampled_from(PORTS)] * 2
)


@given(st.lists(alike(), min_size=4, max_size=16), _FLOWS_ALIKE, st.sampled_from(Direction))
@examples(400)
def test_sharing_rules_changes_no_decision(
    wanted: list[Rule], flow: Flow, direction: Direction
) -> None:
    selection = selection_of(wanted)
    made = ruleset.build(selection, device=DEVICE, ike_ports=(500, 4500))
    decision = selection.decide(flow, direction)
    if direction is Direction.OUTBOUND:
        got = fate(made, "output", Packet.leaving(flow, local=(ME, ME6), broadcast=GROUPS))
        assert got.passes == (decision.action is not Action.BLOCK)
        assert (got.mark == DEPARTING) == (decision.action is Action.NEGOTIATE)
    else:
        packet = Packet.arriving(flow, local=(ME, ME6), broadcast=GROUPS)
        passes = decision.action is Action.PERMIT or (
            decision.action is Action.NEGOTIATE and decision.filter_action.accept_unsecured
        )
        assert fate(made, "input", packet).passes == passes
