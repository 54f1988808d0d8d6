"""mainmode's own service on a host of a test network, driven by its command line like any other."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from tests.peers.network import Host

START_S = 20.0
STOP_S = 10.0
COMMAND_S = 90.0

POLICY = """
[policy]
name = "peers"

[main_mode]
offers = {offers}
retry_intervals = {retry_intervals}

[filter_list.peer]
filters = [{{ source = "{near}", destination = "{far}" }}]

[filter_action.protect]
action = "negotiate"
offers = {quick_mode}
{pfs}

[[rule]]
name = "peer"
filter_list = "peer"
filter_action = "protect"
{tunnel}
explain_refusals = {explain}
authentication = [{{ method = "preshared_key", secret_file = "key" }}]
"""


class Service:
    """`mainmode run`, by itself without a driver: main mode and quick mode, but no packets.

    pfs: the group of session key PFS, or nothing. far: without it the peer itself.
    tunnel: whether the rule is about a tunnel to the peer.
    """

    def __init__(
        self,
        host: Host,
        *,
        peer: str,
        key: bytes,
        offers: Sequence[str],
        retries: Sequence[str],
        quick_mode: Sequence[str] = ("esp:3des-sha1",),
        pfs: str = "",
        near: str = "me",
        far: str = "",
        tunnel: bool = False,
        explain: bool = False,
        driver: str = "null",
    ) -> None:
        self._host = host
        self._peer = peer
        self._key = key
        self._driver = driver
        self._policy = POLICY.format(
            offers=json.dumps(list(offers)),
            retry_intervals=json.dumps(list(retries)),
            near=near,
            far=far or peer,
            quick_mode=json.dumps(list(quick_mode)),
            pfs=f'session_pfs = true\nsession_pfs_group = "{pfs}"' if pfs else "",
            explain=json.dumps(explain),
            tunnel=f'tunnel_endpoint = "{peer}"' if tunnel else "",
        )

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="mainmode-")
        self.folder = Path(self._folder.name)
        self._control = self.folder / "control"
        (self.folder / "policy.toml").write_text(self._policy)
        secret = self.folder / "key"
        secret.touch(mode=0o600)
        secret.write_bytes(self._key)
        try:
            self.start()
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._stop()
        finally:
            self._folder.cleanup()

    # --- what it is told --------------------------------------------------------------------

    def start(self) -> None:
        """Returns when it is ready. Its log and its events begin anew."""
        self._since = 0
        policy = str(self.folder / "policy.toml")
        command = self._command("run", "--policy", policy, "--driver", self._driver)
        with (self.folder / "log").open("wb") as log:
            self._process = self._host.popen(command, stdout=log, stderr=log)
        try:
            self._wait_for_start()
        except BaseException:
            self._stop()
            raise

    def stop(self) -> None:
        """In good order: it takes its SAs back."""
        self._stop()

    def kill(self) -> None:
        """Ends it as a crash does: it tells nobody."""
        self._process.kill()
        self._process.wait(STOP_S)

    def up(self) -> bool:
        """Negotiates with the peer; whether main mode and quick mode came about."""
        return self._run("up", self._peer).returncode == 0

    def down(self) -> None:
        self._run("down", self._peer).check_returncode()

    # --- what it says -----------------------------------------------------------------------

    def mmsas(self) -> list[dict[str, Any]]:
        return list(json.loads(self._shown("mmsas")))

    def qmsas(self) -> list[dict[str, Any]]:
        return list(json.loads(self._shown("qmsas")))

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Events of one kind, oldest first, as far as they are not forgotten."""
        return [event for event in self._all_events() if event["event"] == kind]

    def forget_events(self) -> None:
        """Those until now."""
        self._since = max((each["sequence"] for each in self._all_events()), default=self._since)

    def wait_for(self, kind: str, patience_s: float = COMMAND_S) -> dict[str, Any]:
        """The first event of a kind, once it is there."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if found := self.events(kind):
                return found[0]
            time.sleep(0.2)
        raise TimeoutError(f"no {kind} in {patience_s} s; the log:\n{self.log}")

    def wait_until_no_mmsa(self, patience_s: float = COMMAND_S) -> None:
        deadline = time.monotonic() + patience_s
        while self.mmsas():
            if time.monotonic() > deadline:
                raise TimeoutError(f"main mode SAs stay; the log:\n{self.log}")

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    # --- inside -----------------------------------------------------------------------------

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "mainmode", *arguments, "--control", str(self._control)]

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(*arguments), capture_output=True, text=True, timeout=COMMAND_S
        )

    def _all_events(self) -> list[dict[str, Any]]:
        lines = self._shown("events", "--since", str(self._since)).splitlines()
        return [json.loads(line) for line in lines]

    def _shown(self, what: str, *options: str) -> str:
        ended = self._run("show", what, "--json", *options)
        ended.check_returncode()
        return ended.stdout

    def _wait_for_start(self) -> None:
        deadline = time.monotonic() + START_S
        while self._run("show", "status", "--json").returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the service did not start; its log:\n{self.log}")
            time.sleep(0.1)

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        finally:
            self._process.kill()


def require_failure(event: Mapping[str, Any], reason: str, decided_by: str, *words: str) -> None:
    """This reason, decided by "me", "peer" or "nobody", in a sentence that has these words."""
    failure = event["failure"]
    assert (failure["reason"], failure["decided_by"]) == (reason, decided_by), event
    assert [each for each in words if each not in event["sentence"]] == [], event["sentence"]
