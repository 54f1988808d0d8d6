"""A difference as JSON. docs/policy.md describes it."""

from collections.abc import Collection, Iterable
from typing import Any

from mainmode.model import IpAddress
from mainmode.policy.difference.changes import Change
from mainmode.policy.difference.general import Setting, main_mode_words
from mainmode.policy.difference.outcome import Outcome
from mainmode.policy.difference.regions import Region
from mainmode.policy.difference.text import change_words, outcome_words, terms_words
from mainmode.policy.difference.words import in_words
from mainmode.policy.explain.values import selector_values

Json = dict[str, Any]


def changes_values(found: Iterable[Change], own: Collection[IpAddress]) -> list[Json]:
    """own: this computer's addresses."""
    return [
        {
            "zone": each.zone.value,
            "before": _outcome(each.before),
            "after": _outcome(each.after),
            "text": change_words(each),
            "traffic": [str(traffic) for traffic in in_words(each.regions, own)],
            "regions": [_region(region) for region in each.regions],
        }
        for each in found
    ]


def settings_values(found: Iterable[Setting]) -> list[Json]:
    return [{"name": each.name, "before": each.before, "after": each.after} for each in found]


def _outcome(outcome: Outcome) -> Json:
    terms = outcome.terms
    return {
        "action": outcome.action.value,
        "text": outcome_words(outcome),
        "terms": _by_key(terms_words(terms)) if terms is not None else None,
        "main_mode": main_mode_words(terms.main_mode) if terms is not None else None,
    }


def _by_key(words: dict[str, str]) -> dict[str, str]:
    return {name.lower().replace(" ", "_"): word for name, word in words.items()}


def _region(region: Region) -> Json:
    return {
        "direction": region.direction.value,
        "selector": selector_values(region.selector),
        "except": [selector_values(each) for each in region.without],
    }
