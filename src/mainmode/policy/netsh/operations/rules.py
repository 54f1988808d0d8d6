"""Rules of a policy."""

from dataclasses import replace
from typing import Any

from mainmode.model import IpAddress
from mainmode.policy.edit import put_policy, put_rule, remove_rule
from mainmode.policy.model import MainModeSettings, Rule
from mainmode.policy.netsh import parameters as p
from mainmode.policy.netsh.commands import Command
from mainmode.policy.netsh.fields import MAIN_MODE_OF_RULE, RULE, changed
from mainmode.policy.netsh.naming import find, owner_of, rule_of
from mainmode.policy.netsh.operations.authentication import authentication_of, completed
from mainmode.policy.netsh.operations.filters import require_named_peers
from mainmode.policy.netsh.work import Work


def add_rule(command: Command, work: Work) -> None:
    document, name = work.document, command.require(p.NAME)
    policy = owner_of(document, command)
    plain = Rule(
        name,
        find(document.filter_lists, command.require(p.FILTER_LIST), "filter list"),
        find(document.filter_actions, command.require(p.FILTER_ACTION), "filter action"),
    )
    rule = _changed(plain, command, work, f"{policy.name} {name}")
    work.document = put_rule(document, policy.name, rule)


def set_rule(command: Command, work: Work) -> None:
    document = work.document
    policy = owner_of(document, command)
    was = rule_of(policy, command)
    filter_list = command.get(p.FILTER_LIST, was.filter_list.name)
    filter_action = command.get(p.FILTER_ACTION, was.filter_action.name)
    named = replace(
        was,
        name=command.get(p.NEW_NAME, was.name),
        filter_list=find(document.filter_lists, filter_list, "filter list"),
        filter_action=find(document.filter_actions, filter_action, "filter action"),
    )
    rule = _changed(named, command, work, f"{policy.name} {named.name}")
    work.document = put_rule(document, policy.name, rule, was=was.name)


def delete_rule(command: Command, work: Work) -> None:
    """`all` leaves the default response rule, which can only be deactivated."""
    policy = owner_of(work.document, command)
    if command.has(p.ALL):
        work.document = put_policy(work.document, replace(policy, rules=()), was=policy.name)
        return
    work.document = remove_rule(work.document, policy.name, rule_of(policy, command).name)


def _changed(rule: Rule, command: Command, work: Work, hint: str) -> Rule:
    """The rule with all that add and set have in common."""
    methods = authentication_of(command, work, hint)
    changes: dict[str, Any] = {} if methods is None else {"authentication": methods}
    if command.has(*MAIN_MODE_OF_RULE):
        settings = rule.main_mode or MainModeSettings()
        changes["main_mode"] = changed(settings, command, MAIN_MODE_OF_RULE)
    new = replace(changed(rule, command, RULE), **changes)
    new = with_tunnel(new, command.get(p.TUNNEL))
    if new.windows_2000_peer:
        require_named_peers(new.name, new.filter_list)
    return completed(new, methods)


def with_tunnel(rule: Rule, end: IpAddress | str | None) -> Rule:
    """The rule with the tunnel's end that a command gives; None: it gives none."""
    if end is None:
        return rule
    if isinstance(end, str):
        return replace(rule, tunnel_endpoint=None, tunnel_name=end)
    return replace(rule, tunnel_endpoint=end, tunnel_name="")
