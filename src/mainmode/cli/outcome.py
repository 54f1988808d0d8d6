"""How a command ends that did not do what it should: one message on stderr, and a status."""

from typing import IO, Any

import click


class _Plain(click.ClickException):
    """Says its message as it stands."""

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, err=True)


class Failed(_Plain):
    """It did not work out: a negotiation failed, no service answers."""

    exit_code = 1


class Mistake(_Plain):
    """What a person gave us is wrong, in the words of a `PersonError`."""

    exit_code = 2
