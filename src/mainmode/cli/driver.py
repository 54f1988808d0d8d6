"""`mainmode driver`: the IPSec driver's traces in the system."""

import click

from mainmode.cli.outcome import Failed


@click.group()
def driver() -> None:
    """Work on the IPSec driver."""


@driver.command()
def clean() -> None:
    """Remove what a killed service left: devices, routes, rules and the packet filter table.

    Until then, traffic that policy protects stays closed. Do not use it while a service runs.
    """
    from mainmode.driver.user.driver import clean as clean_up
    from mainmode.service.drivers import may_change_network

    if not may_change_network():
        raise Failed("no right to change network settings (CAP_NET_ADMIN): use sudo")
    clean_up()
    click.echo("nothing of mainmode is left in the system's network settings")
