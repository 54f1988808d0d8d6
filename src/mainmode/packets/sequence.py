"""The sequence numbers of an outbound SA.

Source: RFC 2401 4.4.3, RFC 2406 3.3.3: from 1, and never a number twice.
"""

from mainmode.packets.refusal import PacketRefused, Refusal

SEQUENCE_MAX = 0xFFFF_FFFF


class SequenceNumbers:
    """Counts from 1 and stops at the last 32-bit number."""

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last = 0
        """The number of the last packet; 0 before the first."""

    def take(self) -> int:
        """The next number. Raises PacketRefused EXPIRED instead of wrapping."""
        if self.last >= SEQUENCE_MAX:
            raise PacketRefused(Refusal.EXPIRED)
        self.last += 1
        return self.last
