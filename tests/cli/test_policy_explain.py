"""`mainmode policy explain`."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Outcome, Shell

GOLDEN = Path(__file__).parent / "golden"
POLICY = """\
[policy]
name = "request"

[main_mode]
fallback_after = "2s"

[filter_list.everything]
filters = [{ source = "me", destination = "any" }]

[filter_list.web]
filters = [
    { source = "me", destination = "any", protocol = "tcp", destination_port = 80 },
    { source = "me", destination = "intranet.example" },
]

[filter_list.partner]
filters = [{ source = "me", destination = "192.0.2.0/28" }]

[filter_action.request]
action = "negotiate"
offers = ["esp:aes128-sha1", "esp:3des-sha1 15m 100MB"]
accept_unsecured = true
allow_fallback = true

[filter_action.permit]
action = "permit"

[[rule]]
name = "all"
filter_list = "everything"
filter_action = "request"
authentication = [{ method = "preshared_key", secret_file = "all.psk" }]

[[rule]]
name = "web in clear"
filter_list = "web"
filter_action = "permit"

[[rule]]
name = "partner"
filter_list = "partner"
filter_action = "request"
authentication = [
    { method = "kerberos" },
    { method = "preshared_key", secret_file = "partner.psk" },
]
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    place = tmp_path / "policy.toml"
    place.write_text(POLICY)
    return str(place)


def explained(shell: Shell, file: str, *words: str) -> Outcome:
    return shell("policy", "explain", "--policy", file, "--me", "192.0.2.1", *words)


WEB = ("--from", "me", "--to", "192.0.2.2:80", "--protocol", "tcp")


def test_as_text(shell: Shell, file: str) -> None:
    done = explained(shell, file, *WEB)
    assert (done.stderr, done.status) == ("", 0)
    assert done.stdout == (GOLDEN / "explain.txt").read_text()


def test_as_json(shell: Shell, file: str) -> None:
    done = explained(shell, file, *WEB, "--json")
    assert (done.stderr, done.status) == ("", 0)
    assert json.loads(done.stdout) == json.loads((GOLDEN / "explain.json").read_text())


def test_what_comes_in(shell: Shell, file: str) -> None:
    words = ("--from", "192.0.2.99:1024", "--to", "192.0.2.1:445", "--protocol", "TCP", "--inbound")
    said = explained(shell, file, *words).stdout.splitlines()
    assert said[1] == (
        "192.0.2.99:1024 -> 192.0.2.1:445 tcp, inbound: negotiate with 192.0.2.99, transport mode"
    )
    passed = "it is accepted (inbound pass-through), and protection is negotiated for the answer"
    assert f"    {passed}" in said


def test_ike_is_exempt(shell: Shell, file: str) -> None:
    words = ("--from", "192.0.2.1:500", "--to", "192.0.2.2:500", "--protocol", "udp")
    said = explained(shell, file, *words).stdout
    assert "outbound: permit\n" in said
    assert "UDP port 500 here is IKE, which is always exempt" in said


def test_this_computer_itself(shell: Shell, file: str) -> None:
    done = shell("policy", "explain", "--policy", file, "--protocol", "icmp",
                 "--from", "me", "--to", "127.0.0.1")  # fmt: skip
    assert "127.0.0.1 is this computer itself: permitted" in done.stdout


def test_a_policy_of_the_store(shell: Shell, file: str, tmp_path: Path) -> None:
    store = ("--store", str(tmp_path / "store"))
    assert shell("policy", "import", file, *store).status == 0
    words = ("policy", "explain", *store, "--me", "192.0.2.1", *WEB)
    assert "no filter decides: permitted" in shell(*words).stdout
    assert "with 192.0.2.2, transport mode" in shell(*words, "--name", "request").stdout
    assert shell("policy", "assign", "request", *store).status == 0
    assert "with 192.0.2.2, transport mode" in shell(*words).stdout
    assert "did you mean 'request'?" in shell(*words, "--name", "reqest").stderr


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--from", "me", "--to", "there", "--protocol", "tcp"), "'there' is no end of a packet"),
        (("--from", "me", "--to", "10.0.0.1:x", "--protocol", "tcp"), "is no end of a packet"),
        (("--from", "me", "--to", "10.0.0.1:65536", "--protocol", "tcp"), "a port is beyond 65535"),
        (("--from", "me", "--to", "10.0.0.1:80", "--protocol", "icmp"), "icmp has no ports"),
        (("--from", "me", "--to", "10.0.0.1", "--protocol", "any"), "a packet has one"),
        (("--from", "me", "--to", "10.0.0.1", "--protocol", "tpc"), "'tpc' is no protocol"),
        (("--from", "me", "--to", "me", "--protocol", "tcp"), "never leaves"),
        (("--from", "me", "--to", "2001:db8::1", "--protocol", "tcp"), "no route leads to"),
        (("--from", "192.0.2.1", "--to", "[2001:db8::1]:80", "--protocol", "tcp"), "two kinds"),
        (("--from", "10.0.0.1", "--to", "me", "--protocol", "tcp"), "it comes in"),
        (("--from", "me", "--to", "10.0.0.1", "--protocol", "tcp", "--inbound"), "it goes out"),
        (("--me", "here", *WEB), "--me: 'here' does not appear to be"),
        (("--store", "store", *WEB), "--policy and --store are two places"),
    ],
)
def test_what_is_no_question(shell: Shell, file: str, words: tuple[str, ...], problem: str) -> None:
    done = explained(shell, file, *words)
    assert (done.stdout, done.status) == ("", 2)
    assert problem in done.stderr.splitlines()[0]
    assert done.stderr.splitlines()[1].startswith("  fix: ")
