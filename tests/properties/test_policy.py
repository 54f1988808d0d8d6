"""Laws of selectors, of the filter order and of what it decides."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mainmode.failures import Failure
from mainmode.model import AddressRange, Direction, Flow, IpAddress, Mode, Selector
from mainmode.policy.model import Action, DefaultResponse, Filter, Place, PlaceKind, Policy
from mainmode.policy.selection import Decision, Selection
from tests.properties.effort import examples
from tests.properties.policies import (
    HERE,
    KEY,
    NEGOTIATE_ALL,
    THERE,
    WORLD,
    filters,
    flows,
    flows_between,
    outcome,
    selectors,
    small_policies,
)

# --- selectors ----------------------------------------------------------------------------------


@given(selectors(), selectors(), flows())
def test_what_covers_has_every_flow_of_the_other(
    one: Selector, other: Selector, flow: Flow
) -> None:
    if one.covers(other) and other.matches(flow):
        assert one.matches(flow)


@given(selectors(), selectors(), flows())
def test_what_shares_a_flow_touches(one: Selector, other: Selector, flow: Flow) -> None:
    assert one.touches(other) == other.touches(one)
    if one.matches(flow) and other.matches(flow):
        assert one.touches(other)


@given(selectors(), selectors(), selectors())
def test_covering_is_an_order(one: Selector, other: Selector, third: Selector) -> None:
    assert one.covers(one)
    if one.covers(other):
        assert one.touches(other)
        if other.covers(one):
            assert one == other
        if other.covers(third):
            assert one.covers(third)


# --- decisions ----------------------------------------------------------------------------------

_EVERYWHERE = 1 << 32
_STRICTNESS = (Action.BLOCK, Action.NEGOTIATE, Action.PERMIT)


def _has(place: Place, address: IpAddress) -> bool:
    if place.kind is PlaceKind.ADDRESSES:
        return place.addresses is not None and address in place.addresses
    return place.kind is PlaceKind.ANY or address == HERE


def _size(place: Place) -> int:
    if place.addresses is not None:
        return place.addresses.size
    return _EVERYWHERE if place.kind is PlaceKind.ANY else 1


def _matches(each: Filter, flow: Flow, direction: Direction) -> bool:
    """The filter against the packet as it is on the wire."""
    local, remote = (flow.local, flow.local_port), (flow.remote, flow.remote_port)
    sent = (local, remote) if direction is Direction.OUTBOUND else (remote, local)
    ways = [sent, sent[::-1]] if each.mirrored else [sent]
    return each.protocol in (0, flow.protocol) and any(
        _has(each.source, source)
        and _has(each.destination, destination)
        and each.source_port in (0, source_port)
        and each.destination_port in (0, destination_port)
        for (source, source_port), (destination, destination_port) in ways
    )


def _decided_naively(policy: Policy, flow: Flow, direction: Direction) -> tuple[Action, str]:
    """Action and rule name, straight from the words of the filter order."""
    if flow.remote == HERE or (
        flow.local == HERE and flow.protocol == 17 and flow.local_port == 500
    ):
        return Action.PERMIT, ""
    found = []
    for number, rule in enumerate(policy.rules):
        action = rule.filter_action.action
        for each in rule.filter_list.filters:
            if not _matches(each, flow, direction):
                continue
            if flow.remote.is_multicast and action is Action.NEGOTIATE:
                continue
            narrow, wide = sorted((_size(each.source), _size(each.destination)))
            ports = bool(each.source_port) + bool(each.destination_port)
            strictness = _STRICTNESS.index(action)
            found.append((wide, narrow, not each.protocol, -ports, strictness, number, rule))
    if not found:
        return Action.PERMIT, ""
    rule = min(found, key=lambda one: one[:-1])[-1]
    if rule.filter_action.action is Action.NEGOTIATE and flow.local != HERE:
        return Action.BLOCK, rule.name
    return rule.filter_action.action, rule.name


def _summary(decision: Decision) -> tuple[Action, str]:
    return decision.action, decision.rule.name if decision.rule else ""


@examples(300)
@given(small_policies(), flows(), st.sampled_from(Direction))
def test_decisions_agree_with_a_naive_reading(
    policy: Policy, flow: Flow, direction: Direction
) -> None:
    decision = Selection(policy, [HERE]).decide(flow, direction)
    assert _summary(decision) == _decided_naively(policy, flow, direction)
    assert decision.because


_ANSWERED = st.lists(
    st.sampled_from((THERE, *WORLD[2:])).map(
        lambda remote: Selector(AddressRange.host(HERE), AddressRange.host(remote))
    ),
    max_size=3,
)


@examples(500)
@given(small_policies(), flows(), st.sampled_from(Direction), _ANSWERED)
def test_looking_up_by_the_index_finds_what_the_plain_list_says(
    policy: Policy, flow: Flow, direction: Direction, answered: list[Selector]
) -> None:
    policy = replace(policy, default_response=DefaultResponse(True))
    selection = Selection(policy, [HERE]).answering(answered)
    decision = selection.decide(flow, direction)
    deciding = (
        each
        for each in (*selection.ordered, *selection.answered)
        if each.applies_to(direction)
        and each.selector.matches(flow)
        and not selection.passes_over(each, flow)
    )
    first = None if selection.exemption(flow) else next(deciding, None)
    assert decision.decided_by == first
    assert decision.because


@given(small_policies())
def test_a_filter_inside_another_one_comes_first(policy: Policy) -> None:
    ordered = [each.selector for each in Selection(policy, [HERE]).ordered]
    for at, later in enumerate(ordered):
        for earlier in ordered[:at]:
            assert earlier == later or not earlier.covers(later)


@given(small_policies(), flows_between())
def test_the_first_filter_in_order_that_matches_is_the_one_that_decides(
    policy: Policy, flow: Flow
) -> None:
    """What the driver's packet filter relies on."""
    selection = Selection(policy, [HERE])
    first = next(
        (each for each in selection.ordered if each.outbound and each.selector.matches(flow)), None
    )
    expected = (first.action, first.rule.name) if first else (Action.PERMIT, "")
    assert _summary(selection.decide(flow)) == expected


