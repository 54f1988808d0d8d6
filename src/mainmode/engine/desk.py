"""What every room of the engine works with while one input is handled.

The time of this input, the effects in the making, timers, randomness, counters, and the jobs whose
results are awaited. It is the only way out of the engine.
"""

from collections.abc import Callable
from typing import Protocol

from mainmode import limits
from mainmode.engine.effects import (
    AllocateSpi,
    Effect,
    Job,
    JobFailed,
    KeepAlive,
    Record,
    RemovePair,
    Run,
    Send,
)
from mainmode.engine.events import DatagramDropped, Event, InvalidCookies
from mainmode.engine.statistics import IkeStatistics
from mainmode.engine.timers import Timers
from mainmode.errors import Malformed
from mainmode.model import Direction, Path

Entropy = Callable[[int], bytes]
"""From a number of octets to that many random ones."""


class Resumable(Protocol):
    """Whoever waits for a job."""

    def resume(self, result: object) -> None: ...


class Desk:
    """The engine's working place. Not for use outside `engine`."""

    def __init__(self, entropy: Entropy) -> None:
        self.entropy = entropy
        self.timers = Timers()
        self.statistics = IkeStatistics()
        self.now = 0.0
        self._effects: list[Effect] = []
        self._jobs: dict[int, tuple[Job, Resumable]] = {}
        self._job_count = 0
        self._strangers = (0, 0)

    def begin(self, now: float) -> None:
        """An input arrives. Time never runs backwards, whatever the caller's clock does."""
        self.now = max(self.now, now)

    def finish(self) -> list[Effect]:
        """The input is handled: what is to be done about it."""
        effects, self._effects = self._effects, []
        return effects

    def may_answer_stranger(self) -> bool:
        """Whether one more answer to an unproved address is within this second's bound."""
        second = int(self.now)
        if second != self._strangers[0]:
            self._strangers = (second, 0)
        answered = self._strangers[1]
        self._strangers = (second, answered + 1)
        return answered < limits.UNPROTECTED_NOTIFICATIONS_PER_S

    def send(self, path: Path, datagram: bytes) -> None:
        self._effects.append(Send(path, datagram))

    def keep_alive(self, path: Path) -> None:
        self._effects.append(KeepAlive(path))

    def record(self, event: Event) -> None:
        self._effects.append(Record(event))

    def drop(self, path: Path, datagram: bytes, why: str) -> None:
        """A datagram changes nothing."""
        self.record(DatagramDropped(path, why, len(datagram)))

    def drop_malformed(self, path: Path, datagram: bytes, malformed: Malformed) -> None:
        self.statistics.invalid_packets_received += 1
        self.drop(path, datagram, str(malformed))

    def drop_unknown(self, path: Path, datagram: bytes, exchange: str) -> None:
        """Its cookies match no main mode."""
        self.statistics.invalid_cookies_received += 1
        self.record(InvalidCookies(path, exchange, len(datagram)))

    def remove_pair(self, spi: int) -> None:
        self._effects.append(RemovePair(spi))

    def run(self, job: Job, waiting: Resumable) -> None:
        """Have a job done; its result goes to `waiting.resume`."""
        self._job_count += 1
        self._jobs[self._job_count] = (job, waiting)
        self._effects.append(Run(self._job_count, job))

    def job_done(self, job_id: int, result: object) -> None:
        """Count a job's result and hand it to whoever waits; unknown jobs are nobody's."""
        job, waiting = self._jobs.pop(job_id, (None, None))
        if job is None or waiting is None:
            return
        self._count(job, failed=isinstance(result, JobFailed))
        waiting.resume(result)

    def _count(self, job: Job, *, failed: bool) -> None:
        statistics = self.statistics
        if isinstance(job, AllocateSpi):
            statistics.total_get_spi += 1
            statistics.get_spi_failures += failed
        elif job.direction is Direction.OUTBOUND:
            statistics.key_additions += not failed
            statistics.key_addition_failures += failed
        else:
            statistics.key_updates += not failed
            statistics.key_update_failures += failed
