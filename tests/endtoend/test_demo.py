"""`mainmode demo` as people run it: what it shows, when it fails, and that nothing stays behind."""

import os
import shlex
import shutil
import signal
import struct
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.service.processes import MAINMODE

pytestmark = [pytest.mark.network, pytest.mark.slow]

PATIENCE_S = 60.0
ENDING_S = 5.0
DEMO = (*MAINMODE, "demo")
AS_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")
"""Runs a command without any capability."""
MESSAGES = [
    *(f"main mode {number}" for number in range(1, 7)),
    *(f"quick mode {number}" for number in range(1, 4)),
]


@dataclass
class Runner:
    """Runs demos with a folder of their own for what they make, and a mark in what they start."""

    folder: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        ours = {"TMPDIR": str(self.folder), "MAINMODE_TEST": self.mark}
        return {**os.environ, **ours, **more}

    def run(
        self, *words: str, inside: tuple[str, ...] = (), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """inside: the command that runs the demo in other circumstances."""
        return subprocess.run(
            [*inside, *DEMO, *words],
            env=self.environment(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )

    @contextmanager
    def running(self, *words: str, inside: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
        """A demo that somebody watches."""
        process = subprocess.Popen(
            [*inside, *DEMO, *words],
            env=self.environment({}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.terminate()

    def left_behind(self) -> list[str]:
        """Processes and files of the demo. Namespaces, links and tables live on nothing else."""
        marked = [
            str(process) for process in Path("/proc").glob("[0-9]*") if self._is_ours(process)
        ]
        return marked + [str(file) for file in self.folder.iterdir()]

    def _is_ours(self, process: Path) -> bool:
        try:
            return self.mark.encode() in (process / "environ").read_bytes()
        except OSError:  # it has just ended
            return False


@pytest.fixture
def demos() -> Iterator[Runner]:
    """Whatever a demo meets, it leaves nothing behind. (Sockets must have short paths; a blank in
    them shows whether the commands to try can be pasted.)"""
    with TemporaryDirectory(prefix="mm ") as folder:
        runner = Runner(Path(folder))
        yield runner
        deadline = time.monotonic() + ENDING_S  # a process that was killed takes a moment to go
        while runner.left_behind() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert runner.left_behind() == []


def wait_for_line(process: subprocess.Popen[str], text: str) -> list[str]:
    """The lines up to the one with this text."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if text in line:
            return lines
    raise AssertionError("\n".join(lines))


# --- what it shows ------------------------------------------------------------------------


def ip_protocols(pcap: bytes) -> list[int]:
    """Protocol numbers of the IPv4 packets in a capture file, read without mainmode's help."""
    magic, link_type = struct.unpack(">I16xI", pcap[:24])
    assert (magic, link_type) == (0xA1B2C3D4, 1)
    found = []
    start = 24
    while start < len(pcap):
        _, _, kept, whole = struct.unpack_from(">IIII", pcap, start)
        frame = pcap[start + 16 : start + 16 + kept]
        assert kept == whole == len(frame)
        if frame[12:14] == b"\x08\x00":
            found.append(frame[14 + 9])
        start += 16 + kept
    return found


def test_all_of_it_happens(demos: Runner, tmp_path: Path) -> None:
    pcap = tmp_path / "wire.pcap"
    began = time.monotonic()
    done = demos.run("--pcap", str(pcap))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert time.monotonic() - began < 30

    shown = done.stdout
    drawn = [line for line in shown.splitlines() if "HDR" in line]
    assert [each for line in drawn[:9] for each in MESSAGES if each in line] == MESSAGES
    assert shown.count("policy.toml") == 2
    assert shown.count("icmp_seq=") == 4
    assert "the two sides have different preshared keys" in " ".join(shown.split())
    assert max(len(line) for line in shown.splitlines() if "/" not in line) < 80

    protocols = ip_protocols(pcap.read_bytes())
    assert set(protocols) == {17, 50}, "UDP for IKE, ESP, and no ICMP"
    assert protocols.count(50) == 8
    assert pcap.read_bytes().count(b"nobody may read this") == 0


def test_for_an_ordinary_user(demos: Runner) -> None:
    done = demos.run(inside=AS_USER)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_without_a_path(demos: Runner) -> None:
    """Nothing is found by PATH but nft, which Debian keeps where users do not look."""
    assert demos.run(PATH="").returncode == 0


def test_plain_without_colours_and_line_drawing(demos: Runner) -> None:
    done = demos.run(PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout


# --- playing on ---------------------------------------------------------------------------


@pytest.mark.parametrize("inside", [(), AS_USER], ids=["root", "user"])
def test_keep_leaves_it_running_until_somebody_says_stop(
    demos: Runner, inside: tuple[str, ...]
) -> None:
    with demos.running("--keep", inside=inside) as process:
        lines = wait_for_line(process, "takes all of it down")
        shells = [
            shlex.split(line, comments=True)[:-1] for line in lines if line.startswith("nsenter")
        ]
        shows = [shlex.split(line) for line in lines if " show qmsas --control" in line]
        assert (len(shells), len(shows)) == (2, 2)
        for show in shows:
            assert subprocess.run(show, capture_output=True).returncode == 0
        up = [*MAINMODE, "up", "192.0.2.2", "--control", shows[0][-1]]
        assert subprocess.run([*shells[0], *up], capture_output=True).returncode == 0
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, rest
    assert "left no device, route, rule or table behind" in rest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("moment", ["Two hosts agree", "Two hosts, one wire", "main mode 5 again"])
def test_it_can_be_interrupted_at_any_time(
    demos: Runner, number: signal.Signals, moment: str
) -> None:
    with demos.running() as process:
        wait_for_line(process, moment)
        process.send_signal(number)
        process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 128 + number


def test_a_reader_that_goes_away_ends_it(demos: Runner) -> None:
    with demos.running() as process:
        wait_for_line(process, "our capture")
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(PATIENCE_S) == 1


# --- what goes wrong ----------------------------------------------------------------------


def command(folder: Path, name: str, script: str) -> str:
    """A PATH where this command comes first."""
    folder.mkdir()
    file = folder / name
    file.write_text("#!/bin/sh\n" + script)
    file.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_it_fails_when_nothing_is_protected(demos: Runner, tmp_path: Path) -> None:
    """An nft that takes every packet filter and loads none."""
    real = shutil.which("nft")
    script = f'case "$*" in *-f*) cat >/dev/null ;; *) exec {real} "$@" ;; esac\n'
    done = demos.run(PATH=command(tmp_path / "bin", "nft", script))
    assert done.returncode == 1
    assert "ICMP packets went in clear" in done.stdout
    assert "Not all of it happened" in done.stdout
    assert "service started" in done.stdout, "the ends of the logs"


def test_it_fails_when_a_service_does_not_start(demos: Runner, tmp_path: Path) -> None:
    real = shutil.which("nft")
    script = f'case "$*" in *-f*) echo no such luck >&2; exit 1 ;; *) exec {real} "$@" ;; esac\n'
    done = demos.run(PATH=command(tmp_path / "bin", "nft", script))
    assert done.returncode == 1
    assert "alice's service ended with status 2" in done.stdout
    assert "no such luck" in done.stdout


def lacking(*commands: str) -> tuple[str, ...]:
    """A mount namespace in which these commands of the shell have been done first."""
    return ("unshare", "--mount", "sh", "-c", "; ".join((*commands, 'exec "$@"')), "sh")


def test_missing_tun(demos: Runner) -> None:
    done = demos.run(inside=lacking("mount -t tmpfs none /dev/net"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "/dev/net/tun is not there (kernel module tun)" in done.stderr


def test_missing_nft(demos: Runner, tmp_path: Path) -> None:
    """And an apt-get that brings nothing."""
    note = tmp_path / "told"
    path = command(tmp_path / "bin", "apt-get", f'echo "$*" >>{note}\nexit 100\n')
    hide = f"mount --bind /dev/null {os.path.realpath(shutil.which('nft') or '')}"
    done = demos.run(inside=lacking(hide), PATH=path)
    assert done.returncode == 2
    assert "installing the Debian package nftables" in done.stdout
    assert "the command nft is not installed (Debian package nftables)" in done.stderr
    assert "install nftables" in note.read_text()


def test_a_capture_file_that_cannot_be_written(demos: Runner, tmp_path: Path) -> None:
    done = demos.run("--pcap", str(tmp_path / "no" / "such" / "folder"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be written: No such file or directory" in done.stderr
