"""The life of the service: claim what it needs, start, obey signals, stop and leave nothing behind.

Talks to: everything in this folder.
Does not: decide anything about a negotiation (`engine`) or a packet (`driver`).
"""

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mainmode.auth.credentials import Credentials
from mainmode.driver.contract import Driver
from mainmode.errors import DriverError, PersonError
from mainmode.model import IpAddress
from mainmode.policy.model import Policy
from mainmode.policy.selection import Selection
from mainmode.service.addresses import AddressWatch, Routes
from mainmode.service.assignment import Assignment
from mainmode.service.audit import AuditStore
from mainmode.service.collector import tame_collector
from mainmode.service.contract import Engine
from mainmode.service.control import control_api
from mainmode.service.door import Door
from mainmode.service.drivers import name_of
from mainmode.service.events import InternalError, ServiceStarted, ServiceStopping
from mainmode.service.notify import ServiceManager
from mainmode.service.panel import Panel
from mainmode.service.sockets import Sockets, UdpSocket
from mainmode.service.source import PolicySource
from mainmode.service.unix_server import UnixServer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    control: Path
    listen: tuple[IpAddress, ...]
    """Empty: every address."""
    port: int
    nat_port: int


@dataclass(frozen=True)
class Parts:
    """What the service is put together from; tests put other parts in."""

    source: PolicySource
    make_engine: Callable[[Selection, Credentials], Engine]
    make_driver: Callable[[Policy], Driver]
    """Raises PersonError when the driver that policy needs cannot be had."""


class Daemon:
    """One running service."""

    def __init__(self, options: Options, parts: Parts) -> None:
        """Read the policy, claim ports and control socket. Raises PersonError.

        The driver is made but not started before all of that is ours, lest a second service
        take the first one's devices down.
        """
        self.audit = AuditStore()
        self._stop_asked = asyncio.Event()
        self._why_stopped = ""
        self._assignment = Assignment(
            parts.source, options.listen, (options.port, options.nat_port)
        )
        self._driver = parts.make_driver(self._assignment.policy)
        with ExitStack() as claimed:
            self._sockets = Sockets(options.listen, options.port, options.nat_port)
            claimed.callback(self._sockets.close)
            self._watch = AddressWatch()
            claimed.callback(self._watch.close)
            self._manager = ServiceManager()
            claimed.callback(self._manager.close)
            self._routes = Routes(options.listen, options.port, time.monotonic)
            panel = self._build(options, parts)
            self._server = UnixServer(control_api(panel), options.control)
            claimed.callback(self._server.close)
            self._claimed = claimed.pop_all()

    def _build(self, options: Options, parts: Parts) -> Panel:
        """Engine, door and panel, and their wires to each other."""
        policy = self._assignment
        engine = parts.make_engine(policy.selection, policy.credentials)
        self._door = Door(
            engine,
            self._driver,
            self._sockets,
            self.audit,
            self._routes,
            policy.selection,
            options.port,
        )
        policy.attach(self._driver, self._door, self.audit)
        return Panel(
            policy,
            engine,
            self._driver,
            self._door,
            self._sockets,
            self.audit,
        )

    async def run(self) -> None:
        """Serve until someone says stop. Raises PersonError when the driver cannot start.

        Only an orderly end opens what the policy keeps closed: after any other, required
        protection stays closed, as after a kill.
        """
        with self._claimed:
            self._obey_signals()
            self._assignment.source.started()
            with _explained():
                self._driver.start(self._door)
            try:
                with _explained():
                    self._driver.assign(self._assignment.selection)
                serving = asyncio.ensure_future(self._server.serve_until_stopped())
                self._listen()
                self._assignment.start()
                self._say_ready()
                await self._stop_asked.wait()
                await self._wind_down(serving)
            except BaseException:
                log.error("what needs protection stays closed: start again, or `driver clean`")
                raise
            self._close_driver()

    def stop(self, why: str) -> None:
        """Ask the service to end."""
        self._why_stopped = why
        self._stop_asked.set()

    def _close_driver(self) -> None:
        try:
            self._assignment.source.stopped()
        except PersonError as error:
            log.error("dynamic policy is left in the store: %s", error)
        try:
            self._driver.close()
        except DriverError as error:
            log.error("the driver left traces (try `mainmode driver clean`): %s", error)
        except Exception as error:
            self.audit.record(InternalError.of(error, "closing the driver"))

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for each in self._sockets:
            loop.add_reader(each, self._readable, each)
        loop.add_reader(self._watch, self._addresses_changed)

    def _obey_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop, number.name)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)

    def _readable(self, ready: UdpSocket) -> None:
        self._door.datagrams(ready.drain(self._driver.receive))

    def _addresses_changed(self) -> None:
        self._watch.drain()
        self._routes.forget()
        self._assignment.follow()

    def _say_ready(self) -> None:
        """Everything works; what was made so far stays, so the collector need not look at it."""
        tame_collector()
        policy = self._assignment.policy.name
        self.audit.record(
            ServiceStarted(
                policy=policy,
                driver=name_of(self._driver),
                listening=tuple(self._sockets.places),
            )
        )
        self._manager.ready(f"policy {policy}")

    def _hang_up(self) -> None:
        """SIGHUP: read the policy again. What is wrong with it stands in the log."""
        self._manager.reloading()
        try:
            self._assignment.reload()
        except PersonError:
            pass
        except Exception as error:
            self.audit.record(InternalError.of(error, "reloading the policy"))
        self._manager.ready(f"policy {self._assignment.policy.name}")

    async def _wind_down(self, serving: asyncio.Future[None]) -> None:
        """Hear nobody any more, say goodbye to peers and to the users of the control API."""
        self._manager.stopping()
        self.audit.record(ServiceStopping(why=self._why_stopped))
        loop = asyncio.get_running_loop()
        for each in (*self._sockets, self._watch):
            loop.remove_reader(each)
        self._assignment.close()
        self._door.close()
        self.audit.close()
        self._server.should_exit = True
        await serving


@contextmanager
def _explained() -> Iterator[None]:
    """A driver that cannot start is for a person to see to."""
    try:
        yield
    except DriverError as error:
        raise PersonError(f"the IPSec driver cannot start: {error}") from None
