"""`mainmode netsh`, and scripts in and out of the store."""

import socket
import stat
from pathlib import Path

import pytest

from mainmode.store.place import Location
from mainmode.store.store import Store
from tests.cli.conftest import Outcome, Shell
from tests.cli.served import Stub

GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = """\
netsh ipsec static delete all
netsh ipsec static add policy name=base_policy
Netsh ipsec static del rule all base_policy
netsh ipsec static add policy name=base activatedefaultrule = no
netsh ipsec static add filterlist name=web
netsh ipsec static add filter filterlist=web srcaddr=any dstaddr=me protocol=tcp ^
    mirrored=yes dstport=80
netsh ipsec static add filter filterlist=web srcaddr=2.3.4.5 dstaddr=me protocol=any mirror=no
netsh ipsec static add filteraction name = "Fall Back" action = negotiate soft = yes
netsh ipsec static add filteraction name=F qmpfs=yes soft=y action=negotiate ^
    qmsec="AH[MD5]:204800k/300s ESP[DES,SHA1]:30000k/480s"
netsh ipsec static add rule name=r1 policy=base filterlist=web filteraction="Fall Back" psk=secret
netsh ipsec static set policy name=base assign=y
netsh ipsec static add policy "p" mmpfs=no mmsec="3DES-SHA1-2 3DES-SHA1-3"
netsh ipsec dynamic set config ikelogging 1
netsh ipsec dynamic set config ipsecexempt value=3
netsh ipsec static set store location=persistent
"""


class Netsh:
    """Commands on a store of their own."""

    def __init__(self, shell: Shell, folder: Path) -> None:
        self.shell = shell
        self.folder = folder
        self.store = Store(folder / "store")

    def __call__(self, *words: str) -> Outcome:
        return self.shell("netsh", "--store", str(self.store.folder), *words)

    def static(self, line: str) -> Outcome:
        """One command whose words have no blanks."""
        return self("ipsec", "static", *line.split())

    def policy(self, *words: str) -> Outcome:
        return self.shell("policy", *words, "--store", str(self.store.folder))

    def script(self, text: str | bytes, name: str = "script.bat") -> Path:
        file = self.folder / name
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file


@pytest.fixture
def netsh(shell: Shell, tmp_path: Path) -> Netsh:
    return Netsh(shell, tmp_path)


@pytest.fixture
def examples(netsh: Netsh) -> Netsh:
    """A store that the examples have filled."""
    done = netsh("-f", str(netsh.script(EXAMPLES)))
    assert (done.stdout, done.status) == ("", 0)
    assert done.stderr == f"{netsh.folder}/script.bat: 15 commands done\n"
    return netsh


# --- the examples, and what shows them ----------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("policies", "show policy all"),
        ("policies-table", "show policy all format=table"),
        ("policy-verbose", "show policy base level=verbose"),
        ("filterlist", "show filterlist web"),
        ("filterlist-verbose-table", "show filterlist web level=verbose format=table"),
        ("filteractions", "show filteraction all"),
        ("filteraction-verbose", "show filteraction F level=verbose"),
        ("rules", "show rule all base"),
        ("default-rule", "show rule default p"),
        ("all-table", "show all format=table"),
        ("store", "show store"),
        ("dump", "dump"),
    ],
)
def test_the_examples_show_back(examples: Netsh, name: str, line: str) -> None:
    done = examples.static(line)
    assert (done.stderr, done.status) == ("", 0)
    assert done.stdout == (GOLDEN / f"netsh-{name}.txt").read_text()


def test_parts_of_rules_show_by_the_rule(examples: Netsh) -> None:
    assert "web" in examples.static("show filterlist rule=r1").stdout
    assert "Fall Back" in examples.static("show filteraction rule=R1").stdout
    assert "No. of rules : 0" in examples.static("show rule all base type=tunnel").stdout
    assert "no rule 'r2'" in examples.static("show filterlist rule=r2").stderr


def test_addresses_are_resolved_when_that_is_wanted(
    examples: Netsh, monkeypatch: pytest.MonkeyPatch
) -> None:
    def name_of(address: str) -> tuple[str, list[str], list[str]]:
        if address == "2.3.4.5":
            return "host.example", [], []
        raise OSError

    monkeypatch.setattr(socket, "gethostbyaddr", name_of)
    examples.static("add filter web 2.3.4.6 me")
    shown = examples.static("show filterlist web level=verbose resolvedns=yes").stdout
    assert "Source IP Address      : 2.3.4.5 (host.example)\n" in shown
    assert "Source IP Address      : 2.3.4.6 (no name)\n" in shown


