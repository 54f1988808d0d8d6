"""Every timer of the engine: a heap of moments, each with its subject's name.

A timer names its subject by value and holds no reference, so one whose subject is gone does
nothing. Set, cancel and due cost O(log n), independent of what else is waiting.
"""

from collections.abc import Iterator
from enum import Enum
from heapq import heapify, heappop, heappush
from typing import NamedTuple


class TimerKind(Enum):
    RETRY = "send the last message again, or give up"
    DEADLINE = "the exchange has taken too long, or its last reply has been kept long enough"
    HALF_OPEN = "a half-open main mode was never continued"
    DELETE = "a delete is not acknowledged, or its acknowledgement has been kept long enough"
    DEPARTED = "no delete under a main mode SA that has ended can be on its way any more"
    PROBE = "a peer has been silent for so long that it is asked whether it lives"
    KEEPALIVE = "a NAT is about to forget us"
    REKEY = "a pair nears its end, and its initiator has not renewed it"
    RETIRE = "a pair that another has taken over from may go"
    FALLBACK = "the peer has been silent for long enough to talk in clear"
    SOFT_LIFETIME = "a soft SA has stood for the lifetime of main mode"
    RENEWAL = "a main mode SA nears its end, and pairs made under it stand"
    MAIN_MODE_LIFETIME = "a main mode SA has reached its lifetime"

    __hash__ = object.__hash__  # there is one of each; the inherited one hashes its name in Python


Subject = tuple[bytes, bytes, int]
"""What every timer is about has this form: CKY-I, CKY-R, message ID (0: the main mode itself). What
has a number only, a pair its inbound SPI or a soft SA its own, has two empty strings in front."""


class Timer(NamedTuple):
    kind: TimerKind
    subject: Subject


def numbered(kind: TimerKind, number: int) -> Timer:
    """About something that has a number only."""
    return Timer(kind, (b"", b"", number))


_STALE_MAX = 64
"""Heap entries of cancelled timers beyond the number of armed ones; then the heap is made anew, or
main modes that end early would leave an entry each until their lifetime is over."""


class Timers:
    """Which timer is due when. Times are seconds on the caller's monotonic clock."""

    def __init__(self) -> None:
        self._at: dict[Timer, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, Timer]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._at)

    def __contains__(self, timer: Timer) -> bool:
        return timer in self._at

    def set(self, timer: Timer, at: float) -> None:
        """Arm a timer; an armed one moves."""
        self._count += 1
        self._at[timer] = (at, self._count)
        if len(self._heap) > 2 * len(self._at) + _STALE_MAX:
            self._heap = [(*entry, each) for each, entry in self._at.items()]
            heapify(self._heap)
        else:
            heappush(self._heap, (at, self._count, timer))

    def cancel(self, timer: Timer) -> None:
        """Disarm a timer; one that is not armed stays so."""
        self._at.pop(timer, None)

    @property
    def next_wake(self) -> float | None:
        """When the next timer is due, or None."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> Iterator[Timer]:
        """The timers due by `now`, earliest first, each disarmed as it is handed out."""
        while (at := self.next_wake) is not None and at <= now:
            timer = heappop(self._heap)[2]
            del self._at[timer]
            yield timer

    def _drop_stale(self) -> None:
        """Forget heap entries whose timer was cancelled or moved."""
        while self._heap:
            at, count, timer = self._heap[0]
            if self._at.get(timer) == (at, count):
                return
            heappop(self._heap)
