"""NATs that may be none: nobody protects the messages that tell of them.

One damaged NAT-D makes a NAT of nothing for the life of a main mode SA. ESP passes it all the same,
but AH is left out of offers. So when a quick mode finds no common offer without it, the main mode
SA, if it is not quite new, is used no more: another one asks anew. Where the NAT is real, that
costs a main mode now and then.

Source: docs/protocol-notes.md, NAT traversal.
"""

from mainmode import limits
from mainmode.engine.desk import Desk
from mainmode.engine.endings import Endings
from mainmode.engine.quick_mode import QuickMode
from mainmode.engine.wishes import Wish
from mainmode.failures import Failure, Reason

_NOTHING_IN_COMMON = (Reason.NAT_MISMATCH, Reason.NO_COMMON_PROPOSAL)


class NatDoubts:
    """Has a NAT looked for again."""

    def __init__(self, desk: Desk, endings: Endings) -> None:
        self._desk = desk
        self._endings = endings

    def arise(self, qm: QuickMode, failure: Failure) -> bool:
        """Whether a quick mode that has failed like this is to be tried under another main mode
        SA; its own is not used any more then, and ends if nothing has come of it."""
        sa, wish = qm.sa, qm.asker
        if sa.nat is None or not isinstance(wish, Wish) or wish.tried_again:
            return False
        left_out = any(offer.ah is not None for offer in wish.decision.filter_action.offers)
        if failure.reason not in _NOTHING_IN_COMMON or not left_out:
            return False
        if not sa.usable:  # others have doubted already
            wish.tried_again = True
        elif self._desk.now - sa.established_at >= limits.NAT_BELIEVED_S:
            wish.tried_again, sa.usable = True, False
            if not sa.quick_modes:
                self._endings.end_main_mode(sa, "perhaps there is no NAT: it is looked for again")
        return wish.tried_again
