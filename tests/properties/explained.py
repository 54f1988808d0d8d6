"""Strategies for policies of every kind in the small world, and for packets that meet them."""

from dataclasses import replace
from ipaddress import ip_address
from typing import NamedTuple

from hypothesis import strategies as st

from mainmode.model import Direction, Flow
from mainmode.policy.model import (
    DEFAULT_QUICK_MODE_OFFERS,
    Action,
    Authentication,
    DefaultResponse,
    Filter,
    FilterAction,
    FilterList,
    MainModeSettings,
    Method,
    Place,
    PlaceKind,
    Policy,
    Rule,
)
from tests.properties.policies import KEY, THERE, filters, flows, quick_mode_offers

_KEYS = (
    KEY,
    Authentication(Method.PRESHARED_KEY, "other.psk"),
    Authentication(Method.CERTIFICATE, root_ca="CN=CA"),
)
_UNKNOWN = (Place(PlaceKind.DNS_NAME, name="web.example"), Place(PlaceKind.GATEWAY))
_GATEWAYS = (THERE, ip_address("192.0.2.1"), ip_address("10.0.0.1"))

_actions = st.builds(
    FilterAction,
    st.just("action"),
    st.sampled_from(Action),
    st.just(DEFAULT_QUICK_MODE_OFFERS)
    | st.lists(quick_mode_offers(), min_size=1, max_size=3).map(tuple),
    accept_unsecured=st.booleans(),
    allow_fallback=st.booleans(),
    session_pfs=st.booleans(),
)
_main_modes = st.none() | st.just(MainModeSettings(lifetime_s=600, fallback_after_s=2.0))


@st.composite
def _any_filters(draw: st.DrawFn) -> Filter:
    made = draw(filters())
    if draw(st.integers(0, 9)):
        return made
    return replace(made, destination=draw(st.sampled_from(_UNKNOWN)))


@st.composite
def _rules(draw: st.DrawFn, number: int) -> Rule:
    is_tunnel = not draw(st.integers(0, 4))
    return Rule(
        str(number),
        FilterList(str(number), tuple(draw(st.lists(_any_filters(), min_size=1, max_size=3)))),
        draw(_actions),
        tuple(draw(st.lists(st.sampled_from(_KEYS), min_size=1, max_size=3, unique=True))),
        tunnel_endpoint=draw(st.sampled_from(_GATEWAYS)) if is_tunnel else None,
        active=bool(draw(st.integers(0, 9))),
        windows_2000_peer=not draw(st.integers(0, 9)),
        main_mode=draw(_main_modes),
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Transport and tunnel rules, rules that are off, names without addresses."""
    rules = [draw(_rules(number)) for number in range(draw(st.integers(0, 5)))]
    response = DefaultResponse(active=draw(st.booleans()))
    return Policy("drawn", tuple(rules), default_response=response)


class Question(NamedTuple):
    """A packet, and which way it goes."""

    flow: Flow
    direction: Direction


questions = st.builds(Question, flows(), st.sampled_from(Direction))
