"""An explanation as JSON. docs/policy.md describes it."""

from typing import Any

from mainmode.model import Direction, Flow, Selector
from mainmode.policy.explain.answer import Explanation
from mainmode.policy.explain.negotiation import Negotiation, Tried
from mainmode.policy.explain.reasons import Comparison
from mainmode.policy.filters import CompiledFilter
from mainmode.policy.model import Authentication, FilterAction
from mainmode.policy.words import protocol_word

Json = dict[str, Any]


def explanation_values(said: Explanation) -> Json:
    decision, clear = said.decision, said.clear
    rule = decision.rule
    return {
        "packet": _packet(said.flow, said.direction),
        "action": decision.action.value,
        "rule": rule.name if rule is not None else None,
        "filter_list": rule.filter_list.name if rule is not None else None,
        "filter_action": rule.filter_action.name if rule is not None else None,
        "because": list(decision.because),
        "filters": [_comparison(each) for each in said.compared],
        "not_compared": [
            {"rule": each.rule.name, "why": each.why, "text": str(each)} for each in said.left_out
        ],
        "negotiation": _negotiation(said.negotiation, rule.filter_action)
        if said.negotiation is not None and rule is not None
        else None,
        "clear": {
            "passes": clear.passes,
            "fallback": clear.fallback,
            "accept_unsecured": clear.accept_unsecured,
            "default_response": clear.default_response,
            "text": list(clear.sentences),
        },
        "notes": list(said.notes),
    }


def _packet(flow: Flow, direction: Direction) -> Json:
    here = {"address": str(flow.local), "port": flow.local_port}
    there = {"address": str(flow.remote), "port": flow.remote_port}
    outbound = direction is Direction.OUTBOUND
    return {
        "from": here if outbound else there,
        "to": there if outbound else here,
        "protocol": protocol_word(flow.protocol),
        "direction": direction.value,
    }


def _comparison(each: Comparison) -> Json:
    return {
        **filter_values(each.filter),
        "verdict": each.verdict.value,
        "step": each.step or None,
        "why": each.why,
    }


def filter_values(each: CompiledFilter) -> Json:
    directions = [one.value for one in Direction if each.applies_to(one)]
    return {
        "rule": each.rule.name,
        "selector": selector_values(each.selector),
        "directions": directions,
        "action": each.action.value,
    }


def selector_values(selector: Selector) -> Json:
    """A port of 0 is any."""
    return {
        "local": str(selector.local),
        "local_port": selector.local_port,
        "remote": str(selector.remote),
        "remote_port": selector.remote_port,
        "protocol": protocol_word(selector.protocol),
    }


def _negotiation(said: Negotiation, action: FilterAction) -> Json:
    settings = said.settings
    return {
        "peer": str(said.peer),
        "local": str(said.local) if said.local is not None else None,
        "mode": said.mode.value,
        "obstacles": list(said.obstacles),
        "authentication": [_tried(each) for each in said.authentication],
        "accepted_too": [_tried(each) for each in said.accepted],
        "main_mode": {
            "offers": list(said.main_mode),
            "lifetime_s": settings.lifetime_s,
            "quick_modes_max": settings.quick_modes_each,
            "master_pfs": settings.master_pfs,
            "fallback_after_s": settings.fallback_after_s,
            "fallback_on_mismatch": settings.fallback_on_mismatch,
            "soft_lifetime_s": settings.soft_sa_s,
        },
        "quick_mode": {
            "selector": selector_values(said.selector),
            "offers": list(said.quick_mode),
            "session_pfs": action.session_pfs,
            "session_pfs_group": action.session_pfs_group.name
            if action.session_pfs and action.session_pfs_group is not None
            else None,
        },
    }


def _tried(each: Tried) -> Json:
    return {
        **authentication_values(each.authentication),
        "tried": not each.why_not,
        "why_not": each.why_not,
    }


def authentication_values(each: Authentication) -> Json:
    """A method and what it names; never a secret."""
    return {"method": each.method.value, "secret_name": each.secret, "root_ca": each.root_ca}
