"""What would be negotiated for a packet: offers, authentication, lifetimes.

Talks to: `offers`, which makes the very proposals that would go out; `selection` for the terms.
Does not: know what the peer will say.
"""

from dataclasses import dataclass

from mainmode import limits
from mainmode.failures import Refused
from mainmode.model import IpAddress, Mode, Selector
from mainmode.numbers import ProtocolId
from mainmode.policy.check import not_enforced
from mainmode.policy.model import Authentication, Identity, MainModeSettings, Method, Rule
from mainmode.policy.offers import main_mode_proposal, quick_mode_proposal
from mainmode.policy.offers.description import describe_transform
from mainmode.policy.offers.main_mode import METHOD_NUMBERS
from mainmode.policy.selection import Decision, Selection
from mainmode.policy.units import format_duration
from mainmode.wire.payloads import SaPayload


@dataclass(frozen=True, slots=True)
class Tried:
    """An authentication method, in the order of the rule."""

    authentication: Authentication
    why_not: str = ""
    """Why it is not tried; empty: it is."""

    def __str__(self) -> str:
        return method_word(self.authentication)


@dataclass(frozen=True, slots=True)
class Negotiation:
    """What the initiator would say."""

    peer: IpAddress
    local: IpAddress | None
    """None: no route leads to the peer."""
    mode: Mode
    selector: Selector
    settings: MainModeSettings
    main_mode: tuple[str, ...]
    """The transforms in words, preferred first; empty: nothing can be offered."""
    authentication: tuple[Tried, ...]
    accepted: tuple[Tried, ...]
    """What else a peer that begins may prove itself with: methods of other rules toward it."""
    quick_mode: tuple[str, ...]
    pfs: str
    """Perfect forward secrecy, in a sentence."""
    obstacles: tuple[str, ...]
    """What keeps it from being begun."""


def negotiation(
    selection: Selection, decision: Decision, local: IpAddress | None
) -> Negotiation | None:
    """None: nothing is negotiated, or the peer would have to begin.

    local: our address toward the peer; None: no route leads there.
    """
    rule, selector, peer = decision.rule, decision.selector, decision.peer
    if rule is None or selector is None or peer is None:
        return None
    settings = selection.policy.main_mode if local is None else selection.main_mode(local, peer)
    obstacles = [] if local is not None else [f"no route leads to {peer}"]
    return Negotiation(
        peer,
        local,
        decision.mode,
        selector,
        settings,
        _main_mode(settings, rule, obstacles),
        _tried(rule.authentication),
        _accepted(selection, rule, local, peer),
        _quick_mode(decision, obstacles),
        _pfs(decision),
        tuple(obstacles),
    )


def _main_mode(settings: MainModeSettings, rule: Rule, obstacles: list[str]) -> tuple[str, ...]:
    try:
        proposal = main_mode_proposal(settings.offers, rule.authentication, settings.lifetime_s)
    except Refused as refused:
        obstacles.append(refused.failure.detail)
        return ()
    return _in_words(proposal)


def _quick_mode(decision: Decision, obstacles: list[str]) -> tuple[str, ...]:
    action = decision.filter_action
    group = action.session_pfs_group if action.session_pfs else None
    spis = dict.fromkeys((ProtocolId.ESP, ProtocolId.AH), limits.SPI_MIN)
    try:
        return _in_words(quick_mode_proposal(action.offers, decision.mode, group, spis))
    except Refused as refused:
        obstacles.append(refused.failure.detail)
        return ()


def _in_words(proposed: SaPayload) -> tuple[str, ...]:
    return tuple(
        describe_transform(proposal, transform)
        for proposal in proposed.proposals
        for transform in proposal.transforms
    )


def _pfs(decision: Decision) -> str:
    action = decision.filter_action
    if not action.session_pfs:
        return "none: keys come from main mode's"
    group = action.session_pfs_group
    named = group.name if group is not None else "the group of main mode"
    return f"a new Diffie-Hellman exchange in {named}"


def _tried(authentications: tuple[Authentication, ...]) -> tuple[Tried, ...]:
    tried: list[Tried] = []
    kinds: set[Method] = set()
    for each in authentications:
        lacking = next((one.instead for one in not_enforced(each)), "it is not available here")
        if each.method not in METHOD_NUMBERS:
            tried.append(Tried(each, lacking))
        elif each.method in kinds:
            why = "main mode cannot tell two of a kind apart: the first counts"
            tried.append(Tried(each, why))
        else:
            tried.append(Tried(each))
        kinds.add(each.method)
    return tuple(tried)


def _accepted(
    selection: Selection, rule: Rule, local: IpAddress | None, peer: IpAddress
) -> tuple[Tried, ...]:
    terms = selection.toward(local, peer) if local is not None else None
    methods = terms.authentications if terms is not None else ()
    return tuple(
        each
        for each in _tried(methods)
        if each.authentication not in rule.authentication and not each.why_not
    )


def method_word(authentication: Authentication) -> str:
    """An authentication method and all that it names."""
    words = [_METHODS[authentication.method].format(authentication)]
    if authentication.local_identity != Identity():
        words.append(f"as {authentication.local_identity}")
    if authentication.peer_identity is not None:
        words.append(f"of {authentication.peer_identity}")
    if authentication.exclude_ca_name:
        words.append("without naming the authority")
    if authentication.account_mapping:
        words.append("mapped to an account")
    return " ".join(words)


_METHODS = {
    Method.PRESHARED_KEY: "preshared key {0.secret!r}",
    Method.CERTIFICATE: "certificate from {0.root_ca!r}",
    Method.KERBEROS: "Kerberos",
}


def lifetimes(settings: MainModeSettings) -> str:
    """Of a main mode SA, in words: `8h, any number of quick modes`."""
    each = settings.quick_modes_each
    if settings.master_pfs:
        number = "one quick mode (master key PFS)"
    elif each:
        number = f"{each} quick mode{'s' * (each != 1)}"
    else:
        number = "any number of quick modes"
    return f"{format_duration(settings.lifetime_s)}, {number}"
