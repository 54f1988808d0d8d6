"""What is wrong with a policy file: every mistake with its line and a fix."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path as File

from mainmode.errors import PersonError

Path = tuple[str | int, ...]
"""Keys of tables and indices of arrays, from the top of the file."""


class WordError(ValueError):
    """A word of a policy file means nothing; `fix` says what to write instead."""

    def __init__(self, problem: str, fix: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix


class Lines:
    """Line numbers, from 1, by path."""

    def __init__(self, lines: dict[Path, int] | None = None) -> None:
        self._lines = lines or {}

    def of(self, path: Path) -> int:
        """The line of `path` or of the nearest that holds it; 0 when nothing is known."""
        for length in range(len(path), 0, -1):
            line = self._lines.get(path[:length])
            if line is not None:
                return line
        return 0


class Mistakes:
    """Everything found wrong in one file so far."""

    def __init__(self, file: File, lines: Lines) -> None:
        self._file = file
        self._lines = lines
        self.found: list[PersonError] = []

    def add(self, path: Path, problem: str, fix: str = "") -> None:
        line = self._lines.of(path)
        self.found.append(PersonError(problem, fix=fix, file=str(self._file), line=line))

    def in_order(self) -> list[PersonError]:
        return sorted(self.found, key=lambda mistake: mistake.line)


def nearest(word: str, valid: Iterable[str]) -> str:
    """A fix for an unknown word: the nearest valid one, or all of them."""
    words = {each.lower(): each for each in valid}
    close = get_close_matches(word.lower(), words, n=1)
    if close:
        return f"did you mean {words[close[0]]!r}?"
    return f"write one of: {', '.join(words.values())}"
