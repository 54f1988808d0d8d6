"""`netsh ipsec dynamic`: what is in force at once, and gone when the service stops.

A main mode policy is a policy of the dynamic document, whose rules are the dynamic rules that name
it. A quick mode policy is a filter action. Each rule has a filter list of its own, with one filter;
rule and list are called as the filter reads. The general settings are the local document's.
"""

from dataclasses import replace
from typing import Any

from mainmode.errors import PersonError
from mainmode.policy.document import Document
from mainmode.policy.edit import (
    put_filter_action,
    put_filter_list,
    put_policy,
    put_rule,
    put_settings,
    remove_all,
    remove_filter_action,
    remove_policy,
    remove_rule,
)
from mainmode.policy.mistakes import WordError
from mainmode.policy.model import (
    DEFAULT_QUICK_MODE_OFFERS,
    Action,
    ConnectionType,
    Filter,
    FilterAction,
    FilterList,
    MainModeSettings,
    Policy,
    Rule,
)
from mainmode.policy.netsh import parameters as p
from mainmode.policy.netsh.commands import Command
from mainmode.policy.netsh.config import CONFIG
from mainmode.policy.netsh.fields import MAIN_MODE_OF_DYNAMIC, changed
from mainmode.policy.netsh.kinds import PfsGroup
from mainmode.policy.netsh.naming import all_or_named, find
from mainmode.policy.netsh.operations.authentication import authentication_of, completed
from mainmode.policy.netsh.operations.filters import filter_of
from mainmode.policy.netsh.operations.rules import with_tunnel
from mainmode.policy.netsh.work import LOCAL, NothingThere, Work

IN_PASS = " (inbound pass-through)"
"""Ends the name of a quick mode policy's twin for rules that let unsecured packets in."""

# --- main mode policies and quick mode policies -----------------------------------------------


def add_main_mode(command: Command, work: Work) -> None:
    settings = changed(MainModeSettings(), command, MAIN_MODE_OF_DYNAMIC)
    work.dynamic = put_policy(work.dynamic, Policy(command.require(p.NAME), main_mode=settings))


def set_main_mode(command: Command, work: Work) -> None:
    was = find(work.dynamic.policies, command.require(p.NAME), "main mode policy")
    settings = changed(was.main_mode, command, MAIN_MODE_OF_DYNAMIC)
    work.dynamic = put_policy(work.dynamic, replace(was, main_mode=settings), was=was.name)


def delete_main_mode(command: Command, work: Work) -> None:
    document = work.dynamic
    for each in all_or_named(document.policies, command, "main mode policy"):
        if each.rules:
            problem = f"main mode policy {each.name!r} is in use by rule {each.rules[0].name!r}"
            raise PersonError(problem, fix="delete the rule first")
        document = remove_policy(document, each.name)
    work.dynamic = document


def add_quick_mode(command: Command, work: Work) -> None:
    plain = FilterAction(command.require(p.NAME), Action.NEGOTIATE, DEFAULT_QUICK_MODE_OFFERS)
    work.dynamic = _tidy(put_filter_action(work.dynamic, _quick_mode(plain, command)))


def set_quick_mode(command: Command, work: Work) -> None:
    document = work.dynamic
    was = find(document.filter_actions, command.require(p.NAME), "quick mode policy")
    new = _quick_mode(was, command)
    document = put_filter_action(document, new, was=was.name)
    twin = _twin(new)
    if any(each.name == twin.name for each in document.filter_actions):
        document = put_filter_action(document, twin, was=twin.name)
    work.dynamic = document


def delete_quick_mode(command: Command, work: Work) -> None:
    document = work.dynamic
    for each in all_or_named(quick_mode_policies(document), command, "quick mode policy"):
        _twin_unused(document, each)
        document = remove_filter_action(document, each.name)
    work.dynamic = document


def quick_mode_policies(document: Document) -> tuple[FilterAction, ...]:
    """Those that a person added; the rest belongs to rules."""
    return tuple(each for each in document.filter_actions if not _is_made(each))


def _quick_mode(action: FilterAction, command: Command) -> FilterAction:
    changes: dict[str, Any] = {
        "allow_fallback": command.get(p.SOFT, action.allow_fallback),
        "offers": command.get(p.QUICK_MODE, action.offers),
    }
    if command.has(p.PFS_GROUP):
        group = command.require(p.PFS_GROUP)
        named = None if isinstance(group, PfsGroup) else group
        changes |= {"session_pfs": group is not PfsGroup.NONE, "session_pfs_group": named}
    return replace(action, **changes)


def _twin(action: FilterAction) -> FilterAction:
    return replace(action, name=action.name + IN_PASS, accept_unsecured=True)


def _twin_unused(document: Document, action: FilterAction) -> None:
    if document.rules_with_action(_twin(action).name):
        problem = f"quick mode policy {action.name!r} is in use by a rule"
        raise PersonError(problem, fix="delete the rule first")


def _is_made(action: FilterAction) -> bool:
    return action.action is not Action.NEGOTIATE or action.name.endswith(IN_PASS)


# --- rules ------------------------------------------------------------------------------------