def _turned(flow: Flow) -> Flow:
    return Flow(flow.remote, flow.local, flow.protocol, flow.remote_port, flow.local_port)


_MIRRORED = filters(with_me=False, mirrored=True)


@given(small_policies(_MIRRORED), flows_between())
def test_two_computers_with_one_policy_decide_alike(policy: Policy, flow: Flow) -> None:
    sent = Selection(policy, [HERE]).decide(flow)
    received = Selection(policy, [THERE]).decide(_turned(flow), Direction.INBOUND)
    assert _summary(sent) == _summary(received)


@given(small_policies(_MIRRORED), flows_between())
def test_what_one_computer_asks_for_another_with_its_policy_grants(
    policy: Policy, flow: Flow
) -> None:
    policy = replace(policy, rules=(*policy.rules, NEGOTIATE_ALL))
    wish = Selection(policy, [HERE]).decide(flow)
    if wish.selector is None:
        return
    asked = wish.selector
    turned = Selector(
        asked.remote, asked.local, asked.protocol, asked.remote_port, asked.local_port
    )
    theirs = Selection(policy, [THERE])
    terms = theirs.toward(THERE, HERE)
    assert terms is not None
    assert KEY in terms.authentications
    granted = theirs.authorise(turned, THERE, HERE, KEY, Mode.TRANSPORT)
    assert granted.rule is wish.rule


@given(small_policies(), flows(), selectors(), st.sampled_from(Mode))
def test_what_is_granted_is_negotiated_with_that_very_peer(
    policy: Policy, flow: Flow, wanted: Selector, mode: Mode
) -> None:
    policy = replace(policy, rules=(*policy.rules, NEGOTIATE_ALL))
    selection = Selection(policy, [HERE])
    if mode is Mode.TRANSPORT:
        wanted = replace(wanted, local=AddressRange.host(HERE), remote=AddressRange.host(THERE))
    granted = outcome(lambda: selection.authorise(wanted, HERE, THERE, KEY, mode))
    if isinstance(granted, Failure):
        assert granted.offered == (f"{wanted} {mode.value} mode",)
        return
    assert granted.filter_action.action is Action.NEGOTIATE
    if wanted.matches(flow):
        decision = selection.decide(flow)
        assert decision.action is not Action.NEGOTIATE or decision.peer == THERE
