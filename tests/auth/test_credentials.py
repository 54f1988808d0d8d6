"""Reading secrets: from where, on which conditions, and never showing them."""

import os
from collections.abc import Callable
from pathlib import Path, PosixPath
from typing import NoReturn

import pytest

from mainmode.auth.credentials import Credentials, read_credentials
from mainmode.errors import PersonError, PolicyError
from mainmode.policy.model import Authentication, Method, Policy, Rule
from tests.policy.policies import NEGOTIATE, rule, traffic

SECRET = b"correct horse battery staple"


def asking(*names: str) -> Policy:
    """A policy whose rules name these secrets."""
    rules: tuple[Rule, ...] = tuple(
        rule(
            name,
            NEGOTIATE,
            traffic("me", "any"),
            authentication=(Authentication(Method.PRESHARED_KEY, name),),
        )
        for name in names
    )
    return Policy("test", rules)


def keep(path: Path, content: bytes = SECRET, mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


def mistake(policy: Policy, base: Path, *others: Path, owner: int | None = None) -> PersonError:
    with pytest.raises(PolicyError) as caught:
        read_credentials(policy, base, *others, owner=owner)
    assert SECRET.decode() not in str(caught.value)
    [only] = caught.value.mistakes
    return only


def test_a_secret_is_a_file_relative_to_the_policy(tmp_path: Path) -> None:
    keep(tmp_path / "secrets" / "peer.psk")
    credentials = read_credentials(asking("secrets/peer.psk"), tmp_path)
    assert credentials.preshared_key("secrets/peer.psk") == SECRET


def test_a_secret_may_stand_anywhere(tmp_path: Path) -> None:
    file = keep(tmp_path / "elsewhere" / "peer.psk", mode=0o400)
    credentials = read_credentials(asking(str(file)), tmp_path / "policies", owner=os.geteuid())
    assert credentials.preshared_key(str(file)) == SECRET


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"key\n", b"key"),
        (b"key\r\n", b"key"),
        (b"key\n\n", b"key\n"),
        (b"key\r", b"key\r"),
        (b" key ", b" key "),
        (b"\xff\x00\n", b"\xff\x00"),
    ],
)
def test_one_line_end_at_the_end_is_not_part_of_the_key(
    tmp_path: Path, content: bytes, key: bytes
) -> None:
    keep(tmp_path / "k", content)
    assert read_credentials(asking("k"), tmp_path).preshared_key("k") == key


def test_a_credential_comes_from_the_service_managers_directory(tmp_path: Path) -> None:
    keep(tmp_path / "credentials" / "branch", mode=0o440)
    credentials = read_credentials(asking("credential:branch"), tmp_path, tmp_path / "credentials")
    assert credentials.preshared_key("credential:branch") == SECRET


def test_a_credential_without_a_service_manager(tmp_path: Path) -> None:
    problem = mistake(asking("credential:branch"), tmp_path)
    assert "none started this" in problem.problem
    assert "LoadCredential=branch:FILE" in problem.fix


def test_a_credential_that_the_service_manager_was_not_given(tmp_path: Path) -> None:
    problem = mistake(asking("credential:branch"), tmp_path, tmp_path)
    assert "cannot be read" in problem.problem
    assert "LoadCredential=branch:FILE" in problem.fix


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o610])
def test_a_secret_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    file = keep(tmp_path / "k", mode=mode)
    problem = mistake(asking("k"), tmp_path)
    assert problem.problem == f"others may use this secret: its permissions are {mode:04o}"
    assert problem.fix == f"chmod 600 {file}"
    assert problem.file == str(file)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: None, "cannot be read: No such file"),
        (lambda path: path.mkdir(), "is not a file"),
        (lambda path: keep(path, b""), "is empty"),
        (lambda path: keep(path, b"\n"), "is empty"),
        (lambda path: keep(path, b"x" * 4_097), "more than 4096 octets"),
    ],
)
def test_what_is_no_secret(tmp_path: Path, make: Callable[[Path], object], problem: str) -> None:
    make(tmp_path / "k")
    found = mistake(asking("k"), tmp_path)
    assert problem in found.problem
    assert found.fix


class _Owned(PosixPath):
    """A path whose files belong to user 12345."""

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        found = super().stat(follow_symlinks=follow_symlinks)
        return os.stat_result((*found[:4], 12345, *found[5:10]))


def test_a_secret_must_belong_to_us_or_root(tmp_path: Path) -> None:
    keep(tmp_path / "k")
    base = _Owned(tmp_path)
    problem = mistake(asking("k"), base, owner=999)
    assert problem.problem == "this secret belongs to user 12345, not to user 999 or root"
    assert read_credentials(asking("k"), base, owner=12345).preshared_key("k") == SECRET


def test_without_a_given_owner_the_secrets_belong_to_the_owner_of_the_directory(
    tmp_path: Path,
) -> None:
    keep(tmp_path / "k")
    assert read_credentials(asking("k"), _Owned(tmp_path)).preshared_key("k") == SECRET


class _Locked(PosixPath):
    """A path whose files may be looked at but not opened."""

    def open(self, *_args: object, **_settings: object) -> NoReturn:
        raise PermissionError(13, "Permission denied", str(self))


def test_a_secret_that_we_may_not_open(tmp_path: Path) -> None:
    keep(tmp_path / "k")
    problem = mistake(asking("k"), _Locked(tmp_path))
    assert problem.problem == "this secret cannot be read: Permission denied"
    assert "who runs the service" in problem.fix


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    keep(tmp_path / "a", mode=0o644)
    keep(tmp_path / "good")
    with pytest.raises(PolicyError) as caught:
        read_credentials(asking("a", "good", "missing"), tmp_path)
    assert [Path(each.file).name for each in caught.value.mistakes] == ["a", "missing"]


def test_secrets_of_inactive_rules_are_not_asked_for(tmp_path: Path) -> None:
    off = rule("off", NEGOTIATE, traffic("me", "any"), active=False)
    assert repr(read_credentials(Policy("test", (off,)), tmp_path)) == "<Credentials: 0 secrets>"


def test_credentials_show_nothing() -> None:
    credentials = Credentials({"peer.psk": SECRET})
    for shown in (repr(credentials), str(credentials), f"{credentials}"):
        assert SECRET.decode() not in shown
    with pytest.raises(KeyError, match=r"other\.psk"):
        credentials.preshared_key("other.psk")
