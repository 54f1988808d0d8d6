"""New pairs before old ones end: the driver says when, a quick mode for the same traffic follows.

The side that made the old pair begins; the other side waits a little and begins only when nothing
has come of that. So two quick modes at once are rare; `succession` sorts them out.

Source: docs/service.md 20, 28 and 30.
"""

from mainmode import limits
from mainmode.auth.authenticator import Role
from mainmode.engine.associations import Associations, QuickModeSa
from mainmode.engine.desk import Desk
from mainmode.engine.negotiations import Negotiations, Terms
from mainmode.engine.timers import TimerKind, pair_timer
from mainmode.engine.wishes import Wish
from mainmode.failures import Refused


class Rekeying:
    """Asks for new pairs."""

    def __init__(
        self, desk: Desk, associations: Associations, negotiations: Negotiations, terms: Terms
    ) -> None:
        self._desk = desk
        self._associations = associations
        self._negotiations = negotiations
        self._terms = terms

    def near_end(self, spi: int) -> None:
        """A pair nears its end."""
        sa = self._associations.quick_modes.get(spi)
        if sa is None:
            return
        self._negotiations.succession.nears_end(sa)
        if sa.role is Role.INITIATOR:
            self._renew(sa)
        else:
            timer = pair_timer(TimerKind.REKEY, spi)
            self._desk.timers.set(timer, self._desk.now + limits.REKEY_PATIENCE_S)

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
