"""What becomes of a wish whose quick mode has failed: it is tried once more, or waits a while.

Source: docs/service.md 25 (silence), RFC 2405 2.3 (weak keys).
"""

from mainmode import limits
from mainmode.engine.associations import MainModeSa
from mainmode.engine.exchange import Exchange
from mainmode.engine.quick_mode import QuickMode
from mainmode.engine.wishes import Wish
from mainmode.failures import Failure, Reason
from mainmode.model import Selector


def deserves_another(exchange: Exchange, qm: QuickMode, failure: Failure) -> bool:
    """Whether the quick mode that has just failed is tried again at once."""
    wish = qm.asker
    return isinstance(wish, Wish) and (
        _under_another_main_mode(exchange, qm, failure, wish) or _with_other_keys(failure, wish)
    )


def _under_another_main_mode(
    exchange: Exchange, qm: QuickMode, failure: Failure, wish: Wish
) -> bool:
    """The peer is silent in the second or a later quick mode: it has lost the main mode SA, or is
    gone, and another will tell. Or it says that no more quick modes are to begin under this one.
    Once for each wish."""
    silent = exchange.timed_out and not qm.is_first
    used_up = failure.reason is Reason.MAIN_MODE_USED_UP and not exchange.timed_out
    if not (silent or used_up) or wish.tried_again:
        return False
    wish.tried_again = True
    qm.sa.usable, qm.sa.lost = False, qm.sa.lost or silent
    return True


def _with_other_keys(failure: Failure, wish: Wish) -> bool:
    """A pair with a weak DES key is discarded and negotiated anew."""
    if failure.reason is not Reason.WEAK_KEY:
        return False
    wish.weak_keys += 1
    return wish.weak_keys < limits.WEAK_KEY_RETRIES_MAX


def note_refusal(exchange: Exchange, qm: QuickMode, failure: Failure, now: float) -> None:
    """Remember a quick mode of ours that has failed by somebody's word: for a while the next one
    for this traffic would not end otherwise."""
    called_off = failure.reason is Reason.CLOSED
    if qm.selector is not None and not exchange.timed_out and not called_off:
        qm.sa.refused_at[qm.selector] = now


def refused_lately(sa: MainModeSa, selector: Selector, now: float) -> bool:
    refused_at = sa.refused_at.get(selector)
    return refused_at is not None and now < refused_at + limits.REFUSAL_PAUSE_S
