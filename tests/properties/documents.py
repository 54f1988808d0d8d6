"""Strategies for whole policy documents: every field of the model, set or not."""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network
from typing import Literal, TypeVar

from hypothesis import strategies as st

from mainmode.model import AddressRange, Direction, IpAddress
from mainmode.policy.document import Document
from mainmode.policy.edit import put_filter_action, put_filter_list
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
    MainModeSettings,
    Method,
    Place,
    PlaceKind,
    Policy,
    Profile,
    Rule,
)
from mainmode.policy.settings import BootExemption, BootMode, Settings
from mainmode.policy.words import SERVER_KINDS
from tests.properties.policies import groups, main_mode_offers, quick_mode_offers

T = TypeVar("T")

_names = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")),
    min_size=1,
    max_size=12,
).filter(str.strip)
_texts = st.just("") | _names
_some_names = st.lists(_names, min_size=1, max_size=3, unique=True)
_dns_names = st.from_regex(r"[a-z][a-z0-9]{0,8}(\.[a-z][a-z0-9]{0,5}){1,3}", fullmatch=True)
_addresses = st.ip_addresses()
_amounts = st.integers(1, 0xFFFF_FFFF)
_intervals = st.sampled_from((0.25, 0.5, 1.0, 3.0, 60.0, 5400.0))
_ports = st.sampled_from((0, 22, 0xFFFF)) | st.integers(0, 0xFFFF)


# --- filters and filter actions -----------------------------------------------------------------


@st.composite
def _ranges(draw: st.DrawFn, version: Literal[4, 6]) -> AddressRange:
    one, other = draw(st.ip_addresses(v=version)), draw(st.ip_addresses(v=version))
    if draw(st.booleans()):
        prefix = draw(st.integers(0, one.max_prefixlen))
        return AddressRange.network(ip_network((one, prefix), strict=False))
    return AddressRange(min(one, other, key=int), max(one, other, key=int))


@st.composite
def _filters(draw: st.DrawFn) -> Filter:
    version: Literal[4, 6] = draw(st.sampled_from((4, 6)))
    anywhere = (
        st.just(ME)
        | st.just(ANY)
        | _ranges(version).map(lambda each: Place(PlaceKind.ADDRESSES, each))
        | _dns_names.map(lambda name: Place(PlaceKind.DNS_NAME, name=name))
    )
    servers = st.tuples(st.just(ME), st.sampled_from(SERVER_KINDS).map(Place))
    ends = st.tuples(anywhere, anywhere) | servers | servers.map(lambda both: both[::-1])
    source, destination = draw(ends)
    protocol = draw(st.sampled_from((6, 17)) | st.integers(0, 255))
    numbers = _ports if protocol in (6, 17) else st.just(0)
    flag = st.booleans()
    return Filter(
        source, destination, protocol, draw(numbers), draw(numbers), draw(flag), draw(_texts)
    )


@st.composite
def _filter_lists(draw: st.DrawFn, name: str) -> FilterList:
    """Also one without filters yet."""
    return FilterList(name, tuple(draw(st.lists(_filters(), max_size=3))), draw(_texts))


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
        description=draw(_texts),
    )


# --- rules --------------------------------------------------------------------------------------

_identities = (
    st.just(Identity())
    | _addresses.map(lambda address: Identity("address", str(address)))
    | _dns_names.map(lambda name: Identity("fqdn", name))
    | _dns_names.map(lambda name: Identity("user_fqdn", f"joe@{name}"))
)


@st.composite
def _authentications(draw: st.DrawFn) -> Authentication:
    method = draw(st.sampled_from(Method))
    made = Authentication(
        method, local_identity=draw(_identities), peer_identity=draw(st.none() | _identities)
    )
    if method is Method.PRESHARED_KEY:
        secrets = st.sampled_from(("peer.psk", "/etc/x/y", f"{CREDENTIAL_PREFIX}branch"))
        return replace(made, secret=draw(secrets))
    if method is Method.CERTIFICATE:
        exclude, mapping = draw(st.booleans()), draw(st.booleans())
        return replace(made, root_ca=draw(_names), exclude_ca_name=exclude, account_mapping=mapping)
    return made


@st.composite
def _main_modes(draw: st.DrawFn) -> MainModeSettings:
    offers = st.lists(main_mode_offers, min_size=1, max_size=4, unique=True).map(tuple)
    return MainModeSettings(
        offers=draw(offers),
        lifetime_s=draw(_amounts),
        quick_modes_max=draw(st.integers(0, 1000)),
        master_pfs=draw(st.booleans()),
        retry_intervals_s=tuple(draw(st.lists(_intervals, min_size=1, max_size=6))),
        dead_peer_s=draw(_intervals | st.just(0.0)),
        fallback_after_s=draw(_intervals),
        fallback_on_mismatch=draw(st.booleans()),
        soft_lifetime_s=draw(_amounts | st.just(0)),
    )


_gateways = _addresses.filter(lambda each: not (each.is_unspecified or each.is_multicast))


def _host(address: IpAddress) -> Place:
    return Place(PlaceKind.ADDRESSES, AddressRange.host(address))


