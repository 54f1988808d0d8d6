"""Diffie-Hellman for every group: one key pair for one exchange.

Source: RFC 2409 5 and 6, RFC 3526, RFC 5903.
Talks to: `modp` and `ecp`, which do the arithmetic of the two families of groups.
Does not: make randomness; it comes in as a function.
"""

from collections.abc import Callable
from typing import Protocol

from mainmode.crypto import ecp, modp
from mainmode.crypto.algorithms import Group

Entropy = Callable[[int], bytes]
"""That many unpredictable octets, different ones every time."""

_DRAWS_MAX = 64
"""A scalar is out of range once in 2^32 draws; so often in a row, the source is broken."""


class _Secret(Protocol):
    """A private value in the form its family computes with."""

    @property
    def public(self) -> bytes: ...

    def shared_secret(self, peer_public: bytes) -> bytes: ...


class KeyPair:
    """Our half of one Diffie-Hellman exchange."""

    __slots__ = ("_secret", "public")

    def __init__(self, secret: _Secret) -> None:
        self._secret: _Secret | None = secret
        self.public = secret.public
        """g^x as the body of a KE payload has it, of the group's length."""

    def agree(self, peer_public: bytes) -> bytes:
        """g^xy as key derivation takes it: left-padded with zeros, group.shared_octets long.

        peer_public: the body of the peer's KE payload.
        Raises BadPublicValue when it is not of the group. Nothing has been computed with it then,
        and the pair is good for another try: a forged message must not end a negotiation.
        Once there is a result the private value is forgotten (dropped: Python cannot overwrite it),
        and a second call is a ValueError.
        """
        if self._secret is None:
            raise ValueError("this key pair has been used")
        g_xy = self._secret.shared_secret(peer_public)
        self._secret = None
        return g_xy


def generate(group: Group, entropy: Entropy) -> KeyPair:
    """A fresh key pair; each is made from octets of its own."""
    if group.modp_constant:
        return KeyPair(modp.Secret(group, _draw_exponent(group, entropy)))
    return KeyPair(ecp.Secret(group, _draw_scalar(group, entropy)))


def _draw_exponent(group: Group, entropy: Entropy) -> int:
    """A private value of exactly 8 * group.private_octets bits: never a short one by chance."""
    highest_bit = 1 << (8 * group.private_octets - 1)
    return _draw(group, entropy) | highest_bit


def _draw_scalar(group: Group, entropy: Entropy) -> int:
    """A private value in 1..order-1, all equally likely."""
    for _ in range(_DRAWS_MAX):
        scalar = _draw(group, entropy)
        if 0 < scalar < ecp.ORDER:
            return scalar
    raise ValueError("the entropy source keeps giving octets that are no private value")


def _draw(group: Group, entropy: Entropy) -> int:
    octets = entropy(group.private_octets)
    if len(octets) != group.private_octets:
        raise ValueError(f"asked for {group.private_octets} octets of entropy, got {len(octets)}")
    return int.from_bytes(octets)
