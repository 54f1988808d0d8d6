"""Every table of a policy file.

What is left out has the default of `policy.model`; docs/policy-example.toml shows all of it.
"""

from collections.abc import Mapping

from mainmode import limits
from mainmode.crypto.algorithms import CIPHERS, GROUPS, HASHES
from mainmode.policy.form.keys import Form, Inner, Key, Reference, Several, Values
from mainmode.policy.form.kinds import Flag, Text, Whole, Word, WordOrNumber, Words, choice
from mainmode.policy.form.together import Gateway, Secret
from mainmode.policy.model import (
    ANY,
    DEFAULT_QUICK_MODE_OFFERS,
    Action,
    Authentication,
    ConnectionType,
    DefaultResponse,
    Filter,
    FilterAction,
    FilterList,
    MainModeSettings,
    Method,
    Place,
    PlaceKind,
    Policy,
    Profile,
    Rule,
)
from mainmode.policy.reader import Table
from mainmode.policy.settings import BootMode, Settings
from mainmode.policy.units import format_duration, format_interval
from mainmode.policy.words import (
    LIFETIME_MAX,
    PORT_MAX,
    SERVER_KINDS,
    WITH_PORTS,
    boot_exemption_word,
    parse_boot_exemption,
    parse_group,
    parse_identity,
    parse_interval_s,
    parse_lifetime_s,
    parse_main_mode_offer,
    parse_place,
    parse_protocol,
    parse_quick_mode_offer,
    protocol_word,
    quick_mode_offer_word,
)

MAIN_MODE_OFFERS_MAX = limits.TRANSFORMS_MAX // len(Method)
"""Each offer becomes a transform for each method, and their numbers have one octet."""
QUICK_MODE_OFFERS_MAX = 255
"""Each offer is a proposal, and their numbers have one octet."""

# --- words ------------------------------------------------------------------------------------

_DURATION = r"[0-9]+(\.[0-9]+)?\s*[dhms]"
_VOLUME = r"[0-9]+\s*([kK]B|MB|GB)"
_CIPHER, _HASH, _GROUP = (f"({'|'.join(each)})" for each in (CIPHERS, HASHES, GROUPS))
_IKE_CIPHER = f"({'|'.join(name for name, each in CIPHERS.items() if each.ike is not None)})"
_PROTECTION = f"ah:{_HASH}|esp:{_CIPHER}(-{_HASH})?"

_LIFETIME = Word(parse_lifetime_s, format_duration, {"pattern": f"^{_DURATION}$"})
_INTERVAL = Word(parse_interval_s, format_interval, {"pattern": f"^{_DURATION}$"})
_PLACE = Word(
    parse_place,
    str,
    {"examples": ["me", "any", "192.0.2.1", "192.0.2.0/24", "192.0.2.1-192.0.2.9", "host.example"]},
)
_PROTOCOL = WordOrNumber(
    parse_protocol, protocol_word, {"examples": ["any", "icmp", "tcp", "udp"]}, largest=0xFF
)
_GROUP_WORD = Word(parse_group, lambda group: group.name, {"enum": list(GROUPS)})
_MAIN_MODE_OFFER = Word(
    parse_main_mode_offer,
    lambda offer: offer.name,
    {"pattern": f"^{_IKE_CIPHER}-{_HASH}-{_GROUP}$", "examples": ["3des-sha1-group14"]},
)
_QUICK_MODE_OFFER = Word(
    parse_quick_mode_offer,
    quick_mode_offer_word,
    {
        "pattern": rf"^({_PROTECTION})(\+({_PROTECTION}))?(\s+({_DURATION}|{_VOLUME}))*$",
        "examples": ["esp:3des-sha1 1h 100MB", "ah:sha1"],
    },
)
_IDENTITY = Word(
    parse_identity, str, {"examples": ["address", "address:192.0.2.1", "fqdn:host.example"]}
)
_BOOT_EXEMPTION = Word(
    parse_boot_exemption, boot_exemption_word, {"examples": ["tcp:0:3389:inbound"]}
)

_DESCRIPTION = Key("description", Text(), "For people.")
_NO_AUTHENTICATION = 'add authentication = [{ method = "preshared_key", secret_file = "FILE" }]'


# --- authentication ---------------------------------------------------------------------------


def _complete_authentication(table: Table, values: Values) -> None:
    method = values["method"] if table.has("method") else None
    if method is Method.CERTIFICATE:
        table.require("root_ca", '"CN=My CA"')
        return
    for key in ("root_ca", "exclude_ca_name", "account_mapping"):
        if values[key]:
            table.mistake(f"{key} belongs to certificates", "remove it", key)


