"""Two real services agree over the loopback interface, steered as a person would do it."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.service.ports import two_free_ports
from tests.service.processes import KEY, MAINMODE, Service, on_loopback, prepare

pytestmark = pytest.mark.slow  # eleven seconds of starting and stopping

Two = tuple[Service, Service]


@pytest.fixture
def directories(tmp_path: Path) -> tuple[Path, Path]:
    first, second = tmp_path / "first", tmp_path / "second"
    prepare(first)
    prepare(second)
    return first, second


@pytest.fixture
def two(directories: tuple[Path, Path]) -> Iterator[Two]:
    with ExitStack() as stack:
        ports = two_free_ports()
        first = stack.enter_context(on_loopback(directories[0], "127.0.0.2", ports))
        second = stack.enter_context(on_loopback(directories[1], "127.0.0.3", ports))
        yield first, second


def test_up_show_down(two: Two) -> None:
    first, second = two
    up = first.mainmode("up", second.address)
    assert (up.returncode, up.stderr) == (0, "")
    assert "main mode with 127.0.0.3" in up.stdout
    assert up.stdout.splitlines()[-1].startswith("quick mode with 127.0.0.3")

    second.wait_for_log("audit 541: quick mode with 127.0.0.2")
    ours, theirs = (json.loads(each.mainmode("show", "qmsas", "--json").stdout) for each in two)
    assert len(ours) == len(theirs) == 1, "a pair is one quick mode SA"
    assert ours[0]["inbound_spi"] == theirs[0]["outbound_spi"]
    assert ours[0]["outbound_spi"] == theirs[0]["inbound_spi"]
    assert (ours[0]["role"], theirs[0]["role"]) == ("initiator", "responder")
    assert (
        json.loads(second.mainmode("show", "stats", "--json").stdout)["ike"]["IKE Main Mode"] == 1
    )

    down = first.mainmode("down", second.address)
    assert down.stdout == "127.0.0.3: ended 1 main mode, 1 quick mode and 0 soft SAs\n"
    second.wait_for_log("audit 543: main mode with 127.0.0.2")
    for each in two:
        assert each.mainmode("show", "mmsas").stdout == "no main mode SA\n"
        assert each.mainmode("show", "qmsas").stdout == "no quick mode SA\n"
        assert KEY not in each.log


def test_a_wrong_key_is_explained(two: Two) -> None:
    first, second = two
    (second.directory / "psk").write_text("another preshared key altogether")
    assert second.mainmode("reload").returncode == 0
    first_policy = first.policy.read_text()
    first.policy.write_text(first_policy + '\n[main_mode]\nretry_intervals = ["1s", "1s"]\n')
    assert first.mainmode("reload").returncode == 0
    up = first.mainmode("up", second.address)
    assert up.returncode == 1
    assert "different preshared keys" in up.stdout.splitlines()[-1]
    assert "different preshared keys" in second.log


def test_a_peer_without_a_rule_for_us_is_explained(two: Two) -> None:
    first, second = two
    text = first.policy.read_text().replace("127.0.0.0/29", "192.0.2.0/24")
    first.policy.write_text(text)
    assert first.mainmode("reload").returncode == 0
    up = first.mainmode("up", second.address)
    assert up.returncode == 1
    assert "no rule of the policy here asks for a negotiation" in up.stdout


def test_sigterm_says_goodbye(two: Two) -> None:
    first, second = two
    assert first.mainmode("up", second.address).returncode == 0
    assert first.end(signal.SIGTERM) == 0
    second.wait_for_log("audit 543: main mode with 127.0.0.2")
    assert not first.control.exists()
    done = first.mainmode("show", "mmsas")
    assert done.returncode == 1
    assert "no mainmode service answers" in done.stderr


def test_sighup_with_a_broken_policy_changes_nothing(two: Two) -> None:
    first, second = two
    assert first.mainmode("up", second.address).returncode == 0
    good = first.policy.read_text()
    first.policy.write_text(good.replace("negotiate", "negociate"))
    first.process.send_signal(signal.SIGHUP)
    first.wait_for_log("the new policy is not used, the one before stays in force")
    assert f"{first.policy}:8: " in first.log
    assert "no quick mode SA" not in first.mainmode("show", "qmsas").stdout
    reload = first.mainmode("reload")
    assert reload.returncode == 2
    assert f"{first.policy}:8: " in reload.stderr

    first.policy.write_text(good.replace('"first"', '"better"'))
    first.process.send_signal(signal.SIGHUP)
    first.wait_for_log("policy 'better' assigned")
    assert "no quick mode SA" not in first.mainmode("show", "qmsas").stdout


def test_a_killed_service_is_followed_by_another(directories: tuple[Path, Path]) -> None:
    """kill -9 leaves the control socket; nobody has to remove it."""
    ports = two_free_ports()
    with on_loopback(directories[0], "127.0.0.2", ports) as killed:
        killed.end(signal.SIGKILL)
        assert killed.control.exists()
    with on_loopback(directories[0], "127.0.0.2", ports) as successor:
        assert successor.mainmode("show", "status").returncode == 0


def test_how_long_people_wait(two: Two, capsys: pytest.CaptureFixture[str]) -> None:
    """Measured and reported; machines differ too much to demand a figure here."""
    service = two[0]
    waits = {"run, until ready": service.started_in_s}
    for words in (["show", "mmsas"], ["show", "stats"], ["up", two[1].address]):
        began = time.monotonic()
        assert service.mainmode(*words).returncode == 0
        waits[" ".join(words)] = time.monotonic() - began
    began = time.monotonic()
    subprocess.run([*MAINMODE, "--version"], check=True, capture_output=True)
    waits["--version"] = time.monotonic() - began
    with capsys.disabled():
        print("\nseconds:", ", ".join(f"{what} {wait:.2f}" for what, wait in waits.items()))
