"""Does what the engine wants done: datagrams out, jobs for the driver, events into the memory."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol, assert_never

from mainmode.driver.contract import Driver
from mainmode.engine.effects import (
    AllocateSpi,
    Effect,
    EndClear,
    InstallPair,
    Job,
    JobFailed,
    KeepAlive,
    PermitClear,
    Record,
    RemovePair,
    Run,
    Send,
)
from mainmode.errors import DriverError
from mainmode.model import Direction, Path
from mainmode.service.audit import AuditStore
from mainmode.service.contract import Engine
from mainmode.service.events import InternalError


class Outlet(Protocol):
    """Where datagrams leave. Neither way out raises; what cannot leave is counted there."""

    def send(self, path: Path, datagram: bytes) -> None:
        """An IKE message."""

    def keep_alive(self, path: Path) -> None:
        """The octet that keeps a NAT's mapping."""


class Executor:
    """Executes effects in order. Those that a job's result brings queue up behind."""

    def __init__(
        self,
        engine: Engine,
        driver: Driver,
        outlet: Outlet,
        audit: AuditStore,
        clock: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._driver = driver
        self._outlet = outlet
        self._audit = audit
        self._clock = clock
        self._pending: deque[Effect] = deque()
        self._busy = False

    def execute(self, effects: Iterable[Effect]) -> None:
        """Do them all. A programming error in one is reported and spares the others.

        The driver may report upward while it works, which leads back here: then the new effects
        only queue up.
        """
        self._pending.extend(effects)
        if self._busy:
            return
        self._busy = True
        try:
            while self._pending:
                self._attempt(self._pending.popleft())
        finally:
            self._busy = False

    def _attempt(self, effect: Effect) -> None:
        try:
            self._do(effect)
        except Exception as error:
            self._audit.record(InternalError.of(error, f"executing {type(effect).__name__}"))

    def _do(self, effect: Effect) -> None:
        match effect:  # the most frequent first
            case Record(event):
                self._audit.record(event)
            case Send(path, datagram):
                self._outlet.send(path, datagram)
            case Run(job_id, job):
                result = self._result_of(job)
                self._pending.extend(self._engine.resume(job_id, result, self._clock()))
            case RemovePair(spi):
                self._driver.remove(spi)
            case PermitClear(soft):
                self._driver.permit_clear(soft)
            case EndClear(number):
                self._driver.end_clear(number)
            case KeepAlive(path):
                self._outlet.keep_alive(path)
            case _:
                assert_never(effect)

    def _result_of(self, job: Job) -> int | JobFailed | None:
        """The job's result. Whatever goes wrong becomes one, or the negotiation would hang."""
        try:
            match job:
                case AllocateSpi(protocol, local, peer):
                    return self._driver.allocate_spi(protocol, local, peer)
                case InstallPair(pair, Direction.OUTBOUND, int(old_spi), once_used):
                    self._driver.replace(old_spi, pair, once_used=once_used)
                    return None
                case InstallPair(pair, direction):
                    self._driver.install(pair, direction)
                    return None
                case _:
                    assert_never(job)
        except DriverError as error:
            return JobFailed(str(error))
        except Exception as error:
            self._audit.record(InternalError.of(error, f"doing the job {type(job).__name__}"))
            return JobFailed("an internal error of the driver")
