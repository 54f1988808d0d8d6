"""Where the control socket stands."""

from pathlib import Path

import pytest

from mainmode.service.place import control_socket


@pytest.mark.parametrize(
    ("named", "environment", "place"),
    [
        ("/a", {"MAINMODE_CONTROL": "/b", "RUNTIME_DIRECTORY": "/c"}, "/a"),
        (None, {"MAINMODE_CONTROL": "/b", "RUNTIME_DIRECTORY": "/c"}, "/b"),
        (None, {"RUNTIME_DIRECTORY": "/c:/d"}, "/c/control.sock"),
        (None, {}, "/run/mainmode/control.sock"),
    ],
)
def test_the_most_particular_name_wins(
    named: str | None, environment: dict[str, str], place: str
) -> None:
    assert control_socket(named, environment) == Path(place)
