"""`mainmode driver clean`."""

from pathlib import Path

import pytest

from mainmode.driver.user import driver
from mainmode.errors import DriverError
from mainmode.policy.settings import BootMode, Settings
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


# --- boot -----------------------------------------------------------------------------------------

STORE = """\
assigned = "nothing special"

[[policy]]
name = "nothing special"

[settings]
boot_mode = "MODE"
"""


def store(folder: Path, text: str, mode: str = "block") -> str:
    (folder / "local.toml").write_text(text.replace("MODE", mode))
    return str(folder)


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("block", "boot mode block: little passes until the service starts\n"),
        ("stateful", "boot mode stateful: little passes until the service starts\n"),
        ("permit", "boot mode permit: everything passes\n"),
    ],
)
def test_boot(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str, said: str
) -> None:
    given: list[Settings] = []

    def close(settings: Settings) -> bool:
        given.append(settings)
        return settings.boot_mode is not BootMode.PERMIT

    monkeypatch.setattr(driver, "close_for_boot", close)
    done = shell("driver", "boot", "--store", store(tmp_path, STORE, mode))
    assert (done.stdout, done.stderr, done.status) == (said, "", 0)
    assert [each.boot_mode.value for each in given] == [mode]


def test_boot_without_an_assigned_policy(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(driver, "close_for_boot", lambda: pytest.fail("it must not begin"))
    unassigned = STORE.replace('assigned = "nothing special"', 'assigned = ""')
    done = shell("driver", "boot", "--store", store(tmp_path, unassigned))
    assert (done.stdout, done.status) == ("no policy is assigned: everything passes\n", 0)


def test_boot_while_a_service_runs(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(settings: Settings) -> bool:
        raise DriverError("the packet filter of a service stands already: it holds")

    monkeypatch.setattr(driver, "close_for_boot", refuse)
    done = shell("driver", "boot", "--store", store(tmp_path, STORE))
    assert (done.stdout, done.status) == ("", 1)
    assert "stands already" in done.stderr
