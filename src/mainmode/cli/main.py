"""The command line: one line here for each command, imported only when it is used.

Exit status: 0 done, 1 it did not work out (a negotiation failed, no service answers), 2 what a
person gave is wrong.
"""

from importlib import import_module

import click

from mainmode import __version__
from mainmode.cli.outcome import Failed, Mistake
from mainmode.errors import DriverError, PersonError

COMMANDS = {
    "demo": "mainmode.demo.command:demo",
    "run": "mainmode.cli.run:run",
    "show": "mainmode.cli.show:show",
    "up": "mainmode.cli.peers:up",
    "down": "mainmode.cli.peers:down",
    "reload": "mainmode.cli.steer:reload",
    "log-level": "mainmode.cli.steer:log_level",
    "policy": "mainmode.cli.policy:policy",
    "netsh": "mainmode.cli.netsh.command:netsh",
    "driver": "mainmode.cli.driver:driver",
    "bench": "mainmode.bench.command:bench",
    "simulate": "mainmode.cli.simulate:simulate",
}
"""Command to `module:function`. A module imports what is slow inside its function."""


class LazyGroup(click.Group):
    """Imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, function = COMMANDS[cmd_name].split(":")
        command = getattr(import_module(module), function)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except PersonError as error:
            raise Mistake(str(error)) from None
        except DriverError as error:
            raise Failed(str(error)) from None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="mainmode %(version)s")
def main() -> None:
    """mainmode: the Internet Key Exchange service (IKEv1) with Windows' policy model."""
