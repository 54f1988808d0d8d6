"""When a pair should be replaced, and when it must not be used any more.

Source: RFC 2401 4.4.3 (soft and hard lifetimes; whichever of time and volume comes first).
Does not: read a clock; times are seconds on the driver's clock.
"""

from enum import Enum

from mainmode import limits
from mainmode.crypto.algorithms import CIPHERS
from mainmode.model import SaPair
from mainmode.packets.sequence import SEQUENCE_MAX

_NEVER = float("inf")


class Age(Enum):
    FRESH = "fresh"
    SOFT = "soft"
    """Time to make a new pair; this one still carries packets. A pair that has carried nothing
    comes into it with its first packet, or never."""
    HARD = "hard"
    """Used up."""


class Lifespan:
    """The three measures of one pair: seconds, octets in one direction, packets sent."""

    __slots__ = ("_hard_at", "_hard_octets", "_soft_at", "age", "next_octets")

    def __init__(self, pair: SaPair, now: float) -> None:
        seconds = pair.lifetime.seconds or _NEVER
        self._soft_at = now + seconds * limits.SOFT_EXPIRY
        self._hard_at = now + seconds
        self._hard_octets = octets_max(pair)
        self.age = Age.FRESH
        self.next_octets = self._hard_octets * limits.SOFT_EXPIRY
        """At so many octets `grow` has something to say: cheap to compare for every packet."""

    @property
    def next_at(self) -> float:
        """At this time at the latest `grow` has something to say."""
        if self.age is Age.FRESH:
            return self._soft_at
        return self._hard_at if self.age is Age.SOFT else _NEVER

    def grow(self, now: float, octets: int, sequence: int) -> Age | None:
        """The new age if the pair has just come into it, else None.

        octets: the direction that carried more; sequence: last number sent.
        """
        age = self._at(now, octets, sequence)
        if age is self.age or self.age is Age.HARD:
            return None
        self.age = age
        self.next_octets = self._hard_octets if age is Age.SOFT else _NEVER
        return age

    def _at(self, now: float, octets: int, sequence: int) -> Age:
        if now >= self._hard_at or octets >= self._hard_octets or sequence >= SEQUENCE_MAX:
            return Age.HARD
        if now >= self._soft_at and not octets:
            self._soft_at, self.next_octets = self._hard_at, 1
        if (
            now >= self._soft_at
            or octets >= self.next_octets
            or sequence >= SEQUENCE_MAX * limits.SOFT_EXPIRY
        ):
            return Age.SOFT
        return self.age


def octets_max(pair: SaPair) -> float:
    """How many octets either direction may carry; infinite when policy sets no limit (0).

    A 64-bit block cipher ends earlier whatever policy says: its ciphertext blocks begin to
    collide (limits.SMALL_BLOCK_LIFETIME_KIB).
    """
    kilobytes = pair.lifetime.kilobytes or _NEVER
    if any(is_small_block(sa.cipher) for sa in (pair.inbound, pair.outbound)):
        kilobytes = min(kilobytes, limits.SMALL_BLOCK_LIFETIME_KIB)
    return kilobytes * 1024


def is_small_block(cipher: str) -> bool:
    """Whether this cipher (empty for AH) encrypts blocks of 64 bits."""
    return bool(cipher) and CIPHERS[cipher].key_octets > 0 and CIPHERS[cipher].block_octets == 8
