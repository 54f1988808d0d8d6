"""The processes that a benchmark starts, seen from the process that measures."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TypeVar

from mainmode.cli.outcome import Failed

_STOP_S = 30.0
"""An end that takes longer to go is killed."""

Word = TypeVar("Word")


@dataclass(frozen=True, slots=True)
class End:
    """One process and the pipe to it."""

    name: str
    process: BaseProcess
    pipe: Connection

    def word(self, kind: type[Word], patience_s: float) -> Word:
        """What it says next, which must be of this kind. Raises Failed."""
        if not self.pipe.poll(patience_s):
            raise Failed(f"the {self.name} has said nothing for {patience_s:.0f} s")
        try:
            said = self.pipe.recv()
        except EOFError:
            self.process.join(_STOP_S)
            raise Failed(f"the {self.name} died: status {self.process.exitcode}") from None
        if not isinstance(said, kind):
            raise Failed(f"the {self.name} said {said!r}")
        return said


@contextmanager
def started(
    name: str,
    work: Callable[..., None],
    *arguments: object,
    launch: Callable[[Callable[[], None]], None] = lambda start: start(),
) -> Iterator[End]:
    """A process from its start to the end of the block: `work` is called there with `arguments`
    and its end of the pipe, and is to return when that is closed.

    launch: calls what it is given, perhaps on another host.
    """
    fresh = get_context("spawn")
    ours, theirs = fresh.Pipe()
    process = fresh.Process(target=work, args=(*arguments, theirs), daemon=True)
    launch(process.start)
    theirs.close()
    try:
        yield End(name, process, ours)
    finally:
        ours.close()
        process.join(_STOP_S)
        if process.is_alive():
            process.kill()
            process.join()
