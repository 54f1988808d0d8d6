"""Finds the first filter that matches a flow without walking through all of them.

Filters of one shape stand in one table: those whose addresses fill networks of the same two prefix
lengths and that name the same of protocol and ports. A lookup masks the flow's addresses for each
table and looks once into it, so it costs as many steps as there are shapes, however many filters
there are. Tables come in the order of their first filter, and the lookup ends where no later one
can hold an earlier filter.

A range that is no network is filed under the smallest network that holds it, and compared when it
is found.

Talks to: `filters` (the deciding order); `selection` looks flows up.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from mainmode.model import AddressRange, Flow
from mainmode.policy.filters import CompiledFilter


class _Shape(NamedTuple):
    """Which filters share a table: bits to drop of each address, and what they name."""

    version: int
    local_shift: int
    remote_shift: int
    protocol: bool
    local_port: bool
    remote_port: bool


_Key = tuple[int, int, int, int, int]
"""Local and remote network, protocol, ports; 0 where the shape does not name it."""


@dataclass(slots=True)
class _Table:
    """The filters of one shape, with their places in the deciding order."""

    shape: _Shape
    first: int
    """The earliest place in it."""
    filed: dict[_Key, list[tuple[int, CompiledFilter]]] = field(default_factory=dict)


class FilterIndex:
    """Some filters, given in deciding order."""

    def __init__(self, ordered: Iterable[CompiledFilter]) -> None:
        tables: dict[_Shape, _Table] = {}
        for place, each in enumerate(ordered):
            shape = _shape_of(each)
            table = tables.setdefault(shape, _Table(shape, place))
            table.filed.setdefault(_key_of(each, shape), []).append((place, each))
        self._tables = {
            version: tuple(each for each in tables.values() if each.shape.version == version)
            for version in (4, 6)
        }
        """In the order of their first filters, as they were made."""

    @property
    def shapes(self) -> int:
        """How many steps a lookup takes at most, if no range shares a network with others."""
        return sum(len(tables) for tables in self._tables.values())

    def first(self, flow: Flow) -> CompiledFilter | None:
        """The first filter in the deciding order that matches the flow."""
        found: CompiledFilter | None = None
        found_at = -1
        local, remote = int(flow.local), int(flow.remote)
        for table in self._tables[flow.local.version]:
            if found is not None and table.first > found_at:
                break
            shape = table.shape
            key = (
                local >> shape.local_shift,
                remote >> shape.remote_shift,
                flow.protocol if shape.protocol else 0,
                flow.local_port if shape.local_port else 0,
                flow.remote_port if shape.remote_port else 0,
            )
            for place, each in table.filed.get(key, ()):
                if found is not None and place > found_at:
                    break
                if each.selector.matches(flow):
                    found, found_at = each, place
                    break
        return found


def _shape_of(each: CompiledFilter) -> _Shape:
    selector = each.selector
    return _Shape(
        selector.local.version,
        _shift_of(selector.local),
        _shift_of(selector.remote),
        selector.protocol != 0,
        selector.local_port != 0,
        selector.remote_port != 0,
    )


def _key_of(each: CompiledFilter, shape: _Shape) -> _Key:
    selector = each.selector
    return (
        int(selector.local.first) >> shape.local_shift,
        int(selector.remote.first) >> shape.remote_shift,
        selector.protocol,
        selector.local_port,
        selector.remote_port,
    )


def _shift_of(addresses: AddressRange) -> int:
    """How many of the last bits of its addresses differ within the range."""
    return (int(addresses.first) ^ int(addresses.last)).bit_length()
