"""`mainmode netsh`: the commands of Windows' `netsh ipsec`, and scripts of them."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mainmode.cli.client import control_option
from mainmode.cli.stores import open_store, store_option

if TYPE_CHECKING:
    from mainmode.store.store import Store


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("-f", "file", type=click.Path(path_type=Path), help="A script, or a batch file.")
@click.option(
    "--encoding", default="", help="What the script was saved as, if it is guessed wrong."
)
@store_option
@control_option
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def netsh(
    file: Path | None,
    encoding: str,
    store: str | None,
    control: str | None,
    words: tuple[str, ...],
) -> None:
    """Do what Windows' `netsh` would do with WORDS, such as

    \b
        netsh ipsec static add policy name="branch office"
        netsh ipsec static show policy all level=verbose
        netsh ipsec static add rule ?

    or with a script (-f). A script ends at its first mistake; what came before it is done, unless
    `set batch mode=enable` holds the commands together.
    """
    if file is not None and words:
        raise click.UsageError("give a script or one command, not both")
    if file is not None:
        from mainmode.cli.netsh.scripts import run_file

        run_file(open_store(store), file, encoding, control)
    else:
        _command(open_store(store), words, control)


def _command(store: "Store", words: tuple[str, ...], control: str | None) -> None:
    from mainmode.cli.netsh.scripts import run_words
    from mainmode.policy.netsh.parsing import FORMS, HelpWanted
    from mainmode.policy.netsh.usage import usage

    try:
        run_words(store, words, control)
    except HelpWanted as wanted:
        click.echo(usage(wanted.forms or (*FORMS["static"], *FORMS["dynamic"])))
