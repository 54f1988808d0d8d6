"""`mainmode demo`: two hosts agree before your eyes."""

from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import click

from mainmode.errors import PersonError


@click.command()
@click.option("--keep", is_flag=True, help="Leave the hosts running until Enter or Ctrl-C.")
@click.option(
    "--pcap",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Keep the packets of the wire, for wireshark and the like.",
)
def demo(keep: bool, pcap: Path | None) -> None:
    """Let two hosts negotiate and ping each other, and prove that nothing went in clear.

    Builds two hosts on this computer (network namespaces), runs `mainmode run` in each, shows
    main mode and quick mode message by message, then what a wrong key looks like, and takes
    everything down. Needs root or user namespaces.

    Exit status 0 when all of it happened, 1 when something did not, 2 when the computer lacks
    something.
    """
    from rich.console import Console

    from mainmode.demo.performance import perform
    from mainmode.demo.requirements import meet_requirements
    from mainmode.demo.screen import Screen

    screen = Screen(Console())
    own_users = meet_requirements(screen.line)
    with ExitStack() as stack:
        packets = stack.enter_context(_opened(pcap)) if pcap else None
        if not perform(screen, packets, keep=keep, own_users=own_users):
            raise SystemExit(1)


def _opened(pcap: Path) -> BinaryIO:
    """Before anything else, for a path that cannot be written would waste the whole demo."""
    try:
        return pcap.open("wb")
    except OSError as error:
        raise PersonError(f"{pcap} cannot be written: {error.strerror}") from None
