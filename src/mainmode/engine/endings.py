"""How security associations end: by delete, lifetime, policy, administrator, shutdown.

A delete names the sender's inbound SPI, or the cookies of a main mode SA. It counts only under
the protection of a main mode SA with the very peer. Deleting a main mode SA leaves its pairs:
they may outlive it (docs/service.md 30 and 31).
"""

from collections.abc import Callable

from mainmode.engine import informational
from mainmode.engine.associations import Associations, MainModeSa, QuickModeSa
from mainmode.engine.desk import Desk
from mainmode.engine.events import MainModeEnded, QuickModeEnded
from mainmode.engine.reliable_delete import ReliableDeletes
from mainmode.engine.timers import Timer, TimerKind
from mainmode.model import IpAddress, Path, address_order
from mainmode.numbers import ProtocolId
from mainmode.wire.payloads import Delete, Notification

Watcher = Callable[[int], None]
"""Told the inbound SPI of every pair that ends."""


class Endings:
    """Ends what stands, and tells those who must know."""

    def __init__(self, desk: Desk, associations: Associations) -> None:
        self._desk = desk
        self._associations = associations
        self.reliable = ReliableDeletes(desk)
        self.watchers: list[Watcher] = []

    # --- ours -------------------------------------------------------------------------------

    def end_quick_mode(self, spi: int, why: str, *, tell: bool = True) -> None:
        """Take a pair away from the driver, and tell the peer if some main mode SA can."""
        sa = self._associations.remove_quick_mode(spi)
        if sa is None:
            return
        for ended in self.watchers:
            ended(spi)
        if tell:
            self._tell(sa.path, informational.delete_spi(sa.pair.inbound.protocol, spi))
        self._desk.remove_pair(spi)
        self._desk.record(QuickModeEnded(sa.path, sa.pair.selector, spi, sa.pair.outbound.spi, why))

    def end_main_mode(self, sa: MainModeSa, why: str, *, tell: bool = True) -> None:
        """Let no more quick modes come from it."""
        if tell:
            self.reliable.send(sa, informational.delete_main_mode(sa))
        self._associations.remove_main_mode(sa)
        self.reliable.remember(sa)
        for kind in (TimerKind.MAIN_MODE_LIFETIME, TimerKind.RENEWAL):
            self._desk.timers.cancel(Timer(kind, (*sa.cookies, 0)))
        self._desk.record(MainModeEnded(sa.path, *sa.cookies, why))

    def end_all_with(self, peer: IpAddress, why: str) -> None:
        """First the pairs, while there is a main mode SA to say so under; then that."""
        for pair in self._associations.quick_modes_with(peer):
            self.end_quick_mode(pair.pair.spi, why)
        for sa in self._associations.main_modes_with(peer):
            self.end_main_mode(sa, why)

    def end_everything(self, why: str) -> None:
        peers = {sa.path.peer.address for sa in self._associations.main_modes.values()}
        peers |= {sa.pair.peer for sa in self._associations.quick_modes.values()}
        for peer in sorted(peers, key=address_order):
            self.end_all_with(peer, why)

    def _tell(self, path: Path, delete: Delete) -> None:
        """Under the newest main mode SA with the same computer, if there is one."""
        sa = self._associations.newest_main_mode(path)
        if sa is not None:
            self.reliable.send(sa, delete)

    # --- the peer's -------------------------------------------------------------------------

    def deleted_by_peer(self, carrier: MainModeSa, delete: Delete) -> None:
        """An authenticated delete. SPIs that name nothing here are passed over."""
        for spi in delete.spis:
            if delete.protocol == ProtocolId.ISAKMP:
                self._main_mode_deleted(carrier, spi)
            else:
                self._quick_mode_deleted(carrier, delete.protocol, int.from_bytes(spi))

    def _main_mode_deleted(self, carrier: MainModeSa, cookies: bytes) -> None:
        """It may name another SA than its carrier, but only one with the same peer."""
        sa = self._associations.main_modes.get((cookies[:8], cookies[8:]))
        if sa is not None and same_peer(sa, carrier):
            self.end_main_mode(sa, "deleted by the peer", tell=False)

    def _quick_mode_deleted(self, carrier: MainModeSa, protocol: int, spi: int) -> None:
        if protocol not in (ProtocolId.AH, ProtocolId.ESP):
            return
        peer = carrier.path.peer.address
        sa = self._associations.quick_mode_to(peer, ProtocolId(protocol), spi)
        if sa is None:  # strongSwan names our SPI instead of its own when it cannot install a pair
            sa = self._associations.quick_modes.get(spi)
        if sa is not None and made_with(sa, carrier):
            self.end_quick_mode(sa.pair.spi, "deleted by the peer", tell=False)

    def unknown_to_peer(self, carrier: MainModeSa, notification: Notification) -> None:
        """INVALID-SPI under the protection of a main mode SA: the peer lacks the pair that we send
        through with this SPI."""
        self._quick_mode_deleted(
            carrier, notification.protocol, int.from_bytes(notification.spi or notification.data)
        )

    def forgotten_by_peer(self, carrier: MainModeSa, said_after: float) -> None:
        """INITIAL-CONTACT: the same identity at the same address and port remembers nothing that
        is older than this main mode SA and stood at a time when it cannot have been said yet. What
        is younger is not meant, however late the message comes."""
        why = "the peer has started anew"
        peer = carrier.path.peer.address
        standing = self._associations.main_modes_with(peer)
        for sa in standing[: standing.index(carrier)]:
            if same_peer(sa, carrier) and sa.established_at <= said_after:
                for pair in self._made_under(sa):
                    self.end_quick_mode(pair.pair.spi, why, tell=False)
                self.end_main_mode(sa, why, tell=False)
        for pair in self._associations.quick_modes_with(peer):
            orphan = pair.main_mode not in self._associations.main_modes
            older = pair.established_at <= said_after
            if orphan and older and made_with(pair, carrier):
                self.end_quick_mode(pair.pair.spi, why, tell=False)

    def _made_under(self, sa: MainModeSa) -> list[QuickModeSa]:
        return [
            pair
            for pair in self._associations.quick_modes_with(sa.path.peer.address)
            if pair.main_mode == sa.cookies
        ]


def made_with(pair: QuickModeSa, sa: MainModeSa) -> bool:
    """Same authenticated identity, address and port (500 and 4500 are one)."""
    return pair.path.has_ends_of(sa.path) and pair.peer_id_b == sa.peer.identification.body()


def same_peer(one: MainModeSa, other: MainModeSa) -> bool:
    """Same authenticated identity, address and port (500 and 4500 are one)."""
    return (
        one.path.has_ends_of(other.path)
        and one.peer.identification.body() == other.peer.identification.body()
    )
