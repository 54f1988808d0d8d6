"""Strategies for policies and traffic, and a policy written as TOML."""

import json
from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from typing import Literal, TypeVar

from hypothesis import strategies as st

from mainmode.crypto.algorithms import CIPHERS, GROUPS, HASHES
from mainmode.failures import Failure, Refused
from mainmode.model import AddressRange, Flow, IpAddress, Lifetime, Selector
from mainmode.policy.model import (
    ANY,
    CREDENTIAL_PREFIX,
    ME,
    Action,
    Authentication,
    ConnectionType,
    DefaultResponse,
    Filter,
    FilterAction,
    FilterList,
    Identity,
    MainModeOffer,
    MainModeSettings,
    Method,
    Place,
    PlaceKind,
    Policy,
    Profile,
    QuickModeOffer,
    Rule,
)

T = TypeVar("T")


def outcome(call: Callable[[], T]) -> T | Failure:
    """What `call` gives, or why it refuses."""
    try:
        return call()
    except Refused as refused:
        return refused.failure


# --- a small world, so that filters meet --------------------------------------------------------

HERE, THERE = ip_address("10.0.0.1"), ip_address("10.0.1.2")
WORLD = tuple(
    ip_address(each)
    for each in (HERE, THERE, "10.0.0.2", "10.0.0.200", "10.0.1.1", "10.1.0.1", "192.0.2.1")
)
_RANGES = tuple(
    AddressRange.parse(each)
    for each in (
        *map(str, WORLD),
        "10.0.0.0/30",
        "10.0.0.1-10.0.0.5",
        "10.0.0.0/24",
        "10.0.1.0/24",
        "10.0.0.0/16",
        "10.0.0.0/8",
        "224.0.0.0/4",
    )
)
addresses = st.sampled_from(WORLD)
ranges = st.sampled_from(_RANGES)
protocols = st.sampled_from((0, 1, 6, 17))
ports = st.sampled_from((0, 0, 80, 500))


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """Anything, exemptions included: IKE, multicast, what stays here."""
    protocol = draw(st.sampled_from((1, 6, 17)))
    numbers = st.sampled_from((80, 500, 1024)) if protocol != 1 else st.just(0)
    remote = draw(st.sampled_from((*WORLD, ip_address("224.0.0.5"))))
    return Flow(draw(addresses), remote, protocol, draw(numbers), draw(numbers))


@st.composite
def flows_between(draw: st.DrawFn) -> Flow:
    """From here to there, nothing exempt."""
    protocol = draw(st.sampled_from((1, 6, 17)))
    numbers = st.sampled_from((80, 1024)) if protocol != 1 else st.just(0)
    return Flow(HERE, THERE, protocol, draw(numbers), draw(numbers))


@st.composite
def selectors(draw: st.DrawFn) -> Selector:
    protocol = draw(protocols)
    local_port = draw(ports) if protocol in (6, 17) else 0
    remote_port = draw(ports) if protocol in (6, 17) else 0
    return Selector(draw(ranges), draw(ranges), protocol, local_port, remote_port)


_fixed_places = ranges.map(lambda each: Place(PlaceKind.ADDRESSES, each)) | st.just(ANY)
_places = _fixed_places | st.just(ME)


@st.composite
def filters(draw: st.DrawFn, *, with_me: bool = True, mirrored: bool | None = None) -> Filter:
    places = _places if with_me else _fixed_places
    protocol = draw(protocols)
    numbers = ports if protocol in (6, 17) else st.just(0)
    both_ways = draw(st.booleans()) if mirrored is None else mirrored
    return Filter(draw(places), draw(places), protocol, draw(numbers), draw(numbers), both_ways)


KEY = Authentication(Method.PRESHARED_KEY, "peer.psk")
NEGOTIATE_ALL = Rule(
    "everything",
    FilterList("everything", (Filter(ANY, ANY),)),
    FilterAction("negotiate", Action.NEGOTIATE),
    (KEY,),
)
_ACTIONS = tuple(FilterAction(each.value, each) for each in Action)


@st.composite
def small_policies(draw: st.DrawFn, filter_: st.SearchStrategy[Filter] | None = None) -> Policy:
    """Transport mode rules in the small world."""
    one = filters() if filter_ is None else filter_
    lists = draw(st.lists(st.lists(one, min_size=1, max_size=3), max_size=5))
    return Policy(
        "small",
        tuple(
            Rule(str(at), FilterList(str(at), tuple(each)), draw(st.sampled_from(_ACTIONS)), (KEY,))
            for at, each in enumerate(lists)
        ),
    )


# --- offers -------------------------------------------------------------------------------------

hashes = st.sampled_from(list(HASHES.values()))
groups = st.sampled_from(list(GROUPS.values()))
_ciphers = st.sampled_from(list(CIPHERS.values()))
_main_mode_ciphers = _ciphers.filter(lambda cipher: cipher.ike is not None)
_amounts = st.integers(1, 0xFFFF_FFFF)
lifetimes = st.builds(Lifetime, _amounts, _amounts)

