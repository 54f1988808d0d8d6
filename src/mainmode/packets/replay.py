"""The anti-replay window of an inbound SA.

Source: RFC 2401 appendix C, RFC 2406 3.4.3.
"""

from mainmode import limits


class ReplayWindow:
    """Remembers which of the last `size` sequence numbers have been accepted.

    `permits` changes nothing and comes before the integrity check; `advance` comes after it, so
    a forged packet cannot move the window.
    """

    __slots__ = ("_highest", "_mask", "_seen", "_size")

    def __init__(self, size: int = limits.REPLAY_WINDOW_PACKETS) -> None:
        self._size = size
        self._mask = (1 << size) - 1
        self._highest = 0
        self._seen = 0
        """Bit n: the number `_highest - n` has been accepted."""

    def permits(self, sequence: int) -> bool:
        """Whether a packet with this number may be looked at. The first valid number is 1."""
        behind = self._highest - sequence
        if behind < 0:
            return True
        return sequence > 0 and behind < self._size and not self._seen >> behind & 1

    def advance(self, sequence: int) -> None:
        """Note an authentic packet that `permits` let through."""
        ahead = sequence - self._highest
        if ahead > 0:
            # A far jump empties the window; never shift by more than the window is wide.
            self._seen = (self._seen << ahead) & self._mask | 1 if ahead < self._size else 1
            self._highest = sequence
        else:
            self._seen |= 1 << -ahead
