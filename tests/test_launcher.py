"""./mainmode sets its environment up once, mends it when needed, and starts from anywhere.

A stand-in for Python notes what it is asked, so nothing is downloaded here.
"""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mainmode import __version__

CHECKOUT = Path(__file__).parent.parent
START_S_MAX = 0.3

STAND_IN = """#!/bin/sh
case "$1" in
    --version) echo "Python $(cat "{notes}/version")" ;;
    -c) ;;
    *) echo "$*" >>"{notes}/asked" ;;
esac
[ "$2" = pip ] || exit 0
sleep 0.2
cat "{notes}/complaint"
exit "$(cat "{notes}/status")"
"""


class Launcher:
    """A checkout with an environment whose Python is the stand-in."""

    def __init__(self, folder: Path) -> None:
        self.notes = folder / "notes"
        self.checkout = folder / "check out"
        self.notes.mkdir()
        (self.notes / "asked").touch()
        (self.notes / "version").write_text("3.11.2")
        self.pip_ends(0)
        packages = self.checkout / ".venv" / "lib" / "python3.11" / "site-packages"
        python = self.checkout / ".venv" / "bin" / "python"
        packages.mkdir(parents=True)
        python.parent.mkdir()
        python.write_text(STAND_IN.format(notes=self.notes))
        python.chmod(0o755)
        shutil.copy(CHECKOUT / "mainmode", self.checkout)
        shutil.copytree(CHECKOUT / "tools", self.checkout / "tools")
        self.lock = self.checkout / "requirements.lock"
        self.lock.write_text("click==8\n")

    def pip_ends(self, status: int, complaint: str = "") -> None:
        (self.notes / "status").write_text(str(status))
        (self.notes / "complaint").write_text(complaint)

    def start(self, *arguments: str, program: Path | None = None) -> "subprocess.Popen[str]":
        command = [str(program or self.checkout / "mainmode"), *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def use(self, *arguments: str, program: Path | None = None) -> tuple[int, str]:
        """Exit status and what was said on stderr."""
        started = self.start(*arguments, program=program)
        _, said = started.communicate()
        return started.returncode, said

    @property
    def asked(self) -> list[str]:
        return (self.notes / "asked").read_text().splitlines()

    @property
    def installs(self) -> int:
        return sum("pip install" in line for line in self.asked)


@pytest.fixture
def launcher(tmp_path: Path) -> Launcher:
    return Launcher(tmp_path)


def test_first_use_installs_the_lock_then_runs_the_command(launcher: Launcher) -> None:
    status, said = launcher.use("show", "mmsas")
    assert status == 0
    assert len(said.splitlines()) == 1
    install, run = launcher.asked
    assert "--require-hashes" in install
    assert install.endswith(f"--requirement {launcher.lock}")
    assert run == "-m mainmode show mmsas"


def test_later_uses_start_straight_away(launcher: Launcher) -> None:
    launcher.use("show")
    status, said = launcher.use("up", "192.0.2.1")
    assert (status, said) == (0, "")
    assert launcher.installs == 1


def test_a_changed_lock_is_installed(launcher: Launcher) -> None:
    launcher.use("show")
    launcher.lock.write_text("click==9\n")
    launcher.use("show")
    assert launcher.installs == 2


def test_another_python_is_set_up_anew(launcher: Launcher) -> None:
    launcher.use("show")
    (launcher.notes / "version").write_text("3.12.0")
    launcher.use("show")
    assert launcher.installs == 2


def test_a_moved_checkout_goes_on(launcher: Launcher, tmp_path: Path) -> None:
    launcher.use("show")
    moved = launcher.checkout.rename(tmp_path / "elsewhere")
    assert launcher.use("show", program=moved / "mainmode") == (0, "")
    assert launcher.installs == 1


def test_through_a_symlink(launcher: Launcher, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(launcher.checkout / "mainmode")
    assert launcher.use("show", program=link)[0] == 0
    assert launcher.asked[-1] == "-m mainmode show"


def test_the_package_is_found_wherever_the_checkout_is(launcher: Launcher) -> None:
    launcher.use("show")
    (path_file,) = launcher.checkout.glob(".venv/lib/*/site-packages/*.pth")
    added = path_file.parent / path_file.read_text().strip()
    assert added.resolve() == launcher.checkout / "src"


def test_first_uses_at_once_install_once(launcher: Launcher) -> None:
    uses = [launcher.start("show", str(number)) for number in range(4)]
    for use in uses:
        use.communicate()
    assert [use.returncode for use in uses] == [0, 0, 0, 0]
    assert launcher.installs == 1


def test_a_failed_set_up_shows_why_and_is_tried_again(launcher: Launcher) -> None:
    launcher.pip_ends(1, "no such package")
    status, said = launcher.use("show")
    assert status == 2
    assert "no such package" in said
    launcher.pip_ends(0)
    assert launcher.use("show")[0] == 0


def test_without_a_fitting_python_it_says_what_to_install(
    launcher: Launcher, tmp_path: Path
) -> None:
    (launcher.checkout / ".venv" / "bin" / "python").unlink()
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("cat", "dirname", "flock", "mktemp", "readlink", "rm", "sha256sum"):
        (tools / name).symlink_to(shutil.which(name) or name)
    (tools / "id").write_text("#!/bin/sh\necho 1000\n")
    (tools / "id").chmod(0o755)
    command = [str(launcher.checkout / "mainmode")]
    ended = subprocess.run(command, env={"PATH": str(tools)}, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "apt-get install python3-venv" in ended.stderr


def test_the_command_line_starts_fast() -> None:
    """In processor time, which other work on the machine does not change. The launcher's share is
    some 10 ms; most is Python's and click's."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "src")}
    command = [sys.executable, "-m", "mainmode", "--version"]
    durations = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        durations.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert __version__ in ended.stdout
    assert min(durations) < START_S_MAX
