"""`mainmode policy diff`: what changes for which traffic."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mainmode.cli.policies import me_option
from mainmode.cli.show import json_option
from mainmode.cli.stores import location_option, open_store, store_option
from mainmode.store.place import Location

if TYPE_CHECKING:
    from mainmode.policy.model import Policy
    from mainmode.policy.settings import Settings


@click.command()
@click.argument("old")
@click.argument("new")
@store_option
@location_option
@me_option
@json_option
def diff(
    old: str, new: str, store: str | None, location: str, me: tuple[str, ...], as_json: bool
) -> None:
    """Say what changes, and for which traffic, when policy NEW takes the place of OLD.

    Each is the name of a policy in the store, or a file.
    """
    from mainmode.cli.this_computer import ThisComputer
    from mainmode.policy.difference import changes
    from mainmode.policy.difference.general import general_settings, policy_settings
    from mainmode.policy.difference.text import change_lines
    from mainmode.policy.difference.values import changes_values, settings_values
    from mainmode.policy.explain.left_out import left_out

    computer = ThisComputer.of(me)
    before, after = (_side(each, store, Location(location)) for each in (old, new))
    was = computer.selection(before.policy, before.settings)
    becomes = computer.selection(after.policy, after.settings)
    found = changes(was, becomes)
    own = computer.addresses.local
    settings = [*policy_settings(was.policy, becomes.policy)]
    if before.settings is not None and after.settings is not None:
        settings += general_settings(before.settings, after.settings)
    unknown = [
        f"{side}: {each}"
        for side, one in (("old", was), ("new", becomes))
        for each in left_out(one.policy, one.around)
        if each.rule.active
    ]
    if as_json:
        values = {
            "old": before.policy.name,
            "new": after.policy.name,
            "changes": changes_values(found, own),
            "settings": settings_values(settings),
            "not_compared": unknown,
        }
        click.echo(json.dumps(values, indent=2))
        return
    for line in change_lines(found, own):
        click.echo(line)
    for each in settings:
        click.echo(each)
    for line in unknown:
        click.echo(f"not compared: {line}")
    click.echo("all else stays as it is" if found or settings else "nothing changes")


@dataclass(frozen=True)
class _Side:
    """A policy, and the general settings that stand beside it."""

    policy: "Policy"
    settings: "Settings | None"
    """None: in the store, where they stay whichever policy is assigned."""


def _side(text: str, store: str | None, location: Location) -> _Side:
    """A file where there is one of that name, else a policy of the store. Raises: PersonError,
    PolicyError."""
    from mainmode.policy.edit import find_policy
    from mainmode.policy.load import policy_file
    from mainmode.policy.reading import read_document_file

    if Path(text).is_file() or "/" in text:
        read = read_document_file(Path(text))
        return _Side(policy_file(read).policy, read.document.settings)
    return _Side(find_policy(open_store(store).read(location), text), None)
