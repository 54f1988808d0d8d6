"""The dynamic filters of the default response rule: one for each traffic that a pair carries under
it, as long as such a pair stands.

Talks to: `policy.selection`, which decides with them.
"""

from collections.abc import Iterable

from mainmode.model import SaPair, Selector
from mainmode.policy.selection import Selection


class Answers:
    """Which pairs stand under the rule. Each method gives what decides from now on; None: nothing
    has changed."""

    def __init__(self) -> None:
        self._selection: Selection | None = None
        self._by_spi: dict[int, Selector] = {}

    def assign(self, selection: Selection, pairs: Iterable[SaPair]) -> Selection:
        """A new policy, and the pairs that stand."""
        self._selection = selection
        self._by_spi = {
            each.spi: each.selector for each in pairs if selection.is_response(each.selector)
        }
        return self._current(selection)

    def add(self, pair: SaPair) -> Selection | None:
        """A pair is there, its inbound half alone too: the peer may send through it before we know
        that it has agreed, and what answers must not leave in clear."""
        if self._selection is None or not self._selection.is_response(pair.selector):
            return None
        known = pair.selector in self._by_spi.values()
        self._by_spi[pair.spi] = pair.selector
        return None if known else self._current(self._selection)

    def remove(self, spi: int) -> Selection | None:
        """A pair is gone."""
        selector = self._by_spi.pop(spi, None)
        if self._selection is None or selector is None or selector in self._by_spi.values():
            return None
        return self._current(self._selection)

    def _current(self, selection: Selection) -> Selection:
        return selection.answering(self._by_spi.values()) if self._by_spi else selection