@st.composite
def _rules(
    draw: st.DrawFn, name: str, lists: Sequence[FilterList], actions: Sequence[FilterAction]
) -> Rule:
    filter_list = draw(st.sampled_from((*lists, lists[-1])))
    endpoint: IpAddress | None = draw(st.none() | _gateways)
    return Rule(
        name=name,
        filter_list=filter_list,
        filter_action=draw(st.sampled_from(actions)),
        authentication=tuple(draw(st.lists(_authentications(), min_size=1, max_size=3))),
        tunnel_endpoint=endpoint,
        tunnel_name=draw(st.just("") | _dns_names) if endpoint is None else "",
        connection_type=draw(st.sampled_from(ConnectionType)),
        active=draw(st.booleans()),
        windows_2000_peer=filter_list.name == "peers" and draw(st.booleans()),
        explain_refusals=draw(st.booleans()),
        description=draw(_texts),
        main_mode=draw(st.none() | st.just(MainModeSettings()) | _main_modes()),
    )


# --- policies and documents ---------------------------------------------------------------------


@st.composite
def _responses(draw: st.DrawFn) -> DefaultResponse:
    pfs = draw(st.booleans())
    offers = st.lists(quick_mode_offers(), min_size=1, max_size=3, unique=True).map(tuple)
    return DefaultResponse(
        active=draw(st.booleans()),
        offers=draw(offers),
        session_pfs=pfs,
        session_pfs_group=draw(st.none() | groups) if pfs else None,
        authentication=tuple(draw(st.lists(_authentications(), min_size=1, max_size=2))),
    )


@st.composite
def _policies(
    draw: st.DrawFn, name: str, lists: Sequence[FilterList], actions: Sequence[FilterAction]
) -> Policy:
    names = st.lists(_names, max_size=3, unique=True)
    return Policy(
        name=name,
        rules=tuple(draw(_rules(each, lists, actions)) for each in draw(names)),
        main_mode=draw(st.just(MainModeSettings()) | _main_modes()),
        profile=draw(st.sampled_from(Profile)),
        default_response=draw(st.just(DefaultResponse()) | _responses()),
        description=draw(_texts),
        weak_host=draw(st.booleans()),
        polling_interval_s=draw(st.sampled_from((60, 10_800)) | _amounts),
    )


_exemptions = st.builds(
    BootExemption, st.sampled_from((6, 17)), _ports, _ports, st.sampled_from(Direction)
) | st.builds(
    BootExemption, st.integers(0, 0xFF), st.just(0), st.just(0), st.sampled_from(Direction)
)
_settings = st.builds(
    Settings,
    exempt=st.integers(0, 3),
    strong_crl_check=st.integers(0, 2),
    boot_mode=st.sampled_from(BootMode),
    boot_exemptions=st.lists(_exemptions, max_size=3, unique=True).map(tuple),
    ike_logging=st.booleans(),
    diagnostics=st.integers(0, 7),
    log_interval_s=st.integers(60, 86_400),
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Lists and actions that rules share, several policies, one of them or none assigned."""
    lists = [draw(_filter_lists(name)) for name in draw(_some_names) if name != "peers"]
    lists.append(FilterList("peers", (Filter(ME, _host(draw(_addresses))),)))
    actions = [draw(_filter_actions(name)) for name in draw(_some_names)]
    names = draw(st.lists(_names, max_size=3, unique=True))
    policies = tuple(draw(_policies(name, lists, actions)) for name in names)
    assigned = draw(st.sampled_from(("", *names)))
    settings = draw(st.just(Settings()) | _settings)
    return Document(policies, tuple(lists), tuple(actions), assigned, settings)


@st.composite
def lone_documents(draw: st.DrawFn) -> Document:
    """One policy, which is assigned, as a file by itself has it."""
    document = draw(documents().filter(lambda each: bool(each.policies)))
    policy = document.policies[0]
    return replace(document, policies=(policy,), assigned=policy.name)


@st.composite
def edited(draw: st.DrawFn, document: Document) -> Document:
    """The same document after some changes."""

    def some(parts: Sequence[T], most: int = 2) -> tuple[T, ...]:
        """Without some of them, and in another order."""
        gone = draw(st.sets(st.integers(0, len(parts)), max_size=most))
        kept = [each for at, each in enumerate(parts) if at not in gone]
        return tuple(draw(st.permutations(kept)) if draw(st.booleans()) else kept)

    lists, actions = document.filter_lists, document.filter_actions
    policies = []
    for policy in some(document.policies):
        rules = [
            replace(rule, main_mode=draw(st.just(rule.main_mode) | st.none() | _main_modes()))
            for rule in some(policy.rules)
        ]
        if draw(st.booleans()):
            rules.insert(draw(st.integers(0, len(rules))), draw(_rules("new", lists, actions)))
        policies.append(replace(policy, rules=tuple(rules), description=draw(_texts)))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(policies)))
        policies.insert(at, draw(_policies("quite new", lists, actions)))
    assigned = draw(st.sampled_from(("", *(each.name for each in policies))))
    changed = replace(document, policies=tuple(policies), assigned=assigned)
    for old in document.filter_lists[:-1]:  # the last names peers by address
        if draw(st.booleans()):
            filters = (*some(old.filters), *draw(st.lists(_filters(), max_size=2)))
            changed = put_filter_list(changed, replace(old, filters=filters), was=old.name)
    for action in document.filter_actions:
        if draw(st.booleans()):
            new = draw(_filter_actions(action.name))
            changed = put_filter_action(changed, new, was=action.name)
    return replace(changed, settings=draw(st.just(document.settings) | _settings))
