"""Signs that one side has forgotten an SA: packets with an SPI that names no pair, notifications
that say so.

Anybody can forge either, so a doubt ends nothing. Under a main mode SA the peer is told, protected,
which pair is gone; without one, or when a peer says in clear that it has forgotten, another main
mode is made: INITIAL-CONTACT and deletes under it settle the rest. And one peer makes us doubt only
once in a while.

Source: docs/protocol-notes.md, Restarts; RFC 2408 5.
"""

from mainmode import limits
from mainmode.engine import informational
from mainmode.engine.associations import Associations
from mainmode.engine.desk import Desk
from mainmode.engine.negotiations import Negotiations
from mainmode.engine.terms import Terms
from mainmode.model import IpAddress, Path
from mainmode.numbers import ProtocolId
from mainmode.wire.header import Cookies


class Doubts:
    """Does something about them, rarely."""

    def __init__(
        self, desk: Desk, associations: Associations, negotiations: Negotiations, terms: Terms
    ) -> None:
        self._desk = desk
        self._associations = associations
        self._negotiations = negotiations
        self._terms = terms
        self._doubted: dict[IpAddress, float] = {}
        """When a peer last made us doubt."""

    def about_pair(self, path: Path, protocol: ProtocolId, spi: int) -> None:
        """A packet came from this peer with an SPI that names no pair here."""
        if not self._may_doubt(path):
            return
        sa = self._associations.newest_between(path)
        if sa is not None:
            gone = informational.delete_spi(protocol, spi)
            self._desk.send(sa.path, informational.protected(sa, gone, self._desk.entropy))
        else:
            self._make_main_mode(path)

    def about_peer(self, path: Path, cookies: Cookies) -> None:
        """A peer says in clear that it has forgotten an SA. It is heard under the cookies of one
        that stands: main mode's first message is longer than what somebody says who knows none."""
        sa = self._associations.main_modes.get(cookies)
        if sa is not None and sa.path == path and self._may_doubt(path):
            self._make_main_mode(path)

    def _make_main_mode(self, path: Path) -> None:
        terms = self._terms.selection.toward(*path.hosts)
        if terms is not None and terms.rules and not self._negotiations.main_modes_between(path):
            self._negotiations.make_main_mode(path, terms.ours)

    def _may_doubt(self, path: Path) -> bool:
        """Whether it is long enough since the last time; from now on it is not."""
        peer, now = path.peer.address, self._desk.now
        if now - self._doubted.get(peer, float("-inf")) < limits.DOUBT_INTERVAL_S:
            return False
        if len(self._doubted) >= limits.DOUBTS_REMEMBERED_MAX:
            del self._doubted[next(iter(self._doubted))]
        self._doubted[peer] = now
        return True
