"""Dead peer detection: where policy asks for it, peers that can answer are asked whether they live.

    HDR*, HASH(1), N(R-U-THERE, number)      -->
                                             <--    HDR*, HASH(1), N(R-U-THERE-ACK, number)

One is asked when nothing authentic has come from it for the interval of policy. What is lost is
repeated, under the same number, in the intervals of main mode; when those have run out the peer is
dead, and everything with it ends, so that the next packet begins anew.

Probes of the peer's are always answered (`notices`).

Source: RFC 3706; which peers count what: their sources.
"""

from dataclasses import dataclass

from mainmode.engine import informational
from mainmode.engine.associations import Associations, MainModeSa
from mainmode.engine.desk import Desk
from mainmode.engine.endings import Endings
from mainmode.engine.terms import Terms
from mainmode.engine.timers import Timer, TimerKind
from mainmode.wire.header import Cookies
from mainmode.wire.payloads import Notification

_NUMBER_MAX = 0x7FFF_FFFF
"""The first number has its high bit clear (RFC 3706 6.3)."""


@dataclass(slots=True)
class _Watched:
    """A main mode SA whose peer is asked now and then."""

    interval_s: float
    number: int
    asked: int = 0
    """How often it has been asked under this number without an answer."""


class Probes:
    """Who is watched."""

    def __init__(
        self, desk: Desk, associations: Associations, endings: Endings, terms: Terms
    ) -> None:
        self._desk = desk
        self._associations = associations
        self._endings = endings
        self._terms = terms
        self._watched: dict[Cookies, _Watched] = {}

    def __len__(self) -> int:
        return len(self._watched)

    def begin(self, sa: MainModeSa) -> None:
        """A main mode SA stands."""
        interval_s = self._terms.main_mode(sa.path).dead_peer_s
        if interval_s and sa.capabilities.answers_probes:
            number = int.from_bytes(self._desk.entropy(4)) & _NUMBER_MAX
            self._watched[sa.cookies] = _Watched(interval_s, number)
            self._arm(sa.cookies, interval_s)

    def ring(self, cookies: Cookies) -> None:
        """Time to look after a peer, or to ask again."""
        sa, watched = self._associations.main_modes.get(cookies), self._watched.get(cookies)
        if sa is None or watched is None:
            self._watched.pop(cookies, None)
            return
        due = sa.heard_at + watched.interval_s
        intervals_s = self._terms.main_mode(sa.path).retry_intervals_s
        if self._desk.now < due:
            watched.asked = 0
            self._desk.timers.set(Timer(TimerKind.PROBE, (*cookies, 0)), due)
        elif watched.asked < len(intervals_s):
            probe = informational.probe(sa, watched.number)
            self._desk.send(sa.path, informational.protected(sa, probe, self._desk.entropy))
            self._arm(cookies, intervals_s[watched.asked])
            watched.asked += 1
        else:
            del self._watched[cookies]
            self._endings.end_all_with(sa.path.peer.address, "the peer does not answer any more")

    def answered(self, sa: MainModeSa, notification: Notification) -> None:
        """R-U-THERE-ACK: only the number that was asked counts."""
        watched = self._watched.get(sa.cookies)
        if watched is None or not watched.asked:
            return
        if notification.data == watched.number.to_bytes(4):
            sa.heard_at = self._desk.now
            watched.number, watched.asked = watched.number + 1 & _NUMBER_MAX, 0
            self._arm(sa.cookies, watched.interval_s)

    def _arm(self, cookies: Cookies, after_s: float) -> None:
        self._desk.timers.set(Timer(TimerKind.PROBE, (*cookies, 0)), self._desk.now + after_s)
