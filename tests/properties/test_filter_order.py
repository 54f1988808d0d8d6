"""Laws of the filter order: it is total, it does not ask where a filter stands before its last
step, and both ends of a packet see it alike."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise, product
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from mainmode.model import AddressRange, Direction, Flow
from mainmode.policy.explain.reasons import Verdict, compared
from mainmode.policy.filters import PLACE, CompiledFilter, compile_filters, deciding_step
from mainmode.policy.model import ANY, ME, Filter, Place, PlaceKind, Policy
from mainmode.policy.selection import Selection
from tests.properties.explained import policies
from tests.properties.policies import HERE, THERE, filters, flows_between, small_policies


@given(policies())
def test_the_order_is_total(policy: Policy) -> None:
    """Some step parts any two filters, the same whichever is asked about first; and who stands
    before one that stands before a third stands before that."""
    ordered = compile_filters(policy, [HERE])
    for one, other in product(ordered, ordered):
        assert deciding_step(one, other) == deciding_step(other, one)
    for index, first in enumerate(ordered):
        for at, later in enumerate(ordered[index + 1 :], index + 1):
            steps = [deciding_step(*two) for two in pairwise(ordered[index : at + 1])]
            assert deciding_step(first, later) == min(steps)


def _ranks(ordered: tuple[CompiledFilter, ...]) -> list[Counter[tuple[object, ...]]]:
    """The filters that only their place parts, rank by rank."""
    ranks: list[Counter[tuple[object, ...]]] = []
    for index, each in enumerate(ordered):
        if not index or deciding_step(ordered[index - 1], each) < PLACE:
            ranks.append(Counter())
        ranks[-1][each.rule.name, each.selector, each.outbound, each.inbound, each.peer] += 1
    return ranks


@given(policies(), st.randoms(use_true_random=False))
def test_the_place_in_the_policy_counts_last(policy: Policy, random: Random) -> None:
    shuffled = _shuffled(policy, random)
    assert _ranks(compile_filters(policy, [HERE])) == _ranks(compile_filters(shuffled, [HERE]))


def _shuffled(policy: Policy, random: Random) -> Policy:
    """The same rules in another order, each with its filters in another order."""
    rules = []
    for rule in random.sample(policy.rules, len(policy.rules)):
        mixed = random.sample(rule.filter_list.filters, len(rule.filter_list.filters))
        rules.append(replace(rule, filter_list=replace(rule.filter_list, filters=tuple(mixed))))
    return replace(policy, rules=tuple(rules))


@given(policies())
def test_among_equals_the_rule_that_stands_first_comes_first(policy: Policy) -> None:
    ordered = compile_filters(policy, [HERE])
    for one, other in pairwise(ordered):
        if deciding_step(one, other) == PLACE:
            assert int(one.rule.name) <= int(other.rule.name)


# --- both ends ----------------------------------------------------------------------------------

_PLACES = (
    ME,
    ANY,
    *(
        Place(PlaceKind.ADDRESSES, AddressRange.parse(each))
        for each in (str(THERE), "10.0.0.0/24", "10.0.1.0/24", "10.0.0.0/16", "10.0.0.0/8")
    ),
)


@st.composite
def _filters(draw: st.DrawFn) -> Filter:
    places = st.sampled_from(_PLACES)
    return replace(draw(filters()), source=draw(places), destination=draw(places))


def _from_there(policy: Policy) -> Policy:
    """The policy that the other computer has when both say the same: what is `me` here has an
    address there, and the other way round; a mirrored filter may be written from either end."""
    rules = []
    for rule in policy.rules:
        turned = tuple(map(_filter_from_there, rule.filter_list.filters))
        rules.append(replace(rule, filter_list=replace(rule.filter_list, filters=turned)))
    return replace(policy, rules=tuple(rules))


def _filter_from_there(each: Filter) -> Filter:
    source, destination = _place_from_there(each.source), _place_from_there(each.destination)
    if not each.mirrored:
        return replace(each, source=source, destination=destination)
    return replace(
        each,
        source=destination,
        destination=source,
        source_port=each.destination_port,
        destination_port=each.source_port,
    )


def _place_from_there(place: Place) -> Place:
    if place is ME:
        return Place(PlaceKind.ADDRESSES, AddressRange.host(HERE))
    return ME if place.addresses == AddressRange.host(THERE) else place


@settings(max_examples=300)
@given(small_policies(_filters()), flows_between(), st.sampled_from(Direction))
def test_both_ends_see_one_order(policy: Policy, flow: Flow, direction: Direction) -> None:
    """And so the same filter decides."""
    turned = Flow(flow.remote, flow.local, flow.protocol, flow.remote_port, flow.local_port)
    other = next(each for each in Direction if each is not direction)
    here = Selection(policy, [HERE])
    there = Selection(_from_there(policy), [THERE])
    assert _matching(here, flow, direction) == _matching(there, turned, other)
    ours, theirs = here.decide(flow, direction), there.decide(turned, other)
    assert ours.action is theirs.action


def _matching(selection: Selection, flow: Flow, direction: Direction) -> list[tuple[str, int]]:
    """The rules whose filters match, in order, with the step that each of them lost at."""
    decision = selection.decide(flow, direction)
    return [
        (each.filter.rule.name, each.step)
        for each in compared(selection, decision, flow, direction)
        if each.verdict in (Verdict.DECIDES, Verdict.LESS_SPECIFIC)
    ]
