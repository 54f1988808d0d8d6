"""`mainmode driver clean`."""

import pytest

from mainmode.driver.user import driver
from mainmode.errors import DriverError
from tests.cli.conftest import Shell


def test_clean(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[None] = []
    monkeypatch.setattr(driver, "clean", lambda: calls.append(None))
    done = shell("driver", "clean")
    assert (done.stdout, done.status) == (
        "nothing of mainmode is left in the system's network settings\n",
        0,
    )
    assert len(calls) == 1


def test_what_the_driver_cannot_do(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise DriverError("device mainmode0 exists: stop the service that owns it first")

    monkeypatch.setattr(driver, "clean", refuse)
    done = shell("driver", "clean")
    assert (done.stdout, done.status) == ("", 1)
    assert done.stderr == "device mainmode0 exists: stop the service that owns it first\n"
