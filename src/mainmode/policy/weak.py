"""Computers without strong encryption: Windows 2000 without its High Encryption Pack takes DES
where its policy says 3DES.

A rule can say that the peers it names are such computers: then DES is offered and taken after 3DES.
A policy can say that this computer plays one, for tests. Nothing that a peer says ever weakens an
offer.

Source: docs/service.md 24.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from mainmode.crypto.algorithms import CIPHERS
from mainmode.policy.model import MainModeOffer, MainModeSettings, Policy, QuickModeOffer, Rule

Change = Callable[[Iterable[QuickModeOffer]], tuple[QuickModeOffer, ...]]
_STRONG, _WEAK = CIPHERS["3des"], CIPHERS["des"]


def as_enforced(policy: Policy) -> Policy:
    """The policy with the offers that it comes to; the very same where nothing is weak."""
    if policy.weak_host:
        rules = tuple(_weak_rule(rule) for rule in policy.rules)
        response = policy.default_response
        response = replace(response, offers=_only_weak_quick(response.offers))
        main_mode = _weak(policy.main_mode)
        return replace(policy, rules=rules, main_mode=main_mode, default_response=response)
    if any(rule.windows_2000_peer for rule in policy.rules):
        rules = tuple(
            _with_offers(rule, _then_weak_quick) if rule.windows_2000_peer else rule
            for rule in policy.rules
        )
        return replace(policy, rules=rules)
    return policy


def toward_windows_2000(settings: MainModeSettings) -> MainModeSettings:
    """Main mode with a computer that may lack 3DES: DES after everything else."""
    offers = settings.offers
    return replace(settings, offers=tuple(dict.fromkeys((*offers, *_only_weak_main(offers)))))


def _weak_rule(rule: Rule) -> Rule:
    main_mode = _weak(rule.main_mode) if rule.main_mode else None
    return replace(_with_offers(rule, _only_weak_quick), main_mode=main_mode)


def _weak(settings: MainModeSettings) -> MainModeSettings:
    return replace(settings, offers=_only_weak_main(settings.offers))


def _with_offers(rule: Rule, change: Change) -> Rule:
    action = rule.filter_action
    return replace(rule, filter_action=replace(action, offers=change(action.offers)))


def _only_weak_main(offers: Iterable[MainModeOffer]) -> tuple[MainModeOffer, ...]:
    changed = (replace(each, cipher=_WEAK) if each.cipher == _STRONG else each for each in offers)
    return tuple(dict.fromkeys(changed))


def _only_weak_quick(offers: Iterable[QuickModeOffer]) -> tuple[QuickModeOffer, ...]:
    changed = (
        replace(each, esp_cipher=_WEAK) if each.esp_cipher == _STRONG else each for each in offers
    )
    return tuple(dict.fromkeys(changed))


def _then_weak_quick(offers: Iterable[QuickModeOffer]) -> tuple[QuickModeOffer, ...]:
    kept = tuple(offers)
    return tuple(dict.fromkeys((*kept, *_only_weak_quick(kept))))
