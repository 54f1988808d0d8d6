"""`mainmode driver`: the IPSec driver's traces in the system."""

import click

from mainmode.cli.outcome import Failed
from mainmode.cli.stores import open_store, store_option


@click.group()
def driver() -> None:
    """Work on the IPSec driver."""


@driver.command()
def clean() -> None:
    """Remove what a killed service left: devices, routes, rules and the packet filter table.

    Until then, traffic that policy protects stays closed. Do not use it while a service runs.
    """
    from mainmode.driver.user.driver import clean as clean_up

    _require_right()
    clean_up()
    click.echo("nothing of mainmode is left in the system's network settings")


@driver.command()
@store_option
def boot(store: str | None) -> None:
    """Let pass only what the boot mode of the store's settings says, until the service starts.

    To be run before the network comes up. Does nothing where no policy is assigned.
    """
    from mainmode.driver.user.driver import close_for_boot
    from mainmode.store.place import Location

    opened = open_store(store)
    local = opened.read(Location.LOCAL)
    if not (local.assigned or opened.read(Location.PERSISTENT).assigned):
        click.echo("no policy is assigned: everything passes")
        return
    _require_right()
    mode = local.settings.boot_mode.value
    closed = close_for_boot(local.settings)
    passes = "little passes until the service starts" if closed else "everything passes"
    click.echo(f"boot mode {mode}: {passes}")


def _require_right() -> None:
    from mainmode.service.drivers import may_change_network

    if not may_change_network():
        raise Failed("no right to change network settings (CAP_NET_ADMIN): use sudo")
