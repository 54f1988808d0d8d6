"""`mainmode show`: what IP Security Monitor shows."""

import json
from datetime import datetime
from typing import TYPE_CHECKING

import click

from mainmode.cli.client import Answer, Client, control_option
from mainmode.cli.table import Columns, age, shown

if TYPE_CHECKING:
    from mainmode.service.views import MainModeView, QuickModeView, SoftView


@click.group()
def show() -> None:
    """Show security associations, events and statistics."""


json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")

MAIN_MODE: Columns["MainModeView"] = {
    "Local\naddress": lambda sa: sa["local_address"],
    "Remote\naddress": lambda sa: sa["remote_address"],
    "Local\nidentity": lambda sa: sa["local_identity"],
    "Remote\nidentity": lambda sa: sa["remote_identity"],
    "\nAuthentication": lambda sa: sa["authentication"],
    "\nEncryption": lambda sa: sa["encryption"],
    "\nIntegrity": lambda sa: sa["integrity"],
    "Key\nexchange": lambda sa: sa["key_exchange"],
    "\nRole": lambda sa: sa["role"],
    "\nAge": lambda sa: age(sa["age_s"]),
    "Quick\nmodes": lambda sa: str(sa["quick_modes"]),
}

QUICK_MODE: Columns["QuickModeView"] = {
    "Local\naddress": lambda sa: sa["local_address"],
    "Local\nport": lambda sa: str(sa["local_port"] or "any"),
    "Remote\naddress": lambda sa: sa["remote_address"],
    "Remote\nport": lambda sa: str(sa["remote_port"] or "any"),
    "\nProtocol": lambda sa: sa["protocol"],
    "AH\nintegrity": lambda sa: sa["ah_integrity"] or "none",
    "ESP\nintegrity": lambda sa: sa["esp_integrity"] or "none",
    "ESP con-\nfidentiality": lambda sa: sa["esp_confidentiality"] or "none",
    "\nMode": lambda sa: _mode(sa),
    "\nSPI in": lambda sa: sa["inbound_spi"],
    "\nSPI out": lambda sa: sa["outbound_spi"],
    "\nAge": lambda sa: age(sa["age_s"]),
    "Octets\nsent": lambda sa: str(sa["octets_sent"]),
    "Octets\nreceived": lambda sa: str(sa["octets_received"]),
}


SOFT: Columns["SoftView"] = {
    "\nNumber": lambda sa: str(sa["number"]),
    "Local\naddress": lambda sa: sa["local_address"],
    "Local\nport": lambda sa: str(sa["local_port"] or "any"),
    "Remote\naddress": lambda sa: sa["remote_address"],
    "Remote\nport": lambda sa: str(sa["remote_port"] or "any"),
    "\nProtocol": lambda sa: sa["protocol"],
    "\nAge": lambda sa: age(sa["age_s"]),
}


def _mode(sa: "QuickModeView") -> str:
    """In tunnel mode with the tunnel's ends, in UDP with the ports."""
    mode, udp = sa["mode"], sa["udp"]
    if mode == "tunnel":
        mode += f" {sa['local_endpoint']}-{sa['remote_endpoint']}"
    return f"{mode} in UDP {udp['local_port']}-{udp['peer_port']}" if udp else mode


@show.command()
@json_option
@control_option
def mmsas(as_json: bool, control: str | None) -> None:
    """Main mode SAs."""
    found = Client(control).get("/v1/mmsas")["mmsas"]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo(shown(MAIN_MODE, found) if found else "no main mode SA")


@show.command()
@json_option
@control_option
def qmsas(as_json: bool, control: str | None) -> None:
    """Quick mode SAs: the inbound and the outbound half of a pair on one line."""
    found = Client(control).get("/v1/qmsas")["qmsas"]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo(shown(QUICK_MODE, found) if found else "no quick mode SA")


@show.command()
@json_option
@control_option
def soft(as_json: bool, control: str | None) -> None:
    """Soft SAs: traffic that passes in clear, because the peer does not negotiate."""
    found = Client(control).get("/v1/soft")["soft"]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo(shown(SOFT, found) if found else "no soft SA")


@show.command()
@json_option
@control_option
def stats(as_json: bool, control: str | None) -> None:
    """Statistics since the service started, under their documented names, and dropped packets."""
    found = Client(control).get("/v1/stats")
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        say_statistics(found)


def say_statistics(found: Answer) -> None:
    groups = {"IKE statistics": found["ike"], "IPSec statistics": found["ipsec"]}
    width = max(len(name) for counters in groups.values() for name in counters)
    for title, counters in groups.items():
        click.echo(title)
        for name, value in counters.items():
            click.echo(f"  {name.ljust(width)}  {value}")
    if found["dropped"]:
        click.echo("Packets dropped, and why")
        for reason, count in found["dropped"].items():
            click.echo(f"  {count:>8}  {reason}")


@show.command()
@click.option("--since", default=0, metavar="N", help="Only events after number N.")
@click.option("--follow", "-f", is_flag=True, help="Go on with those to come.")
@json_option
@control_option
def events(since: int, follow: bool, as_json: bool, control: str | None) -> None:
    """Events, oldest first. --json gives one object a line."""
    for answer in Client(control).event_answers(since, follow=follow):
        if answer["lost"] and not as_json:
            click.echo(f"older events are gone: {answer['lost']}")
        for event in answer["events"]:
            click.echo(json.dumps(event) if as_json else event_line(event))


def event_line(event: Answer) -> str:
    """Number, local time, level, audit id where there is one, sentence."""
    when = datetime.fromisoformat(event["time"]).astimezone().strftime("%H:%M:%S.%f")[:-3]
    audit = f"audit {event['audit']}: " if event["audit"] else ""
    sentence = event["sentence"].replace("\n", "\n    ")
    return f"{event['sequence']:>5} {when} {event['level']:<7} {audit}{sentence}"


@show.command()
@json_option
@control_option
def status(as_json: bool, control: str | None) -> None:
    """The service itself."""
    found = Client(control).get("/v1/status")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    shown = {
        **found,
        "listening": ", ".join(found["listening"]),
        "uptime_s": age(found["uptime_s"]),
    }
    trial = found["trial"]
    if trial is not None:
        shown["trial"] = f"{trial['former']!r} comes back in {age(trial['left_s'])}"
    shown = {name: value for name, value in shown.items() if value not in ("", None)}
    for name, value in shown.items():
        click.echo(f"{name.removesuffix('_s').replace('_', ' '):<12}  {value}")
