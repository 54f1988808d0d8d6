"""Finding what a command names: by name, by GUID, by number.

A name is looked for as it stands, then without regard to case, as Windows' tools do. GUIDs are
derived from kind and name: stable while the name is, and the same on every computer.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar
from uuid import UUID, uuid5

from mainmode.errors import PersonError
from mainmode.policy.document import Document
from mainmode.policy.mistakes import nearest
from mainmode.policy.model import FilterAction, FilterList, Policy, Rule
from mainmode.policy.netsh import parameters as p
from mainmode.policy.netsh.commands import Command
from mainmode.policy.netsh.work import NothingThere

_SPACE = UUID("62f49e10-6c37-11d1-864c-14a300000000")


class _Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)


def guid_of(part: Policy | FilterList | FilterAction) -> UUID:
    return uuid5(_SPACE, "\0".join((type(part).__name__, "", part.name)))


def policy_of(document: Document, command: Command) -> Policy:
    """What a command about a policy names."""
    return _by_name_or_guid(document.policies, command, "policy")


def filter_list_of(document: Document, command: Command) -> FilterList:
    return _by_name_or_guid(document.filter_lists, command, "filter list")


def filter_action_of(document: Document, command: Command) -> FilterAction:
    return _by_name_or_guid(document.filter_actions, command, "filter action")


def owner_of(document: Document, command: Command) -> Policy:
    """The policy whose rules a command is about."""
    return find(document.policies, command.require(p.POLICY), "policy")


def rule_of(policy: Policy, command: Command) -> Rule:
    """By name, or by its number in the policy, from 1."""
    number = command.get(p.ID)
    if number is None:
        return find(policy.rules, command.require(p.NAME), f"rule in policy {policy.name!r}")
    if not 1 <= number <= len(policy.rules):
        fix = f"it has {len(policy.rules)}; see `show rule all policy=...`"
        raise NothingThere(f"policy {policy.name!r} has no rule number {number}", fix=fix)
    return policy.rules[number - 1]


def find(among: Sequence[N], name: str, what: str) -> N:
    """Raises: NothingThere."""
    exact = [each for each in among if each.name == name]
    found = exact or [each for each in among if each.name.casefold() == name.casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        names = " and ".join(repr(each.name) for each in found)
        raise PersonError(f"{name!r} can be {names}", fix="write it in the right case")
    names_there = [each.name for each in among]
    fix = nearest(name, names_there) if among else f"there is no {what} yet"
    raise NothingThere(f"there is no {what} {name!r}", fix=fix)


def all_or_named(among: Sequence[N], command: Command, what: str) -> tuple[N, ...]:
    """`name=` or `all`. Raises: NothingThere."""
    return (find(among, command.require(p.NAME), what),) if command.has(p.NAME) else tuple(among)


P = TypeVar("P", Policy, FilterList, FilterAction)


def _by_name_or_guid(among: Sequence[P], command: Command, what: str) -> P:
    guid = command.get(p.GUID)
    if guid is None:
        return find(among, command.require(p.NAME), what)
    for each in among:
        if guid_of(each) == guid:
            return each
    raise NothingThere(f"there is no {what} with GUID {{{guid}}}", fix="name it instead")
