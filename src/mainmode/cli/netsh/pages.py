"""What `show` prints, from parts: pairs of label and value, headings, tables.

A part has its details as pairs; a list prints them below each other, a table gives each part a row.
"""

from collections.abc import Sequence
from functools import partial

from mainmode.cli.table import table
from mainmode.policy.netsh import parameters as p
from mainmode.policy.netsh.commands import Command
from mainmode.policy.netsh.kinds import Format

Pairs = Sequence[tuple[str, str]]
NONE = "NONE"
_INDENT = "    "


def pairs(entries: Pairs, indent: int = 0) -> list[str]:
    """One line for each, their colons below each other."""
    width = max((len(label) for label, _ in entries), default=0)
    return [f"{_INDENT * indent}{label.ljust(width)} : {value}" for label, value in entries]


def listed(parts: Sequence[Pairs], indent: int = 0) -> list[str]:
    """One part below the other."""
    return [line for each in parts for line in [*pairs(each, indent), ""]]


def heading(text: str, indent: int = 0) -> list[str]:
    return [f"{_INDENT * indent}{text}", f"{_INDENT * indent}{'-' * len(text)}"]


def rows(parts: Sequence[Pairs]) -> list[str]:
    """A table, one row for each part; its columns are the labels of the first."""
    if not parts:
        return []
    columns = {label: partial(_value, at) for at, (label, _) in enumerate(parts[0])}
    return table(columns, parts).splitlines()


def _value(at: int, part: Pairs) -> str:
    return part[at][1]


def is_table(command: Command) -> bool:
    return command.get(p.FORMAT) is Format.TABLE


def yes(flag: bool) -> str:
    return "YES" if flag else "NO"


def minutes(seconds: int) -> str:
    return f"{seconds} seconds" if seconds % 60 else f"{seconds // 60} minutes"
