"""A `mainmode run` on one of two hosts: its folder, policy, secret, log and control socket."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from mainmode.cli.client import Answer, Client
from mainmode.cli.outcome import Failed
from mainmode.demo.hosts import Host
from mainmode.demo.outcome import DidNotHappen

POLICY = """\
# What {host} does: traffic with {peer} travels under protection or not at all.

[policy]
name = "{host}"

[main_mode]
retry_intervals = ["1s", "1s", "1s"]    # soon done with a peer that does not answer

[filter_list."{peer}"]
filters = [{{ source = "me", destination = "{address}" }}]

[filter_action."require security"]
action = "negotiate"
offers = ["esp:3des-sha1"]

[[rule]]
name = "secure {peer}"
filter_list = "{peer}"
filter_action = "require security"
authentication = [{{ method = "preshared_key", secret_file = "psk" }}]
"""

_MANAGER_VARIABLES = {"JOURNAL_STREAM", "NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY", "WATCHDOG_USEC"}
"""What a service manager told us is not for the services of the demo."""
_START_S = 15.0
_STOP_S = 10.0
_POLL_S = 0.02
_LOG_TAIL_LINES = 12


class Service:
    """The service of one host."""

    def __init__(self, host: Host, peer: Host, folder: Path, policy: str = POLICY) -> None:
        """Write the policy that protects traffic with the peer; POLICY shows its blanks."""
        self.host = host
        self.folder = folder
        self.policy = folder / "policy.toml"
        self.control = folder / "control.sock"
        self.client = Client(str(self.control))
        self._log = folder / "log"
        self._secret = folder / "psk"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir()
        self.policy.write_text(policy.format(host=host.name, peer=peer.name, address=peer.address))
        self._secret.touch(0o600)

    @property
    def name(self) -> str:
        return self.host.name

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def set_key(self, key: str) -> None:
        """Write the preshared key; a running service reads it when it reloads."""
        self._secret.write_text(key)

    # --- life -----------------------------------------------------------------------------

    def start(self) -> None:
        """Start the process; `wait_until_ready` follows."""
        words = ["run", "--policy", str(self.policy), "--control", str(self.control)]
        environment = {k: v for k, v in os.environ.items() if k not in _MANAGER_VARIABLES}
        with self._log.open("wb") as log:

            def launch() -> None:
                # Kept at once: an interrupt must not make us forget it.
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "mainmode", *words],
                    cwd=self.folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is for us, who stop it in order
                )

            self.host.inside(launch)

    def wait_until_ready(self) -> Answer:
        """Its status. Raises DidNotHappen."""
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                raise DidNotHappen(
                    f"{self.name}'s service ended with status {self._process.returncode}"
                )
            try:
                return self.client.get("/v1/status")
            except Failed:
                time.sleep(_POLL_S)
        raise DidNotHappen(f"{self.name}'s service was not ready in {_START_S:g} s")

    def stop(self) -> None:
        """Ask it to end, as a service manager does. Raises DidNotHappen unless it ends well."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            raise DidNotHappen(f"{self.name}'s service did not stop in {_STOP_S:g} s") from None
        if status != 0:
            raise DidNotHappen(f"{self.name}'s service stopped with status {status}")

    def end(self) -> None:
        """Whatever happened: afterwards the process is gone."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    # --- what it says -----------------------------------------------------------------------

    def last_event(self) -> int:
        """The number of its newest event."""
        last: int = self.client.get("/v1/status")["last_event"]
        return last

    def events(self, since: int, until: tuple[str, ...], seconds: float) -> Iterator[Answer]:
        """As they happen, up to the first of a kind in `until`.

        Raises: DidNotHappen when none comes in time.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            answer = self.client.get(f"/v1/events?since={since}&wait={left:.3f}")
            for event in answer["events"]:
                yield event
                if event["event"] in until:
                    return
            since = answer["last"]
        raise DidNotHappen(f"{self.name} reported no {' or '.join(until)} in {seconds:g} s")

    def log_tail(self) -> str:
        """The last lines of its log."""
        if not self._log.exists():
            return ""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:])
