"""What the words of filters stand for on this computer now: DNS names, its servers, its links.

Talks to: `filters`, which compiles a policy with it; the service finds it out.
Does not: ask anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mainmode.model import IpAddress, address_order
from mainmode.policy.model import Place, PlaceKind, Policy, Rule
from mainmode.policy.words import SERVER_KINDS


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is missing here has no address yet: a filter that names it matches nothing."""

    names: Mapping[str, tuple[IpAddress, ...]] = field(default_factory=dict)
    """The addresses of DNS names."""
    servers: Mapping[PlaceKind, tuple[IpAddress, ...]] = field(default_factory=dict)
    """Of the kinds of servers that this computer uses."""
    dialup: frozenset[IpAddress] = frozenset()
    """The addresses of this computer on dial-up links; all others are on LANs."""

    def addresses_of(self, place: Place) -> tuple[IpAddress, ...]:
        """Of a DNS name or a kind of server."""
        if place.kind is PlaceKind.DNS_NAME:
            return self.names.get(place.name, ())
        return self.servers.get(place.kind, ())

    def tunnel_endpoint(self, rule: Rule) -> IpAddress | None:
        """The gateway of a tunnel rule; of several addresses of a name the lowest, IPv4 first,
        because the order of answers changes. None: no tunnel, or no address yet."""
        if rule.tunnel_endpoint is not None or not rule.tunnel_name:
            return rule.tunnel_endpoint
        found = self.names.get(rule.tunnel_name, ())
        return min(found, key=address_order, default=None)


def names_in(policy: Policy) -> frozenset[str]:
    """The DNS names that active rules use."""
    return frozenset(
        each.name for each in _places(policy) if each.kind is PlaceKind.DNS_NAME
    ) | frozenset(rule.tunnel_name for rule in policy.rules if rule.active and rule.tunnel_name)


def servers_in(policy: Policy) -> frozenset[PlaceKind]:
    """The kinds of servers that active rules name."""
    return frozenset(each.kind for each in _places(policy)).intersection(SERVER_KINDS)


def _places(policy: Policy) -> list[Place]:
    return [
        place
        for rule in policy.rules
        if rule.active
        for each in rule.filter_list.filters
        for place in (each.source, each.destination)
    ]
