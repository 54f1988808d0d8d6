"""Which filter decides for a packet, a selector or a peer, and why.

The deciding order is that of `filters`. Above it stand exemptions, for outbound and inbound packets
alike: what this computer sends to itself, its own IKE, (from negotiation only) multicast and
broadcast, and what the general settings exempt. Below it stands the default response rule, for
what pairs carry under it.

Talks to: `filters`; the engine and the driver ask it.
Does not: know algorithms, `offers` does; say why other filters lost, `explain` does.
"""

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from mainmode import limits
from mainmode.failures import Failure, Reason, Refused
from mainmode.model import AddressRange, Direction, Flow, IpAddress, Mode, Selector
from mainmode.numbers import KERBEROS_PORT, RSVP, IpProtocol
from mainmode.policy.filters import CompiledFilter, by_specificity, compile_filters
from mainmode.policy.index import FilterIndex
from mainmode.policy.model import (
    Action,
    Authentication,
    FilterAction,
    MainModeSettings,
    Policy,
    Rule,
)
from mainmode.policy.response import response_rule
from mainmode.policy.settings import Settings
from mainmode.policy.surroundings import Surroundings
from mainmode.policy.weak import as_enforced, toward_windows_2000

_LIMITED_BROADCAST = IPv4Address("255.255.255.255")


@dataclass(frozen=True, slots=True)
class Decision:
    """What policy says about some traffic, and why."""

    action: Action
    rule: Rule | None
    """None: no filter matched; the traffic is permitted."""
    selector: Selector | None
    """What a quick mode for it negotiates (action negotiate only)."""
    peer: IpAddress | None
    """Whom to negotiate with: the other host, or the tunnel endpoint."""
    mode: Mode
    because: tuple[str, ...]
    """What decided, in a sentence; for a peer's quick mode one for each filter that was compared.
    Why the others lost: `explain`."""
    decided_by: CompiledFilter | None = None
    """For a packet: the filter that decided; None: an exemption, or no filter matched."""

    @property
    def allows_fallback(self) -> bool:
        """Whether this traffic may pass in clear when nobody answers: there are no soft SAs for
        tunnels."""
        return (
            self.action is Action.NEGOTIATE
            and self.mode is Mode.TRANSPORT
            and self.filter_action.allow_fallback
        )

    @property
    def filter_action(self) -> FilterAction:
        """The deciding rule's. Raises ValueError when no filter matched."""
        if self.rule is None:
            raise ValueError("no rule decided")
        return self.rule.filter_action


@dataclass(frozen=True, slots=True)
class PeerTerms:
    """What main mode with one peer may look like."""

    authentications: tuple[Authentication, ...]
    """Of all rules toward the peer, the deciding rule's first, the default response rule's last,
    each once."""
    rules: tuple[Rule, ...]
    """Those that lead to the peer; without any, there is the default response rule alone: the peer
    may ask, and is not asked."""
    explain_refusals: bool
    """Whether a rule lets the peer hear which offers would have been accepted."""

    @property
    def ours(self) -> tuple[Authentication, ...]:
        """What we offer when we begin."""
        return tuple(dict.fromkeys(each for rule in self.rules for each in rule.authentication))


