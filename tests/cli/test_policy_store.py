"""`mainmode policy` on the store."""

import json
import stat
from ipaddress import ip_address
from pathlib import Path

import pytest

from mainmode.cli import policy_store
from mainmode.errors import PersonError
from mainmode.model import Flow
from mainmode.numbers import IpProtocol
from mainmode.policy.schema import policy_schema
from tests.cli.conftest import Outcome, Shell
from tests.cli.served import Stub

KEY = "a key of more than twenty octets"
WHOLE = """\
assigned = "first"

[[policy]]
name = "first"

[[policy.rule]]
name = "partner"
filter_list = "partner"
filter_action = "secure"
authentication = [
    { method = "preshared_key", secret_file = "keys/partner.psk" },
]

[[policy]]
name = "second"

[filter_list.partner]
filters = [
    { source = "me", destination = "192.0.2.2" },
]

[filter_action.secure]
action = "negotiate"
offers = ["esp:3des-sha1"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with two policies, which commands find by themselves."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "config" / "mainmode"
    (folder / "keys").mkdir(parents=True)
    (folder / "local.toml").write_text(WHOLE)
    secret = folder / "keys" / "partner.psk"
    secret.touch(0o600)
    secret.write_text(KEY)
    return folder


def said(done: Outcome) -> str:
    assert (done.stderr, done.status) == ("", 0)
    return done.stdout


# --- looking ------------------------------------------------------------------------------------


def test_what_is_in_the_store(shell: Shell, folder: Path) -> None:
    assert said(shell("policy", "show")) == (
        "assigned  policy  rules\n"
        "--------  ------  -----\n"
        "yes       first   1\n"
        "no        second  0\n"
        "\n"
        "filter list  filters\n"
        "-----------  -------\n"
        "partner      1\n"
        "\n"
        "filter action  action\n"
        "-------------  ---------\n"
        "secure         negotiate\n"
    )


def test_an_empty_store_says_what_to_do(shell: Shell, tmp_path: Path) -> None:
    done = shell("policy", "show", "--store", str(tmp_path))
    assert "the store is empty: see `mainmode policy template`" in said(done)


def test_one_policy_as_a_file_by_itself(shell: Shell, folder: Path, tmp_path: Path) -> None:
    shown = said(shell("policy", "show", "first"))
    assert shown.startswith('[policy]\nname = "first"\n\n[[rule]]\nname = "partner"\n')
    file = folder / "one.toml"
    file.write_text(shown)
    assert "policy 'first' is good (1 rule)" in said(shell("policy", "check", str(file)))


def test_as_json(shell: Shell, folder: Path) -> None:
    shown = json.loads(said(shell("policy", "show", "--json")))
    assert shown["assigned"] == "first"
    one = json.loads(said(shell("policy", "show", "second", "--json")))
    assert one["policy"] == {"name": "second"}


def test_a_policy_that_is_not_there(shell: Shell, folder: Path) -> None:
    for words in (("show", "frist"), ("assign", "frist"), ("export", "frist")):
        done = shell("policy", *words)
        assert (done.stdout, done.status) == ("", 2)
        assert done.stderr == "there is no policy 'frist'\n  fix: did you mean 'first'?\n"


def test_every_policy_of_a_file_is_checked(shell: Shell, folder: Path) -> None:
    done = shell("policy", "check", str(folder / "local.toml"))
    assert done.status == 0
    assert "policy 'first' is good (1 rule)\n" in done.stdout
    assert "policy 'second' is good (0 rules)\n" in done.stdout


def test_the_store_is_checked_without_a_file(shell: Shell, folder: Path, tmp_path: Path) -> None:
    (folder / "persistent.toml").write_text("[settings]\nexempt = 0\n")
    done = shell("policy", "check")
    assert done.status == 0
    assert [line.partition(": ")[0] for line in done.stdout.splitlines()] == [
        str(folder / "local.toml"),
        str(folder / "local.toml"),
        str(folder / "persistent.toml"),
    ]
    (folder / "keys" / "partner.psk").unlink()
    assert shell("policy", "check").status == 2
    empty = shell("policy", "check", "--store", str(tmp_path / "none"))
    assert said(empty) == f"{tmp_path / 'none'}: the store is empty\n"


# --- assigning, while no service runs -------------------------------------------------------------


def test_assigning_writes_the_store(shell: Shell, folder: Path) -> None:
    assert said(shell("policy", "assign", "second")) == "policy 'second' is assigned\n"
    text = (folder / "local.toml").read_text()
    assert text == WHOLE.replace('assigned = "first"', 'assigned = "second"')
    assert said(shell("policy", "unassign")) == "no policy is assigned\n"
    assert 'assigned = ""\n' in (folder / "local.toml").read_text()


def test_assigning_warns_of_cutting_off_ones_own_connection(
    shell: Shell, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = ip_address("192.0.2.1"), ip_address("192.0.2.2")
    flow = Flow(here, there, IpProtocol.TCP, 22, 50_000)
    monkeypatch.setattr(policy_store, "own_connection", lambda: flow)
    done = shell("policy", "assign", "first")
    assert done.status == 0
    assert done.stderr == (
        "warning: rule 'partner': your own connection from 192.0.2.2 goes on only if 192.0.2.2 "
        "negotiates; try it with assign --confirm-within 5m\n"
    )
    assert shell("policy", "assign", "second").stderr == ""


def test_a_trial_needs_a_service(shell: Shell, folder: Path) -> None:
    done = shell("policy", "assign", "second", "--confirm-within", "5m")
    assert done.status == 1
    assert done.stderr == f"nothing to try: no service takes its policy from {folder}\n"
    assert (folder / "local.toml").read_text() == WHOLE
    assert shell("policy", "confirm").status == 1


def test_how_long_a_trial_is(shell: Shell, folder: Path) -> None:
    done = shell("policy", "assign", "second", "--confirm-within", "soon")
    assert done.status == 2
    assert done.stderr.startswith("--confirm-within: 'soon' is no duration\n  fix: write a number")


def test_persistent_policy_is_assigned_by_itself(shell: Shell, folder: Path) -> None:
    (folder / "persistent.toml").write_text(WHOLE)
    said(shell("policy", "unassign", "--location", "persistent"))
    assert (folder / "local.toml").read_text() == WHOLE
    assert 'assigned = ""' in (folder / "persistent.toml").read_text()
    done = shell("policy", "unassign", "--location", "dynamic")
    assert done.stderr.startswith("what is dynamic is in force anyway")


# --- assigning, while a service runs --------------------------------------------------------------


def test_the_service_assigns(service: Shell, stub: Stub, folder: Path) -> None:
    stub.store = str(folder)
    said(service("policy", "assign", "second"))
    said(service("policy", "unassign", "--confirm-within", "5m"))
    assert stub.assigned == [("second", 0), ("", 300)]
    assert (folder / "local.toml").read_text() == WHOLE, "the service writes it"


def test_a_service_that_refuses(service: Shell, stub: Stub, folder: Path) -> None:
    stub.store, stub.refusal = str(folder), PersonError("others may use this secret")
    done = service("policy", "assign", "second")
    assert (done.stdout, done.stderr, done.status) == ("", "others may use this secret\n", 2)
    assert (folder / "local.toml").read_text() == WHOLE


def test_a_service_from_elsewhere_is_left_alone(service: Shell, stub: Stub, folder: Path) -> None:
    said(service("policy", "assign", "second"))
    assert (stub.assigned, stub.reloads) == ([], 0)
    assert 'assigned = "second"' in (folder / "local.toml").read_text()


def test_confirming(service: Shell) -> None:
    assert said(service("policy", "confirm")) == "policy 'test' is assigned for good\n"


# --- export and import ----------------------------------------------------------------------------


def test_an_export_names_the_secrets_file(shell: Shell, folder: Path) -> None:
    (folder / "local.toml").write_text("# ours\n" + WHOLE)
    exported = said(shell("policy", "export"))
    assert exported == "# ours\n" + WHOLE
    one = said(shell("policy", "export", "first"))
    assert 'secret_file = "keys/partner.psk"' in one
    assert KEY not in exported + one


def test_secrets_come_along_when_asked_for(shell: Shell, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.toml"
    said(shell("policy", "export", "first", "--with-secrets", "--output", str(file)))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f'"keys/partner.psk" = "{KEY}"' in file.read_text()
    done = shell("policy", "check", str(file))
    assert done.status == 2
    assert "it has secrets in it" in done.stderr
    assert KEY not in done.stderr


def test_there_and_back(shell: Shell, folder: Path, tmp_path: Path) -> None:
    (folder / "keys" / "partner.psk").write_bytes(b"\x00\xff no text")
    file, other = tmp_path / "out.toml", tmp_path / "other"
    said(shell("policy", "export", "--with-secrets", "--output", str(file)))
    done = shell("policy", "import", str(file), "--store", str(other))
    assert said(done) == f"2 policies imported into {other}\n"
    assert (other / "local.toml").read_text() == WHOLE.replace('"first"', '""', 1)
    assert (other / "keys" / "partner.psk").read_bytes() == b"\x00\xff no text"
    assert stat.S_IMODE((other / "keys" / "partner.psk").stat().st_mode) == 0o600


def test_keys_beside_an_imported_file_come_along(shell: Shell, tmp_path: Path) -> None:
    file, other = tmp_path / "policy.toml", tmp_path / "other"
    file.write_text(WHOLE.replace("keys/partner.psk", "mine.psk"))
    secret = tmp_path / "mine.psk"
    secret.touch(0o600)
    secret.write_text(KEY)
    said(shell("policy", "import", str(file), "--store", str(other)))
    assert (other / "keys" / "mine.psk").read_text() == KEY
    secret.unlink()
    done = shell("policy", "import", str(file), "--store", str(tmp_path / "third"))
    assert "note: the preshared key 'mine.psk' is not here: put it into that file" in done.stderr


def test_what_differs_is_not_overwritten(shell: Shell, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "changed.toml"
    file.write_text(WHOLE.replace("192.0.2.2", "192.0.2.3"))
    done = shell("policy", "import", str(file))
    assert done.status == 2
    assert "already another filter list 'partner'" in done.stderr
    assert (folder / "local.toml").read_text() == WHOLE
    shell("policy", "import", str(file), "--replace")
    assert "192.0.2.3" in (folder / "local.toml").read_text()


def test_an_import_is_told_to_the_service(
    service: Shell, stub: Stub, folder: Path, tmp_path: Path
) -> None:
    stub.store = str(folder)
    file = tmp_path / "more.toml"
    file.write_text('[policy]\nname = "third"\n')
    said(service("policy", "import", str(file)))
    assert stub.reloads == 1
    stub.refusal = PersonError("it will not do")
    file.write_text('[policy]\nname = "fourth"\n')
    done = service("policy", "import", str(file))
    assert done.status == 2
    assert "the running service keeps the policy it had:\nit will not do" in done.stderr


def test_mistakes_of_an_imported_file(shell: Shell, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text('secrets = "hush"\n[policy]\nname = "x"\n')
    done = shell("policy", "import", str(file))
    assert done.stderr == (
        f"{file}:1: the policy file: secrets is no table\n  fix: open it: [secrets]\n"
    )
    file.write_text('[policy]\nname = "x"\n[secrets]\na = 5\n')
    done = shell("policy", "import", str(file))
    assert done.status == 2
    assert done.stderr.startswith(f"{file}:4: [secrets]: a is no preshared key\n  fix: ")
    assert shell("policy", "import", str(tmp_path / "none")).status == 2


# --- what needs no store --------------------------------------------------------------------------


def test_templates(shell: Shell, folder: Path) -> None:
    assert "windows2003   the three policies" in said(shell("policy", "template"))
    assert said(shell("policy", "template", "high")).startswith("# The strictest settings")
    done = shell("policy", "template", "hihg")
    assert (done.status, "did you mean 'high'?" in done.stderr) == (2, True)


def test_the_schema(shell: Shell) -> None:
    assert json.loads(said(shell("policy", "schema"))) == policy_schema()
