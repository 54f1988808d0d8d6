"""Which parameter is which field of the model, for reading commands and for writing them.

Talks to: `operations` (commands change fields), `writer` (fields become commands).
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from typing import Any, TypeVar

from mainmode.policy.mistakes import WordError
from mainmode.policy.model import (
    Authentication,
    FilterAction,
    MainModeSettings,
    Method,
    Policy,
    Rule,
)
from mainmode.policy.netsh import parameters as p
from mainmode.policy.netsh.authorities import Authority
from mainmode.policy.netsh.commands import Command, Parameter
from mainmode.policy.netsh.kinds import PfsGroup

M = TypeVar("M", Policy, MainModeSettings, FilterAction, Rule)

Fields = Mapping[Parameter[Any], str]

_BESIDES: Fields = {
    p.RETRIES: "retry_intervals_s",
    p.DEAD_PEER: "dead_peer_s",
    p.FALLBACK: "fallback_after_s",
    p.ON_MISMATCH: "fallback_on_mismatch",
    p.OUR_SOFT_LIFETIME: "soft_lifetime_s",
    p.TIMEOUT: "timeout_s",
    p.IN_CLUSTER: "in_cluster",
}
MAIN_MODE_OF_POLICY: Fields = {
    p.MASTER_PFS: "master_pfs",
    p.QUICK_MODES: "quick_modes_max",
    p.MAIN_MODE_LIFETIME: "lifetime_s",
    p.MAIN_MODE: "offers",
    **_BESIDES,
}
MAIN_MODE_OF_RULE: Fields = {
    p.OUR_MASTER_PFS: "master_pfs",
    p.OUR_QUICK_MODES: "quick_modes_max",
    p.OUR_LIFETIME: "lifetime_s",
    p.OUR_MAIN_MODE: "offers",
    **_BESIDES,
}
MAIN_MODE_OF_DYNAMIC: Fields = {
    p.QUICK_MODES: "quick_modes_max",
    p.MAIN_MODE_LIFETIME: "lifetime_s",
    p.SOFT_LIFETIME: "soft_lifetime_s",
    p.MAIN_MODE: "offers",
}
POLICY: Fields = {
    p.DESCRIPTION: "description",
    p.POLLING: "polling_interval_s",
    p.PROFILE: "profile",
    p.WEAK_HOST: "weak_host",
}
FILTER_ACTION: Fields = {
    p.DESCRIPTION: "description",
    p.SESSION_PFS: "session_pfs",
    p.IN_PASS: "accept_unsecured",
    p.SOFT: "allow_fallback",
    p.ACTION: "action",
    p.QUICK_MODE: "offers",
}
RULE: Fields = {
    p.CONNECTION_TYPE: "connection_type",
    p.ACTIVATE: "active",
    p.DESCRIPTION: "description",
    p.WINDOWS_2000: "windows_2000_peer",
    p.EXPLAIN: "explain_refusals",
}
_ZERO_IS_DEFAULT = ("lifetime_s", "polling_interval_s")
"""Times that Windows takes for its default when they are 0."""


def changed(part: M, command: Command, among: Fields) -> M:
    """The part with the fields that the command gives."""
    return replace(part, **given(command, among, type(part)))


def given(command: Command, among: Fields, of: type) -> dict[str, Any]:
    """What the command says of these fields."""
    found = {among[each.parameter]: each.value for each in command.given if each.parameter in among}
    for name in _ZERO_IS_DEFAULT:
        if found.get(name) == 0:
            found[name] = _defaults(of)[name]
    return found


def different(part: object, among: Fields) -> dict[Parameter[Any], Any]:
    """The parameters whose fields have other values than the model's defaults."""
    defaults = _defaults(type(part))
    return {
        parameter: getattr(part, name)
        for parameter, name in among.items()
        if getattr(part, name) != defaults.get(name)
    }


def _defaults(of: type) -> dict[str, object]:
    return {
        each.name: each.default if each.default_factory is MISSING else each.default_factory()
        for each in fields(of)
    }  # MISSING where there is none, which equals nothing


# --- session key PFS --------------------------------------------------------------------------


def session_pfs(command: Command, now: tuple[bool, object] = (False, None)) -> dict[str, Any]:
    """`qmpfs` and `qmpfsgroup` as fields; `now`: what they have been. Raises: WordError."""
    wanted = command.get(p.SESSION_PFS, now[0])
    group = command.get(p.SESSION_PFS_GROUP, now[1])
    if command.has(p.SESSION_PFS_GROUP) and not wanted:
        raise WordError("qmpfsgroup has no effect without qmpfs", "add qmpfs=yes")
    named = wanted and group is not PfsGroup.MAIN_MODE
    return {"session_pfs": wanted, "session_pfs_group": group if named else None}


# --- authentication ---------------------------------------------------------------------------


def authentication_values(methods: tuple[Authentication, ...]) -> list[tuple[Parameter[Any], Any]]:
    """Parameters for these methods, in order. A preshared key is named by its file."""
    values: list[tuple[Parameter[Any], Any]] = []
    for each in methods:
        if each.method is Method.KERBEROS:
            values.append((p.KERBEROS, True))
        elif each.method is Method.PRESHARED_KEY:
            values.append((p.SECRET_FILE, each.secret))
        else:
            authority = Authority(each.root_ca, each.account_mapping, each.exclude_ca_name)
            values.append((p.ROOT_CA, authority))
        if each.local_identity != Authentication(each.method).local_identity:
            values.append((p.LOCAL_ID, each.local_identity))
        if each.peer_identity is not None:
            values.append((p.PEER_ID, each.peer_identity))
    return values