class Selection:
    """One policy, compiled for the addresses this computer and the names in it have now.

    A change of policy or addresses is a new Selection.
    """

    def __init__(
        self,
        policy: Policy,
        local_addresses: Iterable[IpAddress],
        *,
        broadcast_addresses: Iterable[IpAddress] = (),
        ike_ports: Iterable[int] = (limits.IKE_PORT, limits.NAT_PORT),
        around: Surroundings | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.policy = policy = as_enforced(policy)
        self._any_special = any(
            rule.main_mode is not None or rule.windows_2000_peer for rule in policy.rules
        )
        """Whether main mode differs from peer to peer."""
        self.local_addresses = tuple(dict.fromkeys(local_addresses))
        self._local = frozenset(self.local_addresses)
        self.broadcast_addresses = frozenset((_LIMITED_BROADCAST, *broadcast_addresses))
        self.ike_ports = frozenset(ike_ports)
        self.settings = settings or Settings()
        self.around = around or Surroundings()
        self.ordered = compile_filters(policy, self.local_addresses, self.around)
        """Every filter in deciding order: the first that matches a packet decides."""
        self._by_version = {
            version: tuple(each for each in self.ordered if each.selector.local.version == version)
            for version in (4, 6)
        }
        self._indices: dict[tuple[Direction, bool], FilterIndex] = {}
        """By direction, and whether negotiate filters are left out; made when first asked for."""
        self.response = response_rule(policy)
        self.answered: tuple[CompiledFilter, ...] = ()
        """The filters of the default response rule, below all others."""
        self._answered: dict[IpAddress, list[CompiledFilter]] = {}
        """By the other host."""

    def answering(self, selectors: Iterable[Selector]) -> "Selection":
        """The same with the default response rule's filters for this traffic, and no others."""
        response = self.response
        if response is None:
            return self
        other = copy.copy(self)
        other.answered = tuple(
            sorted(
                (CompiledFilter(response, each, True, True) for each in dict.fromkeys(selectors)),
                key=by_specificity,
            )
        )
        other._answered = {}
        for each in other.answered:
            other._answered.setdefault(each.selector.remote.first, []).append(each)
        return other

    # --- packets --------------------------------------------------------------------------

    def decide(self, flow: Flow, direction: Direction = Direction.OUTBOUND) -> Decision:
        """What happens to a packet of this flow (which always runs from here to there)."""
        exempt = self.exemption(flow)
        if exempt:
            return _permit((exempt,))
        never_negotiated = self._is_of_group(flow)
        winner = self._index(direction, never_negotiated).first(flow)
        if winner is None and not never_negotiated:
            answers = self._answered.get(flow.remote, ())
            winner = next((each for each in answers if each.selector.matches(flow)), None)
        return self._decision(winner, flow) if winner is not None else _NOTHING_DECIDES

    def _index(self, direction: Direction, never_negotiated: bool) -> FilterIndex:
        index = self._indices.get((direction, never_negotiated))
        if index is None:
            index = self._indices[direction, never_negotiated] = FilterIndex(
                each
                for each in self.ordered
                if each.applies_to(direction)
                and not (never_negotiated and each.action is Action.NEGOTIATE)
            )
        return index

    def _decision(self, winner: CompiledFilter, flow: Flow) -> Decision:
        action, rule, mode, because = winner.action, winner.rule, winner.mode, winner.decides
        if action is not Action.NEGOTIATE:
            return Decision(action, rule, None, None, mode, because, winner)
        if mode is Mode.TRANSPORT and flow.local not in self._local:
            because = (*because, f"{flow.local} {_FORWARDED}")
            return Decision(Action.BLOCK, rule, None, None, mode, because, winner)
        selector, peer = winner.selector_for(flow), winner.peer_for(flow.remote)
        return Decision(action, rule, selector, peer, mode, because, winner)

    def passes_over(self, each: CompiledFilter, flow: Flow) -> bool:
        """Whether a filter does not decide although it matches: multicast and broadcast are never
        negotiated."""
        return each.action is Action.NEGOTIATE and self._is_of_group(flow)

    def exemption(self, flow: Flow) -> str:
        """Why no filter applies to this flow, or empty."""
        if flow.remote in self._local:
            return f"{flow.remote} is this computer itself: permitted"
        if (
            flow.protocol == IpProtocol.UDP
            and flow.local_port in self.ike_ports
            and flow.local in self._local
        ):
            return f"UDP port {flow.local_port} here is IKE, which is always exempt: permitted"
        if self.settings.exempts_groups and self._is_of_group(flow):
            return f"multicast and broadcast are exempt{self._level}"
        if self.settings.exempts_kerberos_and_rsvp and flow.local in self._local:
            if flow.protocol == RSVP:
                return f"RSVP is exempt{self._level}"
            if flow.protocol in (IpProtocol.TCP, IpProtocol.UDP) and KERBEROS_PORT in (
                flow.local_port,
                flow.remote_port,
            ):
                return f"Kerberos (port {KERBEROS_PORT}) is exempt{self._level}"
        return ""

    @property
    def _level(self) -> str:
        return f" (exempt = {self.settings.exempt}): permitted"

    def _is_of_group(self, flow: Flow) -> bool:
        return self._is_group(flow.local) or self._is_group(flow.remote)

    def _is_group(self, address: IpAddress) -> bool:
        return address.is_multicast or address in self.broadcast_addresses

    # --- peers ----------------------------------------------------------------------------

    def toward(self, local: IpAddress, peer: IpAddress) -> PeerTerms | None:
        """How main mode with `peer` may be authenticated; None: no rule asks for it."""
        open_to = rules = self._rules_toward(local, peer)
        if self.response is not None and self._may_ask(local, peer):
            open_to = (*rules, self.response)
        if not open_to:
            return None
        authentications = (each for rule in open_to for each in rule.authentication)
        return PeerTerms(
            tuple(dict.fromkeys(authentications)),
            rules,
            any(rule.explain_refusals for rule in rules),
        )

    def _rules_toward(self, local: IpAddress, peer: IpAddress) -> tuple[Rule, ...]:
        """Those that lead to the peer, the deciding one first."""
        found = {id(each.rule): each.rule for each in self._negotiating(local, peer)}
        return tuple(found.values())  # by id: hashing a rule hashes all its filters

    def _may_be_peer(self, address: IpAddress) -> bool:
        return not self._is_group(address) and address not in self._local

    def _may_ask(self, local: IpAddress, peer: IpAddress) -> bool:
        """Whether the default response rule may have something to give to this peer."""
        if not self._may_be_peer(peer):
            return False
        hosts = Selector(AddressRange.host(local), AddressRange.host(peer))
        covering = (each for each in self.ordered if each.selector.covers(hosts))
        return next((each.action for each in covering), Action.NEGOTIATE) is Action.NEGOTIATE

    def main_mode(self, local: IpAddress, peer: IpAddress) -> MainModeSettings:
        """The settings of main mode toward `peer`: the deciding rule's own, else the policy's."""
        settings = self.policy.main_mode
        if not self._any_special:
            return settings
        rules = self._rules_toward(local, peer)
        if not rules:
            return settings
        settings = rules[0].main_mode or settings
        weak = any(rule.windows_2000_peer for rule in rules) and not self.policy.weak_host
        return toward_windows_2000(settings) if weak else settings

    def connection(self, local: IpAddress, peer: IpAddress) -> Decision | None:
        """What to negotiate when an administrator asks for a connection with `peer`: the most
        specific negotiate filter toward it. None: there is none."""
        for each in self._negotiating(local, peer):
            selector = each.selector_for(Flow(local, peer))
            because = (f"{each} is the most specific negotiate filter toward {peer}",)
            return Decision(each.action, each.rule, selector, peer, each.mode, because)
        return None

    def _negotiating(self, local: IpAddress, peer: IpAddress) -> Iterator[CompiledFilter]:
        """The negotiate filters that lead from `local` to `peer`, in deciding order; in transport
        mode only as far as no block or permit filter decides for everything between the two."""
        if not self._may_be_peer(peer):
            return
        hosts = Selector(AddressRange.host(local), AddressRange.host(peer))
        decided = False
        for each in self.ordered:
            if each.mode is Mode.TUNNEL:
                if each.peer == peer:
                    yield each
            elif not decided and each.selector.touches(hosts):
                if each.action is Action.NEGOTIATE:
                    yield each
                else:
                    decided = each.selector.covers(hosts)

    # --- quick mode -----------------------------------------------------------------------

    def authorise(
        self,
        selector: Selector,
        local: IpAddress,
        peer: IpAddress,
        authentication: Authentication,
        mode: Mode,
    ) -> Decision:
        """Whether an authenticated peer's quick mode may carry this traffic.

        Yes if the filter that decides for the whole selector negotiates with this very peer, in
        this mode, under a rule that lists the method main mode was authenticated with, and no
        more specific negotiate filter gives a part of the selector to somebody else. More
        specific permit and block filters inside are left to the driver.

        Raises: failures.Refused, NOT_AUTHORISED or MODE_MISMATCH.
        """
        request = _Request(selector, local, peer, mode)
        hosts = (AddressRange.host(local), AddressRange.host(peer))
        if mode is Mode.TRANSPORT and (selector.local, selector.remote) != hosts:
            raise self._refusal(request, "in transport mode the addresses are those of main mode")
        because: list[str] = []
        for each in self._by_version[selector.local.version]:
            if each.is_inbound_half or not each.selector.touches(selector):
                continue
            covers = each.selector.covers(selector)
            if each.action is not Action.NEGOTIATE:
                if covers:
                    raise self._refusal(request, f"{each} decides: {each.action.value}")
                because.append(f"{each} decides for a part of it: {each.action.value}")
            elif not _belongs_to(peer, each, selector):
                raise self._refusal(request, f"{each} is more specific and names another peer")
            elif not covers:
                because.append(f"{each} is more specific and leads to the same peer")
            else:
                self._check(each, request, authentication)
                because.append(f"{each} covers it")
                return Decision(each.action, each.rule, selector, peer, mode, tuple(because))
        if self._grants(request, authentication):
            because.append(
                "no filter covers it: the default response rule secures what asks for it"
            )
            return Decision(Action.NEGOTIATE, self.response, selector, peer, mode, tuple(because))
        modes = {each.mode for each in self._negotiating(local, peer)}
        reason = Reason.MODE_MISMATCH if modes and mode not in modes else Reason.NOT_AUTHORISED
        raise self._refusal(request, "no filter of ours toward this peer covers it", reason)

    def _grants(self, request: "_Request", authentication: Authentication) -> bool:
        """Whether the default response rule does."""
        return (
            self.response is not None
            and request.mode is Mode.TRANSPORT
            and authentication in self.response.authentication
            and not self._is_group(request.peer)
        )

    def is_response(self, selector: Selector) -> bool:
        """Whether a pair for this traffic stands under the default response rule: it is between
        two hosts, and no negotiate filter covers it."""
        return (
            self.response is not None
            and selector.local.is_host
            and selector.remote.is_host
            and not any(
                each.action is Action.NEGOTIATE and each.selector.covers(selector)
                for each in self._by_version[selector.local.version]
            )
        )

    def _check(
        self, covering: CompiledFilter, request: "_Request", authentication: Authentication
    ) -> None:
        if covering.mode is not request.mode:
            detail = f"{covering} asks for {covering.mode.value} mode"
            raise self._refusal(request, detail, Reason.MODE_MISMATCH)
        if authentication not in covering.rule.authentication:
            method = authentication.method.value
            detail = f"{covering} does not list the {method} that main mode was authenticated with"
            raise self._refusal(request, detail)

    def _refusal(
        self, request: "_Request", detail: str, reason: Reason = Reason.NOT_AUTHORISED
    ) -> Refused:
        flow = Flow(request.local, request.peer)
        wanted = (
            f"{each.selector_for(flow)} {each.mode.value} mode (rule {each.rule.name!r})"
            for each in self._negotiating(request.local, request.peer)
        )
        return Refused(
            Failure(
                reason,
                detail=detail,
                offered=(f"{request.selector} {request.mode.value} mode",),
                wanted=tuple(dict.fromkeys(wanted)),
            )
        )


@dataclass(frozen=True, slots=True)
class _Request:
    """A peer's quick mode, as far as authorisation looks at it."""

    selector: Selector
    local: IpAddress
    peer: IpAddress
    mode: Mode


def _belongs_to(peer: IpAddress, each: CompiledFilter, selector: Selector) -> bool:
    """Whether everything that `each` and `selector` share is negotiated with `peer`."""
    if each.mode is Mode.TUNNEL:
        return each.peer == peer
    first = max(each.selector.remote.first, selector.remote.first, key=int)
    last = min(each.selector.remote.last, selector.remote.last, key=int)
    return first == last == peer


def _permit(because: tuple[str, ...]) -> Decision:
    return Decision(Action.PERMIT, None, None, None, Mode.TRANSPORT, because)


_NOTHING_DECIDES = _permit(("no filter decides: permitted",))
_FORWARDED = "is not an address of this computer, so transport mode cannot protect it: blocked"
