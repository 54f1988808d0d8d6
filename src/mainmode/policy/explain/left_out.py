"""What of a policy gives no filter on this computer, and why: rules that are off, names that have
no address."""

from collections.abc import Iterator
from dataclasses import dataclass

from mainmode.policy.model import Action, Filter, Policy, Rule
from mainmode.policy.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A rule, or one filter of it, that matches nothing here."""

    rule: Rule
    why: str
    filter: Filter | None = None

    def __str__(self) -> str:
        if self.filter is None:
            return f"rule {self.rule.name!r}: {self.why}"
        ends = f"{self.filter.source} to {self.filter.destination}"
        return f"rule {self.rule.name!r}, filter from {ends}: {self.why}"


def left_out(policy: Policy, around: Surroundings) -> Iterator[LeftOut]:
    """around: what the words of its filters stand for here."""
    for rule in policy.rules:
        negotiates = rule.filter_action.action is Action.NEGOTIATE
        if not rule.active:
            yield LeftOut(rule, "it is not active")
        elif negotiates and rule.is_tunnel and around.tunnel_endpoint(rule) is None:
            yield LeftOut(rule, f"no address is known for its gateway {rule.tunnel_name}")
        else:
            yield from _filters(rule, around)


def _filters(rule: Rule, around: Surroundings) -> Iterator[LeftOut]:
    for each in rule.filter_list.filters:
        unknown = [
            str(place)
            for place in (each.source, each.destination)
            if place.is_looked_up and not around.addresses_of(place)
        ]
        if unknown:
            yield LeftOut(rule, f"no address is known for {' and '.join(unknown)}", each)
