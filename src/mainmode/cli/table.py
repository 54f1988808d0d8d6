"""Plain text tables, and the same as one block of lines a row where a table would be too wide."""

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")
Columns = Mapping[str, Callable[[T], str]]
"""Head (of one or several lines) to what stands in the cell of a row."""


def shown(columns: Columns[T], rows: Sequence[T]) -> str:
    """A table, unless its lines would be broken by the terminal that it is for."""
    lines = table(columns, rows)
    if not sys.stdout.isatty():
        return lines
    widest = max(map(len, lines.splitlines()))
    return lines if widest <= shutil.get_terminal_size().columns else blocks(columns, rows)


def blocks(columns: Columns[T], rows: Sequence[T]) -> str:
    """Each row as a block of its own: a line for each cell, its head in front."""
    heads = [head.replace("-\n", "").replace("\n", " ").strip() for head in columns]
    width = max(map(len, heads))
    return "\n\n".join(
        "\n".join(
            f"{head.ljust(width)}  {cell(row)}"
            for head, cell in zip(heads, columns.values(), strict=True)
        )
        for row in rows
    )


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
