"""What becomes of a wish whose quick mode has failed: it is tried once more, or waits a while.

Under another main mode SA, once for each wish, when this one may be why:

- The peer is silent in the second or a later quick mode: it has lost the main mode SA, or is gone,
  and another will tell.
- It says that no more quick modes are to begin under this one.
- There may be no NAT: nobody protects the messages that tell of one, and a damaged NAT-D makes a
  NAT of nothing. ESP passes it all the same, but AH is left out of offers. So when no common offer
  is found without it, and the main mode SA is not quite new, another one looks again. Where the NAT
  is real, that costs a main mode now and then.

With other keys, when a DES key came out weak.

Source: docs/service.md 25 (silence), RFC 2405 2.3 (weak keys), docs/protocol-notes.md, NAT
traversal and Quick mode.
"""

from mainmode import limits
from mainmode.engine.associations import Associations
from mainmode.engine.desk import Desk
from mainmode.engine.endings import Endings
from mainmode.engine.exchange import Exchange
from mainmode.engine.quick_mode import QuickMode
from mainmode.engine.wishes import Wish
from mainmode.failures import Failure, Reason

_NOTHING_IN_COMMON = (Reason.NAT_MISMATCH, Reason.NO_COMMON_PROPOSAL)


class SecondChances:
    """Gives them, and remembers who gets none."""

    def __init__(self, desk: Desk, associations: Associations, endings: Endings) -> None:
        self._desk = desk
        self._associations = associations
        self._endings = endings

    def deserved(self, exchange: Exchange, qm: QuickMode, failure: Failure) -> bool:
        """Whether the quick mode that has just failed is tried again at once; then its main mode
        SA may be used no more."""
        wish = qm.asker
        return isinstance(wish, Wish) and (
            self._another_main_mode(exchange, qm, failure, wish) or _other_keys(failure, wish)
        )

    def _another_main_mode(
        self, exchange: Exchange, qm: QuickMode, failure: Failure, wish: Wish
    ) -> bool:
        doubted = self._doubts_nat(qm, failure, wish)
        silent = exchange.timed_out and not qm.is_first
        used_up = failure.reason is Reason.MAIN_MODE_USED_UP and not exchange.timed_out
        if wish.tried_again or not (doubted or silent or used_up):
            return False
        sa, wish.tried_again = qm.sa, True
        if not doubted:
            sa.lost = sa.lost or silent
        elif sa.usable and not sa.quick_modes:
            self._endings.end_main_mode(sa, "perhaps there is no NAT: it is looked for again")
        sa.usable = False
        return True

    def _doubts_nat(self, qm: QuickMode, failure: Failure, wish: Wish) -> bool:
        """Whether others have doubted already, or it is time to."""
        sa = qm.sa
        left_out = any(offer.ah is not None for offer in wish.decision.filter_action.offers)
        return (
            sa.nat is not None
            and left_out
            and failure.reason in _NOTHING_IN_COMMON
            and (not sa.usable or self._desk.now - sa.established_at >= limits.NAT_BELIEVED_S)
        )

    def note_refusal(self, exchange: Exchange, qm: QuickMode, failure: Failure) -> None:
        """Remember a quick mode of ours that has failed by somebody's word: for a while the next
        one for this traffic would not end otherwise."""
        called_off = failure.reason is Reason.CLOSED
        if qm.selector is not None and not exchange.timed_out and not called_off:
            qm.sa.refused_at[qm.selector] = self._desk.now

    def refused_lately(self, wish: Wish) -> bool:
        """Whether a quick mode for this has just failed by somebody's word."""
        selector = wish.decision.selector
        sa = self._associations.usable_main_mode(wish.path, wish.authentications)
        refused_at = sa.refused_at.get(selector) if sa is not None and selector else None
        return refused_at is not None and self._desk.now < refused_at + limits.REFUSAL_PAUSE_S


def _other_keys(failure: Failure, wish: Wish) -> bool:
    """A pair with a weak key is discarded and negotiated anew."""
    if failure.reason is not Reason.WEAK_KEY:
        return False
    wish.weak_keys += 1
    return wish.weak_keys < limits.WEAK_KEY_RETRIES_MAX
