"""Filters that the packet filter can judge together: by one look into a set instead of a rule each.

Neighbours in the deciding order stand in one bundle when the same becomes of what they match, and
when their addresses are networks of the same sizes: then no two of them overlap without being the
same, and which of them comes first does not matter. So a packet passes as many rules as there are
kinds of filters, however many filters there are.

Source: Linux nft(8): sets, concatenations.
Talks to: nobody; `ruleset` makes rules of bundles.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from mainmode.driver.user import soft_sets
from mainmode.driver.user.table import Json, is_equal
from mainmode.model import AddressRange, Direction, Selector
from mainmode.policy.filters import CompiledFilter
from mainmode.policy.model import Action

Value = str | int
"""Addresses as text, a protocol or a port."""
Field = tuple[Json, Callable[[Selector], Value]]
"""What to look at in a packet, and what a selector wants there."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """At least one filter."""

    filters: tuple[CompiledFilter, ...]

    @property
    def first(self) -> CompiledFilter:
        """Stands for all, but for addresses, protocol and ports."""
        return self.filters[0]

    def matched(self, fields: Sequence[Field]) -> list[Json]:
        """The match for packets that have, in all of these fields, what one filter wants."""
        rows = dict.fromkeys(
            tuple(wants(each.selector) for _, wants in fields) for each in self.filters
        )
        columns = list(zip(*rows, strict=True))
        varies = [len(set(column)) > 1 for column in columns]
        match: list[Json] = []
        for (look, _), column, varying in zip(fields, columns, varies, strict=True):
            if not varying:
                match.append(is_equal(look, _as_json(column[0])))
        looks = [look for (look, _), varying in zip(fields, varies, strict=True) if varying]
        several = [column for column, varying in zip(columns, varies, strict=True) if varying]
        if len(looks) == 1:
            match.append(is_equal(looks[0], {"set": [_as_json(each) for each in several[0]]}))
        elif looks:
            members = ({"concat": list(map(_as_json, row))} for row in zip(*several, strict=True))
            match.append(is_equal({"concat": looks}, {"set": list(members)}))
        return match


def bundled(filters: Iterable[CompiledFilter], direction: Direction) -> Iterator[Bundle]:
    """Those that apply to this direction, in their order."""
    applying = (each for each in filters if each.applies_to(direction))
    for _, group in groupby(applying, key=_treatment):
        yield Bundle(tuple(group))


def _treatment(each: CompiledFilter) -> tuple[object, ...]:
    """Equal for filters that may share a bundle."""
    selector = each.selector
    sizes = [_bits(side) for side in (selector.local, selector.remote)]
    if None in sizes:
        return (id(each),)
    named = selector.protocol != 0, selector.local_port != 0, selector.remote_port != 0
    kind = each.action, selector.local.version, *sizes, *named
    if each.action is not Action.NEGOTIATE:
        return kind
    soft = soft_sets.Kind.of(selector) if soft_sets.allows_fallback(each) else None
    return *kind, each.mode, each.accept_unsecured, soft


def _bits(addresses: AddressRange) -> int | None:
    """Of the network that the range is; None: it is none."""
    if addresses.is_host:
        return addresses.first.max_prefixlen
    network = addresses.as_network
    return network.prefixlen if network is not None else None


def _as_json(value: Value) -> object:
    """As nft wants it."""
    if isinstance(value, int):
        return value
    if "-" in value:
        return {"range": value.split("-")}
    address, _, length = value.partition("/")
    return {"prefix": {"addr": address, "len": int(length)}} if length else address
