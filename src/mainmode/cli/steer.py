"""`mainmode reload` and `mainmode log-level`."""

import click

from mainmode.cli.client import Client, control_option


@click.command()
@control_option
def reload(control: str | None) -> None:
    """Read the policy file or the store again. A broken one changes nothing."""
    policy = Client(control).post("/v1/reload")["policy"]
    click.echo(f"policy {policy!r} assigned")


@click.command("log-level")
@click.argument("level", metavar="debug|info|warning|error")
@control_option
def log_level(level: str, control: str | None) -> None:
    """Say more or less in the log from now on."""
    click.echo(f"log level is {Client(control).put('/v1/log-level', level=level)['level']}")
