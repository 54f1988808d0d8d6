"""`mainmode policy check`, `template` and `schema`: policy files."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mainmode.cli.management import own_connection
from mainmode.errors import PersonError
from mainmode.policy.mistakes import nearest

if TYPE_CHECKING:
    from mainmode.policy.model import Policy


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Report every mistake in FILE with its line and fix, and what deserves a warning.

    The secrets that it names are looked at as well. Exit status 0 when the service would take it,
    2 when not.
    """
    from mainmode.auth.credentials import read_credentials
    from mainmode.policy.check import warnings
    from mainmode.policy.load import policy_file
    from mainmode.policy.reading import read_document_file

    document = read_document_file(file)
    names = [each.name for each in document.document.policies]
    base, directory = file.resolve().parent, os.environ.get("CREDENTIALS_DIRECTORY")
    for name in names:
        read = policy_file(document, name)
        if directory:
            secrets = read_credentials(read.policy, base, Path(directory), locate=read.where_named)
        else:
            looked_at = _without_credentials(read.policy, file)
            secrets = read_credentials(looked_at, base, locate=read.where_named)
        for warning in warnings(
            read.policy, read.lines, secrets, place=read.place, management=own_connection()
        ):
            place = f"{file}:{warning.line}" if warning.line else str(file)
            click.echo(f"{place}: warning: {warning.text}", err=True)
        rules = len(read.policy.rules)
        click.echo(f"{file}: policy {name!r} is good ({rules} rule{'s' * (rules != 1)})")
    if not names:
        click.echo(f"{file}: it is good, and has no policy in it")


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
