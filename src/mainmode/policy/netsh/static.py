"""The commands of `netsh ipsec static`: parameters in the order of Windows' help.

Source: Windows' help of `netsh ipsec static`.
"""

from typing import Any

from mainmode.policy.netsh import parameters as p
from mainmode.policy.netsh.commands import Form, Parameter, Slot


def slots(*positions: Parameter[Any] | Slot) -> tuple[Slot, ...]:
    """Positions; where several parameters share one they stand in a tuple."""
    return tuple(each if isinstance(each, tuple) else (each,) for each in positions)


_OUR_POLICY = (
    *(p.PROFILE, p.WEAK_HOST, p.RETRIES, p.DEAD_PEER),
    *(p.FALLBACK, p.ON_MISMATCH, p.OUR_SOFT_LIFETIME, p.TIMEOUT, p.IN_CLUSTER),
)
_OUR_RULE = (
    *(p.WINDOWS_2000, p.EXPLAIN),
    *(p.OUR_MAIN_MODE, p.OUR_MASTER_PFS, p.OUR_QUICK_MODES, p.OUR_LIFETIME),
    *(p.RETRIES, p.DEAD_PEER, p.FALLBACK, p.ON_MISMATCH, p.OUR_SOFT_LIFETIME),
    *(p.TIMEOUT, p.IN_CLUSTER),
)
_METHODS_ORDER = "The order of the authentication methods is their preference."
_TO_SHOW = (p.LEVEL, p.FORMAT)

ADD_POLICY = Form(
    "static",
    "add",
    "policy",
    slots(
        *(p.NAME, p.DESCRIPTION, p.MASTER_PFS, p.QUICK_MODES, p.MAIN_MODE_LIFETIME),
        *(p.DEFAULT_RULE, p.POLLING, p.ASSIGN, p.MAIN_MODE),
        *_OUR_POLICY,
    ),
    required=1,
    about="Adds a policy, with its default response rule active.",
)
ADD_FILTER_LIST = Form(
    *("static", "add", "filterlist"),
    slots(p.NAME, p.DESCRIPTION),
    required=1,
    about="Adds an empty filter list.",
)
ADD_FILTER = Form(
    "static",
    "add",
    "filter",
    slots(
        *(p.FILTER_LIST, p.SOURCE, p.DESTINATION, p.DESCRIPTION, p.PROTOCOL_, p.MIRRORED),
        *(p.SOURCE_MASK, p.DESTINATION_MASK, p.SOURCE_PORT, p.DESTINATION_PORT),
    ),
    required=3,
    about="Adds a filter to a filter list, which is made when it is not there.",
    notes=(
        "If one side is dns, wins, dhcp or gateway, the other must be me.",
        "A port needs protocol tcp or udp.",
    ),
)
ADD_FILTER_ACTION = Form(
    "static",
    "add",
    "filteraction",
    slots(
        *(p.NAME, p.DESCRIPTION, p.SESSION_PFS, p.IN_PASS, p.SOFT, p.ACTION, p.QUICK_MODE),
        p.SESSION_PFS_GROUP,
    ),
    required=1,
    about="Adds a filter action.",
)
ADD_RULE = Form(
    "static",
    "add",
    "rule",
    slots(
        *(p.NAME, p.POLICY, p.FILTER_LIST, p.FILTER_ACTION, p.TUNNEL, p.CONNECTION_TYPE),
        *(p.ACTIVATE, p.DESCRIPTION),
        *p.AUTHENTICATION,
        *_OUR_RULE,
    ),
    required=4,
    about="Adds a rule to a policy.",
    notes=(_METHODS_ORDER, "Without one, a rule that negotiates authenticates with Kerberos."),
)

SET_POLICY = Form(
    "static",
    "set",
    "policy",
    slots(
        (p.NAME, p.GUID),
        *(p.NEW_NAME, p.DESCRIPTION, p.MASTER_PFS, p.QUICK_MODES, p.MAIN_MODE_LIFETIME),
        *(p.DEFAULT_RULE, p.POLLING, p.ASSIGN, p.GPO_NAME, p.MAIN_MODE),
        *_OUR_POLICY,
    ),
    required=1,
    about="Changes a policy. Assigning one takes the place of the one that was.",
)
SET_FILTER_LIST = Form(
    *("static", "set", "filterlist"),
    slots((p.NAME, p.GUID), p.NEW_NAME, p.DESCRIPTION),
    required=1,
    about="Changes the name or description of a filter list.",
)
SET_FILTER_ACTION = Form(
    "static",
    "set",
    "filteraction",
    slots(
        (p.NAME, p.GUID),
        *(p.NEW_NAME, p.DESCRIPTION, p.SESSION_PFS, p.IN_PASS, p.SOFT, p.ACTION, p.QUICK_MODE),
        p.SESSION_PFS_GROUP,
    ),
    required=1,
    about="Changes a filter action, for every rule that uses it.",
)
SET_RULE = Form(
    "static",
    "set",
    "rule",
    slots(
        (p.NAME, p.ID),
        *(p.POLICY, p.NEW_NAME, p.DESCRIPTION, p.FILTER_LIST, p.FILTER_ACTION, p.TUNNEL),
        *(p.CONNECTION_TYPE, p.ACTIVATE),
        *p.AUTHENTICATION,
        *_OUR_RULE,
    ),
    required=2,
    about="Changes a rule.",
    notes=(_METHODS_ORDER, "Authentication methods take the place of all that were."),
)
SET_DEFAULT_RULE = Form(
    "static",
    "set",
    "defaultrule",
    slots(
        *(p.POLICY, p.SESSION_PFS, p.ACTIVATE, p.QUICK_MODE),
        *p.AUTHENTICATION,
        p.SESSION_PFS_GROUP,
    ),
    required=1,
    about="Changes the default response rule of a policy.",
    notes=("Authentication methods take the place of all that were.",),
)
SET_STORE = Form(
    *("static", "set", "store"),
    slots(p.LOCATION, p.DOMAIN),
    required=1,
    about="Says where the commands after it work: on local policies, or on persistent ones.",
)
SET_BATCH = Form(
    *("static", "set", "batch"),
    slots(p.BATCH),
    required=1,
    about="While enabled, the commands of a script are done together, or none of them.",
)

