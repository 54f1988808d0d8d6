"""The commands of `netsh ipsec dynamic`: parameters in the order of Windows' help.

Source: Windows' help of `netsh ipsec dynamic`; `set mmpolicy`, `set qmpolicy` and the parameters of
`show` are like their static counterparts, for want of a source.
"""

from mainmode.policy.netsh import parameters as p
from mainmode.policy.netsh.commands import Form
from mainmode.policy.netsh.static import slots

_WHICH = (
    *(p.SOURCE, p.DESTINATION, p.PROTOCOL_, p.SOURCE_PORT, p.DESTINATION_PORT),
    *(p.MIRRORED, p.CONNECTION_TYPE),
)
_MASKS = (p.SOURCE_MASK, p.DESTINATION_MASK, p.TUNNEL_END)
_MAIN_MODE = (p.QUICK_MODES, p.MAIN_MODE_LIFETIME, p.SOFT_LIFETIME, p.MAIN_MODE)
_QUICK_MODE = (p.SOFT, p.PFS_GROUP, p.QUICK_MODE)

ADD_MAIN_MODE = Form(
    *("dynamic", "add", "mmpolicy"),
    slots(p.NAME, *_MAIN_MODE),
    required=1,
    about="Adds a main mode policy.",
)
ADD_QUICK_MODE = Form(
    *("dynamic", "add", "qmpolicy"),
    slots(p.NAME, *_QUICK_MODE),
    required=1,
    about="Adds a quick mode policy.",
)
ADD_DYNAMIC_RULE = Form(
    "dynamic",
    "add",
    "rule",
    slots(
        *(p.SOURCE, p.DESTINATION, p.MAIN_MODE_POLICY, p.QUICK_MODE_POLICY, p.PROTOCOL_),
        *(p.SOURCE_PORT, p.DESTINATION_PORT, p.MIRRORED, p.CONNECTION_TYPE),
        *(p.ACTION_INBOUND, p.ACTION_OUTBOUND),
        *_MASKS,
        *p.AUTHENTICATION,
    ),
    required=3,
    about="Adds a rule, in force at once and until the service stops.",
    notes=("A rule that negotiates needs a qmpolicy.",),
)
SET_MAIN_MODE = Form(
    *("dynamic", "set", "mmpolicy"),
    slots(p.NAME, *_MAIN_MODE),
    required=1,
    about="Changes a main mode policy.",
)
SET_QUICK_MODE = Form(
    *("dynamic", "set", "qmpolicy"),
    slots(p.NAME, *_QUICK_MODE),
    required=1,
    about="Changes a quick mode policy.",
)
SET_DYNAMIC_RULE = Form(
    "dynamic",
    "set",
    "rule",
    slots(
        *_WHICH,
        *(p.MAIN_MODE_POLICY, p.QUICK_MODE_POLICY, p.ACTION_INBOUND, p.ACTION_OUTBOUND),
        *_MASKS,
        *p.AUTHENTICATION,
    ),
    required=7,
    about="Changes the rule with these addresses, protocol, ports and connections.",
)
SET_CONFIG = Form(
    *("dynamic", "set", "config"),
    slots(p.PROPERTY, p.VALUE),
    required=2,
    about="Changes a general setting; it stays.",
)
DELETE_MAIN_MODE = Form(
    *("dynamic", "delete", "mmpolicy"),
    slots((p.NAME, p.ALL)),
    required=1,
    about="Deletes a main mode policy that no rule uses, or all.",
)
DELETE_QUICK_MODE = Form(
    *("dynamic", "delete", "qmpolicy"),
    slots((p.NAME, p.ALL)),
    required=1,
    about="Deletes a quick mode policy that no rule uses, or all.",
)
DELETE_DYNAMIC_RULE = Form(
    *("dynamic", "delete", "rule"),
    slots(*_WHICH, *_MASKS),
    required=7,
    about="Deletes the rule with these addresses, protocol, ports and connections.",
)
DELETE_DYNAMIC = Form(
    *("dynamic", "delete", "all"), about="Deletes every dynamic policy, rule and filter."
)

_SHOWN = (
    ("mmpolicy", "main mode policies"),
    ("qmpolicy", "quick mode policies"),
)
SHOW_MAIN_MODE, SHOW_QUICK_MODE = (
    Form("dynamic", "show", name, slots((p.NAME, p.ALL), p.FORMAT, p.WIDE), about=f"Shows {what}.")
    for name, what in _SHOWN
)
SHOW_DYNAMIC_RULE = Form(
    *("dynamic", "show", "rule"), slots(p.FORMAT, p.WIDE), about="Shows dynamic rules."
)
SHOW_CONFIG = Form(*("dynamic", "show", "config"), about="Shows the general settings.")
_SERVICE = (
    ("mmfilter", "the filters in force that negotiate"),
    ("qmfilter", "all filters in force"),
    ("mmsas", "main mode security associations"),
    ("qmsas", "quick mode security associations"),
    ("stats", "the counters of IKE and IPsec"),
)
SHOW_MM_FILTER, SHOW_QM_FILTER, SHOW_MM_SAS, SHOW_QM_SAS, SHOW_STATS = (
    Form("dynamic", "show", name, slots(p.FORMAT, p.WIDE), about=f"Shows {what}.")
    for name, what in _SERVICE
)
SHOW_DYNAMIC = Form(
    *("dynamic", "show", "all"), slots(p.FORMAT, p.WIDE), about="Shows everything of this mode."
)
DUMP_DYNAMIC = Form(*("dynamic", "dump", ""), about="Writes a script that makes all this again.")

DYNAMIC = (
    *(ADD_MAIN_MODE, ADD_QUICK_MODE, ADD_DYNAMIC_RULE),
    *(SET_MAIN_MODE, SET_QUICK_MODE, SET_DYNAMIC_RULE, SET_CONFIG),
    *(DELETE_MAIN_MODE, DELETE_QUICK_MODE, DELETE_DYNAMIC_RULE, DELETE_DYNAMIC),
    *(SHOW_MAIN_MODE, SHOW_QUICK_MODE, SHOW_DYNAMIC_RULE, SHOW_CONFIG),
    *(SHOW_MM_FILTER, SHOW_QM_FILTER, SHOW_MM_SAS, SHOW_QM_SAS, SHOW_STATS, SHOW_DYNAMIC),
    DUMP_DYNAMIC,
)
