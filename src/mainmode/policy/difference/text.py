"""A difference as people read it.

A line for some traffic names what it comes to in full where the action changes, and only what
differs where it is negotiated before and after.
"""

from collections.abc import Collection, Iterable, Iterator

from mainmode.model import IpAddress, Mode
from mainmode.policy.difference.changes import Change
from mainmode.policy.difference.general import (
    main_mode_words,
    methods_words,
    offers_words,
    pfs_words,
)
from mainmode.policy.difference.outcome import Outcome, Terms
from mainmode.policy.difference.words import in_words
from mainmode.policy.difference.zones import Zone
from mainmode.policy.model import Action

_IN_ZONE = {
    Zone.OWN: "",
    Zone.GROUP: "multicast and broadcast: ",
    Zone.FORWARDED: "forwarded: ",
}


def change_lines(found: Iterable[Change], own: Collection[IpAddress]) -> Iterator[str]:
    """One for each kind of traffic of each change. own: this computer's addresses."""
    for each in found:
        said = change_words(each)
        for traffic in in_words(each.regions, own):
            yield f"{_IN_ZONE[each.zone]}{traffic}: {said}"


def change_words(change: Change) -> str:
    """`permitted -> negotiate (esp:3des-sha1), fallback allowed`."""
    before, after = change.before, change.after
    if before.terms is None or after.terms is None:
        return f"{outcome_words(before)} -> {outcome_words(after)}"
    was, becomes = terms_words(before.terms), terms_words(after.terms)
    if before.terms.own_main_mode != after.terms.own_main_mode:
        was |= _of_main_mode(before.terms)
        becomes |= _of_main_mode(after.terms)
    differ = [
        f"{name} {was[name]} -> {becomes[name]}" for name in was if was[name] != becomes[name]
    ]
    return f"negotiate: {'; '.join(differ)}"


def _of_main_mode(terms: Terms) -> dict[str, str]:
    whose = "the policy's" if terms.own_main_mode is None else "the rule's own"
    words = main_mode_words(terms.main_mode)
    return {"main mode": whose} | {f"main mode {name}": word for name, word in words.items()}


# --- one outcome --------------------------------------------------------------------------------


def outcome_words(outcome: Outcome) -> str:
    if outcome.terms is not None:
        return _negotiated(outcome.terms, soft=outcome.may_pass_in_clear)
    if outcome.action is Action.BLOCK:
        return "blocked"
    if outcome.response is None:
        return "permitted"
    return f"permitted, secured where the peer asks ({offers_words(outcome.response.offers)})"


def _negotiated(terms: Terms, *, soft: bool) -> str:
    action = terms.filter_action
    words = [f"negotiate ({offers_words(action.offers)})"]
    if terms.mode is Mode.TUNNEL:
        words[0] += f" through the tunnel to {terms.gateway}" if terms.gateway else " in a tunnel"
    if soft:
        words.append("fallback allowed")
    if action.accept_unsecured:
        words.append("unsecured accepted")
    if action.session_pfs:
        words.append(f"session PFS {pfs_words(action)}")
    words.append(f"by {methods_words(terms.authentication)}")
    return ", ".join(words)


def terms_words(terms: Terms) -> dict[str, str]:
    """Everything that can differ, by name, but main mode."""
    action = terms.filter_action
    return {
        "with": str(terms.gateway or "the other host"),
        "mode": terms.mode.value,
        "offers": offers_words(action.offers),
        "fallback": "allowed" if action.allow_fallback else "not allowed",
        "unsecured": "accepted" if action.accept_unsecured else "not accepted",
        "session PFS": pfs_words(action),
        "authentication": methods_words(terms.authentication),
    }
