"""The traffic of a change as people name it: `tcp between me and 10.0.0.0/8:80`.

Regions that differ in this computer's address alone become `me`, those of both kinds of addresses
become `any`, and the two directions become `between`.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from mainmode.model import AddressRange, Direction, IpAddress, Selector
from mainmode.policy.difference.regions import Region
from mainmode.policy.words import protocol_word

EXCEPTIONS_MAX = 4
"""So many exceptions are named, and the rest counted."""
_ME, _ANY = "me", "any"
_EVERYWHERE = {"0.0.0.0/0": "any IPv4 address", "::/0": "any IPv6 address"}


@dataclass(frozen=True, slots=True)
class Traffic:
    """One region or several, in words."""

    local: str
    remote: str
    protocol: str
    local_port: int
    remote_port: int
    directions: frozenset[Direction]
    without: tuple["Traffic", ...] = ()

    def __str__(self) -> str:
        local, remote = _end(self.local, self.local_port), _end(self.remote, self.remote_port)
        if len(self.directions) == len(Direction):
            ends = f"between {local} and {remote}"
        elif Direction.OUTBOUND in self.directions:
            ends = f"from {local} to {remote}"
        else:
            ends = f"from {remote} to {local}"
        protocol = "all traffic" if self.protocol == _ANY else self.protocol
        return f"{protocol} {ends}{self._exceptions()}"

    def _exceptions(self) -> str:
        if not self.without:
            return ""
        named = [self._differently(each) for each in self.without[:EXCEPTIONS_MAX]]
        more = len(self.without) - len(named)
        if more:
            named.append(f"{more} more")
        return f" (except {', '.join(named)})"

    def _differently(self, inner: "Traffic") -> str:
        """What an exception says beyond the traffic that it is an exception to."""
        words = []
        if inner.protocol != self.protocol:
            words.append(inner.protocol)
        if inner.remote_port != self.remote_port:
            words.append(f"port {inner.remote_port} there")
        if inner.local_port != self.local_port:
            words.append(f"port {inner.local_port} here")
        if inner.remote != self.remote:
            words.append(f"with {inner.remote}")
        if inner.local != self.local:
            words.append(f"for {inner.local}")
        return " ".join(words)


def _end(place: str, port: int) -> str:
    if not port:
        return place
    return f"[{place}]:{port}" if place.count(":") > 1 else f"{place}:{port}"


def in_words(regions: Iterable[Region], own: Collection[IpAddress]) -> tuple[Traffic, ...]:
    """own: this computer's addresses."""
    return _both_ways(_any_version(_from_me(regions, own)))


def _from_me(regions: Iterable[Region], own: Collection[IpAddress]) -> list[Traffic]:
    """What all our addresses of one kind have in common is told of `me`."""
    of: dict[tuple[int, Traffic], list[IpAddress]] = {}
    for each in regions:
        local = each.selector.local
        mine = local.first if local.is_host and local.first in own else None
        traffic = _traffic(each.selector, {each.direction}, each.without, mine)
        addresses = of.setdefault((local.version, traffic), [])
        addresses += [mine] if mine is not None else []
    named = []
    for (version, traffic), addresses in of.items():
        everyone = {each for each in own if each.version == version}
        if not addresses or everyone <= set(addresses):
            named.append(traffic)
        else:
            name = ", ".join(map(str, sorted(addresses, key=int)))
            named.append(_renamed(traffic, {_ME: name}))
    return named


def _traffic(
    selector: Selector,
    directions: Iterable[Direction],
    without: Iterable[Selector],
    mine: IpAddress | None,
) -> Traffic:
    return Traffic(
        _ME if mine is not None and mine == selector.local.first else _place(selector.local),
        _place(selector.remote),
        protocol_word(selector.protocol),
        selector.local_port,
        selector.remote_port,
        frozenset(directions),
        tuple(_traffic(each, (), (), mine) for each in without),
    )


def _place(addresses: AddressRange) -> str:
    return _EVERYWHERE.get(str(addresses), str(addresses))


def _renamed(traffic: Traffic, names: Mapping[str, str]) -> Traffic:
    return replace(
        traffic,
        local=names.get(traffic.local, traffic.local),
        remote=names.get(traffic.remote, traffic.remote),
        without=tuple(_renamed(each, names) for each in traffic.without),
    )


def _any_version(given: list[Traffic]) -> list[Traffic]:
    """What holds for everything of either kind holds for anything; exceptions come together."""
    to_any = dict.fromkeys(_EVERYWHERE.values(), _ANY)
    of: dict[Traffic, list[Traffic]] = {}
    for each in given:
        of.setdefault(replace(_renamed(each, to_any), without=()), []).append(each)
    joined = []
    for name, group in of.items():
        if len(group) == 1 or _ANY not in (name.local, name.remote):
            joined += group
            continue
        counted = Counter(inner for each in group for inner in _exceptions(each, to_any))
        without = [inner for inner, count in counted.items() if count == len(group)]
        without += [
            inner
            for each in group
            for inner in each.without
            if counted[_renamed(inner, to_any)] < len(group)
        ]
        joined.append(replace(name, without=tuple(without)))
    return joined


def _exceptions(traffic: Traffic, names: Mapping[str, str]) -> set[Traffic]:
    return {_renamed(each, names) for each in traffic.without}


def _both_ways(given: list[Traffic]) -> tuple[Traffic, ...]:
    of: dict[Traffic, frozenset[Direction]] = {}
    for each in given:
        name = replace(each, directions=frozenset())
        of[name] = of.get(name, frozenset()) | each.directions
    return tuple(replace(name, directions=directions) for name, directions in of.items())
