"""Policies and their default response rules."""

from dataclasses import replace

from mainmode.errors import PersonError
from mainmode.policy.document import Document
from mainmode.policy.edit import assign, put_policy, remove_policy
from mainmode.policy.model import DefaultResponse, MainModeSettings, Policy
from mainmode.policy.netsh import parameters as p
from mainmode.policy.netsh.commands import Command
from mainmode.policy.netsh.fields import MAIN_MODE_OF_POLICY, POLICY, changed, session_pfs
from mainmode.policy.netsh.naming import owner_of, policy_of
from mainmode.policy.netsh.operations.authentication import (
    KERBEROS_ALONE,
    authentication_of,
    require_method,
)
from mainmode.policy.netsh.work import Work


def add_policy(command: Command, work: Work) -> None:
    """A policy is made with its default response rule active, as Windows does."""
    main_mode = changed(MainModeSettings(), command, MAIN_MODE_OF_POLICY)
    name = command.require(p.NAME)
    response = _activated(DefaultResponse(), command.get(p.DEFAULT_RULE, True))
    policy = Policy(name, main_mode=main_mode, default_response=response)
    document = put_policy(work.document, changed(policy, command, POLICY))
    work.document = _assigned(document, command, name)


def set_policy(command: Command, work: Work) -> None:
    if command.has(p.GPO_NAME):
        raise PersonError("there is no domain here", fix="leave out gponame")
    was = policy_of(work.document, command)
    policy = changed(was, command, POLICY)
    policy = replace(
        policy,
        name=command.get(p.NEW_NAME, was.name),
        main_mode=changed(was.main_mode, command, MAIN_MODE_OF_POLICY),
        default_response=_activated(was.default_response, command.get(p.DEFAULT_RULE)),
    )
    document = put_policy(work.document, policy, was=was.name)
    work.document = _assigned(document, command, policy.name)


def delete_policy(command: Command, work: Work) -> None:
    """With its rules; filter lists and filter actions stay."""
    if command.has(p.ALL):
        work.document = replace(work.document, policies=(), assigned="")
        return
    found = policy_of(work.document, command)
    work.document = remove_policy(work.document, found.name)


def set_default_rule(command: Command, work: Work) -> None:
    policy = owner_of(work.document, command)
    was = policy.default_response
    authentication = authentication_of(command, work, f"{policy.name} default response")
    response = replace(
        was,
        **session_pfs(command, (was.session_pfs, was.session_pfs_group)),
        offers=command.get(p.QUICK_MODE, was.offers),
        authentication=was.authentication if authentication is None else authentication,
    )
    active = command.get(p.ACTIVATE, was.active)
    if active:
        require_method(authentication)
    response = _activated(response, active)
    changed_policy = replace(policy, default_response=response)
    work.document = put_policy(work.document, changed_policy, was=policy.name)


def _activated(response: DefaultResponse, active: bool | None) -> DefaultResponse:
    """Active or not (None: as it was); an active one without a way to authenticate uses Kerberos,
    as Windows does."""
    response = response if active is None else replace(response, active=active)
    if response.active and not response.authentication:
        return replace(response, authentication=KERBEROS_ALONE)
    return response


def _assigned(document: Document, command: Command, name: str) -> Document:
    wanted = command.get(p.ASSIGN)
    if wanted:
        return assign(document, name)
    return assign(document, "") if wanted is False and document.assigned == name else document
