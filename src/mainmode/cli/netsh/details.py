"""Policies, rules, filter lists and filter actions in the labels of Windows' netsh.

Does not: show keys; a preshared key is named by its file.
"""

import socket

from mainmode.cli.netsh.pages import NONE, Pairs, minutes, yes
from mainmode.policy.document import Document
from mainmode.policy.model import (
    Action,
    Authentication,
    DefaultResponse,
    Filter,
    FilterAction,
    FilterList,
    Method,
    Place,
    PlaceKind,
    Policy,
    QuickModeOffer,
    Rule,
)
from mainmode.policy.netsh.kinds import GUID
from mainmode.policy.netsh.methods import MAIN_MODE_METHODS
from mainmode.policy.netsh.naming import guid_of
from mainmode.policy.netsh.places import PROTOCOL

_ACTIONS = {
    Action.PERMIT: "PERMIT",
    Action.BLOCK: "BLOCK",
    Action.NEGOTIATE: "NEGOTIATE SECURITY",
}


def policy_pairs(document: Document, policy: Policy, *, verbose: bool = False) -> Pairs:
    brief = [
        ("Policy Name", policy.name),
        ("Description", policy.description or NONE),
        ("Assigned", yes(document.assigned == policy.name)),
        ("Master PFS", yes(policy.main_mode.master_pfs)),
        ("Polling Interval", minutes(policy.polling_interval_s)),
    ]
    if not verbose:
        return [*brief, ("No. of Rules", str(len(policy.rules)))]
    settings = policy.main_mode
    return [
        *brief,
        ("GUID", GUID.write(guid_of(policy))),
        ("MM Lifetime", minutes(settings.lifetime_s)),
        ("QM per MM", str(settings.quick_modes_max or "no limit")),
        ("MM Security Methods", MAIN_MODE_METHODS.write(settings.offers)),
        ("Default Response", yes(policy.default_response.active)),
        ("No. of Rules", str(len(policy.rules))),
    ]


# --- rules ------------------------------------------------------------------------------------


def rule_pairs(policy: Policy, rule: Rule) -> Pairs:
    return [
        ("Rule ID", str(policy.rules.index(rule) + 1)),
        ("Rule Name", rule.name),
        ("Description", rule.description or NONE),
        ("Activated", yes(rule.active)),
        ("Connection Type", rule.connection_type.value.upper()),
        ("Tunnel Endpoint", str(rule.tunnel_end or NONE)),
        ("FilterList Name", rule.filter_list.name),
        ("FilterAction Name", rule.filter_action.name),
        ("Authentication", authentication_words(rule.authentication)),
    ]


def default_rule_pairs(response: DefaultResponse) -> Pairs:
    return [
        ("Rule Name", "Default Response"),
        ("Activated", yes(response.active)),
        ("Action", _ACTIONS[Action.NEGOTIATE]),
        ("QM PFS", yes(response.session_pfs)),
        ("Authentication", authentication_words(response.authentication)),
    ]


def authentication_words(methods: tuple[Authentication, ...]) -> str:
    return ", then ".join(map(_method, methods)) or NONE


def _method(each: Authentication) -> str:
    if each.method is Method.KERBEROS:
        return "KERBEROS"
    if each.method is Method.PRESHARED_KEY:
        return f"PRESHARED KEY (in {each.secret})"
    options = [
        *(["certmap"] if each.account_mapping else []),
        *(["excludecaname"] if each.exclude_ca_name else []),
    ]
    return f"ROOT CA {each.root_ca}" + (f" ({', '.join(options)})" if options else "")


# --- filter lists -----------------------------------------------------------------------------


def filter_list_pairs(filter_list: FilterList, *, verbose: bool = False) -> Pairs:
    return [
        ("FilterList Name", filter_list.name),
        ("Description", filter_list.description or NONE),
        *([("GUID", GUID.write(guid_of(filter_list)))] if verbose else []),
        ("No. of Filters", str(len(filter_list.filters))),
    ]


def filter_pairs(each: Filter, *, resolved: bool = False) -> Pairs:
    return [
        ("Description", each.description or NONE),
        ("Mirrored", yes(each.mirrored)),
        *_end_pairs("Source", each.source, resolved=resolved),
        *_end_pairs("Destination", each.destination, resolved=resolved),
        ("Protocol", PROTOCOL.write(each.protocol).upper()),
        ("Source Port", str(each.source_port or "ANY")),
        ("Destination Port", str(each.destination_port or "ANY")),
    ]


_PLACES = {
    PlaceKind.ME: "<My IP Address>",
    PlaceKind.ANY: "<Any IP Address>",
    PlaceKind.DNS_SERVERS: "<DNS Servers>",
    PlaceKind.WINS_SERVERS: "<WINS Servers>",
    PlaceKind.DHCP_SERVERS: "<DHCP Servers>",
    PlaceKind.GATEWAY: "<Default Gateway>",
}


def _end_pairs(side: str, place: Place, *, resolved: bool) -> Pairs:
    address, mask = _PLACES.get(place.kind, place.name), NONE
    if place.addresses is not None:
        network = place.addresses.as_network
        whole = network is None or (network.prefixlen == 0)
        first, last = place.addresses.first, place.addresses.last
        address = f"{first}-{last}" if whole else str(first)
        mask = NONE if network is None or whole else str(network.netmask)
        if resolved and place.addresses.is_host:
            address = f"{address} ({_name_of(address)})"
    return [(f"{side} IP Address", address), (f"{side} Mask", mask)]


def _name_of(address: str) -> str:
    try:
        return socket.gethostbyaddr(address)[0]
    except OSError:
        return "no name"


# --- filter actions ---------------------------------------------------------------------------


def filter_action_pairs(action: FilterAction, *, verbose: bool = False) -> Pairs:
    return [
        ("FilterAction Name", action.name),
        ("Description", action.description or NONE),
        *([("GUID", GUID.write(guid_of(action)))] if verbose else []),
        ("Action", _ACTIONS[action.action]),
        ("AllowUnsecure (Fallback)", yes(action.allow_fallback)),
        ("Inbound Passthrough", yes(action.accept_unsecured)),
        ("QM PFS", yes(action.session_pfs)),
        ("No. of Security Methods", str(len(action.offers))),
    ]


def offer_pairs(offer: QuickModeOffer) -> Pairs:
    esp = NONE
    if offer.esp_cipher is not None:
        integrity = offer.esp_integrity.name if offer.esp_integrity else "none"
        esp = f"{integrity.upper()}, {offer.esp_cipher.name.upper()}"
    return [
        ("AH", offer.ah.name.upper() if offer.ah else NONE),
        ("ESP", esp),
        ("Life (Sec/kB)", f"{offer.lifetime.seconds}/{offer.lifetime.kilobytes}"),
    ]
