"""Strategies for small policies and for traffic, so that they meet."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import TypeVar

from hypothesis import strategies as st

from mainmode.crypto.algorithms import CIPHERS, GROUPS, HASHES
from mainmode.failures import Failure, Refused
from mainmode.model import AddressRange, Flow, Lifetime, Selector
from mainmode.policy.model import (
    ANY,
    ME,
    Action,
    Authentication,
    Filter,
    FilterAction,
    FilterList,
    MainModeOffer,
    Method,
    Place,
    PlaceKind,
    Policy,
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
