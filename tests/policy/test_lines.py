"""The line of every key and array element."""

import pytest

from mainmode.policy.lines import lines_of
from mainmode.policy.mistakes import Lines, Path

SOURCE = b"""\
version = 1
[policy]
name = "x"

[filter_list."All IP"]
filters = [  # two of them
    { source = "me", destination = "any" },
    # in between
    { source = "any",
      destination = "me" },
]

[[rule]]
name = "one"
authentication = [{ method = "a" },
                  { method = "b" }]

[[rule]]
name = "two"
a."b c".d = 1

[[rule.authentication]]
method = "c"

[[rule.authentication]]
method = "d"
[rule.sub]
key = 1
"""
SOURCE = SOURCE.replace(b'"any",\n      dest', b'"any", dest')  # an inline table is one line


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("version",), 1),
        (("policy",), 2),
        (("policy", "name"), 3),
        (("filter_list",), 5),
        (("filter_list", "All IP"), 5),
        (("filter_list", "All IP", "filters"), 6),
        (("filter_list", "All IP", "filters", 0, "destination"), 7),
        (("filter_list", "All IP", "filters", 1), 9),
        (("rule", 0), 12),
        (("rule", 0, "name"), 13),
        (("rule", 0, "authentication", 1, "method"), 15),
        (("rule", 1), 17),
        (("rule", 1, "a", "b c", "d"), 19),
        (("rule", 1, "authentication", 0, "method"), 22),
        (("rule", 1, "authentication", 1), 24),
        (("rule", 1, "sub", "key"), 27),
    ],
)
def test_each_value_has_its_line(path: Path, line: int) -> None:
    assert lines_of(SOURCE).of(path) == line


def test_what_is_not_there_has_the_line_of_what_would_hold_it() -> None:
    lines = lines_of(SOURCE)
    assert lines.of(("rule", 1, "active")) == 17
    assert lines.of(("policy", "profile", "deeper")) == 2


def test_a_place_without_anything_around_it_has_no_line() -> None:
    assert lines_of(SOURCE).of(("main_mode",)) == 0
    assert Lines().of(("policy", "name")) == 0
