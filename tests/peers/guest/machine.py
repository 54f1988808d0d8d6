"""The virtual machine that the cases run in, seen from outside."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from tests.peers import libreswan, strongswan
from tests.peers.guest.cases import Case, Outcome

CHECKOUT = Path(__file__).parents[3]
TOOL = CHECKOUT / "tools" / "kernel-vm"
KERNEL = CHECKOUT / ".cache" / "kernel-vm-1" / "vmlinuz"
TIME_S = 720
STOP_S = 20.0


def missing() -> str:
    """What stops the machine or the peers in it; empty when nothing does."""
    if shutil.which("qemu-system-x86_64") is None:
        return "there is no QEMU (Debian: apt-get install qemu-system-x86)"
    if not KERNEL.exists():
        return "the kernel of the virtual machine is missing (tools/kernel-vm setup)"
    return libreswan.missing() or strongswan.missing()


class Machine:
    """Boots once and tries cases in the order of the table, each on its own."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._cases = cases
        self._outcomes: dict[str, Outcome] = {}

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="machine-")
        self._errors = Path(self._folder.name) / "errors"
        inside = [sys.executable, "-m", "tests.peers.guest.inside", *map(str, self._cases)]
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, str(TOOL), "run", "--timeout", str(TIME_S), *inside],
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.communicate(timeout=STOP_S)
        self._folder.cleanup()

    def outcome(self, case: Case) -> Outcome:
        """Of one case, once it has been tried. Raises RuntimeError when it never was."""
        assert self._process.stdout is not None
        while str(case) not in self._outcomes:
            line = self._process.stdout.readline()
            if not line:
                said = self._errors.read_text(errors="replace")
                raise RuntimeError(f"the machine ended before this case was tried:\n{said}")
            outcome = Outcome.from_line(line)
            self._outcomes[outcome.case] = outcome
        return self._outcomes[str(case)]
