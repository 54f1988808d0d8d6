"""mainmode's own service on a host of a test network, driven by its command line like any other."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from click.testing import CliRunner, Result

from mainmode.cli.main import main
from tests.peers.network import Host

START_S = 120.0
"""In an emulated machine a start takes half a minute."""
STOP_S = 30.0
PATIENCE_S = 90.0

POLICY = """
[policy]
name = "peers"

[main_mode]
offers = {offers}
lifetime = "{lifetime}"
retry_intervals = {retries}

[filter_list.peer]
filters = [{{ source = "{near}", destination = "{far}" }}]

[filter_action.protect]
action = "negotiate"
offers = {protections}
{session_pfs}

[[rule]]
name = "peer"
filter_list = "peer"
filter_action = "protect"
{tunnel_endpoint}
explain_refusals = {explain}
authentication = [{{ method = "preshared_key", secret_file = "key" }}]
"""


@dataclass(frozen=True, slots=True)
class Terms:
    """What policy says about the traffic with one peer."""

    peer: str
    offers: Sequence[str]
    """Of main mode."""
    retries: Sequence[str]
    protections: Sequence[str] = ("esp:3des-sha1",)
    """Of quick mode."""
    pfs_group: str = ""
    """Of session key PFS; empty: none."""
    tunnel: tuple[str, str] | None = None
    """The addresses behind this host and behind the peer; None: transport mode."""

    explain: bool = False
    """Whether the peer hears in main mode what would have been accepted."""
    lifetime: str = "8h"
    """Of main mode."""

    @property
    def policy(self) -> str:
        """The policy file."""
        near, far = self.tunnel or ("me", self.peer)
        pfs = f'session_pfs = true\nsession_pfs_group = "{self.pfs_group}"'
        return POLICY.format(
            offers=json.dumps(list(self.offers)),
            lifetime=self.lifetime,
            retries=json.dumps(list(self.retries)),
            near=near,
            far=far,
            protections=json.dumps(list(self.protections)),
            session_pfs=pfs if self.pfs_group else "",
            explain=json.dumps(self.explain),
            tunnel_endpoint=f'tunnel_endpoint = "{self.peer}"' if self.tunnel else "",
        )


class Service:
    """`mainmode run`. Without a driver (null) it negotiates, but carries no packets.

    program: the Python module to start.
    """

    def __init__(
        self,
        host: Host,
        terms: Terms,
        *,
        key: bytes,
        driver: str = "null",
        program: str = "mainmode",
    ) -> None:
        self._host = host
        self._terms = terms
        self._key = key
        self._driver = driver
        self._program = program
        self._forgotten = 0
        """Number of the last event that is not shown any more."""

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="mainmode-")
        self.folder = Path(self._folder.name)
        self._control = self.folder / "control"
        self._policy = self.folder / "policy.toml"
        self._policy.write_text(self._terms.policy)
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
            self.stop()
        finally:
            self._folder.cleanup()

    # --- what it is told --------------------------------------------------------------------

    def start(self) -> None:
        """Returns when it is ready. Its log and its events begin anew."""
        self._forgotten = 0
        words = ["run", "--policy", str(self._policy), "--driver", self._driver]
        command = [sys.executable, "-m", self._program, *words, "--control", str(self._control)]
        with (self.folder / "log").open("wb") as log:
            self._process = self._host.popen(command, stdout=log, stderr=log)
        try:
            self._wait_for_start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """In good order: it takes its SAs back."""
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        finally:
            self._process.kill()

    def kill(self) -> None:
        """Ends it as a crash does: it tells nobody."""
        self._process.kill()
        self._process.wait(STOP_S)

    def assign(self, terms: Terms) -> None:
        """Another policy from now on; nothing happens if it is in force already."""
        if terms != self._terms:
            self._policy.write_text(terms.policy)
            self._run("reload")
            self._terms = terms

    def up(self) -> bool:
        """Negotiates with the peer; whether main mode and quick mode came about."""
        return self._command("up", self._terms.peer).exit_code == 0

    def down(self) -> None:
        self._run("down", self._terms.peer)

    # --- what it says -----------------------------------------------------------------------

    def mmsas(self) -> list[dict[str, Any]]:
        return list(json.loads(self._run("show", "mmsas", "--json")))

    def qmsas(self) -> list[dict[str, Any]]:
        """With what each has carried so far."""
        return list(json.loads(self._run("show", "qmsas", "--json")))

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Events of one kind, oldest first, as far as they are not forgotten."""
        return [event for event in self.all_events() if event["event"] == kind]

    def all_events(self) -> list[dict[str, Any]]:
        lines = self._run("show", "events", "--json", "--since", str(self._forgotten)).splitlines()
        return [json.loads(line) for line in lines]

    def forget_events(self) -> None:
        """Those until now."""
        self._forgotten = max((each["sequence"] for each in self.all_events()), default=0)

    def wait_for(self, kind: str, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """The first event of a kind that is not forgotten, once it is there."""
        return self.wait_for_all(kind, 1, patience_s)[0]

    def wait_for_all(
        self, kind: str, count: int, patience_s: float = PATIENCE_S
    ) -> list[dict[str, Any]]:
        """The events of a kind that are not forgotten, once there are so many."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if len(found := self.events(kind)) >= count:
                return found
            time.sleep(0.2)
        raise TimeoutError(f"not {count} {kind} in {patience_s} s; the log:\n{self.log}")

    def wait_until_qmsas(self, count: int, patience_s: float = PATIENCE_S) -> None:
        """Until it has so many quick mode SAs."""
        deadline = time.monotonic() + patience_s
        while len(self.qmsas()) != count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"quick mode SAs: {self.qmsas()}; the log:\n{self.log}")
            time.sleep(0.02)

    def wait_until_no_mmsa(self, patience_s: float = PATIENCE_S) -> None:
        deadline = time.monotonic() + patience_s
        while self.mmsas():
            if time.monotonic() > deadline:
                raise TimeoutError(f"main mode SAs stay; the log:\n{self.log}")

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    # --- inside -----------------------------------------------------------------------------

    def _run(self, *arguments: str) -> str:
        """What a command prints that must not fail."""
        ended = self._command(*arguments)
        if ended.exit_code != 0:
            raise RuntimeError(f"{' '.join(arguments)}: {ended.output}\nthe log:\n{self.log}")
        return ended.stdout

    def _command(self, *arguments: str) -> Result:
        """In this process: another Python takes seconds to start where machines are emulated."""
        words = [*arguments, "--control", str(self._control)]
        return CliRunner().invoke(main, words, catch_exceptions=False)

    def _wait_for_start(self) -> None:
        deadline = time.monotonic() + START_S
        while self._command("show", "status", "--json").exit_code != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the service did not start; its log:\n{self.log}")
            time.sleep(0.1)


def require_failure(event: Mapping[str, Any], reason: str, decided_by: str, *words: str) -> None:
    """This reason, decided by "me", "peer" or "nobody", in a sentence that has these words."""
    failure = event["failure"]
    assert (failure["reason"], failure["decided_by"]) == (reason, decided_by), event
    assert [each for each in words if each not in event["sentence"]] == [], event["sentence"]
