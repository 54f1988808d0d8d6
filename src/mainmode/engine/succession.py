"""Pairs that take over from others: of several for the same traffic one stays.

Both sides choose the same one without a word. A pair that nears its end gives way to one that does
not; of two that one side made, the older; of two that the two sides made, perhaps at once and
without knowing of each other's, the one with the lower SPIs, which both know. Who made the pair
that gives way deletes it, as soon as the peer has been seen to use the other.

Source: RFC 2409 says nothing; docs/protocol-notes.md, Rekeying.
"""

from math import inf

from mainmode import limits
from mainmode.auth.authenticator import Role
from mainmode.engine.associations import Associations, QuickModeSa, traffic_of
from mainmode.engine.desk import Desk
from mainmode.engine.endings import Endings
from mainmode.engine.quick_mode import QuickMode
from mainmode.engine.timers import TimerKind, numbered


class Succession:
    """Which pair gives way to which. Pairs are named by their inbound SPIs."""

    def __init__(self, desk: Desk, associations: Associations, endings: Endings) -> None:
        self._desk = desk
        self._associations = associations
        self._endings = endings
        self._ending: set[int] = set()
        """Those that near their end."""
        self._retiring: dict[int, float] = {}
        """Those that we shall delete, and when."""

    def predecessor(self, qm: QuickMode) -> int | None:
        """The pair that sends this quick mode's traffic and shall send no more. One that does not
        near its end goes on, for it may be the one that stays."""
        if qm.selector is None:
            return None
        standing = self._associations.quick_modes_for((qm.peer, qm.selector, qm.mode))
        spis = [sa.pair.spi for sa in standing if sa.pair.spi in self._ending]
        return spis[-1] if spis else None

    def established(self, new: QuickModeSa) -> None:
        """A pair stands."""
        self._settle(self._like(new))

    def nears_end(self, sa: QuickModeSa) -> None:
        """The driver says so."""
        self._ending.add(sa.pair.spi)
        self._settle(self._like(sa))

    def has_successor(self, sa: QuickModeSa) -> bool:
        """Whether another pair carries its traffic, and longer."""
        return self._best(self._like(sa)) is not sa

    def used(self, spi: int) -> None:
        """The peer sends through this pair: what gives way to it may go when stragglers are in."""
        sa = self._associations.quick_modes.get(spi)
        for other in self._like(sa) if sa is not None else ():
            if other is not sa and other.pair.spi in self._retiring:
                self._retire(other.pair.spi, limits.STRAGGLERS_S)

    def ring(self, spi: int) -> None:
        """Time to let a pair go, unless it has become the one that stays."""
        self._retiring.pop(spi, None)
        sa = self._associations.quick_modes.get(spi)
        if sa is not None and self.has_successor(sa):
            self._endings.end_quick_mode(spi, "a newer pair has taken over")

    def forget(self, spi: int) -> None:
        """A pair has ended."""
        self._ending.discard(spi)
        self._retiring.pop(spi, None)
        for kind in (TimerKind.RETIRE, TimerKind.REKEY):
            self._desk.timers.cancel(numbered(kind, spi))

    def _settle(self, standing: tuple[QuickModeSa, ...]) -> None:
        """All but the best give way."""
        if len(standing) < 2:
            return
        best = self._best(standing)
        for sa in standing:
            ours = sa.role is Role.INITIATOR
            if sa is not best and ours:
                self._retire(sa.pair.spi, limits.RETIREMENT_S)

    def _best(self, standing: tuple[QuickModeSa, ...]) -> QuickModeSa:
        fresh = [sa for sa in standing if sa.pair.spi not in self._ending] or standing
        newest = {sa.role: sa for sa in sorted(fresh, key=lambda sa: sa.begun_at)}
        return max(newest.values(), key=_rank)

    def _like(self, sa: QuickModeSa) -> tuple[QuickModeSa, ...]:
        return self._associations.quick_modes_for(traffic_of(sa.pair))

    def _retire(self, spi: int, after_s: float) -> None:
        """At the latest then: newer pairs that come and are used meanwhile put nothing off."""
        at = self._desk.now + after_s
        if at < self._retiring.get(spi, inf):
            self._retiring[spi] = at
            self._desk.timers.set(numbered(TimerKind.RETIRE, spi), at)


def _rank(sa: QuickModeSa) -> tuple[int, int]:
    """Both sides compute the same."""
    spis = sa.pair.inbound.spi, sa.pair.outbound.spi
    return min(spis), max(spis)
