"""A new policy: what of the old one's doings it still permits.

Talks to: `engine`, which ends the rest.
"""

from mainmode.engine.associations import MainModeSa, QuickModeSa
from mainmode.engine.exchange import Exchange
from mainmode.engine.half_open import HalfOpen
from mainmode.engine.main_mode import MainMode
from mainmode.engine.terms import Terms
from mainmode.engine.wishes import Wish
from mainmode.failures import Refused
from mainmode.model import Mode, Path, SaPair, Selector
from mainmode.policy.model import Authentication, FilterAction, Method
from mainmode.policy.offers import suite_of

NO_LONGER = "no longer permitted by policy"


class Review:
    """Each method: whether that may stay."""

    def __init__(self, old: Terms, new: Terms) -> None:
        self._old = old
        self._new = new

    def wish(self, wish: Wish) -> bool:
        rule = wish.decision.rule
        return rule in self._new.policy.rules or (
            rule is not None and rule == self._new.selection.response
        )

    def exchange(self, exchange: Exchange) -> bool:
        negotiation, path = exchange.negotiation, exchange.path
        if isinstance(negotiation, MainMode):
            return self._main_mode(path, negotiation.authentications)
        sa, selector, asker = negotiation.sa, negotiation.selector, negotiation.asker
        if isinstance(asker, Wish) and not self.wish(asker):
            return False  # it would be tried again by the old rule
        return self.main_mode(sa) and (
            selector is None
            or self._traffic(path, selector, negotiation.mode, sa.authentication) is not None
        )

    def half_open(self, half_open: HalfOpen) -> bool:
        return self._main_mode(half_open.path, (half_open.choice.authentication,))

    def main_mode(self, sa: MainModeSa) -> bool:
        offers = self._new.selection.main_mode(*sa.path.hosts).offers
        return sa.offer in offers and self._main_mode(sa.path, (sa.authentication,))

    def quick_mode(self, sa: QuickModeSa) -> bool:
        pair = sa.pair
        action = self._traffic(sa.path, pair.selector, pair.mode, sa.authentication)
        return action is not None and _offers(action, pair)

    def _main_mode(self, path: Path, authentications: tuple[Authentication, ...]) -> bool:
        """Whether all of these methods are still open to this peer."""
        terms = self._new.selection.toward(path.local.address, path.peer.address)
        return terms is not None and all(
            each in terms.authentications and self._same_secret(each) for each in authentications
        )

    def _traffic(
        self, path: Path, selector: Selector, mode: Mode, authentication: Authentication
    ) -> FilterAction | None:
        """The filter action that protects it for this peer, if there is one."""
        try:
            decision = self._new.selection.authorise(
                selector, path.local.address, path.peer.address, authentication, mode
            )
        except Refused:
            return None
        return decision.filter_action if self._same_secret(authentication) else None

    def _same_secret(self, authentication: Authentication) -> bool:
        """Whether the key that a peer has proved is still the key."""
        if authentication.method is not Method.PRESHARED_KEY:
            return True
        name = authentication.secret
        try:
            old, new = (terms.credentials.preshared_key(name) for terms in (self._old, self._new))
        except KeyError:
            return False
        return old == new


def _offers(action: FilterAction, pair: SaPair) -> bool:
    """Whether the algorithms of a pair are among those that a filter action names."""
    sa = pair.inbound
    names = (sa.protocol, sa.cipher, sa.integrity)
    suites = [suite for each in action.offers if (suite := suite_of(each)) is not None]
    return any(suite.names == names for suite in suites)