DELETE_POLICY = Form(
    *("static", "delete", "policy"),
    slots((p.NAME, p.ALL)),
    required=1,
    about="Deletes a policy with its rules, or all.",
)
DELETE_FILTER_LIST = Form(
    *("static", "delete", "filterlist"),
    slots((p.NAME, p.ALL)),
    required=1,
    about="Deletes a filter list that no rule uses, or all.",
)
DELETE_FILTER_ACTION = Form(
    *("static", "delete", "filteraction"),
    slots((p.NAME, p.ALL)),
    required=1,
    about="Deletes a filter action that no rule uses, or all.",
)
DELETE_FILTER = Form(
    "static",
    "delete",
    "filter",
    slots(
        *(p.FILTER_LIST, p.SOURCE, p.DESTINATION, p.PROTOCOL_, p.MIRRORED),
        *(p.SOURCE_MASK, p.DESTINATION_MASK, p.SOURCE_PORT, p.DESTINATION_PORT),
    ),
    required=3,
    about="Deletes every filter of a list that is as given; what is not given does not matter.",
)
DELETE_RULE = Form(
    *("static", "delete", "rule"),
    slots((p.NAME, p.ID, p.ALL), p.POLICY),
    required=2,
    about="Deletes a rule of a policy, or all but the default response rule.",
)
DELETE_ALL = Form(
    *("static", "delete", "all"),
    about="Deletes all policies, filter lists and filter actions.",
)

SHOW_ALL = Form(
    *("static", "show", "all"),
    slots(p.FORMAT, p.WIDE),
    about="Shows all policies, filter lists and filter actions.",
)
SHOW_POLICY = Form(
    *("static", "show", "policy"),
    slots((p.NAME, p.ALL), *_TO_SHOW, p.WIDE),
    required=1,
    about="Shows a policy; with level=verbose also its rules.",
)
SHOW_FILTER_LIST = Form(
    *("static", "show", "filterlist"),
    slots((p.NAME, p.RULE, p.ALL), *_TO_SHOW, p.RESOLVE_DNS, p.WIDE),
    required=1,
    about="Shows a filter list; with level=verbose also its filters.",
)
SHOW_FILTER_ACTION = Form(
    *("static", "show", "filteraction"),
    slots((p.NAME, p.RULE, p.ALL), *_TO_SHOW, p.WIDE),
    required=1,
    about="Shows a filter action; with level=verbose also its methods.",
)
SHOW_RULE = Form(
    *("static", "show", "rule"),
    slots((p.NAME, p.ID, p.ALL, p.DEFAULT), p.POLICY, p.RULE_TYPE, *_TO_SHOW, p.WIDE),
    required=2,
    about="Shows rules of a policy.",
)
SHOW_GPO = Form(
    *("static", "show", "gpoassignedpolicy"),
    slots(p.NAME),
    about="Shows which policy a domain assigns: none does here.",
)
SHOW_STORE = Form(*("static", "show", "store"), about="Shows where the commands work.")
EXPORT = Form(
    *("static", "exportpolicy", ""),
    slots(p.FILE),
    required=1,
    about="Writes everything of this location to a policy file (TOML).",
)
IMPORT = Form(
    *("static", "importpolicy", ""),
    slots(p.FILE),
    required=1,
    about="Adds everything that a policy file says.",
)
DUMP = Form(*("static", "dump", ""), about="Writes a script that makes all this again.")

STATIC = (
    *(ADD_POLICY, ADD_FILTER_LIST, ADD_FILTER, ADD_FILTER_ACTION, ADD_RULE),
    *(SET_POLICY, SET_FILTER_LIST, SET_FILTER_ACTION, SET_RULE, SET_DEFAULT_RULE),
    *(SET_STORE, SET_BATCH),
    *(DELETE_POLICY, DELETE_FILTER_LIST, DELETE_FILTER, DELETE_FILTER_ACTION, DELETE_RULE),
    DELETE_ALL,
    *(SHOW_POLICY, SHOW_FILTER_LIST, SHOW_FILTER_ACTION, SHOW_RULE, SHOW_GPO, SHOW_STORE),
    SHOW_ALL,
    *(EXPORT, IMPORT, DUMP),
)
