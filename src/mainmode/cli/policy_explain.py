"""`mainmode policy explain`: what would happen to a packet, and why."""

import json
import re
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mainmode.cli.policies import chosen_policy, me_option, policy_options
from mainmode.cli.show import json_option
from mainmode.errors import PersonError
from mainmode.model import Direction, Flow, IpAddress
from mainmode.policy.mistakes import WordError

if TYPE_CHECKING:
    from mainmode.cli.this_computer import ThisComputer

_ME = "me"
_END = re.compile(r"\[(?P<ipv6>[^\]]*)\](:(?P<port6>\d+))?|(?P<ipv4>[^:]*)(:(?P<port4>\d+))?")


@click.command()
@click.option(
    "--from",
    "source",
    required=True,
    metavar="A[:PORT]",
    help="Who sends it: an address, or `me`; [A]:PORT with IPv6. Without a port: one that no "
    "filter names.",
)
@click.option("--to", "destination", required=True, metavar="B[:PORT]", help="Who gets it.")
@click.option("--protocol", required=True, help="tcp, udp, icmp, ... or a number.")
@click.option("--inbound", is_flag=True, help="It comes to this computer.")
@policy_options
@me_option
@json_option
def explain(
    source: str,
    destination: str,
    protocol: str,
    inbound: bool,
    policy_file: Path | None,
    store: str | None,
    name: str | None,
    me: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say what policy does with a packet, and why: which filter decides, why the others do not,
    what would be negotiated, and what may pass in clear."""
    from mainmode.cli.this_computer import ThisComputer
    from mainmode.policy.explain import explain
    from mainmode.policy.explain.text import explanation_text
    from mainmode.policy.explain.values import explanation_values

    computer = ThisComputer.of(me)
    flow = _flow(source, destination, protocol, inbound, computer)
    selection = computer.selection(*chosen_policy(policy_file, store, name))
    direction = Direction.INBOUND if inbound else Direction.OUTBOUND
    said = explain(selection, flow, direction, computer.toward)
    if as_json:
        values = {"policy": selection.policy.name, **explanation_values(said)}
        click.echo(json.dumps(values, indent=2))
        return
    click.echo(f"policy {selection.policy.name!r}")
    click.echo(explanation_text(said))


def _flow(
    source: str, destination: str, protocol: str, inbound: bool, computer: "ThisComputer"
) -> Flow:
    """The packet from here to there. Raises: PersonError."""
    from mainmode.policy.words import WITH_PORTS, parse_protocol

    try:
        number = parse_protocol(protocol)
    except WordError as error:
        raise PersonError(f"--protocol: {error.problem}", fix=error.fix) from None
    if not number:
        raise PersonError("--protocol: a packet has one", fix="write tcp, udp, icmp or a number")
    (sender, sender_port), (receiver, receiver_port) = _end(source), _end(destination)
    if (sender_port or receiver_port) and number not in WITH_PORTS:
        raise PersonError(f"{protocol} has no ports", fix="leave them out, or name tcp or udp")
    came_from, went_to = _resolved(sender, receiver, computer)
    if came_from.version != went_to.version:
        raise PersonError(f"{came_from} and {went_to} are of two kinds", fix="take one of them")
    _require_direction(came_from, went_to, inbound, computer)
    if inbound:
        return Flow(went_to, came_from, number, receiver_port, sender_port)
    return Flow(came_from, went_to, number, sender_port, receiver_port)


def _end(text: str) -> tuple[IpAddress | None, int]:
    """An address (None: me) and a port (0: none). Raises: PersonError."""
    match = _END.fullmatch(text.strip())
    try:
        if match is None:
            return ip_address(text.strip()), 0  # IPv6 without a port
        host, port = match["ipv6"] or match["ipv4"], int(match["port6"] or match["port4"] or 0)
        if port > 0xFFFF:
            raise PersonError(f"{text!r}: a port is beyond 65535", fix="write 1 to 65535")
        return (None if host == _ME else ip_address(host)), port
    except ValueError:
        fix = "write an address or `me`, and a port behind a colon: 192.0.2.1:80, [2001:db8::1]:80"
        raise PersonError(f"{text!r} is no end of a packet", fix=fix) from None


def _resolved(
    sender: IpAddress | None, receiver: IpAddress | None, computer: "ThisComputer"
) -> tuple[IpAddress, IpAddress]:
    """With our address that faces the other end in place of `me`. Raises: PersonError."""
    other = sender if receiver is None else receiver
    if other is None:
        raise PersonError("what goes from here to here never leaves", fix="name another computer")
    ours = computer.toward(other)
    if ours is None and None in (sender, receiver):
        raise PersonError(f"no route leads to {other}", fix="name the address instead of `me`")
    return sender or ours or other, receiver or ours or other


def _require_direction(
    came_from: IpAddress, went_to: IpAddress, inbound: bool, computer: "ThisComputer"
) -> None:
    """Raises: PersonError when the packet travels the other way."""
    local = computer.addresses.local
    if inbound and came_from in local and went_to not in local:
        raise PersonError(f"{came_from} is this computer: it goes out", fix="leave out --inbound")
    if not inbound and went_to in local and came_from not in local:
        raise PersonError(f"{went_to} is this computer: it comes in", fix="say --inbound")
