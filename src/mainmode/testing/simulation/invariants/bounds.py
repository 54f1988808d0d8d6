"""Nobody gets more out of a host than he has put in, and no table outgrows its bound."""

from typing import TYPE_CHECKING

from mainmode import limits
from mainmode.model import Path
from mainmode.testing.simulation.anatomy import half_open_count
from mainmode.testing.simulation.watch import Watcher

if TYPE_CHECKING:
    from mainmode.testing.simulation.host import Host
    from mainmode.testing.simulation.messages import Message
    from mainmode.testing.simulation.world import World

_COOKIES = slice(8, 16)
_REPLIES_MAX = 8
"""Sent because of one datagram: message 6, INITIAL-CONTACT, some quick modes, deletes of pairs."""


class Bounds(Watcher):
    """Counts what goes out while one datagram is dealt with."""

    name = "answers and tables stay bounded"

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._heard = b""
        self._answers = 0
        self._octets = 0

    def received(self, host: "Host", path: Path, datagram: bytes) -> None:
        self._heard = datagram
        self._answers = self._octets = 0

    def said(self, host: "Host", message: "Message", datagram: bytes) -> None:
        if not self._heard:
            return
        self._answers += 1
        if any(datagram[_COOKIES]):  # else it begins a main mode of ours, now and then, on a doubt
            self._octets += len(datagram)
        stranger = not any(self._heard[_COOKIES])
        if stranger and self._octets > len(self._heard):
            raise self.broken(f"{host} answers a stranger with more than he has sent")
        if self._answers > _REPLIES_MAX + self._wishes(host):
            raise self.broken(f"{host} says {self._answers} things because of one datagram")

    def stepped(self, host: "Host") -> None:
        self._heard = b""
        if host.is_up and half_open_count(host.engine) > limits.HALF_OPEN_MAX:
            raise self.broken(f"{host} has too many half-open main modes")

    def _wishes(self, host: "Host") -> int:
        """Quick modes and pairs that one main mode or delete may set going."""
        return host.engine.statistics.active_acquire + len(host.engine.quick_mode_sas())
