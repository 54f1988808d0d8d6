"""The traffic that policy looks at in one way, cut into parts.

Talks to: `selection`, for this computer's addresses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from mainmode.model import AddressRange, Direction, Selector
from mainmode.numbers import IpProtocol
from mainmode.policy.filters import EVERYWHERE
from mainmode.policy.selection import Selection


class Zone(Enum):
    OWN = "own"
    """Between this computer and others."""
    GROUP = "multicast and broadcast"
    """Which never is negotiated, and never comes from a group."""
    FORWARDED = "forwarded"


@dataclass(frozen=True, slots=True)
class Part:
    """Some traffic of a zone, of one kind of addresses."""

    zone: Zone
    direction: Direction
    selector: Selector
    without: tuple[Selector, ...]
    """What in it no filter is asked about, or belongs elsewhere."""
    apart: tuple[Selector, ...] = ()
    """Of that, what belongs to other parts of the same zone."""


def parts(zone: Zone, direction: Direction, selection: Selection) -> Iterator[Part]:
    for version in (4, 6):
        for selector, without, apart in _Addresses(selection, version).parts(zone, direction):
            yield Part(zone, direction, selector, (*without, *apart), tuple(apart))


_MULTICAST = {4: AddressRange.parse("224.0.0.0/4"), 6: AddressRange.parse("ff00::/8")}
_Parts = Iterator[tuple[Selector, list[Selector], list[Selector]]]


class _Addresses:
    """This computer's, and those of groups, of one kind."""

    def __init__(self, selection: Selection, version: int) -> None:
        self._all = everything = EVERYWHERE[version]
        self._own = [
            AddressRange.host(each) for each in selection.local_addresses if each.version == version
        ]
        broadcast = sorted(
            (each for each in selection.broadcast_addresses if each.version == version), key=int
        )
        self._groups = [_MULTICAST[version], *map(AddressRange.host, broadcast)]
        self._ike_ports = sorted(selection.ike_ports)
        self._from_itself = [Selector(each, everything) for each in self._own]
        self._to_itself = [Selector(everything, each) for each in self._own]
        self._from_groups = [Selector(each, everything) for each in self._groups]
        self._to_groups = [Selector(everything, each) for each in self._groups]

    def parts(self, zone: Zone, direction: Direction) -> _Parts:
        if zone is Zone.OWN:
            for each in self._own:
                without = [*self._to_itself, *self._to_groups, *self._ike(each)]
                yield Selector(each, self._all), without, []
        elif zone is Zone.FORWARDED:
            elsewhere = [*self._from_itself, *self._to_itself]
            without = [*elsewhere, *self._from_groups, *self._to_groups]
            yield Selector(self._all, self._all), without, []
        elif direction is Direction.INBOUND:
            for group in self._groups:
                yield Selector(group, self._all), [*self._to_itself, *self._to_groups], []
        else:
            yield from self._to_each_group()

    def _to_each_group(self) -> _Parts:
        for group in self._groups:
            for each in self._own:
                yield Selector(each, group), self._ike(each), []
            yield Selector(self._all, group), self._from_groups, self._from_itself

    def _ike(self, own: AddressRange) -> list[Selector]:
        return [Selector(own, self._all, IpProtocol.UDP, port) for port in self._ike_ports]
