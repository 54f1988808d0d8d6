"""`mainmode policy show`, `assign`, `unassign`, `confirm`, `export` and `import`: the store."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mainmode.cli.client import Client, control_option
from mainmode.cli.management import own_connection
from mainmode.cli.outcome import Failed
from mainmode.cli.stores import (
    location_option,
    open_store,
    service_of,
    store_option,
    tell_service,
    write_out,
)
from mainmode.cli.table import Columns, table
from mainmode.errors import PersonError
from mainmode.policy.mistakes import WordError
from mainmode.store.place import Location

if TYPE_CHECKING:
    from mainmode.policy.document import Document
    from mainmode.policy.model import FilterAction, FilterList, Policy
    from mainmode.store.store import Store

_STANDARD_INPUT = "-"
_SCRIPTS = (".bat", ".cmd", ".txt", ".nsh", ".netsh")


@click.command()
@click.argument("name", required=False)
@store_option
@location_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, in the form of the schema.")
def show(name: str | None, store: str | None, location: str, as_json: bool) -> None:
    """What is in the store; with NAME, one policy as a file by itself would say it."""
    from mainmode.policy.document import document_of
    from mainmode.policy.edit import find_policy
    from mainmode.policy.writing import as_values, written

    document = open_store(store).read(Location(location))
    if name is not None:
        document = document_of(find_policy(document, name))
    if as_json:
        click.echo(json.dumps(as_values(document, one=name is not None), indent=2))
    elif name is not None:
        click.echo(written(document, one=True), nl=False)
    else:
        _show_all(document)


_LISTS: "Columns[FilterList]" = {
    "filter list": lambda each: each.name,
    "filters": lambda each: str(len(each.filters)),
}
_ACTIONS: "Columns[FilterAction]" = {
    "filter action": lambda each: each.name,
    "action": lambda each: each.action.value,
}


def _show_all(document: "Document") -> None:
    policies: Columns[Policy] = {
        "assigned": lambda each: "yes" if each.name == document.assigned else "no",
        "policy": lambda each: each.name,
        "rules": lambda each: str(len(each.rules)),
    }
    tables = []
    if document.policies:
        tables.append(table(policies, document.policies))
    if document.filter_lists:
        tables.append(table(_LISTS, document.filter_lists))
    if document.filter_actions:
        tables.append(table(_ACTIONS, document.filter_actions))
    empty = "the store is empty: see `mainmode policy template` and `mainmode policy import`"
    click.echo("\n\n".join(tables) or empty)


@click.command()
@click.argument("name")
@store_option
@control_option
@location_option
@click.option(
    "--confirm-within",
    metavar="TIME",
    help="Try it: the policy before comes back unless `mainmode policy confirm` comes in time, "
    "such as 5m.",
)
def assign(
    name: str, store: str | None, control: str | None, location: str, confirm_within: str | None
) -> None:
    """Put a policy of the store in force, in place of the one that is."""
    _assign(name, store, control, Location(location), confirm_within)


@click.command()
@store_option
@control_option
@location_option
@click.option("--confirm-within", metavar="TIME", help="As with assign.")
def unassign(
    store: str | None, control: str | None, location: str, confirm_within: str | None
) -> None:
    """Put no policy in force: everything is permitted."""
    _assign("", store, control, Location(location), confirm_within)


def _assign(
    name: str, named: str | None, control: str | None, location: Location, within: str | None
) -> None:
    from mainmode.policy.edit import assign
    from mainmode.policy.words import parse_lifetime_s

    try:
        if within is not None:
            parse_lifetime_s(within)
    except WordError as error:
        raise PersonError(f"--confirm-within: {error.problem}", fix=error.fix) from None
    if location is Location.DYNAMIC:
        raise PersonError(
            "what is dynamic is in force anyway", fix="--location local or persistent"
        )
    store = open_store(named)
    assign(store.read(location), name)  # a name that is not there is said at once
    if within is None and location is Location.LOCAL:
        _warn_of_cutting_off(store, name)
    service = service_of(store, control) if location is Location.LOCAL else None
    if service is not None:
        given = {} if within is None else {"confirm_within": within}
        service.post("/v1/assign", policy=name, **given)
    elif within is not None:
        place = store.folder if location is Location.LOCAL else f"location {location.value}"
        raise Failed(f"nothing to try: no service takes its policy from {place}")
    else:
        with store.edit(location) as draft:
            draft.document = assign(draft.document, name)
        tell_service(store, control)
    _say_assigned(name, within)


def _warn_of_cutting_off(store: "Store", name: str) -> None:
    from mainmode.policy.cautions import cut_off

    management = own_connection()
    if management is not None:
        for caution in cut_off(store.in_force(name), management):
            click.echo(f"warning: {caution.text}", err=True)


def _say_assigned(name: str, within: str | None) -> None:
    what = f"policy {name!r} is assigned" if name else "no policy is assigned"
    if within is not None:
        what += f" on trial: say `mainmode policy confirm` within {within}, or it ends"
    click.echo(what)


@click.command()
@control_option
def confirm(control: str | None) -> None:
    """Keep the policy that is on trial."""
    name = Client(control).post("/v1/confirm")["policy"]
    click.echo(f"policy {name!r} is assigned for good")


@click.command()
@click.argument("name", required=False)
@store_option
@location_option
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write it there instead of printing it.",
)
@click.option(
    "--with-secrets",
    is_flag=True,
    help="Put the preshared keys into it; without, it names their files.",
)
@click.option("--netsh", is_flag=True, help="As a script for netsh, which makes all this again.")
def export(
    name: str | None,
    store: str | None,
    location: str,
    output: Path | None,
    with_secrets: bool,
    netsh: bool,
) -> None:
    """Print the policies of the store; with NAME, one of them as a file by itself."""
    from mainmode.store.transfer import give_out, script_of

    give = script_of if netsh else give_out
    text = give(open_store(store), Location(location), name or "", secrets=with_secrets)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_out(output, text, secret=with_secrets)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@store_option
@control_option
@location_option
@click.option("--replace", "over", is_flag=True, help="What has the same name makes room.")
@click.option(
    "--encoding", metavar="NAME", help="What a script was saved as, if it is guessed wrong."
)
def import_(
    file: Path,
    store: str | None,
    control: str | None,
    location: str,
    over: bool,
    encoding: str | None,
) -> None:
    """Add the policies of FILE (- for standard input) to the store; nothing is assigned.

    FILE can be a script for Windows' netsh too, such as a batch file; its name ends in .bat, .cmd,
    .txt, .nsh or .netsh. It is done as a whole or not at all, and assigns what it says.

    Preshared keys in the file, or in files beside it, go into files of the store that only its
    owner can read.
    """
    if file.suffix.lower() in _SCRIPTS:
        from mainmode.cli.netsh.scripts import run_file

        if over:
            raise click.UsageError("--replace is for policy files: a script says itself what goes")
        opened = open_store(store)
        run_file(opened, file, encoding or "", control, location=location, together=True)
        return
    from mainmode.policy.reading import read_export
    from mainmode.store.transfer import take_in

    source, base = _source(file)
    given = Path("standard input") if str(file) == _STANDARD_INPUT else file
    read, secrets = read_export(source, given)
    opened = open_store(store)
    with opened.edit(Location(location)) as draft:
        notes = take_in(draft, read.document, secrets, base, over=over)
    for note in notes:
        click.echo(f"{opened.folder}: note: {note}", err=True)
    count = len(read.document.policies)
    click.echo(f"{count} {'policy' if count == 1 else 'policies'} imported into {opened.folder}")
    tell_service(opened, control)


def _source(file: Path) -> tuple[bytes, Path]:
    """What stands in a file, and the folder where files that it names may be."""
    if str(file) == _STANDARD_INPUT:
        return sys.stdin.buffer.read(), Path.cwd()
    try:
        return file.read_bytes(), file.resolve().parent
    except OSError as error:
        raise PersonError(
            f"it cannot be read: {error.strerror}", fix="name a policy file", file=str(file)
        ) from None
