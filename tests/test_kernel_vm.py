"""tools/kernel-vm: what a command in the machine can do, and what comes back of it."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.guest

TOOL = Path(__file__).parent.parent / "tools" / "kernel-vm"
TIMED_OUT, MACHINE_FAILED = 124, 125

ADD_SA = "ip xfrm state add src 192.0.2.1 dst 192.0.2.2"
KEY = "0x000102030405060708090a0b0c0d0e0f"


def run(command: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """In a machine of its own, by its shell."""
    words = ["run", "--timeout", str(timeout_s), "sh", "-c", command]
    return subprocess.run(
        [sys.executable, str(TOOL), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def test_a_command_has_ipsec_and_changes_nothing_here(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("before\n")
    done = run(
        f"""
        set -e
        {ADD_SA} proto esp spi 4096 enc 'cbc(des)' 0x0123456789abcdef auth 'hmac(md5)' {KEY}
        {ADD_SA} proto ah spi 4096 auth 'hmac(md5)' {KEY}
        cat {file}
        echo after >{file}
        cat {file} >&2
        exit 7
        """,
        timeout_s=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "before\n", "after\n")
    assert file.read_text() == "before\n"


def test_time_runs_out() -> None:
    done = run("sleep 1000", timeout_s=5)
    assert done.returncode == TIMED_OUT
    assert "ended after 5 s" in done.stderr


def test_a_machine_that_breaks_down_says_so() -> None:
    done = run("echo c >/proc/sysrq-trigger; sleep 60", timeout_s=120)
    assert done.returncode == MACHINE_FAILED
    assert "Kernel panic" in done.stderr
