"""`mainmode policy check`."""

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Shell

POLICY = """\
[policy]
name = "test"

[filter_list.partner]
filters = [{ source = "me", destination = "192.0.2.2" }]

[filter_action.secure]
action = "negotiate"

[[rule]]
name = "partner"
filter_list = "partner"
filter_action = "secure"
authentication = [{ method = "preshared_key", SECRET }]
"""
WITH_FILE = POLICY.replace("SECRET", 'secret_file = "psk"')
WITH_CREDENTIAL = POLICY.replace("SECRET", 'credential = "psk"')


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A good policy with its key."""
    _secret(tmp_path / "psk", "a key of more than twenty octets")
    policy = tmp_path / "policy.toml"
    policy.write_text(WITH_FILE)
    return policy


def _secret(place: Path, text: str) -> None:
    place.touch(0o600)
    place.write_text(text)


def test_a_good_policy(shell: Shell, file: Path) -> None:
    done = shell("policy", "check", str(file))
    assert (done.stdout, done.stderr, done.status) == (
        f"{file}: policy 'test' is good (1 rule)\n",
        "",
        0,
    )


def test_every_mistake_with_its_line_and_fix(shell: Shell, file: Path) -> None:
    file.write_text(WITH_FILE.replace("name =", "nmae =", 1).replace('"negotiate"', '"protect"'))
    done = shell("policy", "check", str(file))
    assert (done.stdout, done.status) == ("", 2)
    places = [line for line in done.stderr.splitlines() if line.startswith(f"{file}:")]
    fixes = [line for line in done.stderr.splitlines() if line.startswith("  fix: ")]
    assert [place.split(":")[1] for place in places] == ["1", "2", "8"]
    assert len(fixes) == 3


def test_no_such_file(shell: Shell, tmp_path: Path) -> None:
    done = shell("policy", "check", str(tmp_path / "nothing.toml"))
    assert done.status == 2
    assert "nothing.toml: the policy cannot be read: No such file" in done.stderr


def test_a_short_key_is_warned_of_and_not_shown(shell: Shell, file: Path) -> None:
    (file.parent / "psk").write_text("tr0ub4dor")
    done = shell("policy", "check", str(file))
    assert done.status == 0
    assert (
        f"{file}:14: warning: rule 'partner': the preshared key 'psk' has 9 octets" in done.stderr
    )
    assert "tr0ub4dor" not in done.stdout + done.stderr


def test_a_secret_that_others_can_read_is_refused(shell: Shell, file: Path) -> None:
    secret = file.parent / "psk"
    secret.chmod(0o644)
    done = shell("policy", "check", str(file))
    assert (done.stdout, done.status) == ("", 2)
    assert done.stderr == (
        f"{file}:14: {secret}: others may use this secret: its permissions are 0644\n"
        f"  fix: chmod 600 {secret}\n"
    )


def test_each_wrong_secret_at_its_own_line(shell: Shell, file: Path) -> None:
    """Rules that are not active count as rules, but nobody asks for their secrets."""
    rule = WITH_FILE[WITH_FILE.index("[[rule]]") :].replace('"psk"', '"none"')
    off, on = rule.replace("[[rule]]", "[[rule]]\nactive = false"), rule
    file.write_text(WITH_FILE + off.replace('"partner"', '"off"', 1) + on.replace("ner", "", 1))
    (file.parent / "psk").unlink()
    done = shell("policy", "check", str(file))
    assert done.status == 2
    wrong = [line for line in done.stderr.splitlines() if "this secret" in line]
    assert [line.removeprefix(f"{file}:").split(":")[0] for line in wrong] == ["14", "25"]


def test_a_credential_is_the_service_managers(
    shell: Shell, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    file.write_text(WITH_CREDENTIAL)
    done = shell("policy", "check", str(file))
    assert done.status == 0
    assert done.stderr == (
        f"{file}: note: credential 'psk' is not looked at: the service manager has it\n"
    )
    assert "is good (1 rule)" in done.stdout


def test_inside_a_service_manager_it_is_looked_at(
    shell: Shell, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.remove(file.parent / "psk")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    file.write_text(WITH_CREDENTIAL)
    assert shell("policy", "check", str(file)).status == 2
    _secret(tmp_path / "psk", "a key of more than twenty octets")
    assert shell("policy", "check", str(file)).status == 0
