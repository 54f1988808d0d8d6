"""The memory of the service: the last events, numbered and with the time of day."""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

from mainmode import limits
from mainmode.engine.events import Event

log = logging.getLogger(__name__)


class Entry(NamedTuple):
    """An event as it is kept."""

    sequence: int
    """Counts from 1 since the service started."""
    at: float
    """Seconds since 1970, UTC."""
    event: Event

    def as_json(self) -> dict[str, Any]:
        when = datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds")
        return {"sequence": self.sequence, "time": when, **self.event.as_json()}

    @property
    def line(self) -> str:
        """As the log shows it."""
        audit = f"audit {self.event.audit}: " if self.event.audit is not None else ""
        return f"#{self.sequence} {audit}{self.event.sentence}"


class AuditStore:
    """Keeps the last events, counts all, logs each with the event's weight."""

    def __init__(
        self, wall_clock: Callable[[], float] = time.time, kept_max: int = limits.EVENTS_KEPT
    ) -> None:
        self._wall_clock = wall_clock
        self._entries: deque[Entry] = deque(maxlen=kept_max)
        self._news = asyncio.Event()
        self._closed = False
        self.last = 0
        """Sequence number of the newest event; 0 before the first."""
        self.counts: Counter[str] = Counter()
        """How often each kind of event happened since start."""

    def record(self, event: Event) -> Entry:
        self.last += 1
        entry = Entry(self.last, self._wall_clock(), event)
        self._entries.append(entry)
        self.counts[type(event).__name__] += 1
        if log.isEnabledFor(event.level):
            log.log(event.level, "%s", entry.line)
        self._news.set()
        return entry

    @property
    def oldest(self) -> int:
        """Sequence number of the oldest event still kept."""
        return self.last - len(self._entries) + 1

    def since(self, sequence: int, count_max: int | None = None) -> list[Entry]:
        """The kept events after this sequence number, oldest first; `count_max` at most."""
        start = max(0, sequence - self.oldest + 1)
        stop = None if count_max is None else start + count_max
        return list(islice(self._entries, start, stop))

    async def wait_beyond(self, sequence: int, timeout_s: float) -> None:
        """Return once there is an event after `sequence`, or the time is up, or at `close`."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.last <= sequence and not self._closed:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return

    def close(self) -> None:
        """Let everyone who waits go."""
        self._closed = True
        self._news.set()
