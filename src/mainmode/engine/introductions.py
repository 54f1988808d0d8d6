"""INITIAL-CONTACT: who is told that we have started anew.

Once for each peer, when no other SA with it stands or is coming: the initiator says it in message
5, where every peer heeds it, the responder in a message of its own after main mode.

Source: RFC 2407 4.6.3.3; which peers heed it where: their sources.
"""

from mainmode.engine import informational
from mainmode.engine.associations import Associations, MainModeSa
from mainmode.engine.desk import Desk
from mainmode.engine.exchanges import Exchanges
from mainmode.engine.main_mode import MainMode, initial_contact
from mainmode.model import IpAddress


class Introductions:
    """Peers that know us, and those that do not yet."""

    def __init__(self, desk: Desk, associations: Associations, exchanges: Exchanges) -> None:
        self._desk = desk
        self._associations = associations
        self._exchanges = exchanges
        self._contacted = set[IpAddress]()

    def is_due(self, mm: MainMode) -> bool:
        """Whether this main mode is the first between us, and the only one."""
        peer = mm.path.peer.address
        return (
            peer not in self._contacted
            and not self._associations.main_modes_with(peer)
            and not any(
                isinstance(exchange.negotiation, MainMode) and exchange.negotiation is not mm
                for exchange in self._exchanges.under_way_with(peer)
            )
        )

    def established(self, sa: MainModeSa, mm: MainMode, *, is_due: bool) -> None:
        """Main mode is over; is_due: as it was before the SA stood."""
        if is_due and not mm.introduced:
            notification = initial_contact(sa.cookies)
            self._desk.send(sa.path, informational.protected(sa, notification, self._desk.entropy))
        self._contacted.add(sa.path.peer.address)