def add_dynamic_rule(command: Command, work: Work) -> None:
    owner = find(work.dynamic.policies, command.require(p.MAIN_MODE_POLICY), "main mode policy")
    one = filter_of(command)
    connections = command.get(p.CONNECTION_TYPE, ConnectionType.ALL)
    name = _name(one, connections)
    if any(rule.name == name for policy in work.dynamic.policies for rule in policy.rules):
        raise PersonError(f"there is already a rule for {name}", fix="use set rule")
    inbound = command.get(p.ACTION_INBOUND, Action.NEGOTIATE)
    outbound = command.get(p.ACTION_OUTBOUND, Action.NEGOTIATE)
    quick_mode = command.get(p.QUICK_MODE_POLICY, "")
    document, action = _action(work.dynamic, inbound, outbound, quick_mode)
    filters = FilterList(name, (one,))
    methods = authentication_of(command, work, _hint(one))
    rule = Rule(name, filters, action, methods or (), connection_type=connections)
    rule = completed(with_tunnel(rule, command.get(p.TUNNEL_END)), methods)
    document = put_filter_list(document, filters)
    work.dynamic = _tidy(put_rule(document, owner.name, rule))


def set_dynamic_rule(command: Command, work: Work) -> None:
    owner, was = _rule(command, work)
    old_inbound, old_outbound = actions_of(was.filter_action)
    inbound = command.get(p.ACTION_INBOUND, old_inbound)
    outbound = command.get(p.ACTION_OUTBOUND, old_outbound)
    kept = was.filter_action.name.removesuffix(IN_PASS)
    quick_mode = command.get(p.QUICK_MODE_POLICY, kept)
    document, action = _action(work.dynamic, inbound, outbound, quick_mode)
    methods = authentication_of(command, work, _hint(was.filter_list.filters[0]))
    authentication = was.authentication if methods is None else methods
    rule = replace(was, filter_action=action, authentication=authentication)
    rule = completed(rule, methods)
    target = command.get(p.MAIN_MODE_POLICY, owner.name)
    new_owner = find(document.policies, target, "main mode policy")
    if new_owner.name == owner.name:
        document = put_rule(document, owner.name, rule, was=was.name)
    else:
        document = put_rule(remove_rule(document, owner.name, was.name), new_owner.name, rule)
    work.dynamic = _tidy(document)


def delete_dynamic_rule(command: Command, work: Work) -> None:
    owner, rule = _rule(command, work)
    work.dynamic = _tidy(remove_rule(work.dynamic, owner.name, rule.name))


def actions_of(action: FilterAction) -> tuple[Action, Action]:
    """With packets in, and with packets out."""
    inbound = Action.PERMIT if action.accept_unsecured else action.action
    return inbound, action.action


def _name(one: Filter, connections: ConnectionType) -> str:
    """What a rule is known by: its filter and its connections."""
    arrow = "<->" if one.mirrored else "->"
    ports = f"{one.source_port}:{one.destination_port}"
    return (
        f"{one.source} {arrow} {one.destination}, protocol {one.protocol}, ports {ports}, "
        f"{connections.value} connections"
    )


def _hint(one: Filter) -> str:
    """What a preshared key is for, to name its file."""
    return f"dynamic {one.source} {one.destination}"


def _rule(command: Command, work: Work) -> tuple[Policy, Rule]:
    name = _name(filter_of(command), command.require(p.CONNECTION_TYPE))
    for policy in work.dynamic.policies:
        for rule in policy.rules:
            if rule.name == name and _has_tunnel(rule, command):
                return policy, rule
    raise NothingThere(f"there is no dynamic rule for {name}", fix="see `show rule`")


def _has_tunnel(rule: Rule, command: Command) -> bool:
    wanted = command.get(p.TUNNEL_END)
    return wanted is None or wanted == rule.tunnel_end


def _action(
    document: Document, inbound: Action, outbound: Action, quick_mode: str
) -> tuple[Document, FilterAction]:
    """The filter action for both directions, and the document that has it.

    One action holds for both, but for negotiation with inbound pass-through. Raises: PersonError.
    """
    passes_in = (inbound, outbound) == (Action.PERMIT, Action.NEGOTIATE)
    if inbound is not outbound and not passes_in:
        fix = "give both the same, or actioninbound=permit actionoutbound=negotiate"
        raise WordError("a rule has one action for both directions", fix)
    if outbound is not Action.NEGOTIATE:
        return _kept(document, FilterAction(f"({outbound.value})", outbound))
    if not quick_mode or quick_mode.startswith("("):
        raise WordError("a rule that negotiates needs a quick mode policy", "add qmpolicy=NAME")
    found = find(quick_mode_policies(document), quick_mode, "quick mode policy")
    return _kept(document, _twin(found)) if passes_in else (document, found)


def _kept(document: Document, action: FilterAction) -> tuple[Document, FilterAction]:
    if action in document.filter_actions:
        return document, action
    return put_filter_action(document, action), action


def _tidy(document: Document) -> Document:
    """Filter lists in the order of their rules, quick mode policies before what is made for rules,
    and nothing made that no rule uses."""
    rules = [rule for policy in document.policies for rule in policy.rules]
    made = [rule.filter_action for rule in rules if _is_made(rule.filter_action)]
    return replace(
        document,
        filter_lists=tuple(rule.filter_list for rule in rules),
        filter_actions=(*quick_mode_policies(document), *dict.fromkeys(made)),
    )


# --- everything, and the general settings -----------------------------------------------------


def delete_dynamic(command: Command, work: Work) -> None:
    work.dynamic = remove_all(work.dynamic)


def set_config(command: Command, work: Work) -> None:
    name = command.require(p.PROPERTY)
    field, kind = CONFIG[name]
    value = kind.read(command.require(p.VALUE), name)
    local = work.documents[LOCAL]
    settings = replace(local.settings, **{field: value})
    work.documents[LOCAL] = put_settings(local, settings)
