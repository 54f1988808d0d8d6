"""Small policies for tests, in few words."""

from collections.abc import Iterable
from ipaddress import ip_address

from mainmode.model import AddressRange, Flow, IpAddress, Selector
from mainmode.numbers import IpProtocol
from mainmode.policy.model import (
    DEFAULT_QUICK_MODE_OFFERS,
    Action,
    Authentication,
    Filter,
    FilterAction,
    FilterList,
    Method,
    Policy,
    Rule,
)
from mainmode.policy.selection import Selection
from mainmode.policy.words import parse_place, parse_protocol

HERE, PEER, OTHER = (ip_address(f"192.0.2.{last}") for last in (1, 2, 3))
HERE6, PEER6 = (ip_address(f"2001:db8::{last}") for last in (1, 2))
KEY = Authentication(Method.PRESHARED_KEY, "peer.psk")

PERMIT = FilterAction("permit", Action.PERMIT)
BLOCK = FilterAction("block", Action.BLOCK)
NEGOTIATE = FilterAction("require", Action.NEGOTIATE, DEFAULT_QUICK_MODE_OFFERS)


def traffic(
    source: str,
    destination: str,
    protocol: str = "any",
    source_port: int = 0,
    destination_port: int = 0,
    *,
    mirrored: bool = True,
) -> Filter:
    return Filter(
        parse_place(source),
        parse_place(destination),
        parse_protocol(protocol),
        source_port,
        destination_port,
        mirrored,
    )


def rule(
    name: str,
    action: FilterAction,
    *filters: Filter,
    authentication: tuple[Authentication, ...] = (KEY,),
    tunnel: str = "",
    active: bool = True,
    explain_refusals: bool = False,
) -> Rule:
    return Rule(
        name,
        FilterList(name, filters),
        action,
        authentication,
        tunnel_endpoint=ip_address(tunnel) if tunnel else None,
        active=active,
        explain_refusals=explain_refusals,
    )


def selection(*rules: Rule, here: Iterable[IpAddress] = (HERE,)) -> Selection:
    return Selection(Policy("test", rules), here)


def flow(local: str, remote: str, protocol: str = "any", *ports: int) -> Flow:
    """ports: local, remote."""
    return Flow(ip_address(local), ip_address(remote), parse_protocol(protocol), *ports)


def selector(local: str, remote: str, protocol: str = "any", *ports: int) -> Selector:
    return Selector(
        AddressRange.parse(local), AddressRange.parse(remote), parse_protocol(protocol), *ports
    )


def tcp(local_port: int = 1024, remote_port: int = 80) -> Flow:
    """From here to the peer."""
    return Flow(HERE, PEER, IpProtocol.TCP, local_port, remote_port)
