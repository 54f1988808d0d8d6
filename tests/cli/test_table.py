"""Tables and ages."""

import sys

import pytest

from mainmode.cli.table import Columns, age, blocks, shown, table


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m00s"),
        (3599, "59m59s"),
        (3600, "1h00m"),
        (86_399, "23h59m"),
        (86_400, "1d00h"),
        (400_000, "4d15h"),
    ],
)
def test_age(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_columns_are_as_wide_as_they_must_be() -> None:
    columns: Columns[int] = {"A\nlong head": str, "x": lambda number: str(number * 1000)}
    assert table(columns, [1, 22]) == (
        "A\nlong head  x\n---------  -----\n1          1000\n22         22000"
    )


COLUMNS: Columns[int] = {"ESP con-\nfidentiality": str, "\nAge": lambda number: f"{number}s"}


def test_a_row_as_a_block() -> None:
    assert blocks(COLUMNS, [1, 22]) == (
        "ESP confidentiality  1\nAge                  1s\n\n"
        "ESP confidentiality  22\nAge                  22s"
    )


@pytest.mark.parametrize(
    ("terminal", "width", "form"),
    [(True, "17", table), (True, "16", blocks), (False, "16", table)],
)
def test_no_terminal_breaks_a_table(
    terminal: bool, width: str, form: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs that read our output get one line a row, however long."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    monkeypatch.setenv("COLUMNS", width)
    expected = table(COLUMNS, [1]) if form is table else blocks(COLUMNS, [1])
    assert shown(COLUMNS, [1]) == expected
