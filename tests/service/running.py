"""A service inside the test, with a scripted engine and driver."""

import asyncio
import http.client
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from mainmode.auth.credentials import Credentials
from mainmode.errors import PersonError
from mainmode.policy.model import Policy
from mainmode.policy.settings import Settings
from mainmode.service.daemon import Daemon, Options, Parts
from mainmode.service.source import Wanted
from tests.service.fakes import ScriptedDriver, ScriptedEngine
from tests.service.ports import two_free_ports

LOCAL = ip_address("127.0.0.1")


class Bench:
    """The parts of one service; `policy` is what reading the policy file gives."""

    def __init__(self, directory: Path) -> None:
        self.engine = ScriptedEngine()
        self.driver = ScriptedDriver()
        self.asked_for: list[str | None] = []
        self.assigned: list[str] = []
        self.store_problem = ""
        self.policy: Policy | PersonError = Policy(name="first")
        port, nat_port = two_free_ports()
        self.options = Options(directory / "control.sock", (LOCAL,), port, nat_port)

    def daemon(self) -> Daemon:
        return Daemon(
            self.options,
            Parts(
                source=self,
                make_engine=lambda selection, credentials: self.engine,
                make_driver=lambda policy: self.driver,
            ),
        )

    # --- the policy source ------------------------------------------------------------------

    file, store = "policy.toml", ""

    def read(self, instead: str | None = None) -> Wanted:
        self.asked_for.append(instead)
        if isinstance(self.policy, PersonError):
            raise self.policy
        return Wanted(self.policy, Credentials({}), Settings())

    def assign(self, name: str) -> None:
        if self.store_problem:
            raise PersonError(self.store_problem)
        self.assigned.append(name)

    def started(self) -> None:
        self.assigned.append("started")

    def stopped(self) -> None:
        self.assigned.append("stopped")

    # --- its users ------------------------------------------------------------------------------

    async def ask(
        self, method: str, path: str, body: bytes | dict[str, object] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON of one request."""
        octets = json.dumps(body).encode() if isinstance(body, dict) else body
        return await asyncio.to_thread(self._ask, method, path, octets)

    def _ask(self, method: str, path: str, body: bytes | None) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(10)
        connection.sock.connect(str(self.options.control))
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


@asynccontextmanager
async def serving(daemon: Daemon) -> AsyncIterator[Daemon]:
    """The service runs until the end of the block, or until it stopped by itself."""
    running = asyncio.ensure_future(daemon.run())
    await daemon.audit.wait_beyond(0, 10)
    try:
        yield daemon
    finally:
        daemon.stop("the test is over")
        await running


def in_service(bench: Bench, case: Callable[[Daemon], Coroutine[Any, Any, None]]) -> None:
    """Run a case inside a running service."""

    async def started() -> None:
        async with serving(bench.daemon()) as daemon:
            await case(daemon)

    asyncio.run(started())
