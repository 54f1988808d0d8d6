"""Plain text tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")
Columns = Mapping[str, Callable[[T], str]]
"""Head (of one or several lines) to what stands in the cell of a row."""


def table(columns: Columns[T], rows: Sequence[T]) -> str:
    """Columns as wide as their widest cell, two blanks between, a rule below the heads."""
    heads = [head.split("\n") for head in columns]
    depth = max(len(head) for head in heads)
    bottom_aligned = [[""] * (depth - len(head)) + head for head in heads]
    top = [list(line) for line in zip(*bottom_aligned, strict=True)]
    body = [[cell(row) for cell in columns.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*top, *body, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (*top, rule, *body)
    )


def age(seconds: float) -> str:
    """As people read it: 42s, 7m03s, 2h05m, 3d04h."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86_400}d{whole % 86_400 // 3600:02}h"
