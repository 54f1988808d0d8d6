"""Services as processes of their own on the loopback interface, and commands that talk to them."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MAINMODE = (sys.executable, "-m", "mainmode")
PATIENCE_S = 30.0

POLICY = """\
[policy]
name = "NAME"

[filter_list.partners]
filters = [{ source = "me", destination = "127.0.0.0/29" }]

[filter_action.secure]
action = "negotiate"

[[rule]]
name = "partners"
filter_list = "partners"
filter_action = "secure"
authentication = [{ method = "preshared_key", secret_file = "psk" }]
"""
KEY = "a preshared key for these tests alone"


@dataclass(frozen=True)
class Service:
    """One running `mainmode run`."""

    address: str
    directory: Path
    process: subprocess.Popen[bytes]
    started_in_s: float

    @property
    def control(self) -> Path:
        return self.directory / "control.sock"

    @property
    def policy(self) -> Path:
        return self.directory / "policy.toml"

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    def mainmode(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command that talks to this service."""
        return subprocess.run(
            [*MAINMODE, *words, "--control", str(self.control)],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    def wait_for_log(self, text: str) -> None:
        """Until the log says so."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.log:
            assert time.monotonic() < deadline, f"never said {text!r}:\n{self.log}"
            select.select([], [], [], 0.02)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal it to end; its exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def prepare(directory: Path, policy: str = POLICY, key: str = KEY) -> Path:
    """A directory with policy and key; the policy file."""
    directory.mkdir()
    file = directory / "policy.toml"
    file.write_text(policy.replace("NAME", directory.name))
    secret = directory / "psk"
    secret.touch(0o600)
    secret.write_text(key)
    return file


@contextmanager
def on_loopback(
    directory: Path, address: str, ports: tuple[int, int], *, store: bool = False
) -> Iterator[Service]:
    """A service on one address of the loopback interface that protects nothing."""
    words = ["--listen", address, "--port", str(ports[0]), "--nat-port", str(ports[1])]
    words += ["--driver", "null"]
    with running(directory, address, words, store=store) as service:
        yield service


@contextmanager
def running(
    directory: Path,
    address: str,
    words: Sequence[str],
    inside: Sequence[str] = (),
    program: Sequence[str] = MAINMODE,
    *,
    store: bool = False,
) -> Iterator[Service]:
    """A service from when it is ready to the end of the block.

    inside: the command that runs it elsewhere, in a network namespace.
    program: what is run in place of `mainmode`.
    store: whether the directory is a policy store; otherwise its policy.toml is the policy.
    """
    source = ["--store", str(directory)] if store else ["--policy", str(directory / "policy.toml")]
    command = [*inside, *program, "run", *source, *words]
    command += ["--control", str(directory / "control.sock"), "--log-level", "debug"]
    environment = {key: value for key, value in os.environ.items() if key != "JOURNAL_STREAM"}
    began = time.monotonic()
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, env=environment)
    service = Service(address, directory, process, 0.0)
    try:
        service.wait_for_log("service started")
        yield Service(address, directory, process, time.monotonic() - began)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
