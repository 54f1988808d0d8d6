"""The filters of a policy, compiled for this computer and put in deciding order.

Talks to: `selection`, which asks them; the driver's packet filter, which is built from them.
Does not: look at packets.

Deciding order. The first filter in this order that matches decides (MS documents order by
specificity, not by place, without its weights; the weights are ours):

1. the smaller widest side: `me <-> 10.0.0.0/24` before `me <-> any`;
2. the smaller other side: `me <-> any` before `10.0.0.0/24 <-> any`;
3. a named protocol before any protocol;
4. two named ports, then one, then none;
5. block before negotiate before permit;
6. the rule that stands first in the policy, and within it the filter that stands first.

A filter inside another one therefore always comes first, and since no step tells local from
remote, two computers with mirrored policies decide alike.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network

from mainmode.model import AddressRange, Direction, Flow, IpAddress, Mode, Selector
from mainmode.policy.model import (
    Action,
    ConnectionType,
    Filter,
    Place,
    PlaceKind,
    Policy,
    Rule,
)
from mainmode.policy.surroundings import Surroundings

EVERYWHERE = {
    4: AddressRange.network(ip_network("0.0.0.0/0")),
    6: AddressRange.network(ip_network("::/0")),
}
"""All addresses, by version."""
_STRICTEST_FIRST = (Action.BLOCK, Action.NEGOTIATE, Action.PERMIT)


@dataclass(frozen=True)
class CompiledFilter:
    """One filter of a rule, with addresses instead of words, seen from here.

    `selector` is written for outbound packets; an inbound packet matches with its destination as
    local. A filter that mirrors itself, and every tunnel to a peer, applies to both directions.
    """

    rule: Rule
    selector: Selector
    outbound: bool
    inbound: bool
    mode: Mode = Mode.TRANSPORT
    peer: IpAddress | None = None
    """The far end of the tunnel. None: in transport mode the other host of each flow; in tunnel
    mode this is the inbound half of a pair of tunnel rules, which only demands protection."""

    @property
    def action(self) -> Action:
        return self.rule.filter_action.action

    @property
    def accept_unsecured(self) -> bool:
        return self.rule.filter_action.accept_unsecured

    @property
    def allow_fallback(self) -> bool:
        return self.rule.filter_action.allow_fallback

    @property
    def is_inbound_half(self) -> bool:
        return self.mode is Mode.TUNNEL and self.peer is None

    def applies_to(self, direction: Direction) -> bool:
        return self.outbound if direction is Direction.OUTBOUND else self.inbound

    def peer_for(self, remote: IpAddress) -> IpAddress | None:
        """Whom to negotiate with for packets to `remote`; None: nobody."""
        return remote if self.mode is Mode.TRANSPORT else self.peer

    def selector_for(self, flow: Flow) -> Selector:
        """What a quick mode negotiates when `flow` asks for it: in transport mode the two hosts
        with the filter's protocol and ports, in tunnel mode the filter's own ranges."""
        if self.mode is Mode.TUNNEL:
            return self.selector
        return Selector(
            AddressRange.host(flow.local),
            AddressRange.host(flow.remote),
            self.selector.protocol,
            self.selector.local_port,
            self.selector.remote_port,
        )

    @cached_property
    def decides(self) -> tuple[str, ...]:
        """What is said where it decides, made once."""
        return (f"{self} decides: {self.action.value}",)

    @cached_property
    def _text(self) -> str:
        return f"rule {self.rule.name!r} ({self.selector})"

    def __str__(self) -> str:
        return self._text


def compile_filters(
    policy: Policy, local_addresses: Collection[IpAddress], around: Surroundings | None = None
) -> tuple[CompiledFilter, ...]:
    """Every filter of every active rule, in deciding order. Places that have no addresses yet
    (DNS names, server kinds) give no filter, nor does a tunnel to a gateway without one."""
    around = around or Surroundings()
    compiled = [
        entry
        for rule in policy.rules
        if rule.active
        for compiler in [_Compiler(rule, local_addresses, around)]
        for each in rule.filter_list.filters
        for entry in compiler.compiled(each)
    ]
    return tuple(sorted(compiled, key=by_specificity))  # stable: rules and filters keep their order


def deciding_step(first: CompiledFilter, later: CompiledFilter) -> int:
    """The step of the deciding order, from 1, that puts `first` before `later`."""
    keys = zip(by_specificity(first), by_specificity(later), strict=True)
    return next((step for step, (one, other) in enumerate(keys, 1) if one != other), PLACE)


PLACE = 6
"""The last step: the place in the policy."""


def by_specificity(entry: CompiledFilter) -> tuple[int, int, bool, int, int]:
    """The sort key of steps 1 to 5; small comes first."""
    selector = entry.selector
    narrow, wide = sorted((selector.local.size, selector.remote.size))
    unnamed_ports = (selector.local_port == 0) + (selector.remote_port == 0)
    strictness = _STRICTEST_FIRST.index(entry.action)
    return wide, narrow, selector.protocol == 0, unnamed_ports, strictness


class _Compiler:
    """Compiles the filters of one rule."""

    def __init__(
        self, rule: Rule, local_addresses: Collection[IpAddress], around: Surroundings
    ) -> None:
        self._rule = rule
        self._local = local_addresses
        mine = _on_links(rule.connection_type, local_addresses, around)
        self._me = [AddressRange.host(address) for address in mine]
        self._around = around

    def compiled(self, each: Filter) -> Iterable[CompiledFilter]:
        rule = self._rule
        forward = list(self._selectors(each, reverse=False))
        reverse = list(self._selectors(each, reverse=True))
        if rule.filter_action.action is Action.NEGOTIATE and rule.is_tunnel:
            return self._tunnel(forward, reverse)
        both = each.mirrored
        outbound = dict.fromkeys(forward + reverse if both else forward)
        inbound = dict.fromkeys(reverse + forward if both else reverse)
        return [
            CompiledFilter(rule, selector, selector in outbound, selector in inbound)
            for selector in outbound | inbound
        ]

    def _tunnel(self, forward: list[Selector], reverse: list[Selector]) -> Iterable[CompiledFilter]:
        """A tunnel rule, whose filter runs from the near side to the far side of the tunnel.

        Windows writes two rules per tunnel: one with the peer as endpoint, and one with itself as
        endpoint for the way back. The first alone carries both directions here, for a quick mode
        makes both SAs anyway; the second only says that what it matches may not come in clear.
        """
        rule, endpoint = self._rule, self._around.tunnel_endpoint(self._rule)
        if endpoint is None:
            return []
        if endpoint in self._local:
            return [CompiledFilter(rule, each, False, True, Mode.TUNNEL) for each in reverse]
        near_to_far = forward or reverse  # written from far to near when only that makes sense
        return [
            CompiledFilter(rule, each, True, True, Mode.TUNNEL, endpoint) for each in near_to_far
        ]

    def _selectors(self, each: Filter, *, reverse: bool) -> Iterator[Selector]:
        """The filter with its source (reverse: its destination) as the local side."""
        near, far = each.source, each.destination
        near_port, far_port = each.source_port, each.destination_port
        if reverse:
            near, far, near_port, far_port = far, near, far_port, near_port
        for remote in self._ranges(far):
            if remote.is_host and remote.first in self._local:
                continue  # what goes from this computer to itself never leaves it
            for local in self._ranges(near):
                if local.version == remote.version:
                    yield Selector(local, remote, each.protocol, near_port, far_port)

    def _ranges(self, place: Place) -> Iterable[AddressRange]:
        if place.kind is PlaceKind.ADDRESSES and place.addresses is not None:
            return (place.addresses,)
        if place.kind is PlaceKind.ANY:
            return EVERYWHERE.values()
        if place.kind is PlaceKind.ME:
            return self._me
        return [AddressRange.host(address) for address in self._around.addresses_of(place)]


def _on_links(
    kind: ConnectionType, local_addresses: Collection[IpAddress], around: Surroundings
) -> Collection[IpAddress]:
    """The addresses of this computer that links of this kind have."""
    if kind is ConnectionType.ALL:
        return local_addresses
    dialup = kind is ConnectionType.DIALUP
    return [each for each in local_addresses if (each in around.dialup) == dialup]
