"""`mainmode up PEER` and `mainmode down PEER`."""

import click

from mainmode.cli.client import Answer, Client, control_option
from mainmode.cli.show import event_line

_GOES_ON = "  the service goes on trying until its retry cycle ends; Ctrl-C only ends the waiting"


@click.command()
@click.argument("peer")
@click.option("--verbose", "-v", is_flag=True, help="Every message of the exchanges as well.")
@control_option
def up(peer: str, verbose: bool, control: str | None) -> None:
    """Negotiate with PEER (an address) now, and wait for the outcome.

    Exit status 0 when quick mode is established, 1 when a negotiation failed; the last line
    says why.
    """
    client = Client(control)
    asked = client.post("/v1/up", peer=peer)
    has_said_so = False
    for event in client.events(asked["since"]):
        if not _is_about(event, asked["peer"]):
            continue
        if verbose or event["level"] != "debug":
            click.echo(event_line(event) if verbose else event["sentence"])
        match event["event"]:
            case "Suspicion" if not has_said_so:
                click.echo(_GOES_ON)
                has_said_so = True
            case "QuickModeEstablished":
                return
            case "NegotiationFailed" if event["again"]:
                continue
            case "NegotiationFailed" | "InternalError":
                raise SystemExit(1)


def _is_about(event: Answer, peer: str) -> bool:
    """Whether an event is about this address. One about no peer is about everybody."""
    place = event.get("peer")
    return place is None or place.rpartition(":")[0].strip("[]") == peer


@click.command()
@click.argument("peer")
@control_option
def down(peer: str, control: str | None) -> None:
    """Delete every SA with PEER (an address), and tell it."""
    ended = Client(control).post("/v1/down", peer=peer)
    click.echo(
        f"{ended['peer']}: ended {ended['mmsas']} main mode, {ended['qmsas']} quick mode "
        f"and {ended['soft']} soft SAs"
    )
