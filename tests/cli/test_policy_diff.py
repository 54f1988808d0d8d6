"""`mainmode policy diff`."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Outcome, Shell

GOLDEN = Path(__file__).parent / "golden"
_POLICY = """\
[policy]
name = "NAME"

[filter_list.web]
filters = [{ source = "me", destination = "10.0.0.0/8", protocol = "tcp", destination_port = 80 }]

[filter_list.everything]
filters = [{ source = "me", destination = "any" }]

[filter_list.branch]
filters = [{ source = "me", destination = "branch.example" }]

[filter_action.permit]
action = "permit"

[filter_action.require]
action = "negotiate"

[filter_action.request]
action = "negotiate"
allow_fallback = true

[[rule]]
name = "web"
filter_list = "web"
filter_action = "ACTION"
authentication = [{ method = "preshared_key", secret_file = "all.psk" }]

[[rule]]
name = "all"
filter_list = "everything"
filter_action = "require"
authentication = [{ method = "preshared_key", secret_file = "all.psk" }]

[[rule]]
name = "branch"
filter_list = "branch"
filter_action = "permit"
"""
OLD = _POLICY.replace("NAME", "old").replace("ACTION", "permit")
NEW = f"""\
{_POLICY.replace("NAME", "new").replace("ACTION", "request")}
[main_mode]
lifetime = "1h"

[settings]
exempt = 0
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    for name, text in (("old", OLD), ("new", NEW)):
        (tmp_path / f"{name}.toml").write_text(text)
    secret = tmp_path / "all.psk"
    secret.touch(0o600)
    secret.write_text("a key of more than twenty octets")
    return str(tmp_path / "old.toml"), str(tmp_path / "new.toml")


ME = ("--me", "192.0.2.1", "--me", "2001:db8::1")


def said(done: Outcome) -> str:
    assert (done.stderr, done.status) == ("", 0)
    return done.stdout


def test_as_text(shell: Shell, files: tuple[str, str]) -> None:
    assert said(shell("policy", "diff", *files, *ME)) == (GOLDEN / "diff.txt").read_text()


def test_as_json(shell: Shell, files: tuple[str, str]) -> None:
    found = json.loads(said(shell("policy", "diff", *files, *ME, "--json")))
    assert found == json.loads((GOLDEN / "diff.json").read_text())


def test_nothing_changes(shell: Shell, files: tuple[str, str]) -> None:
    (Path(files[0]).parent / "again.toml").write_text(f"# a comment\n{OLD}")
    done = shell("policy", "diff", files[0], str(Path(files[0]).parent / "again.toml"))
    assert said(done).splitlines()[-1] == "nothing changes"


def test_policies_of_the_store(shell: Shell, files: tuple[str, str], tmp_path: Path) -> None:
    """Whose general settings stay, whichever policy is assigned."""
    store = ("--store", str(tmp_path / "store"))
    for file in files:
        said(shell("policy", "import", file, *store, "--replace"))
    lines = said(shell("policy", "diff", "old", "new", *store, *ME)).splitlines()
    golden = (GOLDEN / "diff.txt").read_text().replace("all.psk", "keys/all.psk").splitlines()
    assert lines == [each for each in golden if "general setting" not in each]
    mixed = said(shell("policy", "diff", "old", files[0], *store, *ME)).splitlines()
    assert mixed[0].endswith(
        "authentication preshared key 'keys/all.psk' -> preshared key 'all.psk'"
    )


def test_what_is_not_there(shell: Shell, files: tuple[str, str], tmp_path: Path) -> None:
    store = ("--store", str(tmp_path / "store"))
    said(shell("policy", "import", files[0], *store))
    done = shell("policy", "diff", "old", "odl", *store)
    assert (done.stdout, done.status) == ("", 2)
    assert done.stderr == "there is no policy 'odl'\n  fix: did you mean 'old'?\n"
    done = shell("policy", "diff", files[0], str(tmp_path / "none.toml"))
    assert (done.stdout, done.status) == ("", 2)
    assert "none.toml: the policy cannot be read" in done.stderr
