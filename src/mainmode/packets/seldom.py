"""Telling of the same thing only now and then, however often it happens.

Bounds: so many subjects are remembered; while that many have been told of within one interval,
nothing is told of others.
"""

from typing import Generic, TypeVar

Subject = TypeVar("Subject")


class Seldom(Generic[Subject]):
    """Each subject at most once in an interval. Times are seconds on the caller's clock."""

    def __init__(self, interval_s: float, subjects_max: int) -> None:
        self._interval_s = interval_s
        self._subjects_max = subjects_max
        self._told: dict[Subject, float] = {}
        """When each was told of last, oldest first."""

    def __len__(self) -> int:
        return len(self._told)

    def may_tell(self, subject: Subject, now: float) -> bool:
        """Whether to tell of it now; it counts as told then."""
        while self._told:
            oldest = next(iter(self._told))
            if now - self._told[oldest] < self._interval_s:
                break
            del self._told[oldest]
        if subject in self._told or len(self._told) >= self._subjects_max:
            return False
        self._told[subject] = now
        return True
