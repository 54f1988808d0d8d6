"""`mainmode policy`: policy files."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mainmode.policy.model import Policy


@click.group()
def policy() -> None:
    """Work on policy files."""


@policy.command()
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Report every mistake in FILE with its line and fix, and what deserves a warning.

    The secrets that it names are looked at as well. Exit status 0 when the service would take it,
    2 when not.
    """
    from mainmode.auth.credentials import read_credentials
    from mainmode.policy.check import warnings
    from mainmode.policy.load import read_policy_file

    read = read_policy_file(file)
    base, directory = file.resolve().parent, os.environ.get("CREDENTIALS_DIRECTORY")
    if directory:
        secrets = read_credentials(read.policy, base, Path(directory), locate=read.where_named)
    else:
        looked_at = _without_credentials(read.policy, file)
        secrets = read_credentials(looked_at, base, locate=read.where_named)
    for warning in warnings(read.policy, read.lines, secrets):
        place = f"{file}:{warning.line}" if warning.line else str(file)
        click.echo(f"{place}: warning: {warning.text}", err=True)
    rules = len(read.policy.rules)
    click.echo(f"{file}: policy {read.policy.name!r} is good ({rules} rule{'s' * (rules != 1)})")


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
