"""The command line inside the test, and a service for it to talk to."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from mainmode.cli.main import main
from tests.cli.served import Stub, served


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit status."""

    stdout: str
    stderr: str
    status: int


class Shell:
    """Runs commands that talk to one service."""

    def __init__(self, control: Path) -> None:
        self.control = control

    def __call__(self, *words: str) -> Outcome:
        environment = {"MAINMODE_CONTROL": str(self.control)}
        done = CliRunner().invoke(main, words, prog_name="mainmode", env=environment)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Outcome(done.stdout, done.stderr, done.exit_code)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Commands while no service runs."""
    monkeypatch.setenv("TZ", "UTC")
    return Shell(tmp_path / "control.sock")


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
def service(shell: Shell, stub: Stub) -> Iterator[Shell]:
    """Commands while the stub runs."""
    with served(stub, shell.control):
        yield shell
