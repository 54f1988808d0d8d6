"""A document as a netsh script that makes it again where there is nothing.

What Windows has no words for is written with parameters of ours, and only where it differs from the
default; without them the script is one for Windows too. What Windows' own defaults may differ in is
always written.

Talks to: `static` and `dynamic` (the tables write each command), `fields`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from mainmode.policy.document import Document
from mainmode.policy.model import (
    Action,
    DefaultResponse,
    Filter,
    FilterAction,
    FilterList,
    Policy,
    Rule,
)
from mainmode.policy.netsh import dynamic, fields, static
from mainmode.policy.netsh import parameters as p
from mainmode.policy.netsh.commands import Parameter
from mainmode.policy.netsh.config import CONFIG
from mainmode.policy.netsh.kinds import PfsGroup
from mainmode.policy.netsh.operations.dynamic import IN_PASS, actions_of, quick_mode_policies
from mainmode.policy.netsh.places import apart
from mainmode.policy.netsh.work import LOCAL
from mainmode.policy.settings import Settings

Secret = Callable[[str], bytes]
"""The preshared key of a name. Raises: PersonError."""
Pairs = list[tuple[Parameter[Any], Any]]
Values = dict[Parameter[Any], Any]


def static_script(
    document: Document, location: str = LOCAL, secret: Secret | None = None
) -> list[str]:
    """Lines for `netsh -f`. secret: to write keys; None: their files are named instead.

    Raises: PersonError, when a key cannot be read.
    """
    lines = ["pushd ipsec static", static.SET_STORE.write({p.LOCATION: location})]
    for filter_list in document.filter_lists:
        lines += _filter_list(filter_list)
    lines += [_filter_action(each) for each in document.filter_actions]
    for policy in document.policies:
        lines += _policy(policy, secret)
    if document.assigned:
        lines.append(static.SET_POLICY.write({p.NAME: document.assigned, p.ASSIGN: True}))
    return [*lines, "popd", *settings_script(document.settings)]


def settings_script(settings: Settings) -> list[str]:
    """Lines for the general settings that are not as they are by default."""
    default = Settings()
    lines = [
        dynamic.SET_CONFIG.write({p.PROPERTY: name, p.VALUE: kind.write(getattr(settings, field))})
        for name, (field, kind) in CONFIG.items()
        if getattr(settings, field) != getattr(default, field)
    ]
    return ["pushd ipsec dynamic", *lines, "popd"] if lines else []


def dynamic_script(document: Document, secret: Secret | None = None) -> list[str]:
    """Lines for the dynamic document. Raises: PersonError, when a key cannot be read."""
    lines = [
        dynamic.ADD_MAIN_MODE.write(
            {p.NAME: policy.name} | fields.different(policy.main_mode, fields.MAIN_MODE_OF_DYNAMIC)
        )
        for policy in document.policies
    ]
    lines += [_quick_mode(each) for each in quick_mode_policies(document)]
    lines += [
        _dynamic_rule(policy, rule, secret) for policy in document.policies for rule in policy.rules
    ]
    return ["pushd ipsec dynamic", *lines, "popd"] if lines else []


# --- filter lists and filter actions ----------------------------------------------------------


def _filter_list(filter_list: FilterList) -> Iterator[str]:
    values: Values = {p.NAME: filter_list.name} | _said(p.DESCRIPTION, filter_list.description)
    yield static.ADD_FILTER_LIST.write(values)
    for each in _once(filter_list.filters):
        yield static.ADD_FILTER.write({p.FILTER_LIST: filter_list.name} | filter_values(each))


def _once(filters: tuple[Filter, ...]) -> Iterable[Filter]:
    """A filter that differs from one before it by its description alone adds nothing."""
    found: dict[Filter, Filter] = {}
    for each in filters:
        found.setdefault(replace(each, description=""), each)
    return found.values()


def filter_values(each: Filter) -> Values:
    """A filter as parameters; what is any, or as by default, is left out."""
    values: Values = {}
    for place, address, mask in (
        (each.source, p.SOURCE, p.SOURCE_MASK),
        (each.destination, p.DESTINATION, p.DESTINATION_MASK),
    ):
        values[address], prefix = apart(place)
        if prefix is not None:
            values[mask] = prefix
    values[p.PROTOCOL_] = each.protocol
    values[p.MIRRORED] = each.mirrored
    values |= _said(p.SOURCE_PORT, each.source_port)
    values |= _said(p.DESTINATION_PORT, each.destination_port)
    return values | _said(p.DESCRIPTION, each.description)


def _filter_action(action: FilterAction) -> str:
    values: Values = {p.NAME: action.name, p.ACTION: action.action}
    values |= fields.different(action, fields.FILTER_ACTION)
    return static.ADD_FILTER_ACTION.write(
        values | _said(p.SESSION_PFS_GROUP, action.session_pfs_group)
    )


def _said(parameter: Parameter[Any], value: object) -> Values:
    return {parameter: value} if value else {}


# --- policies ---------------------------------------------------------------------------------


def _policy(policy: Policy, secret: Secret | None) -> Iterator[str]:
    response = policy.default_response
    values: Values = {
        p.NAME: policy.name,
        p.DEFAULT_RULE: response.active,
        p.MAIN_MODE: policy.main_mode.offers,
    }
    values |= fields.different(policy, fields.POLICY)
    values |= fields.different(policy.main_mode, fields.MAIN_MODE_OF_POLICY)
    yield static.ADD_POLICY.write(values)
    if response != DefaultResponse():
        yield _default_rule(policy.name, response, secret)
    for rule in policy.rules:
        yield _rule(policy.name, rule, secret)


def _default_rule(policy: str, response: DefaultResponse, secret: Secret | None) -> str:
    values: Values = {
        p.POLICY: policy,
        p.SESSION_PFS: response.session_pfs,
        p.ACTIVATE: response.active,
        p.QUICK_MODE: response.offers,
    }
    values |= _said(p.SESSION_PFS_GROUP, response.session_pfs_group)
    return static.SET_DEFAULT_RULE.write(values, *_authentication(response.authentication, secret))


def _rule(policy: str, rule: Rule, secret: Secret | None) -> str:
    values: Values = {
        p.NAME: rule.name,
        p.POLICY: policy,
        p.FILTER_LIST: rule.filter_list.name,
        p.FILTER_ACTION: rule.filter_action.name,
    }
    values |= _said(p.TUNNEL, rule.tunnel_end)
    values |= fields.different(rule, fields.RULE)
    if rule.main_mode is not None:
        values[p.OUR_MAIN_MODE] = rule.main_mode.offers
        values |= fields.different(rule.main_mode, fields.MAIN_MODE_OF_RULE)
    return static.ADD_RULE.write(values, *_authentication(rule.authentication, secret))


def _authentication(methods: tuple[Any, ...], secret: Secret | None) -> Pairs:
    return [
        _with_key(value, secret) if each is p.SECRET_FILE else (each, value)
        for each, value in fields.authentication_values(methods)
    ]


def _with_key(name: str, secret: Secret | None) -> tuple[Parameter[Any], Any]:
    """The key itself where it is wanted and can stand in a line; else where it is kept."""
    if secret is not None:
        try:
            key = secret(name).decode()
        except UnicodeDecodeError:
            key = ""
        if key.strip():
            return p.PRESHARED_KEY, key
    return p.SECRET_FILE, name


# --- dynamic ----------------------------------------------------------------------------------


def _quick_mode(action: FilterAction) -> str:
    values: Values = {p.NAME: action.name, p.QUICK_MODE: action.offers}
    values |= _said(p.SOFT, action.allow_fallback)
    if action.session_pfs:
        values[p.PFS_GROUP] = action.session_pfs_group or PfsGroup.MAIN_MODE
    return dynamic.ADD_QUICK_MODE.write(values)


def _dynamic_rule(policy: Policy, rule: Rule, secret: Secret | None) -> str:
    values: Values = filter_values(rule.filter_list.filters[0]) | {p.MAIN_MODE_POLICY: policy.name}
    action = rule.filter_action
    if action.action is Action.NEGOTIATE:
        values[p.QUICK_MODE_POLICY] = action.name.removesuffix(IN_PASS)
    values[p.ACTION_INBOUND], values[p.ACTION_OUTBOUND] = actions_of(action)
    values |= fields.different(rule, {p.CONNECTION_TYPE: "connection_type"})
    values |= _said(p.TUNNEL_END, rule.tunnel_end)
    return dynamic.ADD_DYNAMIC_RULE.write(values, *_authentication(rule.authentication, secret))
