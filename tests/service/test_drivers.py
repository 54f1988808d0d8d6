"""Which driver the service runs with."""

import asyncio
from collections.abc import Iterator

import pytest

from mainmode.driver.null import NullDriver
from mainmode.driver.user.driver import UserDriver
from mainmode.errors import DriverError, PersonError
from mainmode.policy.model import ANY, ME, Action, Filter, FilterAction, FilterList, Policy, Rule
from mainmode.policy.selection import Selection
from mainmode.service import drivers
from mainmode.service.drivers import choose_driver, missing_for_user_driver, name_of

RULE = Rule("all", FilterList("all", (Filter(ME, ANY),)), FilterAction("secure", Action.NEGOTIATE))
DEMANDING = Policy(rules=(RULE,))
PORTS = (500, 4500)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def lacking(monkeypatch: pytest.MonkeyPatch, *what: str) -> None:
    monkeypatch.setattr(drivers, "missing_for_user_driver", lambda: iter(what))


def test_null_is_null(loop: asyncio.AbstractEventLoop) -> None:
    driver = choose_driver("null", DEMANDING, loop, PORTS)
    assert isinstance(driver, NullDriver)
    assert name_of(driver) == "null"


@pytest.mark.parametrize("kind", ["auto", "user"])
def test_the_user_driver_where_it_can_run(
    kind: str, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking(monkeypatch)
    driver = choose_driver(kind, DEMANDING, loop, PORTS)
    assert isinstance(driver, UserDriver)
    assert name_of(driver) == "user"


@pytest.mark.parametrize("kind", ["auto", "user"])
def test_never_silently_none_where_policy_has_rules(
    kind: str, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking(monkeypatch, "no this", "no that")
    with pytest.raises(PersonError) as caught:
        choose_driver(kind, DEMANDING, loop, PORTS)
    assert str(caught.value) == (
        "the user-space driver cannot run here: no this; no that\n"
        "  fix: run as root on a computer with these, "
        "or with --driver null to negotiate without protecting anything"
    )


def test_auto_does_without_where_there_is_nothing_to_enforce(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking(monkeypatch, "no this")
    driver = choose_driver("auto", Policy(), loop, PORTS)
    assert isinstance(driver, NullDriver)
    assert name_of(driver) == "null"
    with pytest.raises(PersonError):
        choose_driver("user", Policy(), loop, PORTS)


def test_a_policy_with_rules_is_not_assigned_to_nothing_later(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reloading must not end where starting would have been refused: in clear."""
    lacking(monkeypatch, "no this")
    driver = choose_driver("auto", Policy(), loop, PORTS)
    driver.assign(Selection(Policy(), ()))
    with pytest.raises(DriverError, match="the user-space driver cannot run here: no this"):
        driver.assign(Selection(DEMANDING, ()))


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers, "_capabilities", lambda: 0)
    monkeypatch.setattr("os.access", lambda place, mode: False)
    monkeypatch.setattr("shutil.which", lambda name, path: None)
    named = " ".join(missing_for_user_driver())
    for word in ("CAP_NET_ADMIN", "CAP_NET_RAW", "/dev/net/tun", "nftables"):
        assert word in named
    monkeypatch.setattr(drivers, "_capabilities", lambda: 1 << 12 | 1 << 13)
    monkeypatch.setattr("os.access", lambda place, mode: True)
    monkeypatch.setattr("shutil.which", lambda name, path: "/usr/sbin/nft")
    assert list(missing_for_user_driver()) == []
