"""Traffic as a space of five dimensions, in which a selector is a box.

What two selectors share is a selector again. What is left of one when others are taken away is not,
but a packet in it can be found: that is how a region proves that it is not empty.

Does not: know filters or what they do.
"""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address
from typing import NamedTuple

from mainmode.model import AddressRange, Flow, IpAddress, Selector
from mainmode.numbers import IpProtocol
from mainmode.policy.words import PORT_MAX, WITH_PORTS

Interval = tuple[int, int]
"""The first and the last, both included."""
_PROTOCOLS: Interval = (1, 255)
_PORTS: Interval = (0, PORT_MAX)
_USUAL = (IpProtocol.TCP, IpProtocol.UDP, IpProtocol.ICMP)


def shared(one: Selector, other: Selector) -> Selector | None:
    """The traffic that is in both; None: there is none."""
    if not one.touches(other):
        return None
    return Selector(
        _overlap(one.local, other.local),
        _overlap(one.remote, other.remote),
        one.protocol or other.protocol,
        one.local_port or other.local_port,
        one.remote_port or other.remote_port,
    )


def _overlap(one: AddressRange, other: AddressRange) -> AddressRange:
    return AddressRange(max(one.first, other.first, key=int), min(one.last, other.last, key=int))


def packet_in(selector: Selector, without: Iterable[Selector]) -> Flow | None:
    """A packet of the selector that none of the others matches; None: there is none."""
    version = selector.local.version
    others = [_box(each) for each in without if each.touches(selector)]
    pieces = [(_box(selector), 0)]
    while pieces:
        box, index = pieces.pop()
        while index < len(others) and not _meet(box, others[index]):
            index += 1
        if index < len(others):
            pieces += [(piece, index + 1) for piece in _cut(box, others[index])]
            continue
        found = _packet(box, version)
        if found is not None:
            return found
    return None


class _Box(NamedTuple):
    """Protocols have ports or not: of those that have none, packets are where both ports are 0."""

    protocol: Interval
    local_port: Interval
    remote_port: Interval
    remote: Interval
    local: Interval


def _box(selector: Selector) -> _Box:
    return _Box(
        _one_or(selector.protocol, _PROTOCOLS),
        _one_or(selector.local_port, _PORTS),
        _one_or(selector.remote_port, _PORTS),
        (int(selector.remote.first), int(selector.remote.last)),
        (int(selector.local.first), int(selector.local.last)),
    )


def _one_or(number: int, every: Interval) -> Interval:
    return (number, number) if number else every


def _meet(one: _Box, other: _Box) -> bool:
    return all(
        low <= high_ and low_ <= high for (low, high), (low_, high_) in zip(one, other, strict=True)
    )


def _cut(box: _Box, other: _Box) -> Iterator[_Box]:
    """What is left of a box, in pieces that do not overlap."""
    sides: list[Interval] = list(box)
    for index, ((low, high), (low_, high_)) in enumerate(zip(box, other, strict=True)):
        for rest in ((low, low_ - 1), (high_ + 1, high)):
            if rest[0] <= rest[1]:
                yield _Box._make((*sides[:index], rest, *sides[index + 1 :]))
        sides[index] = (max(low, low_), min(high, high_))


def _packet(box: _Box, version: int) -> Flow | None:
    """A packet in the box; None: there is no such thing, as ICMP with a port."""
    for protocol in _protocols(box.protocol):
        local_port, remote_port = (
            _port(ports, has_ports=protocol in WITH_PORTS)
            for ports in (box.local_port, box.remote_port)
        )
        if local_port is not None and remote_port is not None:
            local, remote = _address(box.local[0], version), _address(box.remote[0], version)
            return Flow(local, remote, protocol, local_port, remote_port)
    return None


def _protocols(interval: Interval) -> Sequence[int]:
    """Those that people know first, with ports and without; then any."""
    usual = [int(each) for each in _USUAL if interval[0] <= each <= interval[1]]
    return [*usual, *range(interval[0], interval[1] + 1)]


def _port(ports: Interval, *, has_ports: bool) -> int | None:
    if not has_ports:
        return 0 if ports[0] == 0 else None
    first = max(ports[0], 1)
    return first if first <= ports[1] else None


def _address(number: int, version: int) -> IpAddress:
    return ip_address(number.to_bytes(4 if version == 4 else 16, "big"))
