"""What is told to change changes, and nothing else does."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mainmode.model import AddressRange, Direction, Flow, Selector
from mainmode.policy.difference import Change, Region, Zone, changes
from mainmode.policy.difference.outcome import outcome
from mainmode.policy.difference.regions import joined
from mainmode.policy.difference.space import packet_in, shared
from mainmode.policy.difference.text import change_lines, change_words
from mainmode.policy.difference.values import changes_values
from mainmode.policy.model import Policy
from mainmode.policy.selection import Selection
from tests.properties.explained import Question, policies, questions
from tests.properties.policies import HERE, WORLD, flows, selectors

_OWN = (HERE, WORLD[2])

# --- space --------------------------------------------------------------------------------------


@given(selectors(), selectors(), flows())
def test_what_two_selectors_share_is_what_both_match(
    one: Selector, other: Selector, flow: Flow
) -> None:
    both = shared(one, other)
    matched = both is not None and both.matches(flow)
    assert matched == (one.matches(flow) and other.matches(flow))


@given(selectors(), st.lists(selectors(), max_size=6), flows())
def test_a_packet_is_found_wherever_there_is_one(
    selector: Selector, without: list[Selector], flow: Flow
) -> None:
    def is_inside(packet: Flow) -> bool:
        return selector.matches(packet) and not any(each.matches(packet) for each in without)

    found = packet_in(selector, without)
    assert found is None or is_inside(found)
    assert found is not None or not is_inside(flow)


_numbers = st.integers(0, 12).flatmap(
    lambda first: st.integers(first, 12).map(
        lambda last: AddressRange.parse(f"10.0.0.{first}-10.0.0.{last}")
    )
)


@given(st.lists(_numbers, max_size=5), st.integers(0, 12))
def test_neighbours_are_together_what_they_were_apart(
    ranges: list[AddressRange], last: int
) -> None:
    everything = AddressRange.parse("0.0.0.0/0")
    apart = [Region(Direction.OUTBOUND, Selector(each, everything)) for each in ranges]
    together = joined(apart)
    flow = Flow(AddressRange.parse(f"10.0.0.{last}").first, HERE, 6, 1, 2)
    assert any(each.has(flow) for each in apart) == any(each.has(flow) for each in together)
    assert len(together) <= len(apart)


# --- changes ------------------------------------------------------------------------------------


def _zone(selection: Selection, flow: Flow) -> Zone:
    groups = selection.broadcast_addresses
    if any(each.is_multicast or each in groups for each in (flow.local, flow.remote)):
        return Zone.GROUP
    return Zone.OWN if flow.local in selection.local_addresses else Zone.FORWARDED


def _possible(question: Question) -> Question:
    """Nothing comes from a group; what comes to one is turned round."""
    flow = question.flow
    if question.direction is Direction.OUTBOUND or not flow.remote.is_multicast:
        return question
    ports = flow.remote_port, flow.local_port
    turned = Flow(flow.remote, flow.local, flow.protocol, *ports)
    return Question(turned, Direction.INBOUND)


def _telling(found: tuple[Change, ...], zone: Zone, question: Question) -> list[Change]:
    """The changes that speak of this packet."""
    return [
        change
        for change in found
        for region in change.regions
        if change.zone is zone
        and region.direction is question.direction
        and region.has(question.flow)
    ]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(policies(), policies(), st.lists(questions, min_size=20, max_size=20))
def test_every_changed_packet_is_told_as_it_changes_and_no_other(
    before: Policy, after: Policy, asked: list[Question]
) -> None:
    old, new = Selection(before, _OWN), Selection(after, _OWN)
    found = changes(old, new)
    assert list(change_lines(found, _OWN)) or not found
    assert len(changes_values(found, _OWN)) == len(found)
    for question in map(_possible, asked):
        if old.exemption(question.flow):
            continue
        zone = _zone(old, question.flow)
        was, becomes = (
            outcome(each.decide(*question), each.policy, may_ask=zone is Zone.OWN)
            for each in (old, new)
        )
        told = _telling(found, zone, question)
        assert {(each.before, each.after) for each in told} == (
            {(was, becomes)} if was != becomes else set()
        )


@given(policies())
def test_a_policy_does_not_differ_from_itself(policy: Policy) -> None:
    selection = Selection(policy, _OWN)
    assert changes(selection, selection) == ()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(policies(), policies())
def test_the_way_back_is_the_same_turned_round(before: Policy, after: Policy) -> None:
    """Over the same traffic; and whatever is told to change is said with what differs."""
    old, new = Selection(before, _OWN), Selection(after, _OWN)
    there, back = changes(old, new), changes(new, old)
    assert {(each.zone, each.before, each.after) for each in there} == {
        (each.zone, each.after, each.before) for each in back
    }
    for each in there:
        assert " -> " in change_words(each)