AUTHENTICATION = Form(
    Authentication,
    (
        Key(
            "method",
            choice(Method),
            "How the two prove who they are.",
            example='"preshared_key"',
            instead=Method.PRESHARED_KEY,
        ),
        Secret(),
        Key("root_ca", Text(), "Distinguished name of the certification authority."),
        Key("exclude_ca_name", Flag(), "Do not name that authority to peers."),
        Key("account_mapping", Flag(), "The certificate must lead to a computer account."),
        Key("local_identity", _IDENTITY, "Who this computer says it is."),
        Key("peer_identity", _IDENTITY, "Who the peer must be; default: its address."),
    ),
    _complete_authentication,
)
_AUTHENTICATION_KEY = Key(
    "authentication", Several(AUTHENTICATION), "Ways to authenticate, preferred first."
)


# --- main mode and the default response rule --------------------------------------------------

MAIN_MODE = Form(
    MainModeSettings,
    (
        Key(
            "offers",
            Words(_MAIN_MODE_OFFER, '"3des-sha1-group14"', MAIN_MODE_OFFERS_MAX),
            "cipher-hash-group, preferred first.",
        ),
        Key("lifetime", _LIFETIME, "Of a main mode SA.", "lifetime_s"),
        Key("timeout", _LIFETIME, "It is deleted here after so long.", "timeout_s"),
        Key("quick_modes_max", Whole(LIFETIME_MAX), "Quick modes off one main mode; 0: no limit."),
        Key("master_pfs", Flag(), "A new main mode for each quick mode."),
        Key(
            "retry_intervals",
            Words(_INTERVAL, '"1s", "2s"', once=False),
            "Waits after each sending of a message.",
            "retry_intervals_s",
        ),
        Key("dead_peer_detection", _INTERVAL, "Ask peers after so much silence.", "dead_peer_s"),
        Key(
            "fallback_after",
            _INTERVAL,
            "Silence before clear traffic, where a filter action allows it.",
            "fallback_after_s",
        ),
        Key("fallback_on_mismatch", Flag(), "Also when the peer says that policies disagree."),
        Key(
            "soft_lifetime",
            _LIFETIME,
            "How long traffic passes in clear before the next try; default: lifetime.",
            "soft_lifetime_s",
        ),
        Key("in_cluster", Flag(), "One of several computers behind one address."),
    ),
)


def _complete_pfs(table: Table, values: Values) -> None:
    if values["session_pfs_group"] is not None and not values["session_pfs"]:
        fix = "add session_pfs = true"
        table.mistake("session_pfs_group alone has no effect", fix, "session_pfs_group")


_QUICK_MODE_OFFERS = Key(
    "offers",
    Words(_QUICK_MODE_OFFER, '"esp:3des-sha1"', QUICK_MODE_OFFERS_MAX),
    "Security methods with their lifetimes, preferred first.",
)
_PFS = (
    Key("session_pfs", Flag(), "A new Diffie-Hellman exchange in each quick mode."),
    Key("session_pfs_group", _GROUP_WORD, "Of that exchange; default: the group of main mode."),
)


def _complete_response(table: Table, values: Values) -> None:
    _complete_pfs(table, values)
    if values["active"] and not values["authentication"]:
        table.mistake("it negotiates without any way to authenticate", _NO_AUTHENTICATION)


DEFAULT_RESPONSE = Form(
    DefaultResponse,
    (
        Key("active", Flag(), "Secure what asks for it, beyond the rules."),
        _QUICK_MODE_OFFERS,
        *_PFS,
        _AUTHENTICATION_KEY,
    ),
    _complete_response,
)


# --- filter lists -----------------------------------------------------------------------------


def _complete_filter(table: Table, values: Values) -> None:
    source, destination = values["source"], values["destination"]
    key = next((key for key in ("source_port", "destination_port") if values[key]), "")
    if key and values["protocol"] not in WITH_PORTS and not table.is_wrong_at("protocol"):
        table.mistake("a port needs a protocol with ports", 'add protocol = "tcp"', key)
    _check_places(table, source, destination)


def _check_places(table: Table, source: Place, destination: Place) -> None:
    for one, other, key in (
        (source, destination, "source"),
        (destination, source, "destination"),
    ):
        if one.kind in SERVER_KINDS and other.kind is not PlaceKind.ME:
            fix = f'write {"destination" if key == "source" else "source"} = "me"'
            table.mistake(f"{one} stands for servers of this computer", fix, key)
    ranges = (source.addresses, destination.addresses)
    if ranges[0] and ranges[1] and ranges[0].version != ranges[1].version:
        fix = "write two filters, one for each"
        table.mistake("one side is IPv4, the other IPv6", fix, "destination")


FILTER = Form(
    Filter,
    (
        Key("source", _PLACE, "From where.", example='"me"', instead=ANY),
        Key("destination", _PLACE, "To where.", example='"me"', instead=ANY),
        Key("protocol", _PROTOCOL, "A name or a number; default: any."),
        Key("source_port", Whole(PORT_MAX), "0: any."),
        Key("destination_port", Whole(PORT_MAX), "0: any."),
        Key("mirrored", Flag(), "Also the other way; default: true."),
        _DESCRIPTION,
    ),
    _complete_filter,
)


def _complete_filter_list(table: Table, values: Values) -> None:
    if not table.has("filters"):
        fix = 'add filters = [{ source = "me", destination = "any" }]'
        table.mistake("it has no filters", fix, "filters")


