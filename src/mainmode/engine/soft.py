"""Soft SAs: clear traffic with peers that do not negotiate, where the filter action allows it.

A wish that has met nothing but silence for the brief interval gets one; main mode is tried on to
the end of its cycle, and whatever comes of it later secures the traffic. A soft SA ends when a pair
for its traffic is installed, when nothing has passed for five minutes, when policy no longer allows
it, or by an administrator. Under continuous traffic it stays for the lifetime of main mode; then
another attempt is made while the traffic goes on.

There is none for tunnels, and none toward a peer with which a main mode SA stands, unless the peer
has fallen silent under it.

Source: docs/service.md 16; docs/protocol-notes.md, Clear traffic.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mainmode.engine.associations import Associations, QuickModeSa
from mainmode.engine.desk import Desk
from mainmode.engine.events import SoftSaEnded, SoftSaEstablished
from mainmode.engine.timers import TimerKind, numbered
from mainmode.engine.wishes import Wish
from mainmode.model import IpAddress, Path, SoftSa
from mainmode.policy.model import MainModeSettings


@dataclass(frozen=True, slots=True)
class StandingSoftSa:
    """A soft SA and where it came from."""

    soft: SoftSa
    wish: Wish
    since: float


SILENCE = "the peer does not answer"


class SoftSas:
    """Those that stand, and the wishes that may come to one. All are named by their numbers."""

    def __init__(self, desk: Desk, associations: Associations) -> None:
        self._desk = desk
        self._associations = associations
        self._count = 0
        self._waiting: dict[int, Wish] = {}
        self._standing: dict[int, StandingSoftSa] = {}
        self._by_peer: dict[IpAddress, set[int]] = {}

    def __iter__(self) -> Iterator[StandingSoftSa]:
        """Those that stand, oldest first."""
        return iter(tuple(self._standing.values()))

    def __len__(self) -> int:
        return len(self._waiting) + len(self._standing)

    # --- beginning --------------------------------------------------------------------------

    def expect(self, wish: Wish, settings: MainModeSettings) -> None:
        """A wish waits for main mode: note when silence will have lasted long enough."""
        if not allowed(wish) or self._of(wish) is not None:
            return
        self._count += 1
        self._waiting[self._count] = wish
        self._arm(TimerKind.FALLBACK, self._count, settings.fallback_after_s)

    def waiting(self, number: int) -> Wish | None:
        """The wish whose silence has lasted long enough; it waits no more."""
        return self._waiting.pop(number, None)

    def begin(self, wish: Wish, why: str, settings: MainModeSettings) -> None:
        """Let the traffic of a wish pass in clear. Nothing happens where that is not allowed."""
        selector, address = wish.decision.selector, wish.path.peer.address
        if (
            selector is None
            or not allowed(wish)
            or self._of(wish) is not None
            or any(not sa.lost for sa in self._associations.main_modes_with(address))
        ):
            return
        self._count += 1
        soft = SoftSa(self._count, selector, address)
        self._standing[soft.number] = StandingSoftSa(soft, wish, self._desk.now)
        self._by_peer.setdefault(address, set()).add(soft.number)
        self._desk.permit_clear(soft)
        self._desk.statistics.soft_associations += 1
        self._desk.record(SoftSaEstablished(wish.path, selector, why))
        self._arm(TimerKind.SOFT_LIFETIME, soft.number, settings.soft_sa_s)

    # --- going on and ending ----------------------------------------------------------------

    def outlived(self, number: int, settings_of: Callable[[Path], MainModeSettings]) -> Wish | None:
        """It has stood for its lifetime: it goes on, and what it is for is to be tried again."""
        standing = self._standing.get(number)
        if standing is None:
            return None
        settings = settings_of(standing.wish.path)
        self._arm(TimerKind.SOFT_LIFETIME, number, settings.soft_sa_s)
        return Wish(standing.wish.path, standing.wish.decision, passes_in_clear=True)

    def secured(self, sa: QuickModeSa) -> None:
        """A pair is installed."""
        pair = sa.pair
        for each in self._with(pair.peer):
            if pair.selector.covers(each.soft.selector):
                self.end(each, "its traffic is protected now")

    def idle(self, number: int) -> None:
        """Nothing has passed under it for some time."""
        standing = self._standing.get(number)
        if standing is not None:
            self.end(standing, "nothing has passed for some time")

    def end_all_with(self, peer: IpAddress, why: str) -> None:
        for standing in self._with(peer):
            self.end(standing, why)

    def end(self, standing: StandingSoftSa, why: str) -> None:
        soft = standing.soft
        del self._standing[soft.number]
        self._by_peer[soft.peer].remove(soft.number)
        if not self._by_peer[soft.peer]:
            del self._by_peer[soft.peer]
        self._desk.timers.cancel(numbered(TimerKind.SOFT_LIFETIME, soft.number))
        self._desk.end_clear(soft.number)
        self._desk.record(SoftSaEnded(standing.wish.path, soft.selector, why))

    def _with(self, peer: IpAddress) -> list[StandingSoftSa]:
        return [self._standing[number] for number in sorted(self._by_peer.get(peer, ()))]

    def _of(self, wish: Wish) -> StandingSoftSa | None:
        same = (each for each in self._with(wish.path.peer.address) if each.wish.key == wish.key)
        return next(same, None)

    def _arm(self, kind: TimerKind, number: int, after_s: float) -> None:
        self._desk.timers.set(numbered(kind, number), self._desk.now + after_s)


def allowed(wish: Wish) -> bool:
    """Whether policy lets the traffic of this wish pass in clear when nobody answers."""
    return wish.decision.allows_fallback and not wish.passes_in_clear
