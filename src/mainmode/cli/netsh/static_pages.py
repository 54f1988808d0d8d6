"""`netsh ipsec static show ...`."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from mainmode.cli.netsh.details import (
    default_rule_pairs,
    filter_action_pairs,
    filter_list_pairs,
    filter_pairs,
    offer_pairs,
    policy_pairs,
    rule_pairs,
)
from mainmode.cli.netsh.pages import Pairs, heading, is_table, listed, pairs, rows
from mainmode.errors import PersonError
from mainmode.policy.model import FilterAction, FilterList, Policy, Rule
from mainmode.policy.netsh import parameters as p
from mainmode.policy.netsh import static
from mainmode.policy.netsh.commands import Command, Form
from mainmode.policy.netsh.kinds import Level, RuleType
from mainmode.policy.netsh.naming import all_or_named, owner_of, rule_of
from mainmode.policy.netsh.work import Work

Page = list[str]


def show_all(command: Command, work: Work) -> Page:
    document, table = work.document, is_table(command)
    policies = [policy_pairs(document, each) for each in document.policies]
    lists = [filter_list_pairs(each) for each in document.filter_lists]
    actions = [filter_action_pairs(each) for each in document.filter_actions]
    return [
        *_parts("policies", policies, table=table),
        *_parts("filter lists", lists, table=table),
        *_parts("filter actions", actions, table=table),
    ]


def show_policy(command: Command, work: Work) -> Page:
    document = work.document
    chosen = all_or_named(document.policies, command, "policy")
    if _is_verbose(command):
        return [line for each in chosen for line in _whole_policy(command, work, each)]
    entries = [policy_pairs(document, each) for each in chosen]
    return _parts("policies", entries, table=is_table(command))


def show_filter_list(command: Command, work: Work) -> Page:
    chosen: Iterable[FilterList]
    if command.has(p.RULE):
        rules = _rules_named(work, command.require(p.RULE))
        chosen = dict.fromkeys(rule.filter_list for rule in rules)
    else:
        chosen = all_or_named(work.document.filter_lists, command, "filter list")
    if _is_verbose(command):
        return [line for each in chosen for line in _whole_filter_list(command, each)]
    return _parts(
        "filter lists", [filter_list_pairs(each) for each in chosen], table=is_table(command)
    )


def show_filter_action(command: Command, work: Work) -> Page:
    chosen: Iterable[FilterAction]
    if command.has(p.RULE):
        rules = _rules_named(work, command.require(p.RULE))
        chosen = dict.fromkeys(rule.filter_action for rule in rules)
    else:
        chosen = all_or_named(work.document.filter_actions, command, "filter action")
    if _is_verbose(command):
        return [line for each in chosen for line in _whole_filter_action(each)]
    return _parts(
        "filter actions", [filter_action_pairs(each) for each in chosen], table=is_table(command)
    )


def show_rule(command: Command, work: Work) -> Page:
    policy = owner_of(work.document, command)
    response = policy.default_response
    if command.has(p.DEFAULT):
        return _whole_default_rule(policy)
    chosen = policy.rules if command.has(p.ALL) else (rule_of(policy, command),)
    kind = command.get(p.RULE_TYPE)
    if kind is not None:
        chosen = tuple(each for each in chosen if each.is_tunnel is (kind is RuleType.TUNNEL))
    if _is_verbose(command):
        page = [line for each in chosen for line in _whole_rule(command, policy, each)]
        return page + (_whole_default_rule(policy) if command.has(p.ALL) else [])
    page = _parts("rules", [rule_pairs(policy, each) for each in chosen], table=is_table(command))
    if command.has(p.ALL) and kind is not RuleType.TUNNEL:
        page += _parts("default rules", [default_rule_pairs(response)], table=is_table(command))
    return page


def show_gpo(command: Command, work: Work) -> Page:
    return ["No domain assigns a policy to this computer."]


def show_store(command: Command, work: Work) -> Page:
    return pairs([("Location", f"{work.location.capitalize()} Store")])


PAGES: Mapping[Form, Callable[[Command, Work], Page]] = {
    static.SHOW_ALL: show_all,
    static.SHOW_POLICY: show_policy,
    static.SHOW_FILTER_LIST: show_filter_list,
    static.SHOW_FILTER_ACTION: show_filter_action,
    static.SHOW_RULE: show_rule,
    static.SHOW_GPO: show_gpo,
    static.SHOW_STORE: show_store,
}


# --- parts ------------------------------------------------------------------------------------


def _is_verbose(command: Command) -> bool:
    return command.get(p.LEVEL) is Level.VERBOSE


def _parts(what: str, entries: Sequence[Pairs], *, table: bool) -> Page:
    """All of one kind, and how many they are."""
    count = f"No. of {what} : {len(entries)}"
    if table:
        return [*rows(entries), *([""] if entries else []), count, ""]
    return [*listed(entries), count, ""]


def _rules_named(work: Work, name: str) -> list[Rule]:
    found = [
        rule
        for policy in work.document.policies
        for rule in policy.rules
        if rule.name.casefold() == name.casefold()
    ]
    if not found:
        raise PersonError(f"there is no rule {name!r} in any policy", fix="see `show policy all`")
    return found


def _whole_policy(command: Command, work: Work, policy: Policy) -> Page:
    page = [*pairs(policy_pairs(work.document, policy, verbose=True)), ""]
    for rule in policy.rules:
        page += _whole_rule(command, policy, rule)
    return page + _whole_default_rule(policy)


def _whole_rule(command: Command, policy: Policy, rule: Rule) -> Page:
    return [
        *heading(f"Rule {policy.rules.index(rule) + 1}"),
        *pairs(rule_pairs(policy, rule)),
        "",
        *_whole_filter_list(command, rule.filter_list),
        *_whole_filter_action(rule.filter_action),
    ]


def _whole_default_rule(policy: Policy) -> Page:
    response = policy.default_response
    methods = [offer_pairs(each) for each in response.offers]
    return [
        *heading("Default Response Rule"),
        *pairs(default_rule_pairs(response)),
        "",
        *rows(methods),
        "",
    ]


def _whole_filter_list(command: Command, filter_list: FilterList) -> Page:
    resolved = command.get(p.RESOLVE_DNS, False)
    filters = [filter_pairs(each, resolved=resolved) for each in filter_list.filters]
    page = [*pairs(filter_list_pairs(filter_list, verbose=True)), ""]
    if is_table(command):
        return [*page, *rows(filters), ""]
    return [*page, *listed(filters, 1)]


def _whole_filter_action(action: FilterAction) -> Page:
    page = [*pairs(filter_action_pairs(action, verbose=True)), ""]
    methods = rows([offer_pairs(each) for each in action.offers])
    return [*page, *methods, *([""] if methods else [])]
