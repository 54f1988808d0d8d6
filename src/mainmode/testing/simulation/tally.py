"""How often each fault struck and each rule was at work."""

from collections import Counter
from collections.abc import Iterable


class Tally:
    """Counters of one simulation, or of many added up."""

    def __init__(self) -> None:
        self.faults: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()

    def add(self, other: "Tally") -> None:
        self.faults.update(other.faults)
        self.rules.update(other.rules)

    def never(self, faults: Iterable[str], rules: Iterable[str]) -> list[str]:
        """Those that have not happened once."""
        return [each for each in faults if not self.faults[each]] + [
            each for each in rules if not self.rules[each]
        ]
