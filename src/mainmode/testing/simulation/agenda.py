"""The virtual clock of a simulation, and what is to happen when."""

from collections.abc import Callable
from heapq import heappop, heappush

Action = Callable[[], None]


class Agenda:
    """Actions by their time; those of the same moment in the order they were set."""

    def __init__(self) -> None:
        self.now = 0.0
        """Seconds since the simulation began."""
        self.count = 0
        """How many actions have happened."""
        self._heap: list[tuple[float, int, Action]] = []
        self._set = 0

    def at(self, moment: float, action: Action) -> None:
        """Have this happen then; what is past already happens next."""
        self._set += 1
        heappush(self._heap, (moment, self._set, action))

    def after(self, seconds: float, action: Action) -> None:
        self.at(self.now + seconds, action)

    def run(self, until: float) -> None:
        """Let everything happen up to and including this moment."""
        while self._heap and self._heap[0][0] <= until:
            moment, _, action = heappop(self._heap)
            self.now = max(self.now, moment)
            self.count += 1
            action()
        self.now = max(self.now, until)
