"""What the demo lacks is named, all of it at once, before anything is built."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mainmode.demo import hosts, requirements
from mainmode.driver.user import netfilter
from mainmode.errors import PersonError


def failing(number: int) -> Callable[[], None]:
    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.fixture(autouse=True)
def good_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary user on a computer where all is well; a test takes something away."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(hosts, "become_root_of_user_namespace", lambda: None)
    monkeypatch.setattr(hosts, "try_new_network", lambda: None)
    monkeypatch.setattr(requirements, "missing_for_user_driver", lambda: iter(()))
    monkeypatch.setattr(netfilter, "command", lambda: "/usr/sbin/nft")


def said() -> list[str]:
    lines: list[str] = []
    with pytest.raises(PersonError) as caught:
        requirements.meet_requirements(lines.append)
    return [*lines, *str(caught.value).splitlines()]


def test_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert requirements.meet_requirements(print), "in a user namespace"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert not requirements.meet_requirements(print)


def test_no_user_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "become_root_of_user_namespace", failing(1))
    assert said()[1] == (
        "  - an ordinary user may not make user namespaces here (Operation not permitted): "
        "run this as root"
    )


def test_no_network_namespaces_and_no_nft(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container: its root may do little."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(hosts, "try_new_network", failing(1))
    monkeypatch.setattr(netfilter, "command", lambda: None)
    monkeypatch.setenv("PATH", "")
    assert said() == [
        "the demo cannot run here:",
        "  - network namespaces may not be made here (Operation not permitted)",
        "  - the command nft is not installed (Debian package nftables)",
        "  fix: see to these, or run it elsewhere as root",
    ]


def test_what_the_driver_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "missing_for_user_driver", lambda: iter(("this", "that")))
    assert said()[1:3] == ["  - this", "  - that"]


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An apt-get that notes what it is told; the note."""
    note = tmp_path / "told"
    command = tmp_path / "apt-get"
    command.write_text(f'#!/bin/sh\necho "$*" >>"{note}"\nexit ${{STATUS:-0}}\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return note


def test_root_gets_nft_installed(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netfilter, "command", lambda: None)
    lines: list[str] = []
    requirements.meet_requirements(lines.append)
    assert lines == ["installing the Debian package nftables"]
    assert apt.read_text() == "--yes --no-install-recommends install nftables\n"


def test_a_failed_installation_is_tried_with_fresh_lists(
    apt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(netfilter, "command", lambda: None)
    monkeypatch.setenv("STATUS", "100")
    requirements.meet_requirements(lambda line: None)
    assert apt.read_text().splitlines()[1:] == ["update"]


def test_nothing_is_installed_where_it_is_there(apt: Path) -> None:
    requirements.meet_requirements(print)
    assert not apt.exists()
