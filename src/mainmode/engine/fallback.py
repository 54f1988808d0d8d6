"""When to do without protection, where policy allows that: the moments that lead to a soft SA.

Source: docs/service.md 16; KB 914841.
Talks to: `soft`, which keeps soft SAs.
"""

from mainmode.engine.exchange import Exchange
from mainmode.engine.main_mode import MainMode
from mainmode.engine.negotiations import Negotiations
from mainmode.engine.soft import SILENCE
from mainmode.engine.terms import Terms
from mainmode.failures import Failure
from mainmode.ladder import MM2


class Fallback:
    """Watches wishes that wait for main mode."""

    def __init__(self, negotiations: Negotiations, terms: Terms) -> None:
        self._negotiations = negotiations
        self._soft = negotiations.soft
        self._terms = terms

    def ring(self, number: int) -> None:
        """A wish has waited for the brief interval; if the peer has said nothing at all, its
        traffic may pass in clear while main mode is tried on."""
        wish = self._soft.waiting(number)
        if wish is None or not self._negotiations.is_wanted(wish):
            return
        exchanges = self._negotiations.main_modes_between(wish.path)
        if any(exchange.awaits is MM2 for exchange in exchanges):
            self._soft.begin(wish, SILENCE, self._terms.main_mode(wish.path))

    def mismatched(self, exchange: Exchange, failure: Failure) -> None:
        """Somebody says in clear, under the cookies of our main mode, that it will not do."""
        settings = self._terms.main_mode(exchange.path)
        if settings.fallback_on_mismatch and isinstance(exchange.negotiation, MainMode):
            for wish in self._negotiations.parked(exchange.path):
                self._soft.begin(wish, f"{failure.detail} (unauthenticated)", settings)

    def try_again(self, number: int) -> None:
        """A soft SA has stood for the lifetime of main mode."""
        wish = self._soft.outlived(number, self._terms.main_mode)
        if wish is not None:
            self._negotiations.wish(wish)
