"""`mainmode run`: the service."""

from ipaddress import ip_address
from pathlib import Path

import click

from mainmode import limits
from mainmode.cli.client import control_option
from mainmode.cli.stores import open_store, store_option
from mainmode.errors import PersonError
from mainmode.model import IpAddress
from mainmode.service.place import control_socket

_PORT = click.IntRange(1, 0xFFFF)


def _addresses(
    ctx: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> list[IpAddress]:
    try:
        return [ip_address(text) for text in given]
    except ValueError as error:
        raise PersonError(str(error), fix="--listen takes IPv4 and IPv6 addresses") from None


@click.command()
@click.option(
    "--policy",
    "policy_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A policy file; without it the assigned policy of the store is in force. SIGHUP or "
    "`mainmode reload` reads it again.",
)
@store_option
@click.option(
    "--listen",
    multiple=True,
    metavar="ADDRESS",
    callback=_addresses,
    help="Answer on this address only; may be given several times.",
)
@click.option(
    "--port", type=_PORT, default=limits.IKE_PORT, show_default=True, help="UDP port of IKE."
)
@click.option(
    "--nat-port",
    type=_PORT,
    default=limits.NAT_PORT,
    show_default=True,
    help="UDP port behind NATs.",
)
@click.option(
    "--driver",
    type=click.Choice(["auto", "user", "null"]),
    default="auto",
    show_default=True,
    help="What protects packets: the user-space driver, or nothing at all (null).",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
)
@control_option
def run(
    policy_file: Path | None,
    store: str | None,
    listen: list[IpAddress],
    port: int,
    nat_port: int,
    driver: str,
    log_level: str,
    control: str | None,
) -> None:
    """Run the service in the foreground until SIGTERM."""
    if port == nat_port:
        raise PersonError(f"--port and --nat-port are both {port}", fix="give them two ports")
    if policy_file is not None and store is not None:
        raise PersonError("--policy and --store are two places", fix="give one of them")
    from mainmode.service.daemon import Options
    from mainmode.service.source import FileSource, PolicySource, StoreSource
    from mainmode.service.start import serve

    source: PolicySource = (
        FileSource(policy_file) if policy_file is not None else StoreSource(open_store(store))
    )
    options = Options(control_socket(control), tuple(listen), port, nat_port)
    serve(options, source, driver, log_level)
