"""Reading tables of a policy file without stopping at the first mistake.

A `Table` hands out the values of its keys by kind. What is wrong (a missing key, a value of
another kind, a word nobody knows, a key nobody asked for) is collected as a mistake with line and
fix, and a harmless value takes its place so that reading goes on.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from mainmode.policy.mistakes import Mistakes, Path, WordError, nearest

T = TypeVar("T")
D = TypeVar("D")


class Table:
    """One table of the file, read key by key. `what` says for people which one."""

    def __init__(
        self, values: Mapping[str, Any], path: Path, what: str, mistakes: Mistakes
    ) -> None:
        self.path = path
        self.what = what
        self._values = values
        self._mistakes = mistakes
        self._asked: set[str] = set()
        self._wrong: set[str] = set()

    def mistake(self, problem: str, fix: str = "", key: str = "") -> None:
        self._wrong.add(key)
        self._mistakes.add((*self.path, key) if key else self.path, f"{self.what}: {problem}", fix)

    def is_wrong_at(self, key: str) -> bool:
        """Whether the value of a key is already known to be wrong."""
        return key in self._wrong

    @property
    def is_wrong(self) -> bool:
        """Whether anything in the whole file is."""
        return bool(self._mistakes.found)

    def names(self) -> list[str]:
        return list(self._values)

    def has(self, key: str) -> bool:
        return key in self._values

    def said(self, key: str) -> object:
        """What stands there, whatever it is."""
        return self._values.get(key)

    def is_empty(self, key: str) -> bool:
        """Whether an array stands there with nothing in it."""
        return self._values.get(key) == []

    def absent(self, key: str, default: D) -> D:
        """The value of a key that need not be there and is not."""
        self._asked.add(key)
        return default

    def require(self, key: str, example: str) -> None:
        """A key that has been read must be there, and text there must not be blank."""
        said = self._values.get(key)
        if key not in self._values:
            self.mistake(f"{key} is missing", f"add {key} = {example}")
        elif isinstance(said, str) and not said.strip() and not self.is_wrong_at(key):
            self.mistake(f"{key} is empty", f"write {key} = {example}", key)

    # --- values ---------------------------------------------------------------------------

    def text(self, key: str, default: str = "") -> str:
        return self._get(key, str, "text in quotes", default)

    def flag(self, key: str, default: bool) -> bool:
        return self._get(key, bool, "true or false", default)

    def whole(self, key: str, default: int, largest: int) -> int:
        number = self._get(key, int, "a whole number", default)
        if not 0 <= number <= largest:
            self.mistake(f"{key} is {number}", f"write a number from 0 to {largest}", key)
            return default
        return number

    def parsed(self, key: str, parse: Callable[[str], T], default: D) -> T | D:
        """Text that `parse` understands; its WordError says what is wrong with it."""
        text = self.text(key)
        if not isinstance(self._values.get(key), str):
            return default
        return self._parse(text, parse, (*self.path, key), default)

    def parsed_number(self, key: str, parse: Callable[[str], T], default: D) -> T | D:
        """Like `parsed`, but a bare whole number will do as well."""
        value = self._values.get(key)
        if type(value) is not int:
            return self.parsed(key, parse, default)
        self._asked.add(key)
        return self._parse(str(value), parse, (*self.path, key), default)

    def parsed_list(
        self, key: str, parse: Callable[[str], T], default: tuple[T, ...]
    ) -> tuple[T, ...]:
        """An array of texts that `parse` understands."""
        if key not in self._values:
            self._asked.add(key)
            return default
        found = []
        for index, value in enumerate(self._list(key, "an array: [ ... ]")):
            path = (*self.path, key, index)
            if not isinstance(value, str):
                problem = f"{self.what}: {key}: {value!r} is not text"
                self._mistakes.add(path, problem, "write text in quotes")
                continue
            parsed = self._parse(value, parse, path, None)
            if parsed is not None:
                found.append(parsed)
        return tuple(found)

    def tables(self, key: str) -> list["Table"]:
        """An array of tables (or inline tables)."""
        tables = []
        form = "an array of tables: [{ key = value }]" if self.path else f"its head as [[{key}]]"
        for index, value in enumerate(self._list(key, form)):
            path = (*self.path, key, index)
            what = f"{self.what}, {key.removesuffix('s')} {index + 1}"
            if isinstance(value, dict):
                tables.append(Table(value, path, what, self._mistakes))
            else:
                self._mistakes.add(
                    path, f"{what}: {value!r} is not a table", "write { key = value }"
                )
        return tables

    def named_tables(self, key: str, what: str) -> Iterator[tuple[str, "Table"]]:
        """A table of tables: `[key.NAME]`."""
        for name, value in self._get(key, dict, f"a table: [{key}.NAME]", {}).items():
            if isinstance(value, dict):
                table = Table(value, (*self.path, key, name), f"{what} {name!r}", self._mistakes)
                yield name, table
            else:
                problem = f"{self.what}: {name} is not a {what}"
                self._mistakes.add((*self.path, key, name), problem, f"open it: [{key}.{name}]")

    def table(self, key: str) -> "Table":
        """One table, empty when it is not there."""
        values = self._get(key, dict, f"a table: [{key}]", {})
        return Table(values, (*self.path, key), f"[{key}]", self._mistakes)

    def finish(self) -> None:
        """Every key that nobody asked for is a mistake."""
        for key in self._values:
            if key not in self._asked:
                self.mistake(f"unknown key {key!r}", nearest(key, sorted(self._asked)), key)

    # --- parts ----------------------------------------------------------------------------

    def _get(self, key: str, kind: type[T], form: str, default: T) -> T:
        self._asked.add(key)
        value = self._values.get(key, default)
        if type(value) is not kind:  # a bool is an int, but not here
            self.mistake(f"{key} is {value!r}", f"write {form}", key)
            return default
        return value

    def _list(self, key: str, form: str) -> list[Any]:
        return self._get(key, list, form, [])

    def _parse(self, text: str, parse: Callable[[str], T], path: Path, default: D) -> T | D:
        try:
            return parse(text)
        except WordError as error:
            key = next(part for part in reversed(path) if isinstance(part, str))
            self._wrong.add(key)
            self._mistakes.add(path, f"{self.what}: {key}: {error.problem}", error.fix)
            return default
