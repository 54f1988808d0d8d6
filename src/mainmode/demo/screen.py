"""What the demo prints: headings, drawings, ladders, tables, verdicts, in 80 columns.

Colours are for terminals (and obey NO_COLOR); line drawing needs an encoding that has it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from mainmode.cli.client import Answer
from mainmode.cli.table import Columns
from mainmode.demo import ladder
from mainmode.demo.hosts import Host
from mainmode.demo.ladder import Rung
from mainmode.demo.strokes import ASCII, UNICODE, box

WIDTH = 79
_INDENT = 3
_BOX = 24
"""Columns of a host in the drawing, borders included."""
_PLUG = 2
"""The line of that box where the wire goes in."""
_COUNT_COLUMNS = 46
_CELL_COLUMNS = 14

_HEADING = "bold cyan"
_FAINT = "dim"
_GOOD = "green"
_BAD = "bold red"
_HOST_STYLES = ("bold yellow", "bold magenta")
_LEFT, _RIGHT = 0, 1


class Screen:
    """Prints to a console, or to a file where there is no terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._strokes = ASCII if console.options.ascii_only else UNICODE

    # --- words ----------------------------------------------------------------------------

    def heading(self, text: str) -> None:
        line = self._strokes.line
        rule = line * (WIDTH - len(text) - 4)
        self._print()
        self._print(Text(f"{line}{line} {text} {rule}", _HEADING))
        self._print()

    def say(self, text: str, style: str = "") -> None:
        """A paragraph, or several lines."""
        self._paragraph(Text(text, style), _INDENT)

    def faint(self, text: str) -> None:
        self.say(text, _FAINT)

    def line(self, text: str) -> None:
        """Never broken, so that a path can be copied."""
        self._print(Text(" " * _INDENT + text))

    def gap(self) -> None:
        self._print()

    def command(self, host: str, words: str, remark: str = "") -> None:
        """What a person would have typed."""
        text = Text(" " * _INDENT)
        text.append(f"{host}$ ", _HOST_STYLES[host != "alice"])
        text.append(words, "bold")
        if remark:
            text.append(f"    {remark}", _FAINT)
        self._print(text)

    def quote(self, host: str, sentence: str) -> None:
        """What a service says: its parts below each other."""
        first, *others = sentence.split(" | ")
        said = Text(f"{host}: ", _HOST_STYLES[host != "alice"])
        self._paragraph(said.append(first, "not bold default"), _INDENT)
        for other in others:
            self._paragraph(Text(other), _INDENT + 2)

    def verdict(self, holds: bool, text: str) -> None:
        mark = self._strokes.good if holds else self._strokes.bad
        self.say(f"{mark} {text}", _GOOD if holds else _BAD)

    # --- drawings -------------------------------------------------------------------------

    def hosts(self, left: Host, right: Host, processes: tuple[str, str]) -> None:
        """Two boxes and the wire between them."""
        strokes = self._strokes
        near = box(left.name, (left.address, processes[0]), _BOX, strokes)
        far = box(right.name, (right.address, processes[1]), _BOX, strokes)
        near[_PLUG] = near[_PLUG][:-1] + strokes.fork_right
        far[_PLUG] = strokes.fork_left + far[_PLUG][1:]
        gap = WIDTH - _INDENT - 2 * _BOX
        wire = strokes.fork_down.center(gap, strokes.line)
        between = ("", "wire".center(gap), wire, "our capture".center(gap))
        for row in zip(near, between, far, strict=True):
            text = Text(" " * _INDENT)
            text.append(row[0], _HOST_STYLES[_LEFT])
            text.append(f"{row[1]:<{gap}}")
            text.append(row[2], _HOST_STYLES[_RIGHT])
            self._print(text)

    def ladder_head(self, left: str, right: str) -> None:
        gap = ladder.WIDTH - len(left) - len(right)
        text = Text(" " * _INDENT)
        text.append(left, _HOST_STYLES[_LEFT])
        text.append(" " * gap)
        text.append(right, _HOST_STYLES[_RIGHT])
        text.append(f"  {ladder.MARGIN_HEAD}", _FAINT)
        self._print(text)

    def rung(self, rung: Rung, began_s: float) -> None:
        style = _HOST_STYLES[_LEFT if rung.is_sent else _RIGHT].removeprefix("bold ")
        text = Text(" " * _INDENT)
        text.append(ladder.arrow(rung, self._strokes), style)
        text.append(f"  {ladder.margin(rung, began_s)}")
        self._print(text)

    def ladder_note(self, words: str) -> None:
        self._print(Text(" " * _INDENT + ladder.note(words, self._strokes), _FAINT))

    # --- tables ---------------------------------------------------------------------------

    def side_by_side(self, rows: Mapping[str, Sequence[str]]) -> None:
        """The same quantities of both hosts."""
        head = max(len(each) for each in rows)
        width = max(_CELL_COLUMNS, *(len(cell) for cells in rows.values() for cell in cells))
        text = Text(" " * (_INDENT + head))
        for style, name in zip(_HOST_STYLES, ("alice", "bob"), strict=True):
            text.append(f"   {name:<{width}}", style)
        text.rstrip()
        self._print(text)
        for name, cells in rows.items():
            text = Text(f"{' ' * _INDENT}{name:<{head}}", _FAINT)
            for cell in cells:
                text.append(f"   {cell:<{width}}", "not dim")
            text.rstrip()
            self._print(text)

    def count(self, what: str, number: int, remark: str = "") -> None:
        """One line of a list of counts."""
        text = Text(f"{' ' * _INDENT}{what:<{_COUNT_COLUMNS}}{number:>5}")
        if remark:
            text.append(f"   {remark}", _FAINT)
        self._print(text)

    def octets(self, what: str, *parts: tuple[str, bytes]) -> None:
        """Octets in hexadecimal, each part under its name; the last one as far as it fits."""
        self.line(what)
        above, below = Text(" " * _INDENT, _FAINT), Text(" " * _INDENT)
        for name, octets in parts:
            room = (WIDTH - len(below.plain)) // 3
            shown = octets[:room].hex(" ")
            above.append(f"{name:<{len(shown)}}  ")
            below.append(f"{shown:<{len(name)}}  ")
        for line in (above, below):
            line.rstrip()
            self._print(line)

    def _paragraph(self, text: Text, indent: int) -> None:
        for line in text.wrap(self._console, WIDTH - indent):
            line.rstrip()
            self._print(Text(" " * indent).append_text(line))

    def _print(self, text: Text | str = "") -> None:
        self._console.print(text, soft_wrap=True, highlight=False)


def turned(columns: Columns[Any], views: Sequence[Answer]) -> dict[str, list[str]]:
    """A table of `show` turned by a quarter: its columns as rows, a view of each host beside
    the other."""
    return {
        " ".join(head.split()).replace("con- ", "con"): [cell(view) for view in views]
        for head, cell in columns.items()
    }