def test_the_general_settings_show(examples: Netsh) -> None:
    done = examples("ipsec", "dynamic", "show", "config")
    assert "ikelogging       : 1\n" in done.stdout
    assert "ipsecexempt      : 3\n" in done.stdout


def test_the_filters_in_force_show(examples: Netsh) -> None:
    done = examples("ipsec", "dynamic", "show", "qmfilter", "format=table")
    assert "2.3.4.5" in done.stdout
    assert examples("ipsec", "dynamic", "show", "mmfilter").stdout


def test_a_key_goes_into_a_file_and_nowhere_else(examples: Netsh) -> None:
    (file,) = (examples.store.folder / "keys").iterdir()
    assert file.read_bytes() == b"secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "secret" not in examples.store.file(Location.LOCAL).read_text().replace(
        "secret_file", ""
    )
    for line in ("show policy all level=verbose", "dump"):
        assert "secret" not in examples.static(line).stdout


# --- single commands --------------------------------------------------------------------------


def test_a_command_changes_the_store_in_silence(netsh: Netsh) -> None:
    done = netsh("ipsec", "static", "add", "policy", "name=my policy", "assign=y")
    assert (done.stdout, done.stderr, done.status) == ("", "", 0)
    assert netsh.store.read().assigned == "my policy"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("add polcy x", "'polcy' is no object of add\n  fix: did you mean 'policy'?\n"),
        ("delete policy x", "there is no policy 'x'\n  fix: there is no policy yet\n"),
        ("add filter l me 1.2.3.4 srcmask=8", "me has no mask\n  fix: leave out srcmask\n"),
    ],
)
def test_a_mistake_changes_nothing(netsh: Netsh, line: str, message: str) -> None:
    done = netsh.static(line)
    assert (done.stdout, done.stderr, done.status) == ("", message, 2)
    assert not netsh.store.file(Location.LOCAL).exists()


def test_what_is_not_netsh_ipsec(netsh: Netsh) -> None:
    done = netsh("firewall", "reset")
    assert done.status == 2
    assert done.stderr.startswith("'firewall reset' is not netsh ipsec\n  fix:")


def test_help(netsh: Netsh) -> None:
    assert "static add policy" in netsh().stdout
    assert "dynamic show stats" in netsh("ipsec", "?").stdout
    assert "netsh ipsec static add rule" in netsh.static("add rule ?").stdout


def test_a_store_or_a_batch_lasts_for_a_script_only(netsh: Netsh) -> None:
    assert "in a script only" in netsh.static("set store persistent").stderr
    assert "in a script only" in netsh.static("set batch enable").stderr


# --- scripts ----------------------------------------------------------------------------------

BROKEN = """\
@echo off
netsh ipsec static add policy a
netsh ipsec static delete policy gone
netsh ipsec static add policy %1
netsh ipsec static ad plicy b
netsh ipsec static add policy c
"""


def test_a_script_counts_up_to_its_mistake(netsh: Netsh) -> None:
    file = netsh.script(BROKEN)
    done = netsh("-f", str(file))
    assert done.status == 2
    assert done.stderr.splitlines() == [
        f"{file}:4: left out, %1 is an argument of the script: netsh ipsec static add policy %1",
        f"{file}:3: note: there is no policy 'gone': nothing to delete",
        f"{file}:5: 'plicy' is no object of add",
        "  fix: did you mean 'policy'?",
        "the 2 commands before it are done",
    ]
    assert [each.name for each in netsh.store.read().policies] == ["a"]


def test_a_script_is_imported_whole_or_not_at_all(netsh: Netsh) -> None:
    file = netsh.script(BROKEN)
    done = netsh.policy("import", str(file))
    assert done.status == 2
    assert done.stderr.endswith("nothing is changed\n")
    assert not netsh.store.file(Location.LOCAL).exists()
    done = netsh.policy("import", str(netsh.script(BROKEN.replace("plicy", "policy"))))
    assert done.status == 0
    assert [each.name for each in netsh.store.read().policies] == ["a", "b", "c"]


def test_a_script_is_imported_into_a_location(netsh: Netsh) -> None:
    file = netsh.script("pushd ipsec static\nadd policy a\n", "a.txt")
    assert netsh.policy("import", str(file), "--location", "persistent").status == 0
    assert [each.name for each in netsh.store.read(Location.PERSISTENT).policies] == ["a"]


