"""One end of a benchmark over UDP: the service's own sockets, door and executor in a process.

Talks to: the process that measures, through a pipe: `Ready` once the sockets are open, a `Report`
when all negotiations asked for have come up or one has failed. A number that comes down the pipe
asks for so many; an end that is not asked answers all the same. The end of the pipe is the word to
stop.
Does not: protect a packet (null driver), write a log, serve the control API.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

from mainmode.auth.authenticator import Role
from mainmode.bench.ground import LOOPBACK, Ground, SeemingNat
from mainmode.bench.terms import CREDENTIALS, pairs_before_memory
from mainmode.bench.usage import Meter, Usage
from mainmode.driver.null import NullDriver
from mainmode.engine.engine import Engine
from mainmode.engine.events import Event, QuickModeEstablished
from mainmode.model import IpAddress
from mainmode.service.addresses import Routes
from mainmode.service.audit import AuditStore, Entry
from mainmode.service.collector import tame_collector
from mainmode.service.door import Door
from mainmode.service.sockets import Sockets, UdpSocket
from mainmode.service.start import loop_factory

AT_ONCE = 32
"""How many negotiations are under way at the same time."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one end is to do."""

    role: Role
    count: int
    offer: str
    ports: tuple[int, int]
    """Our IKE port and NAT port."""
    peer_port: int
    ground: Ground = LOOPBACK


@dataclass(frozen=True, slots=True)
class Ready:
    """What one end says when it can begin."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one end has to say when it is done."""

    usage: Usage
    elapsed_s: float
    """From the word to begin to the last pair asked for."""
    failure: str = ""
    """Why the first negotiation that failed did so."""


class _Watch(AuditStore):
    """The service's memory of events, which also counts the pairs."""

    def __init__(self, established: Callable[[], None], failed: Callable[[str], None]) -> None:
        super().__init__()
        self._established = established
        self._failed = failed

    def record(self, event: Event) -> Entry:
        entry = super().record(event)
        if event.level >= logging.INFO:
            if isinstance(event, QuickModeEstablished):
                self._established()
            elif event.level >= logging.ERROR:
                self._failed(event.sentence)
        return entry


class _Routes(Routes):
    """Each responder has one initiator."""

    def __init__(self, task: Task) -> None:
        super().__init__((), task.ports[0], time.monotonic)
        self._ground = task.ground

    def local_toward(self, peer: IpAddress) -> IpAddress:
        return self._ground.initiator_of(peer)


class _Station:
    """The service without what is not measured."""

    def __init__(self, task: Task, pipe: Connection) -> None:
        self._meter = Meter()  # first: whatever is made ahead counts
        self._task = task
        self._pipe = pipe
        self._begun = self._pairs = self._asked = 0
        self._reported = False
        self._started_at = 0.0
        self._over = asyncio.Event()
        selection = task.ground.selection(task.offer, task.role)
        self._sockets = Sockets((), *task.ports)
        behind_nat = task.ground.behind_nat and task.role is Role.INITIATOR
        self._nat = SeemingNat(self._sockets) if behind_nat else None
        self._driver = NullDriver(os.urandom)
        self._door = Door(
            Engine(selection, CREDENTIALS, os.urandom),
            self._driver,
            self._nat or self._sockets,
            _Watch(self._established, self._failed),
            _Routes(task),
            selection,
            task.ports[0],
            peer_port=task.peer_port,
        )
        tame_collector()

    async def run(self) -> None:
        """Until the word to stop."""
        loop = asyncio.get_running_loop()
        for each in self._sockets:
            loop.add_reader(each, self._readable, each)
        loop.add_reader(self._pipe, self._told)
        self._pipe.send(Ready())
        await self._over.wait()
        self._sockets.close()

    def _readable(self, ready: UdpSocket) -> None:
        datagrams = ready.drain(self._driver.receive)
        self._door.datagrams(self._nat.received(datagrams) if self._nat else datagrams)

    def _told(self) -> None:
        try:
            more: int = self._pipe.recv()
        except EOFError:
            self._over.set()
            return
        self._asked += more
        self._reported = False
        self._started_at = time.monotonic()
        if self._task.role is Role.INITIATOR:
            for _ in range(min(AT_ONCE, more)):
                self._connect()

    def _connect(self) -> None:
        """The next negotiation, with a host of its own."""
        peer = self._task.ground.responders + self._begun
        self._begun += 1
        self._door.connect(peer)

    def _established(self) -> None:
        self._pairs += 1
        if self._pairs == pairs_before_memory(self._task.count):
            self._meter.watch_memory(self._pairs)
        if self._pairs == self._asked:
            self._report()
        elif self._task.role is Role.INITIATOR and self._begun < self._asked:
            asyncio.get_running_loop().call_soon(self._connect)

    def _failed(self, why: str) -> None:
        self._report(why)

    def _report(self, failure: str = "") -> None:
        if not self._reported:
            self._reported = True
            elapsed_s = time.monotonic() - self._started_at
            self._pipe.send(Report(self._meter.read(self._pairs), elapsed_s, failure))


def serve(task: Task, pipe: Connection) -> None:
    """The life of such a process."""
    logging.disable()

    async def run() -> None:
        await _Station(task, pipe).run()

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(run())