main_mode_offers = st.builds(MainModeOffer, _main_mode_ciphers, hashes, groups)


@st.composite
def quick_mode_offers(draw: st.DrawFn, *, joined: bool = True) -> QuickModeOffer:
    form = draw(st.sampled_from(("esp", "ah", "both") if joined else ("esp", "ah")))
    ah = draw(hashes) if form != "esp" else None
    if form == "ah":
        return QuickModeOffer(ah=ah, lifetime=draw(lifetimes))
    cipher = draw(_ciphers)
    integrity = draw(hashes if cipher.name == "null" else st.none() | hashes)
    return QuickModeOffer(cipher, integrity, ah, draw(lifetimes))


# --- policies with everything in them -----------------------------------------------------------

_names = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1
).filter(str.strip)
_dns_names = st.from_regex(r"[a-z][a-z0-9]{0,8}(\.[a-z][a-z0-9]{0,5}){1,3}", fullmatch=True)
_any_addresses = st.ip_addresses()


@st.composite
def _any_ranges(draw: st.DrawFn, version: Literal[4, 6]) -> AddressRange:
    one, other = draw(st.ip_addresses(v=version)), draw(st.ip_addresses(v=version))
    if draw(st.booleans()):
        prefix = draw(st.integers(0, one.max_prefixlen))
        return AddressRange.network(ip_network((one, prefix), strict=False))
    return AddressRange(min(one, other, key=int), max(one, other, key=int))


@st.composite
def _full_filters(draw: st.DrawFn) -> Filter:
    kinds = st.sampled_from((PlaceKind.DNS_SERVERS, PlaceKind.WINS_SERVERS, PlaceKind.GATEWAY))
    version: Literal[4, 6] = draw(st.sampled_from((4, 6)))
    anywhere = (
        st.just(ME)
        | st.just(ANY)
        | _any_ranges(version).map(lambda each: Place(PlaceKind.ADDRESSES, each))
        | _dns_names.map(lambda name: Place(PlaceKind.DNS_NAME, name=name))
    )
    ends = st.tuples(anywhere, anywhere) | st.tuples(st.just(ME), kinds.map(Place))
    source, destination = draw(ends)
    protocol = draw(st.sampled_from((6, 17)) | st.integers(0, 255))
    numbers = st.integers(0, 0xFFFF) if protocol in (6, 17) else st.just(0)
    text = draw(st.just("") | _names)
    return Filter(
        source, destination, protocol, draw(numbers), draw(numbers), draw(st.booleans()), text
    )


_identities = (
    st.just(Identity())
    | _any_addresses.map(lambda address: Identity("address", str(address)))
    | _dns_names.map(lambda name: Identity("fqdn", name))
    | _dns_names.map(lambda name: Identity("user_fqdn", f"joe@{name}"))
)


@st.composite
def _authentications(draw: st.DrawFn) -> Authentication:
    method = draw(st.sampled_from(Method))
    secret = ca = ""
    if method is Method.PRESHARED_KEY:
        secret = draw(st.sampled_from(("peer.psk", "/etc/x/y", f"{CREDENTIAL_PREFIX}branch")))
    if method is Method.CERTIFICATE:
        ca = draw(_names)
    return Authentication(method, secret, ca, draw(_identities), draw(st.none() | _identities))


@st.composite
def _filter_actions(draw: st.DrawFn, name: str) -> FilterAction:
    action = draw(st.sampled_from(Action))
    offers = st.lists(quick_mode_offers(), min_size=1, max_size=4, unique=True).map(tuple)
    pfs = draw(st.booleans())
    return FilterAction(
        name=name,
        action=action,
        offers=draw(offers if action is Action.NEGOTIATE else st.just(()) | offers),
        accept_unsecured=draw(st.booleans()),
        allow_fallback=draw(st.booleans()),
        session_pfs=pfs,
        session_pfs_group=draw(st.none() | groups) if pfs else None,
        description=draw(st.just("") | _names),
    )


