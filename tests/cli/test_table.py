"""Tables and ages."""

import pytest

from mainmode.cli.table import Columns, age, table


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