def test_a_code_page_is_guessed_and_said(netsh: Netsh) -> None:
    text = 'netsh ipsec static add policy "Pr\u00fcfung f\u00fcr gro\u00dfe B\u00fcros"\r\n'
    done = netsh("-f", str(netsh.script(text.encode("cp1252"))))
    assert "which is a guess; --encoding names another" in done.stderr
    (policy,) = netsh.store.read().policies
    assert policy.name == "Pr\u00fcfung f\u00fcr gro\u00dfe B\u00fcros"
    done = netsh("-f", str(netsh.script(text.encode("cp850"))), "--encoding", "utf-8")
    assert done.status == 2
    assert netsh("--encoding", "nonsense", "-f", str(netsh.script(b""))).status == 2


def test_no_such_script(netsh: Netsh) -> None:
    done = netsh("-f", str(netsh.folder / "nothing.bat"))
    assert done.status == 2
    assert "nothing.bat: No such file or directory" in done.stderr


def test_a_script_and_a_command_together(netsh: Netsh) -> None:
    assert netsh("-f", str(netsh.script("")), "ipsec").status == 2


# --- out of the store, and in again -----------------------------------------------------------


def test_a_dump_makes_the_store_again(examples: Netsh, tmp_path: Path) -> None:
    script = examples.script(examples.static("dump").stdout, "dump.txt")
    other = Netsh(examples.shell, tmp_path / "other")
    other.folder.mkdir()
    assert other("-f", str(script)).status == 0
    assert other.store.read() == examples.store.read()


def test_an_export_brings_the_keys_along_when_they_are_wanted(
    examples: Netsh, tmp_path: Path
) -> None:
    output = tmp_path / "export.netsh"
    done = examples.policy("export", "--netsh", "--with-secrets", "--output", str(output))
    assert done.status == 0
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    other = Netsh(examples.shell, tmp_path / "other")
    other.folder.mkdir()
    assert other.policy("import", str(output)).status == 0
    assert other.store.read() == examples.store.read()
    (file,) = (other.store.folder / "keys").iterdir()
    assert file.read_bytes() == b"secret"


def test_an_export_of_one_policy(examples: Netsh) -> None:
    text = examples.policy("export", "p", "--netsh").stdout
    assert "add policy name=p " in text
    assert "name=base" not in text
    assert examples.policy("export", "--netsh", "--location", "dynamic").stdout == ""


def test_exportpolicy_and_importpolicy(examples: Netsh, tmp_path: Path) -> None:
    file = tmp_path / "exported.toml"
    assert examples.static(f"exportpolicy {file}").status == 0
    again = examples.static(f"importpolicy {file}")
    assert again.status == 0
    assert examples.store.read().assigned == "base"
    other = Netsh(examples.shell, tmp_path / "other")
    done = other.static(f"importpolicy {file}")
    assert done.status == 0
    assert "the preshared key 'keys/base-r1.psk' is not here" in done.stderr
    assert len(other.store.read().policies) == 3
    assert other.static("importpolicy /nothing").status == 2
    assert other.static("exportpolicy /nothing/x").status == 2


# --- with a service ---------------------------------------------------------------------------

DYNAMIC = "pushd ipsec dynamic\nadd mmpolicy mm\nadd rule me any mm actionin=block actiono=block\n"


def test_dynamic_policy_needs_a_service(netsh: Netsh) -> None:
    done = netsh("-f", str(netsh.script(DYNAMIC)))
    assert done.status == 2
    assert f"no service runs from {netsh.store.folder}" in done.stderr
    assert not netsh.store.file(Location.DYNAMIC).exists()


def test_a_service_that_runs_from_the_store_takes_what_changed(
    service: Shell, stub: Stub, tmp_path: Path
) -> None:
    netsh = Netsh(service, tmp_path)
    stub.store = str(netsh.store.folder)
    done = netsh("-f", str(netsh.script(DYNAMIC)))
    assert (done.status, stub.reloads) == (0, 1)
    assert netsh.static("add policy x").status == 0
    assert netsh.static("show policy all").status == 0
    assert stub.reloads == 2
    shown = netsh("ipsec", "dynamic", "show", "all")
    assert "Inbound Action         : BLOCK" in shown.stdout
    assert netsh("ipsec", "dynamic", "show", "rule", "format=table").status == 0
    assert "add rule srcaddr=me" in netsh("ipsec", "dynamic", "dump").stdout
    assert "add rule srcaddr=me" in netsh.policy("export", "--netsh", "--location=dynamic").stdout


def test_a_service_shows_its_associations_and_counters(
    service: Shell, stub: Stub, tmp_path: Path
) -> None:
    netsh = Netsh(service, tmp_path)
    assert netsh("ipsec", "dynamic", "show", "mmsas").stdout == "no main mode SA\n"
    assert netsh("ipsec", "dynamic", "show", "qmsas").stdout == "no quick mode SA\n"
    assert "IKE statistics" in netsh("ipsec", "dynamic", "show", "stats").stdout
