"""What is drawn with: lines, corners, arrows, marks, in two alphabets."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Strokes:
    """Each a single character, but for the marks."""

    line: str
    double: str
    side: str
    left: str
    right: str
    fork_left: str
    """A side with a line that leaves to the left; likewise the next two."""
    fork_right: str
    fork_down: str
    corners: tuple[str, str, str, str]
    """Top left, top right, bottom left, bottom right."""
    good: str
    bad: str


UNICODE = Strokes("─", "═", "│", "◀", "▶", "┤", "├", "┬", ("┌", "┐", "└", "┘"), "✔", "✘")
ASCII = Strokes("-", "=", "|", "<", ">", "|", "|", "+", ("+", "+", "+", "+"), "ok:", "NOT SO:")


def box(title: str, lines: tuple[str, ...], columns: int, strokes: Strokes) -> list[str]:
    """A frame around these lines, its title in the upper edge."""
    top_left, top_right, bottom_left, bottom_right = strokes.corners
    inner = columns - 2
    roof = f"{strokes.line} {title} ".ljust(inner, strokes.line)
    return [
        top_left + roof + top_right,
        *(f"{strokes.side} {line:<{inner - 1}}{strokes.side}" for line in lines),
        bottom_left + strokes.line * inner + bottom_right,
    ]
