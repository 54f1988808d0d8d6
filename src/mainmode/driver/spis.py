"""Inbound SPIs: random, so that a stranger cannot guess one, and unique on this host.

Source: RFC 2406 2.1 (0 is no SPI, 1..255 are reserved).
"""

from collections.abc import Callable

from mainmode import limits
from mainmode.errors import DriverError

_TRIES_MAX = 64
"""With 2^32 numbers a second try is rare; this many mean that the entropy repeats itself."""


class SpiAllocator:
    """Knows every SPI that was promised or is in use."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._promised: set[int] = set()
        self._used: set[int] = set()

    @property
    def promised(self) -> int:
        """How many are promised to negotiations that have not come to an end."""
        return len(self._promised)

    def allocate(self) -> int:
        """Promise a new one. Raises DriverError when entropy gives none that is free."""
        for _ in range(_TRIES_MAX):
            spi = int.from_bytes(self._entropy(4), "big")
            if spi >= limits.SPI_MIN and spi not in self._promised and spi not in self._used:
                self._promised.add(spi)
                return spi
        raise DriverError("found no free SPI")

    def take(self, spi: int) -> None:
        """The SPI is in use from now on, promised before or not."""
        self._promised.discard(spi)
        self._used.add(spi)

    def free(self, spi: int) -> None:
        """The SPI may be given again. Unknown ones are no error."""
        self._promised.discard(spi)
        self._used.discard(spi)
