"""The policy that a command asks about: of a file, or of the store; and for which computer."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mainmode.cli.stores import open_store, store_option
from mainmode.errors import PersonError

if TYPE_CHECKING:
    from mainmode.policy.model import Policy
    from mainmode.policy.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def policy_options(command: F) -> F:
    """--policy, --store and --name: which policy."""
    command = click.option(
        "--name",
        metavar="NAME",
        help="This policy of the file or store, in place of the one that is assigned.",
    )(command)
    command = store_option(command)
    return click.option(
        "--policy",
        "policy_file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="A policy file; without it, what the store puts in force.",
    )(command)


def me_option(command: F) -> F:
    """--me: whose view it is."""
    return click.option(
        "--me",
        multiple=True,
        metavar="ADDRESS",
        help="Answer for a computer with this address instead of this one's; may be given several "
        "times.",
    )(command)


def chosen_policy(
    file: Path | None, store: str | None, name: str | None
) -> tuple["Policy", "Settings"]:
    """With the general settings that stand beside it. Raises: PersonError, PolicyError."""
    from mainmode.policy.edit import find_policy
    from mainmode.policy.load import policy_file
    from mainmode.policy.reading import read_document_file

    if file is None:
        assigned = open_store(store).assigned(name)
        return assigned.policy, assigned.settings
    if store is not None:
        raise PersonError("--policy and --store are two places", fix="give one of them")
    read = read_document_file(file)
    if name is not None:
        return find_policy(read.document, name), read.document.settings
    return policy_file(read).policy, read.document.settings
