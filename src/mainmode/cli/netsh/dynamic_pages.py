"""`netsh ipsec dynamic show ...`: from the dynamic document, and from the running service."""

from collections.abc import Callable, Mapping

from mainmode.cli.netsh.details import authentication_words, filter_pairs, offer_pairs
from mainmode.cli.netsh.pages import (
    NONE,
    Pairs,
    heading,
    is_table,
    listed,
    minutes,
    pairs,
    rows,
    yes,
)
from mainmode.policy.model import FilterAction, Policy, Rule
from mainmode.policy.netsh import dynamic
from mainmode.policy.netsh.commands import Command, Form
from mainmode.policy.netsh.config import CONFIG
from mainmode.policy.netsh.methods import MAIN_MODE_METHODS
from mainmode.policy.netsh.naming import all_or_named
from mainmode.policy.netsh.operations.dynamic import IN_PASS, actions_of, quick_mode_policies
from mainmode.policy.netsh.work import LOCAL, Work

Page = list[str]


def show_main_mode(command: Command, work: Work) -> Page:
    chosen = all_or_named(work.dynamic.policies, command, "main mode policy")
    return _page(command, [_main_mode_pairs(each) for each in chosen])


def show_quick_mode(command: Command, work: Work) -> Page:
    chosen = all_or_named(quick_mode_policies(work.dynamic), command, "quick mode policy")
    page: Page = []
    for each in chosen:
        page += [*pairs(_quick_mode_pairs(each)), ""]
        page += [*rows([offer_pairs(offer) for offer in each.offers]), ""]
    return page or ["There are none."]


def show_rule(command: Command, work: Work) -> Page:
    entries = [
        _rule_pairs(policy, rule) for policy in work.dynamic.policies for rule in policy.rules
    ]
    return _page(command, entries)


def show_config(command: Command, work: Work) -> Page:
    settings = work.documents[LOCAL].settings
    entries = [
        (name, kind.write(getattr(settings, field))) for name, (field, kind) in CONFIG.items()
    ]
    return pairs(entries)


def show_all(command: Command, work: Work) -> Page:
    page: Page = []
    for title, part in (
        ("General settings", show_config),
        ("Main mode policies", show_main_mode),
        ("Quick mode policies", show_quick_mode),
        ("Rules", show_rule),
    ):
        page += [*heading(title), *part(command, work), ""]
    return page


PAGES: Mapping[Form, Callable[[Command, Work], Page]] = {
    dynamic.SHOW_MAIN_MODE: show_main_mode,
    dynamic.SHOW_QUICK_MODE: show_quick_mode,
    dynamic.SHOW_DYNAMIC_RULE: show_rule,
    dynamic.SHOW_CONFIG: show_config,
    dynamic.SHOW_DYNAMIC: show_all,
}


def _page(command: Command, entries: list[Pairs]) -> Page:
    if not entries:
        return ["There are none."]
    return rows(entries) if is_table(command) else listed(entries)


def _main_mode_pairs(policy: Policy) -> Pairs:
    settings = policy.main_mode
    return [
        ("Name", policy.name),
        ("MM Lifetime", minutes(settings.lifetime_s)),
        ("QM per MM", str(settings.quick_modes_max or "no limit")),
        ("Soft SA Expiration Time", f"{settings.soft_sa_s} seconds"),
        ("MM Security Methods", MAIN_MODE_METHODS.write(settings.offers)),
    ]


def _quick_mode_pairs(action: FilterAction) -> Pairs:
    group = action.session_pfs_group.name if action.session_pfs_group else "that of main mode"
    return [
        ("Name", action.name),
        ("Soft SA", yes(action.allow_fallback)),
        ("PFS Group", group if action.session_pfs else NONE),
    ]


def _rule_pairs(policy: Policy, rule: Rule) -> Pairs:
    inbound, outbound = actions_of(rule.filter_action)
    negotiates = bool(rule.filter_action.offers)
    return [
        *filter_pairs(rule.filter_list.filters[0])[1:],
        ("Connection Type", rule.connection_type.value.upper()),
        ("Inbound Action", inbound.value.upper()),
        ("Outbound Action", outbound.value.upper()),
        ("Tunnel Endpoint", str(rule.tunnel_end or NONE)),
        ("MM Policy", policy.name),
        ("QM Policy", rule.filter_action.name.removesuffix(IN_PASS) if negotiates else NONE),
        ("Authentication", authentication_words(rule.authentication)),
    ]
