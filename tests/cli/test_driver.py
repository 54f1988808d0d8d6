"""`mainmode driver clean`."""

import pytest

from mainmode.driver.user import driver
from mainmode.errors import DriverError
from mainmode.service import drivers
from tests.cli.conftest import Shell


@pytest.fixture(autouse=True)
def capable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests has the right to change network settings."""
    monkeypatch.setattr(drivers, "_capabilities", lambda: 1 << 12)


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


def test_without_the_right_to(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers, "_capabilities", lambda: 0)
    monkeypatch.setattr(driver, "clean", lambda: pytest.fail("it must not begin"))
    done = shell("driver", "clean")
    assert (done.stdout, done.status) == ("", 1)
    assert done.stderr == "no right to change network settings (CAP_NET_ADMIN): use sudo\n"
