"""Some traffic: a selector, without what others select.

Talks to: `space`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mainmode.model import AddressRange, Direction, Flow, Selector
from mainmode.policy.difference.space import shared


@dataclass(frozen=True, slots=True)
class Region:
    """Some traffic: a selector, without what others select."""

    direction: Direction
    selector: Selector
    without: tuple[Selector, ...] = ()

    def has(self, flow: Flow) -> bool:
        return self.selector.matches(flow) and not any(each.matches(flow) for each in self.without)

    def covers(self, other: "Region") -> bool:
        """Whether all traffic of the other one is ours."""
        return (
            self.direction is other.direction
            and self.selector.covers(other.selector)
            and all(other.leaves_out(each) for each in self.without)
        )

    def leaves_out(self, selector: Selector) -> bool:
        inside = shared(selector, self.selector)
        return inside is None or any(each.covers(inside) for each in self.without)


def joined(regions: Iterable[Region]) -> tuple[Region, ...]:
    """Neighbours, whose addresses on one side follow one another and who are alike otherwise, as
    one."""
    kept: list[Region] = []
    for each in regions:
        made = each
        while (index := _neighbour(kept, made)) is not None:
            made = _together(kept.pop(index), made)
        kept.append(made)
    return tuple(kept)


def _neighbour(regions: list[Region], region: Region) -> int | None:
    return next((at for at, each in enumerate(regions) if _are_neighbours(each, region)), None)


def _are_neighbours(one: Region, other: Region) -> bool:
    mine, its = one.selector, other.selector
    if one.direction is not other.direction or mine.local.version != its.local.version:
        return False
    if replace(mine, local=its.local, remote=its.remote) != its:
        return False
    if mine.local == its.local:
        return _follow(mine.remote, its.remote)
    return mine.remote == its.remote and _follow(mine.local, its.local)


def _follow(one: AddressRange, other: AddressRange) -> bool:
    """Whether one begins where the other ends."""
    return int(one.last) + 1 == int(other.first) or int(other.last) + 1 == int(one.first)


def _together(one: Region, other: Region) -> Region:
    mine, its = one.selector, other.selector
    selector = replace(
        mine, local=_span(mine.local, its.local), remote=_span(mine.remote, its.remote)
    )
    return Region(one.direction, selector, (*one.without, *other.without))


def _span(one: AddressRange, other: AddressRange) -> AddressRange:
    return AddressRange(min(one.first, other.first, key=int), max(one.last, other.last, key=int))
