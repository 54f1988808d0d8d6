"""`mainmode policy check`, `template` and `schema`: policy files."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mainmode.cli.management import own_connection
from mainmode.cli.stores import open_store, store_option
from mainmode.errors import PersonError
from mainmode.policy.mistakes import nearest
from mainmode.store.place import Location

if TYPE_CHECKING:
    from mainmode.auth.credentials import Credentials
    from mainmode.policy.load import PolicyFile
    from mainmode.policy.model import Policy


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@store_option
def check(file: Path | None, store: str | None) -> None:
    """Report every mistake in FILE with its line and fix, and what deserves a warning; without
    FILE, in the policy store.

    The secrets that it names are looked at as well. Exit status 0 when the service would take it,
    2 when not.
    """
    if file is not None:
        _check(file)
        return
    opened = open_store(store)
    files = [each for each in map(opened.file, Location) if each.exists()]
    for each in files:
        _check(each)
    if not files:
        click.echo(f"{opened.folder}: the store is empty")


def _check(file: Path) -> None:
    from mainmode.policy.check import warnings
    from mainmode.policy.load import policy_file
    from mainmode.policy.reading import read_document_file

    document = read_document_file(file)
    management = own_connection()
    policies = [policy_file(document, each.name) for each in document.document.policies]
    for read in policies:
        for warning in warnings(
            read.policy,
            read.lines,
            _secrets(read),
            place=read.place,
            settings=document.document.settings,
            management=management,
        ):
            place = f"{file}:{warning.line}" if warning.line else str(file)
            click.echo(f"{place}: warning: {warning.text}", err=True)
        rules = len(read.policy.rules)
        name = read.policy.name
        click.echo(f"{file}: policy {name!r} is good ({rules} rule{'s' * (rules != 1)})")
    if not policies:
        click.echo(f"{file}: it is good, and has no policy in it")


def _secrets(read: "PolicyFile") -> "Credentials":
    """Raises: PolicyError."""
    from mainmode.auth.credentials import read_credentials

    base, directory = read.file.resolve().parent, os.environ.get("CREDENTIALS_DIRECTORY")
    if directory:
        return read_credentials(read.policy, base, Path(directory), locate=read.where_named)
    looked_at = _without_credentials(read.policy, read.file)
    return read_credentials(looked_at, base, locate=read.where_named)


def _without_credentials(checked: "Policy", file: Path) -> "Policy":
    """The policy without the rules whose secrets only a service manager hands out."""
    from mainmode.policy.model import CREDENTIAL_PREFIX

    for name in checked.secret_names:
        if name.startswith(CREDENTIAL_PREFIX):
            credential = name.removeprefix(CREDENTIAL_PREFIX)
            note = f"credential {credential!r} is not looked at: the service manager has it"
            click.echo(f"{file}: note: {note}", err=True)
    rules = tuple(
        rule
        for rule in checked.rules
        if not any(each.secret.startswith(CREDENTIAL_PREFIX) for each in rule.authentication)
    )
    return replace(checked, rules=rules)


@click.command()
@click.argument("name", required=False)
def template(name: str | None) -> None:
    """Print a policy file to begin with; without NAME, which there are.

    `mainmode policy template high > policy.toml`, or `... | mainmode policy import -` into the
    store.
    """
    from mainmode.policy.builtin import TEMPLATES, template_text

    if name is None:
        for each, about in TEMPLATES.items():
            click.echo(f"{each:<12}  {about}")
        return
    if name not in TEMPLATES:
        raise PersonError(f"there is no template {name!r}", fix=nearest(name, TEMPLATES))
    click.echo(template_text(name), nl=False)


@click.command()
def schema() -> None:
    """Print the JSON schema of policy files, for editors.

    Taplo and the editors that use it take it from a first line in the file:
    `#:schema ./policy.schema.json`.
    """
    from mainmode.policy.schema import policy_schema

    click.echo(json.dumps(policy_schema(), indent=2))
