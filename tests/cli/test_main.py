"""The command line as a whole: names, statuses, what is loaded."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from mainmode import __version__
from mainmode.cli.main import COMMANDS, main
from tests.cli.conftest import Shell


def test_version(shell: Shell) -> None:
    done = shell("--version")
    assert (done.stdout, done.status) == (f"mainmode {__version__}\n", 0)


def test_every_command_has_help(shell: Shell) -> None:
    listed = shell("--help")
    assert listed.status == 0
    for name in COMMANDS:
        assert f"  {name} " in listed.stdout
        done = shell(name, "--help")
        assert done.status == 0
        assert done.stdout.startswith(f"Usage: mainmode {name}")


def test_an_unknown_command_is_a_persons_mistake(shell: Shell) -> None:
    done = shell("shwo")
    assert done.status == 2
    assert "No such command 'shwo'" in done.stderr


@pytest.mark.parametrize(
    "command", [["--version"], ["show", "mmsas"], ["up", "192.0.2.2"], ["policy", "confirm"]]
)
def test_short_commands_load_nothing_heavy(command: list[str]) -> None:
    """What makes them answer at once."""
    script = (
        "import sys\n"
        "from mainmode.cli.main import main\n"
        f"sys.argv = ['mainmode', *{command}, *sys.argv[1:]]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = 'asyncio cryptography gmpy2 pyroute2 rich starlette uvicorn uvloop'.split()\n"
        "print(*(name for name in heavy if name in sys.modules), file=sys.stdout)"
    )
    control = [] if command == ["--version"] else ["--control", "/nonexistent"]
    done = subprocess.run(
        [sys.executable, "-c", script, *control], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == ""


def test_python_m_mainmode() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mainmode", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"mainmode {__version__}\n"


def test_the_version_bears_the_same_name_however_it_is_started() -> None:
    assert (
        CliRunner().invoke(main, "--version", prog_name="x").stdout == f"mainmode {__version__}\n"
    )
