"""The traffic whose outcome differs between two policies.

Talks to: `zones` (where to look), `survey` (which looks), `regions`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mainmode.model import Direction
from mainmode.policy.difference.outcome import Outcome
from mainmode.policy.difference.regions import Region, joined
from mainmode.policy.difference.survey import Changed, Survey, moved
from mainmode.policy.difference.zones import Zone, parts
from mainmode.policy.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Hashable


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
    known: dict[Hashable, list[Changed]] = {}
    for zone in Zone:
        for direction in Direction:
            for part in parts(zone, direction, old):
                survey = Survey(old, new, part)
                if survey.key not in known:
                    known[survey.key] = list(survey.changed())
                elif zone is Zone.OWN:
                    known[survey.key] = [moved(each, part) for each in known[survey.key]]
                for before, after, region in known[survey.key]:
                    found.setdefault((zone, before, after), []).append(region)
    return tuple(Change(*key, joined(_without_covered(regions))) for key, regions in found.items())


def _without_covered(regions: list[Region]) -> list[Region]:
    kept: list[Region] = []
    for each in reversed(regions):  # later ones are wider
        if not any(other.covers(each) for other in kept):
            kept.append(each)
    return kept[::-1]
