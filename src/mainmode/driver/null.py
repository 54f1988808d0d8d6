"""A driver that carries nothing: IKE alone, for tests and for looking at negotiations.

Does not: protect or block a single packet.
"""

from collections.abc import Callable

from mainmode.driver.contract import DriverStatistics, PairCounters, Upward
from mainmode.driver.spis import SpiAllocator
from mainmode.model import Direction, IpAddress, Path, SaPair, SoftSa
from mainmode.numbers import ProtocolId
from mainmode.policy.selection import Selection


class NullDriver:
    """Accepts every pair and remembers it."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._spis = SpiAllocator(entropy)
        self._statistics = DriverStatistics()
        self.pairs: dict[int, SaPair] = {}
        """By inbound SPI, from the installation of the inbound half on."""
        self.sending: set[int] = set()
        """The inbound SPIs of pairs whose outbound half is in use."""
        self.soft: dict[int, SoftSa] = {}
        """What may pass in clear, by number."""
        self.upward: Upward | None = None
        self.selection: Selection | None = None

    def start(self, upward: Upward) -> None:
        self.upward = upward

    def assign(self, selection: Selection) -> None:
        self.selection = selection

    def allocate_spi(self, protocol: ProtocolId, local: IpAddress, peer: IpAddress) -> int:
        return self._spis.allocate()

    def install(self, pair: SaPair, direction: Direction) -> None:
        if direction is Direction.INBOUND:
            self._spis.take(pair.spi)
            self.pairs[pair.spi] = pair
        else:
            self.sending.add(pair.spi)
            self._statistics.key_additions += 1

    def replace(self, old_spi: int, pair: SaPair, *, once_used: bool = False) -> None:
        self.install(pair, Direction.OUTBOUND)
        self.sending.discard(old_spi)
        self._statistics.rekeys += 1

    def permit_clear(self, soft: SoftSa) -> None:
        self.soft[soft.number] = soft

    def end_clear(self, number: int) -> None:
        self.soft.pop(number, None)

    def remove(self, spi: int) -> None:
        self._spis.free(spi)
        self.sending.discard(spi)
        if self.pairs.pop(spi, None) is not None:
            self._statistics.key_deletions += 1

    def receive(self, esp: bytes, path: Path) -> None:
        """No pair of ours opens it."""

    def counters(self, spi: int) -> PairCounters | None:
        return PairCounters() if spi in self.pairs else None

    def statistics(self) -> DriverStatistics:
        self._statistics.active_security_associations = len(self.sending)
        return self._statistics

    async def refusals(self) -> dict[str, int]:
        return {}

    def close(self) -> None:
        self.pairs.clear()
        self.sending.clear()
        self.soft.clear()
