"""The table of exchanges: under way, or finished with a reply kept for duplicates.

Found by the names in a message's header, and by peer; neither costs more when there are many.
"""

from mainmode import limits
from mainmode.engine.exchange import Exchange, Key
from mainmode.model import IpAddress, Path
from mainmode.wire.header import Header

NO_COOKIE = bytes(limits.COOKIE_OCTETS)


class Exchanges:
    """All exchanges of one engine."""

    def __init__(self) -> None:
        self._by_key: dict[Key, Exchange] = {}
        self._under_way: dict[IpAddress, list[Exchange]] = {}
        """By peer; those that have neither succeeded nor failed yet, oldest first."""

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: Key) -> Exchange | None:
        return self._by_key.get(key)

    def find(self, header: Header) -> Exchange | None:
        """The exchange a message belongs to."""
        if not header.message_id:
            return self.main_mode(header.cky_i, header.cky_r)
        return self._by_key.get((header.cky_i, header.cky_r, header.message_id))

    def main_mode(self, cky_i: bytes, cky_r: bytes) -> Exchange | None:
        """The main mode under these cookies. Before the responder has spoken, an initiator's
        exchange has no responder cookie yet."""
        return self._by_key.get((cky_i, cky_r, 0)) or self._by_key.get((cky_i, NO_COOKIE, 0))

    def under_way_with(self, peer: IpAddress) -> tuple[Exchange, ...]:
        """What has neither succeeded nor failed yet, oldest first."""
        return tuple(self._under_way.get(peer, ()))

    def under_way(self) -> tuple[Exchange, ...]:
        """What has neither succeeded nor failed yet, with whomever."""
        return tuple(each for exchanges in self._under_way.values() for each in exchanges)

    def any_under_way(self, path: Path, cky_i: bytes) -> bool:
        """Whether something is under way on this path under this initiator cookie."""
        under_way = self._under_way.get(path.peer.address, ())
        return any(each.cky_i == cky_i and each.path == path for each in under_way)

    def add(self, exchange: Exchange) -> None:
        self._by_key[exchange.key] = exchange
        self._under_way.setdefault(exchange.path.peer.address, []).append(exchange)

    def rename(self, old: Key, exchange: Exchange) -> None:
        """The responder has spoken: its cookie is part of the exchange's name now. (An exchange
        that failed over what it said has no name any more.)"""
        if self._by_key.pop(old, None) is not None and not exchange.finished:
            self._by_key[exchange.key] = exchange

    def finish(self, exchange: Exchange) -> None:
        """It is not under way any more, but stays for the peer's duplicates."""
        peer = exchange.path.peer.address
        under_way = self._under_way.get(peer, [])
        if exchange in under_way:
            under_way.remove(exchange)
        if not under_way:
            self._under_way.pop(peer, None)

    def remove(self, exchange: Exchange) -> None:
        self.finish(exchange)
        self._by_key.pop(exchange.key, None)