FILTER_LIST = Form(
    FilterList,
    (
        _DESCRIPTION,
        Key("filters", Several(FILTER), "Which packets.", always=True),
    ),
    _complete_filter_list,
)


# --- filter actions ---------------------------------------------------------------------------


def _complete_filter_action(table: Table, values: Values) -> None:
    if values["action"] is Action.NEGOTIATE and not table.has("offers"):
        values["offers"] = DEFAULT_QUICK_MODE_OFFERS
    _complete_pfs(table, values)


FILTER_ACTION = Form(
    FilterAction,
    (
        _DESCRIPTION,
        Key(
            "action",
            choice(Action),
            "What happens to the packets.",
            example='"negotiate", "permit" or "block"',
            instead=Action.BLOCK,
        ),
        _QUICK_MODE_OFFERS,
        Key("accept_unsecured", Flag(), "Take clear packets in and answer with a negotiation."),
        Key("allow_fallback", Flag(), "Talk in clear with computers that do not answer."),
        *_PFS,
    ),
    _complete_filter_action,
)


# --- rules and policies -----------------------------------------------------------------------


def _complete_rule(table: Table, values: Values) -> None:
    filter_list, filter_action = values["filter_list"], values["filter_action"]
    if values["windows_2000_peer"] and not filter_list.names_peers:
        fix = "name each peer by its address, or remove windows_2000_peer"
        table.mistake("a filter names no peers by address", fix, "windows_2000_peer")
    if filter_action.action is Action.NEGOTIATE and not values["authentication"]:
        table.mistake("it negotiates without any way to authenticate", _NO_AUTHENTICATION)


def rule_form(lists: Mapping[str, FilterList], actions: Mapping[str, FilterAction]) -> Form:
    """A rule, which refers to these."""
    no_list, no_action = FilterList("", ()), FilterAction("", Action.BLOCK)
    return Form(
        Rule,
        (
            Key("name", Text(), "Different for each rule.", example='"my rule"', instead=""),
            _DESCRIPTION,
            Key(
                "filter_list",
                Reference("filter list", lists, no_list),
                "Which packets, by name.",
                example='"NAME"',
            ),
            Key(
                "filter_action",
                Reference("filter action", actions, no_action),
                "What happens to them, by name.",
                example='"NAME"',
            ),
            Gateway(),
            Key("connection_type", choice(ConnectionType), "Where the rule applies."),
            Key("active", Flag(), "false: the rule is kept but not used."),
            Key("windows_2000_peer", Flag(), "Its peers may lack 3DES: offer DES after it."),
            Key("explain_refusals", Flag(), "Tell peers what would have been accepted."),
            _AUTHENTICATION_KEY,
            Key("main_mode", Inner(MAIN_MODE), "Main mode toward its peers; default: the policy's"),
        ),
        _complete_rule,
        called="rule",
    )


ABOUT = Form(
    Policy,
    (
        Key("name", Text(), "Different for each policy.", example='"my policy"', instead=""),
        _DESCRIPTION,
        Key("profile", choice(Profile), "Which vendor IDs are sent."),
        Key("weak_host", Flag(), "Play a computer without strong encryption, for tests."),
        Key(
            "polling_interval",
            _LIFETIME,
            "Kept for Windows' scripts.",
            "polling_interval_s",
        ),
    ),
    called="policy",
)
"""`[policy]`: a policy but for what it does."""


def body_form(rules: Form) -> Form:
    """What a policy does: at the top of a file with one policy."""
    return Form(
        Policy,
        (
            Key("main_mode", Inner(MAIN_MODE), "How two computers come to trust each other."),
            Key("default_response", Inner(DEFAULT_RESPONSE), "The default response rule."),
            Key("rule", Several(rules, unique=True), "What applies to which traffic.", "rules"),
        ),
    )


def policy_form(rules: Form) -> Form:
    """One of several policies: `[[policy]]`."""
    return Form(Policy, (*ABOUT.entries, *body_form(rules).entries), called=ABOUT.called)


# --- general settings -------------------------------------------------------------------------

SETTINGS = Form(
    Settings,
    (
        Key("exempt", Whole(limits.EXEMPT_LEVEL_MAX), "What no filter applies to: 0 to 3."),
        Key("strong_crl_check", Whole(limits.STRONG_CRL_CHECK_MAX), "Of revocation lists: 0 to 2."),
        Key("boot_mode", choice(BootMode), "What passes before a policy is in force."),
        Key(
            "boot_exemptions",
            Words(_BOOT_EXEMPTION, '"tcp:0:22:inbound"', may_be_empty=True),
            "protocol:source port:destination port:direction, what passes then all the same.",
        ),
        Key("ike_logging", Flag(), "Log every step of negotiations."),
        Key("diagnostics", Whole(limits.DIAGNOSTICS_MAX), "Log packets: 0 (none) to 7."),
        Key("log_interval", _LIFETIME, "Between reports of the driver.", "log_interval_s"),
    ),
)