def _place_of(address: IpAddress) -> Place:
    return Place(PlaceKind.ADDRESSES, AddressRange.host(address))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Every field of the model, set or not."""
    some_names = st.lists(_names, min_size=1, max_size=3, unique=True)
    some_filters = st.lists(_full_filters(), min_size=1, max_size=3).map(tuple)
    texts = st.just("") | _names
    lists = [FilterList(name, draw(some_filters), draw(texts)) for name in draw(some_names)]
    lists.append(FilterList("peers", (Filter(ME, _place_of(draw(_any_addresses))),)))
    actions = [draw(_filter_actions(name)) for name in draw(some_names)]
    endpoints = _any_addresses.filter(lambda each: not (each.is_unspecified or each.is_multicast))
    drawn_lists = st.sampled_from(lists)
    rules = tuple(
        Rule(
            name=name,
            filter_list=(filter_list := draw(drawn_lists)),
            filter_action=draw(st.sampled_from(actions)),
            authentication=tuple(draw(st.lists(_authentications(), min_size=1, max_size=3))),
            tunnel_endpoint=draw(st.none() | endpoints),
            connection_type=draw(st.sampled_from(ConnectionType)),
            active=draw(st.booleans()),
            windows_2000_peer=filter_list.name == "peers" and draw(st.booleans()),
            explain_refusals=draw(st.booleans()),
            description=draw(texts),
        )
        for name in draw(st.lists(_names, max_size=4, unique=True))
    )
    main_mode = MainModeSettings(
        tuple(draw(st.lists(main_mode_offers, min_size=1, max_size=5, unique=True))),
        draw(_amounts),
        draw(st.integers(0, 1000)),
        draw(st.booleans()),
        tuple(draw(st.lists(st.sampled_from((0.5, 1.0, 60.0)), min_size=1, max_size=6))),
        draw(st.sampled_from((0.5, 30.0))),
        draw(st.sampled_from((0.5, 3.0))),
        draw(st.booleans()),
    )
    profile = draw(st.sampled_from(Profile))
    return Policy(
        draw(_names),
        rules,
        main_mode,
        profile,
        DefaultResponse(),
        draw(_names),
        draw(st.booleans()),
    )


# --- as a file ----------------------------------------------------------------------------------


def as_toml(policy: Policy) -> str:
    """The policy with every key written out."""
    lines = ["[policy]", *_pairs(name=policy.name, description=policy.description)]
    lines += _pairs(profile=policy.profile.value, weak_host=policy.weak_host)
    settings = policy.main_mode
    lines += ["[main_mode]", *_pairs(offers=[each.name for each in settings.offers])]
    lines += _pairs(lifetime=f"{settings.lifetime_s}s", quick_modes_max=settings.quick_modes_max)
    lines += _pairs(
        master_pfs=settings.master_pfs,
        retry_intervals=[f"{each}s" for each in settings.retry_intervals_s],
        dead_peer_detection=f"{settings.dead_peer_s}s",
        fallback_after=f"{settings.fallback_after_s}s",
        fallback_on_mismatch=settings.fallback_on_mismatch,
    )
    lines += ["[default_response]", *_pairs(active=policy.default_response.active)]
    for filter_list in {rule.filter_list.name: rule.filter_list for rule in policy.rules}.values():
        lines += [f"[filter_list.{_text(filter_list.name)}]", "filters = ["]
        lines += [f"  {_filter(each)}," for each in filter_list.filters]
        lines += ["]", *_pairs(description=filter_list.description)]
    for action in {rule.filter_action.name: rule.filter_action for rule in policy.rules}.values():
        lines += [f"[filter_action.{_text(action.name)}]", *_action(action)]
    for rule in policy.rules:
        lines += ["[[rule]]", *_rule(rule)]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """A basic string of TOML; JSON escapes the same way."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _pairs(**values: object) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in values.items() if value is not None]


def _inline(pairs: Iterable[str]) -> str:
    return "{ " + ", ".join(pairs) + " }"


def _filter(each: Filter) -> str:
    return _inline(
        _pairs(
            source=str(each.source),
            destination=str(each.destination),
            protocol=each.protocol,
            source_port=each.source_port,
            destination_port=each.destination_port,
            mirrored=each.mirrored,
            description=each.description,
        )
    )


def _action(action: FilterAction) -> list[str]:
    offers = [
        f"{each.name} {each.lifetime.seconds}s {each.lifetime.kilobytes}kB"
        for each in action.offers
    ]
    group = action.session_pfs_group
    return _pairs(
        action=action.action.value,
        offers=offers or None,
        accept_unsecured=action.accept_unsecured,
        allow_fallback=action.allow_fallback,
        session_pfs=action.session_pfs,
        session_pfs_group=group.name if group else None,
        description=action.description,
    )


def _rule(rule: Rule) -> list[str]:
    lines = _pairs(
        name=rule.name,
        filter_list=rule.filter_list.name,
        filter_action=rule.filter_action.name,
        tunnel_endpoint=str(rule.tunnel_endpoint) if rule.tunnel_endpoint else None,
        connection_type=rule.connection_type.value,
        active=rule.active,
        explain_refusals=rule.explain_refusals,
        windows_2000_peer=rule.windows_2000_peer,
        description=rule.description,
    )
    for each in rule.authentication:
        lines += ["[[rule.authentication]]", *_authentication(each)]
    return lines


def _authentication(each: Authentication) -> list[str]:
    kept = each.secret.startswith(CREDENTIAL_PREFIX)
    return _pairs(
        method=each.method.value,
        secret_file=None if kept else each.secret or None,
        credential=each.secret.removeprefix(CREDENTIAL_PREFIX) if kept else None,
        root_ca=each.root_ca or None,
        local_identity=str(each.local_identity),
        peer_identity=str(each.peer_identity) if each.peer_identity else None,
    )
