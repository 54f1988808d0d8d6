"""The traffic whose outcome differs between two policies.

Every packet is decided by one filter of either policy, or by none: a pair of filters is a cell, and
what the two share is a box around it. A cell whose outcomes differ is a change, for its box except
where filters that stand before the two decide otherwise. A packet proves that a cell is not empty,
and both selections say of it what they do.

Talks to: `space`, `outcome`, `selection`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address
from itertools import product

from mainmode.model import AddressRange, Direction, Flow, Selector
from mainmode.numbers import IpProtocol
from mainmode.policy.difference.outcome import Outcome, outcome
from mainmode.policy.difference.regions import Region, joined
from mainmode.policy.difference.space import packet_in, shared
from mainmode.policy.selection import Selection


class Zone(Enum):
    """Traffic that policy looks at in one way."""

    OWN = "own"
    """Between this computer and others."""
    GROUP = "multicast and broadcast"
    FORWARDED = "forwarded"


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to some traffic, before and after."""

    zone: Zone
    before: Outcome
    after: Outcome
    regions: tuple[Region, ...]


def changes(old: Selection, new: Selection) -> tuple[Change, ...]:
    """In the order of the zones, and in each by how specific the traffic is.

    Both selections are of one computer: the same addresses.
    """
    found: dict[tuple[Zone, Outcome, Outcome], list[Region]] = {}
    for zone in Zone:
        for direction in Direction:
            for start in _starts(zone, direction, old):
                for before, after, region in _Survey(old, new, zone, direction, start).changed():
                    found.setdefault((zone, before, after), []).append(region)
    return tuple(Change(*key, joined(_without_covered(regions))) for key, regions in found.items())


def _without_covered(regions: list[Region]) -> list[Region]:
    kept: list[Region] = []
    for each in reversed(regions):  # later ones are wider
        if not any(other.covers(each) for other in kept):
            kept.append(each)
    return kept[::-1]


# --- where to look ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Start:
    """A part of a zone."""

    selector: Selector
    without: tuple[Selector, ...]
    """What in it no filter is asked about, or belongs to another zone."""


_ALL = {
    version: AddressRange(ip_address(f"{first}"), ip_address(f"{last}"))
    for version, first, last in (
        (4, "0.0.0.0", "255.255.255.255"),
        (6, "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    )
}
_MULTICAST = {4: AddressRange.parse("224.0.0.0/4"), 6: AddressRange.parse("ff00::/8")}


def _starts(zone: Zone, direction: Direction, selection: Selection) -> Iterator[_Start]:
    for version, everything in _ALL.items():
        own = [
            AddressRange.host(each) for each in selection.local_addresses if each.version == version
        ]
        groups = [_MULTICAST[version]] + [
            AddressRange.host(each)
            for each in sorted(selection.broadcast_addresses, key=int)
            if each.version == version
        ]
        to_itself = [Selector(everything, each) for each in own]
        from_groups = [Selector(each, everything) for each in groups]
        to_groups = [Selector(everything, each) for each in groups]
        if zone is Zone.OWN:
            for each in own:
                ike = [Selector(each, everything, IpProtocol.UDP, port) for port in _ike(selection)]
                without = (*to_itself, *to_groups, *ike)
                yield _Start(Selector(each, everything), without)
        elif zone is Zone.FORWARDED:
            ours = [Selector(each, everything) for each in own]
            without = (*ours, *to_itself, *from_groups, *to_groups)
            yield _Start(Selector(everything, everything), without)
        elif direction is Direction.OUTBOUND:
            for each in own:
                ike = [Selector(each, everything, IpProtocol.UDP, port) for port in _ike(selection)]
                for group in groups:
                    yield _Start(Selector(each, group), tuple(ike))
            ours = [Selector(each, everything) for each in own]
            for group in groups:
                yield _Start(Selector(everything, group), (*ours, *from_groups))
        else:
            for group in groups:
                yield _Start(Selector(group, everything), (*to_itself, *to_groups))


def _ike(selection: Selection) -> Iterable[int]:
    return sorted(selection.ike_ports)


# --- one part -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Cell:
    """What one filter of each policy decides, or no filter."""

    box: Selector
    before: Outcome
    after: Outcome

    @property
    def outcomes(self) -> tuple[Outcome, Outcome]:
        return self.before, self.after


class _Survey:
    """One part of one zone, in one direction."""

    def __init__(
        self, old: Selection, new: Selection, zone: Zone, direction: Direction, start: _Start
    ) -> None:
        self._old, self._new = old, new
        self._may_ask = zone is Zone.OWN
        self._direction = direction
        self._start = start
        self._of_old, self._of_new = self._boxes(old), self._boxes(new)
        self._cells: dict[tuple[int, int], _Cell | None] = {}

    def _boxes(self, selection: Selection) -> list[Selector]:
        """What each filter has of this part, in the filter order; at the end what no filter
        matches."""
        sample = packet_in(self._start.selector, self._start.without)
        boxes = [
            shared(each.selector, self._start.selector)
            for each in selection.ordered
            if sample is not None
            and each.applies_to(self._direction)
            and not selection.passes_over(each, sample)
        ]
        return [*(each for each in boxes if each is not None), self._start.selector]

    def changed(self) -> Iterator[tuple[Outcome, Outcome, Region]]:
        for at, by in product(range(len(self._of_old)), range(len(self._of_new))):
            cell = self._cell(at, by)
            if cell is not None and cell.before != cell.after:
                region = Region(self._direction, cell.box, self._exceptions(at, by, cell))
                yield cell.before, cell.after, region

    def _cell(self, at: int, by: int) -> _Cell | None:
        """The cell of two filters; None: it is empty."""
        if (at, by) not in self._cells:
            self._cells[at, by] = self._look(at, by)
        return self._cells[at, by]

    def _look(self, at: int, by: int) -> _Cell | None:
        box = shared(self._of_old[at], self._of_new[by])
        if box is None:
            return None
        taken = (*self._start.without, *self._of_old[:at], *self._of_new[:by])
        packet = packet_in(box, taken)
        if packet is None:
            return None
        return _Cell(box, self._outcome(self._old, packet), self._outcome(self._new, packet))

    def _outcome(self, selection: Selection, packet: Flow) -> Outcome:
        decision = selection.decide(packet, self._direction)
        return outcome(decision, selection.policy, may_ask=self._may_ask)

    def _exceptions(self, at: int, by: int, cell: _Cell) -> tuple[Selector, ...]:
        """Where a filter that stands before one of the two takes part, and the outcomes are
        others."""
        of_old = [index for index in range(at + 1) if self._of_old[index].touches(cell.box)]
        of_new = [index for index in range(by + 1) if self._of_new[index].touches(cell.box)]
        found: list[Selector] = []
        for index, other in product(reversed(of_old), reversed(of_new)):
            inside = self._cell(index, other)
            if inside is None or inside.outcomes == cell.outcomes:
                continue
            box = shared(inside.box, cell.box)
            if box is not None and not any(each.covers(box) for each in found):
                found.append(box)
        return tuple(found)
