"""New SAs before old ones end.

Pairs: the driver says when, a quick mode for the same traffic follows. The side that made the old
pair begins; the other side waits a little and begins only when nothing has come of that. So two
quick modes at once are rare; `succession` sorts them out.

Main mode SAs end when their lifetime has passed, and the next need makes another. Microsoft's peers
keep the pairs made under one; others drop them with it, so toward them a main mode SA whose pairs
stand is renewed first, and ends when its successor stands.

Source: docs/service.md 20 and 28 to 31; strongSwan's and racoon's sources for what peers drop.
"""

from mainmode import limits
from mainmode.auth.authenticator import Role
from mainmode.engine.associations import Associations, MainModeSa, QuickModeSa
from mainmode.engine.desk import Desk
from mainmode.engine.endings import Endings, made_with
from mainmode.engine.negotiations import Negotiations
from mainmode.engine.terms import Terms
from mainmode.engine.timers import Timer, TimerKind, numbered
from mainmode.engine.wishes import Wish
from mainmode.failures import Refused
from mainmode.wire.header import Cookies


class Rekeying:
    """Asks for new SAs."""

    def __init__(
        self,
        desk: Desk,
        associations: Associations,
        negotiations: Negotiations,
        endings: Endings,
        terms: Terms,
    ) -> None:
        self._desk = desk
        self._associations = associations
        self._negotiations = negotiations
        self._endings = endings
        self._terms = terms

    # --- pairs ------------------------------------------------------------------------------

    def near_end(self, spi: int) -> None:
        """A pair nears its end."""
        sa = self._associations.quick_modes.get(spi)
        if sa is None:
            return
        self._negotiations.succession.nears_end(sa)
        if sa.role is Role.INITIATOR:
            self._renew(sa)
        else:
            now = self._desk.now
            left_s = (now - sa.established_at) * (1 / limits.SOFT_EXPIRY - 1)
            patience_s = min(limits.REKEY_PATIENCE_S, left_s / 2)
            self._desk.timers.set(numbered(TimerKind.REKEY, spi), now + patience_s)

    def ring(self, spi: int) -> None:
        """The peer has had its time to begin."""
        sa = self._associations.quick_modes.get(spi)
        if sa is not None:
            self._renew(sa)

    def _renew(self, sa: QuickModeSa) -> None:
        """Unless somebody is about to, or policy would not have the pair any more."""
        pair = sa.pair
        if self._negotiations.succession.has_successor(sa) or self._negotiations.answering(
            pair.peer, pair.selector
        ):
            return
        try:
            decision = self._terms.selection.authorise(
                pair.selector, pair.local, pair.peer, sa.authentication, pair.mode
            )
        except Refused:
            return
        self._negotiations.wish(Wish(sa.path, decision))

    # --- main mode SAs ----------------------------------------------------------------------

    def main_mode_nears_end(self, cookies: Cookies) -> None:
        """Renew it if its peer would drop pairs with it; and wait for its end."""
        sa = self._associations.main_modes.get(cookies)
        if sa is None:
            return
        self._desk.timers.set(Timer(TimerKind.MAIN_MODE_LIFETIME, (*cookies, 0)), sa.expires_at)
        pairs = self._associations.quick_modes_with(sa.path.peer.address)
        if (
            not sa.capabilities.microsoft
            and not self._has_newer(sa)
            and any(made_with(pair, sa) for pair in pairs)
        ):
            self._negotiations.make_main_mode(sa.path, (sa.authentication,))

    def main_mode_ends(self, cookies: Cookies) -> None:
        """Its lifetime has passed: it goes as soon as no renewal is under way."""
        sa = self._associations.main_modes.get(cookies)
        if sa is None:
            return
        renewing = not sa.capabilities.microsoft and self._negotiations.main_modes_between(sa.path)
        if renewing and not sa.lost and not self._has_newer(sa):
            sa.usable = False
            timer = Timer(TimerKind.MAIN_MODE_LIFETIME, (*cookies, 0))
            self._desk.timers.set(timer, self._desk.now + limits.RENEWAL_WAIT_S)
        else:
            self._endings.end_main_mode(sa, "its lifetime has passed")

    def _has_newer(self, sa: MainModeSa) -> bool:
        others = self._associations.main_modes_with(sa.path.peer.address)
        return any(
            other.established_at > sa.established_at and other.path.hosts == sa.path.hosts
            for other in others
        )
