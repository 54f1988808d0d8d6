"""One part of a zone, and where in it the outcomes of two policies differ.

Every packet is decided by one filter of either policy, or by none: a pair of filters is a cell, and
what the two share is a box around it. A cell whose outcomes differ is a change, for its box except
where filters that stand before the two decide otherwise. A packet proves that a cell is not empty,
and both selections say of it what they do.

Talks to: `space`, `outcome`, `selection`.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from mainmode.model import Flow, Selector
from mainmode.policy.difference.outcome import Outcome, outcome
from mainmode.policy.difference.regions import Region
from mainmode.policy.difference.space import packet_in, shared
from mainmode.policy.difference.zones import Part, Zone
from mainmode.policy.selection import Selection

if TYPE_CHECKING:
    from mainmode.policy.filters import CompiledFilter

Changed = tuple[Outcome, Outcome, Region]


@dataclass(frozen=True, slots=True)
class _Cell:
    """What one filter of each policy decides, or no filter."""

    box: Selector
    before: Outcome
    after: Outcome

    @property
    def outcomes(self) -> tuple[Outcome, Outcome]:
        return self.before, self.after


class Survey:
    """Of two policies, in one part."""

    def __init__(self, old: Selection, new: Selection, part: Part) -> None:
        self._old, self._new, self._part = old, new, part
        sample = packet_in(part.selector, part.without)
        self._of_old, self._of_new = (_Boxes(each, part, sample) for each in (old, new))
        self._cells: dict[tuple[int, int], _Cell | None] = {}

    @property
    def key(self) -> Hashable:
        """Parts with one key differ in this computer's address, or in direction, and in nothing
        else."""
        if self._part.zone is not Zone.OWN:
            return self._part
        version = self._part.selector.local.version
        return version, self._of_old.key, self._of_new.key

    def changed(self) -> Iterator[Changed]:
        self._of_old.meet(self._of_new)
        self._of_new.meet(self._of_old)
        for at in range(len(self._of_old)):
            for by in range(self._of_old.reaches[at] + 1):
                cell = self._cell(at, by)
                if cell is not None and cell.before != cell.after:
                    apart = (shared(each, cell.box) for each in self._part.apart)
                    without = (*self._exceptions(at, by, cell), *(each for each in apart if each))
                    yield cell.before, cell.after, Region(self._part.direction, cell.box, without)

    def _cell(self, at: int, by: int) -> _Cell | None:
        """The cell of two filters; None: it is empty."""
        if by > self._of_old.reaches[at] or at > self._of_new.reaches[by]:
            return None
        if (at, by) not in self._cells:
            self._cells[at, by] = self._look(at, by)
        return self._cells[at, by]

    def _look(self, at: int, by: int) -> _Cell | None:
        box = shared(self._of_old[at], self._of_new[by])
        if box is None:
            return None
        taken = (*self._part.without, *self._of_old.before(at), *self._of_new.before(by))
        packet = packet_in(box, taken)
        if packet is None:
            return None
        return _Cell(box, self._outcome(self._old, packet), self._outcome(self._new, packet))

    def _outcome(self, selection: Selection, packet: Flow) -> Outcome:
        decision = selection.decide(packet, self._part.direction)
        return outcome(decision, selection.policy, may_ask=self._part.zone is Zone.OWN)

    def _exceptions(self, at: int, by: int, cell: _Cell) -> tuple[Selector, ...]:
        """Where a filter that stands before one of the two takes part, and the outcomes are
        others."""
        of_old, of_new = (
            [index for index in range(last + 1) if boxes[index].touches(cell.box)]
            for last, boxes in ((at, self._of_old), (by, self._of_new))
        )
        found: list[Selector] = []
        for index, other in product(reversed(of_old), reversed(of_new)):
            inside = self._cell(index, other)
            if inside is None or inside.outcomes == cell.outcomes:
                continue
            box = shared(inside.box, cell.box)
            if box is not None and not any(each.covers(box) for each in found):
                found.append(box)
        return tuple(found)


class _Boxes:
    """What each filter of a policy has of the part, in the filter order; at the end what no filter
    matches."""

    def __init__(self, selection: Selection, part: Part, sample: Flow | None) -> None:
        """sample: a packet of the part; None: there is none."""
        found: list[tuple[CompiledFilter | None, Selector]] = []
        for each in selection.ordered:
            box = shared(each.selector, part.selector)
            if (
                sample is not None
                and box is not None
                and each.applies_to(part.direction)
                and not selection.passes_over(each, sample)
            ):
                found.append((each, box))
        found.append((None, part.selector))
        self._filters = found
        self._before: dict[int, list[Selector]] = {}
        self.reaches: list[int] = []
        """For each box the first one of the other policy that covers it: no later one has a packet
        in common with it."""

    def __len__(self) -> int:
        return len(self._filters)

    def __getitem__(self, index: int) -> Selector:
        return self._filters[index][1]

    def before(self, index: int) -> list[Selector]:
        """The boxes before one that share something with it."""
        if index not in self._before:
            box = self[index]
            self._before[index] = [each for _, each in self._filters[:index] if each.touches(box)]
        return self._before[index]

    def meet(self, other: "_Boxes") -> None:
        self.reaches = [
            next(index for index in range(len(other)) if other[index].covers(box))
            for _, box in self._filters
        ]

    @property
    def key(self) -> Hashable:
        """The filters without the local side."""
        return tuple(
            (
                each and (id(each.rule), each.mode, each.peer),
                box.remote,
                box.protocol,
                box.local_port,
                box.remote_port,
            )
            for each, box in self._filters
        )


def moved(changed: Changed, part: Part) -> Changed:
    """The change as it is in another part with the same key."""
    before, after, region = changed
    local = part.selector.local
    selector = replace(region.selector, local=local)
    without = tuple(replace(each, local=local) for each in region.without)
    return before, after, Region(part.direction, selector, without)
