"""What deserves a warning because several settings of a policy meet.

Talks to: `check`, which adds what each setting deserves by itself; `filters` (the deciding order).
Does not: know files; only paths in them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from mainmode import limits
from mainmode.model import Direction, Flow
from mainmode.policy.filters import CompiledFilter, compile_filters
from mainmode.policy.mistakes import Path
from mainmode.policy.model import (
    Action,
    MainModeSettings,
    Method,
    Place,
    PlaceKind,
    Policy,
    Rule,
)
from mainmode.policy.selection import Selection
from mainmode.policy.units import format_duration

_SOME_COMPUTER = (ip_address("127.0.0.2"), ip_address("::2"))
"""Stands for this computer where only the order of the filters matters."""
_EVERYBODY = 1 << 200
_COUNTABLE = 1 << 16


@dataclass(frozen=True, slots=True)
class Caution:
    """A warning, and where its reason stands."""

    path: Path
    text: str


def cautions(
    policy: Policy, management: Flow | None = None, *, place: Path = ()
) -> Iterator[Caution]:
    """management: the connection that the person who asks is logged in through.
    place: where the parts of the policy stand; filter actions stand beside it.
    """
    for each in _in_policy(policy, management):
        yield Caution((*place, *each.path), each.text)
    for rule in policy.rules:
        if rule.active:
            yield from _lifetimes(policy, rule)


def _in_policy(policy: Policy, management: Flow | None) -> Iterator[Caution]:
    ordered = compile_filters(policy, _SOME_COMPUTER)
    yield from _main_modes(policy)
    yield from _shared_keys(policy)
    yield from _without_packets(policy, ordered)
    yield from _fallbacks(policy, ordered)
    if management is not None:
        yield from cut_off(policy, management)


# --- main mode --------------------------------------------------------------------------------


def _main_modes(policy: Policy) -> Iterator[Caution]:
    yield from _main_mode(policy.main_mode, ("main_mode",), "[main_mode]")
    for index, rule in enumerate(policy.rules):
        if rule.main_mode is not None:
            what = f"rule {rule.name!r}, [main_mode]"
            yield from _main_mode(rule.main_mode, ("rule", index, "main_mode"), what)


def _main_mode(settings: MainModeSettings, path: Path, what: str) -> Iterator[Caution]:
    if settings.master_pfs:
        text = "each quick mode costs a main mode of its own, with authentication and all"
        yield Caution((*path, "master_pfs"), f"{what}: master_pfs: {text}")
    elif not settings.quick_modes_max and settings.lifetime_s > limits.MAIN_MODE_LIFETIME_S:
        long = format_duration(settings.lifetime_s)
        text = (
            f"any number of quick modes off one main mode of {long}: each gives an attacker who "
            "knows what it carries more to work on; set quick_modes_max or a shorter lifetime"
        )
        yield Caution((*path, "lifetime"), f"{what}: {text}")


def _lifetimes(policy: Policy, rule: Rule) -> Iterator[Caution]:
    """A quick mode SA that outlives its main mode SA, or lives so short that there are many."""
    if rule.filter_action.action is not Action.NEGOTIATE:
        return
    main_s = (rule.main_mode or policy.main_mode).lifetime_s
    action = rule.filter_action
    for index, offer in enumerate(action.offers):
        quick_s = offer.lifetime.seconds
        where: Path = ("filter_action", action.name, "offers", index)
        what = f"filter action {action.name!r}, offer {offer.name}"
        main, quick = format_duration(main_s), format_duration(quick_s)
        if quick_s > main_s:
            text = f"a quick mode SA may live for {quick}, much longer than main mode ({main})"
            yield Caution(where, f"{what}: {text}: it goes on when nobody can renew it")
        elif main_s > quick_s * limits.QUICK_MODES_MANY:
            text = f"a quick mode SA lives for {quick} only, main mode for {main}"
            yield Caution(where, f"{what}: {text}: very many off one main mode")


# --- preshared keys ---------------------------------------------------------------------------


def _shared_keys(policy: Policy) -> Iterator[Caution]:
    """Each key once, where it is named first."""
    named: dict[str, tuple[Path, Rule]] = {}
    peers: dict[str, dict[object, int]] = {}
    for index, rule in enumerate(policy.rules):
        if not rule.active or rule.filter_action.action is not Action.NEGOTIATE:
            continue
        for at, authentication in enumerate(rule.authentication):
            key = authentication.secret
            if authentication.method is Method.PRESHARED_KEY and not authentication.peer_identity:
                named.setdefault(key, (("rule", index, "authentication", at), rule))
                peers.setdefault(key, {}).update(_peers(rule))
    for key, (path, rule) in named.items():
        count = sum(peers[key].values())
        if count > 1:
            many = f"{count} computers" if count <= _COUNTABLE else "any number of computers"
            if count >= _EVERYBODY:
                many = "everybody"
            text = f"{many} may share the preshared key {key!r}, and each can pose as any other"
            yield Caution(path, f"rule {rule.name!r}: {text}")


def _peers(rule: Rule) -> dict[object, int]:
    """How many computers each far end of a rule may be."""
    if rule.is_tunnel:
        return {rule.tunnel_end: 1}
    found: dict[object, int] = {}
    for each in rule.filter_list.filters:
        sizes = {end: _size(end) for end in (each.source, each.destination)}
        widest = max(sizes, key=sizes.__getitem__)
        found[widest] = sizes[widest]
    return found


def _size(end: Place) -> int:
    if end.addresses is not None:
        return end.addresses.size
    return {PlaceKind.ME: 0, PlaceKind.ANY: _EVERYBODY}.get(end.kind, 1)


# --- which filter decides ---------------------------------------------------------------------


def _without_packets(policy: Policy, ordered: Iterable[CompiledFilter]) -> Iterator[Caution]:
    """Rules that no packet ever comes to."""
    compiled, reached = set(), set()
    taken: set[tuple[object, Direction]] = set()
    for each in ordered:
        compiled.add(id(each.rule))
        if each.action is Action.NEGOTIATE and each.selector.remote.first.is_multicast:
            continue
        for direction in Direction:
            if each.applies_to(direction) and (each.selector, direction) not in taken:
                taken.add((each.selector, direction))
                reached.add(id(each.rule))
    for index, rule in enumerate(policy.rules):
        what = f"rule {rule.name!r}"
        if rule.active and not rule.filter_list.filters:
            text = f"filter list {rule.filter_list.name!r} is empty: it matches nothing"
            yield Caution(("rule", index, "filter_list"), f"{what}: {text}")
        elif id(rule) in compiled and id(rule) not in reached:
            text = "it never decides: other rules have the same filters, or it negotiates multicast"
            yield Caution(("rule", index), f"{what}: {text}")
        elif rule.active and id(rule) not in compiled and not _waits_for_names(rule):
            text = "it matches nothing: its filters do not lead from this computer to another"
            yield Caution(("rule", index, "filter_list"), f"{what}: {text}")


def _waits_for_names(rule: Rule) -> bool:
    filters = rule.filter_list.filters
    ends = (end for each in filters for end in (each.source, each.destination))
    return bool(rule.tunnel_name) or any(end.is_looked_up for end in ends)


# --- fallback ---------------------------------------------------------------------------------


def _fallbacks(policy: Policy, ordered: Iterable[CompiledFilter]) -> Iterator[Caution]:
    negotiating = [each for each in ordered if each.action is Action.NEGOTIATE]
    soft = [each for each in negotiating if each.allow_fallback]
    strict = [each for each in negotiating if not each.allow_fallback]
    if soft and policy.main_mode.fallback_on_mismatch:
        text = (
            "whoever can answer in a peer's place can have traffic sent in clear, where a filter "
            "action allows fallback"
        )
        yield Caution(("main_mode", "fallback_on_mismatch"), f"[main_mode]: {text}")
    warned: set[tuple[int, int]] = set()
    indices = {id(rule): index for index, rule in enumerate(policy.rules)}
    for inner in soft:
        outer = next((each for each in strict if each.selector.covers(inner.selector)), None)
        if outer is not None and (id(inner.rule), id(outer.rule)) not in warned:
            warned.add((id(inner.rule), id(outer.rule)))
            yield Caution(("rule", indices[id(inner.rule)]), _defeats(inner, outer))
    for index, rule in enumerate(policy.rules):
        if rule.active and rule.is_tunnel and rule.filter_action.allow_fallback:
            text = "traffic for the tunnel may pass in clear when the gateway does not answer"
            yield Caution(("rule", index, "filter_action"), f"rule {rule.name!r}: {text}")


def _defeats(inner: CompiledFilter, outer: CompiledFilter) -> str:
    return (
        f"rule {inner.rule.name!r}: it may fall back to clear where rule {outer.rule.name!r} would "
        "require protection"
    )


# --- the person's own connection --------------------------------------------------------------


def cut_off(policy: Policy, management: Flow) -> Iterator[Caution]:
    """What the policy would do to the connection that it is assigned through."""
    selection = Selection(policy, [management.local])
    for direction in Direction:
        decision = selection.decide(management, direction)
        if decision.rule is None or decision.action is Action.PERMIT:
            continue
        rule, peer = decision.rule, management.remote
        if decision.action is Action.NEGOTIATE and decision.filter_action.allow_fallback:
            continue
        end = (
            f"goes on only if {decision.peer} negotiates"
            if decision.action is Action.NEGOTIATE
            else "ends"
        )
        text = f"your own connection from {peer} {end}; try it with assign --confirm-within 5m"
        index = next(at for at, each in enumerate(policy.rules) if each.name == rule.name)
        yield Caution(("rule", index), f"rule {rule.name!r}: {text}")
        return
