"""Changes to a document. Each takes one and returns the changed one; on a mistake it raises
PersonError and nothing has happened.

`put_...` adds, or replaces what was called `was` (which renames it when the name differs); rules
follow their filter lists and filter actions. `remove_...` refuses what is still in use.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from mainmode.errors import PersonError
from mainmode.policy.document import Document
from mainmode.policy.mistakes import nearest
from mainmode.policy.model import (
    Authentication,
    FilterAction,
    FilterList,
    Policy,
    Rule,
)
from mainmode.policy.settings import Settings


class _Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)
_OVER = "rename one of the two, or say that the new one shall take its place"


# --- finding ----------------------------------------------------------------------------------


def find_policy(document: Document, name: str) -> Policy:
    return _find(document.policies, name, "policy")


def find_filter_list(document: Document, name: str) -> FilterList:
    return _find(document.filter_lists, name, "filter list")


def find_filter_action(document: Document, name: str) -> FilterAction:
    return _find(document.filter_actions, name, "filter action")


def find_rule(policy: Policy, name: str) -> Rule:
    return _find(policy.rules, name, "rule")


# --- policies ---------------------------------------------------------------------------------


def put_policy(document: Document, policy: Policy, *, was: str = "") -> Document:
    """Its rules must hold filter lists and actions of the document."""
    policies = _put(document.policies, policy, was, "policy")
    assigned = policy.name if was and document.assigned == was else document.assigned
    return replace(document, policies=policies, assigned=assigned)


def remove_policy(document: Document, name: str) -> Document:
    """With its rules; when it was assigned, none is."""
    policies = _without(document.policies, find_policy(document, name))
    assigned = "" if document.assigned == name else document.assigned
    return replace(document, policies=policies, assigned=assigned)


def assign(document: Document, name: str) -> Document:
    """In place of the one that was assigned; an empty name: none."""
    if name:
        find_policy(document, name)
    return replace(document, assigned=name)


def put_rule(document: Document, policy: str, rule: Rule, *, was: str = "") -> Document:
    """At the end of the policy, or in the place of `was`."""
    owner = find_policy(document, policy)
    rules = _put(owner.rules, rule, was, "rule")
    return put_policy(document, replace(owner, rules=rules), was=policy)


def remove_rule(document: Document, policy: str, name: str) -> Document:
    owner = find_policy(document, policy)
    rules = _without(owner.rules, find_rule(owner, name))
    return put_policy(document, replace(owner, rules=rules), was=policy)


# --- filter lists and filter actions ----------------------------------------------------------


def put_filter_list(document: Document, filter_list: FilterList, *, was: str = "") -> Document:
    def follow(rule: Rule) -> Rule:
        return replace(rule, filter_list=filter_list) if rule.filter_list.name == was else rule

    lists = _put(document.filter_lists, filter_list, was, "filter list")
    return replace(document, filter_lists=lists, policies=_following(document, follow))


def remove_filter_list(document: Document, name: str) -> Document:
    found = find_filter_list(document, name)
    _refuse_if_used(f"filter list {name!r}", document.rules_with_list(name))
    return replace(document, filter_lists=_without(document.filter_lists, found))


def put_filter_action(document: Document, action: FilterAction, *, was: str = "") -> Document:
    def follow(rule: Rule) -> Rule:
        return replace(rule, filter_action=action) if rule.filter_action.name == was else rule

    actions = _put(document.filter_actions, action, was, "filter action")
    return replace(document, filter_actions=actions, policies=_following(document, follow))


def remove_filter_action(document: Document, name: str) -> Document:
    found = find_filter_action(document, name)
    _refuse_if_used(f"filter action {name!r}", document.rules_with_action(name))
    return replace(document, filter_actions=_without(document.filter_actions, found))


# --- everything -------------------------------------------------------------------------------


def remove_all(document: Document) -> Document:
    """Only the general settings stay."""
    return Document(settings=document.settings)


def put_settings(document: Document, settings: Settings) -> Document:
    return replace(document, settings=settings)


def with_secrets(document: Document, names: Mapping[str, str]) -> Document:
    """With other names for some of its preshared keys."""

    def methods(authentication: tuple[Authentication, ...]) -> tuple[Authentication, ...]:
        return tuple(
            replace(each, secret=names.get(each.secret, each.secret)) for each in authentication
        )

    return replace(
        document,
        policies=tuple(
            replace(
                policy,
                rules=tuple(
                    replace(rule, authentication=methods(rule.authentication))
                    for rule in policy.rules
                ),
                default_response=replace(
                    policy.default_response,
                    authentication=methods(policy.default_response.authentication),
                ),
            )
            for policy in document.policies
        ),
    )


def merged(document: Document, other: Document, *, over: bool = False) -> Document:
    """With everything of another document but its assignment.

    over: what has the name of something else takes its place; otherwise that is a mistake.
    """
    for filter_list in other.filter_lists:
        was = _taken(document.filter_lists, filter_list, "filter list", over)
        document = put_filter_list(document, filter_list, was=was)
    for action in other.filter_actions:
        was = _taken(document.filter_actions, action, "filter action", over)
        document = put_filter_action(document, action, was=was)
    for policy in other.policies:
        was = _taken(document.policies, policy, "policy", over)
        document = put_policy(document, policy, was=was)
    if other.settings == Settings() or other.settings == document.settings:
        return document
    if document.settings != Settings() and not over:
        raise PersonError("there are already other general settings", fix=_OVER)
    return put_settings(document, other.settings)


# --- parts ------------------------------------------------------------------------------------


def _find(among: Sequence[N], name: str, what: str) -> N:
    for each in among:
        if each.name == name:
            return each
    fix = nearest(name, [each.name for each in among]) if among else f"there is no {what} yet"
    raise PersonError(f"there is no {what} {name!r}", fix=fix)


def _put(among: Sequence[N], new: N, was: str, what: str) -> tuple[N, ...]:
    if was:
        _find(among, was, what)
    if new.name != was and any(each.name == new.name for each in among):
        raise PersonError(f"there is already a {what} {new.name!r}", fix="give it another name")
    if not was:
        return (*among, new)
    return tuple(new if each.name == was else each for each in among)


def _taken(among: Sequence[N], new: N, what: str, over: bool) -> str:
    """Whose place a part of another document takes; empty: nobody's."""
    there = next((each for each in among if each.name == new.name), None)
    if there is not None and there != new and not over:
        raise PersonError(f"there is already another {what} {new.name!r}", fix=_OVER)
    return new.name if there is not None else ""


def _without(among: Iterable[N], gone: N) -> tuple[N, ...]:
    return tuple(each for each in among if each.name != gone.name)


def _following(document: Document, follow: Callable[[Rule], Rule]) -> tuple[Policy, ...]:
    return tuple(
        replace(policy, rules=tuple(follow(rule) for rule in policy.rules))
        for policy in document.policies
    )


def _refuse_if_used(what: str, users: list[tuple[Policy, Rule]]) -> None:
    if users:
        names = ", ".join(f"{rule.name!r} of policy {policy.name!r}" for policy, rule in users)
        raise PersonError(f"{what} is in use by rule {names}", fix="remove the rule first")
