"""The pseudo-random function of a main mode SA: HMAC with its hash; and that hash without a key.

Source: RFC 2104, RFC 2409 4 and 5 (no prf is ever negotiated, so it is HMAC of the hash).
Talks to: hashlib.
Does not: know what is derived with it; `keys` does.
"""

import hashlib
from collections.abc import Callable
from hmac import compare_digest

from mainmode.crypto.algorithms import Hash

_INNER_PAD = bytes(octet ^ 0x36 for octet in range(256))
_OUTER_PAD = bytes(octet ^ 0x5C for octet in range(256))
"""Translation tables: each octet of a key to itself XOR the pad of RFC 2104 2."""


class Prf:
    """HMAC under one key, for a key that is used more than once.

    Both hash states are kept after they have swallowed the padded key; a call copies them. That
    costs less than half of a fresh HMAC. The states hold the key: drop the Prf with its negotiation
    and keep octets for longer.
    """

    __slots__ = ("_inner", "_outer", "octets")

    def __init__(self, hash: Hash, key: bytes) -> None:
        new = _constructor(hash)
        self._inner, self._outer = new(), new()
        block_octets = self._inner.block_size
        if len(key) > block_octets:
            key = digest(hash, key)
        padded = key.ljust(block_octets, b"\0")
        self._inner.update(padded.translate(_INNER_PAD))
        self._outer.update(padded.translate(_OUTER_PAD))
        self.octets = hash.octets
        """Length of every output."""

    def __call__(self, data: bytes) -> bytes:
        inner = self._inner.copy()
        inner.update(data)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


def digest(hash: Hash, data: bytes) -> bytes:
    """The hash itself, without a key: for IVs and NAT-D."""
    return _constructor(hash)(data).digest()


def _constructor(hash: Hash) -> Callable[..., "hashlib._Hash"]:
    """Takes half the time of `hashlib.new`."""
    constructor: Callable[..., hashlib._Hash] = getattr(hashlib, hash.hashlib_name)
    return constructor


def digests_equal(ours: bytes, received: bytes) -> bool:
    """Whether a HASH or ICV from the network is the one computed here.

    The time it takes does not tell how many octets were right. Unequal lengths are unequal.
    """
    return compare_digest(ours, received)
