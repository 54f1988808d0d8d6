"""Filter actions."""

from dataclasses import replace

from mainmode.policy.document import Document
from mainmode.policy.edit import put_filter_action, put_rule, remove_filter_action
from mainmode.policy.model import DEFAULT_QUICK_MODE_OFFERS, Action, FilterAction
from mainmode.policy.netsh import parameters as p
from mainmode.policy.netsh.commands import Command
from mainmode.policy.netsh.fields import FILTER_ACTION, changed, session_pfs
from mainmode.policy.netsh.naming import all_or_named, filter_action_of
from mainmode.policy.netsh.operations.authentication import KERBEROS_ALONE
from mainmode.policy.netsh.work import Work


def add_filter_action(command: Command, work: Work) -> None:
    """It negotiates unless the command says otherwise."""
    plain = FilterAction(command.require(p.NAME), Action.NEGOTIATE)
    new = replace(changed(plain, command, FILTER_ACTION), **session_pfs(command))
    work.document = put_filter_action(work.document, _with_offers(new))


def set_filter_action(command: Command, work: Work) -> None:
    was = filter_action_of(work.document, command)
    new = replace(
        changed(was, command, FILTER_ACTION),
        name=command.get(p.NEW_NAME, was.name),
        **session_pfs(command, (was.session_pfs, was.session_pfs_group)),
    )
    document = put_filter_action(work.document, _with_offers(new), was=was.name)
    work.document = _with_authentication(document, new)


def delete_filter_action(command: Command, work: Work) -> None:
    document = work.document
    for each in all_or_named(document.filter_actions, command, "filter action"):
        document = remove_filter_action(document, each.name)
    work.document = document


def _with_offers(action: FilterAction) -> FilterAction:
    if action.action is Action.NEGOTIATE and not action.offers:
        return replace(action, offers=DEFAULT_QUICK_MODE_OFFERS)
    return action


def _with_authentication(document: Document, action: FilterAction) -> Document:
    """Rules that negotiate from now on, and have no way to authenticate, use Kerberos."""
    if action.action is not Action.NEGOTIATE:
        return document
    for policy, rule in document.rules_with_action(action.name):
        if not rule.authentication:
            able = replace(rule, authentication=KERBEROS_ALONE)
            document = put_rule(document, policy.name, able, was=rule.name)
    return document
