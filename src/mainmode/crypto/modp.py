"""Diffie-Hellman modulo a prime: groups 1, 2, 5, 14 and 15; the generator is always 2.

Source: RFC 2409 6.1 and 6.2, RFC 3526.
Talks to: gmpy2, and OpenSSL through `cryptography` while that still offers it.
Does not: draw private values or see to it that they are used once; `dh` does.
"""

import warnings
from functools import cache
from typing import Protocol

import gmpy2  # type: ignore[import-untyped]
from gmpy2 import mpz

from mainmode.crypto.algorithms import Group
from mainmode.errors import BadPublicValue

GENERATOR = 2

_WINDOW_BITS = 6
"""One look-up for six bits of x: g^x in 20 us (group 2) or 60 us (group 14) with a table of 0.4
or 0.8 MB."""
_OPENSSL_FROM_OCTETS = 256
"""Groups from 2048 bits on are the ones that OpenSSL is faster with (see `OpenSsl`)."""


class Backend(Protocol):
    """Who computes g^xy. All backends give the same octets; they differ in speed."""

    def shared_secret(self, group: Group, x: int, g_x: int, g_y: int) -> bytes:
        """g_y^x mod p, left-padded to the group's length; `g_y` has been checked."""


class Secret:
    """A private value x and its g^x."""

    __slots__ = ("_backend", "_g_x", "_group", "_x", "public")

    def __init__(self, group: Group, x: int, backend: Backend | None = None) -> None:
        """x: at most 8 * group.private_octets bits. backend: None for the fastest."""
        self._group = group
        self._x = x
        self._g_x = _power_of_generator(group, x)
        self._backend = backend or backend_for(group)
        self.public = self._g_x.to_bytes(group.public_octets)
        """The body of our KE payload."""

    def shared_secret(self, peer_public: bytes) -> bytes:
        """g^xy, left-padded to the group's length; `peer_public` is the body of a KE payload.

        Raises BadPublicValue before anything is computed with x, if the value is not of the group's
        length or not in 2..p-2: 0, 1 and p-1 would make g^xy one of 0, 1 and p-1.
        """
        g_y = require_public_value(self._group, peer_public)
        return self._backend.shared_secret(self._group, self._x, self._g_x, g_y)


def require_public_value(group: Group, octets: bytes) -> int:
    """The public value in the body of a KE payload. Raises BadPublicValue."""
    if len(octets) != group.public_octets:
        raise BadPublicValue(
            f"a public value of {len(octets)} octets where {group.name} has {group.public_octets}"
        )
    value = int.from_bytes(octets)
    if not 2 <= value <= prime_of(group) - 2:
        raise BadPublicValue(f"a public value outside 2..p-2 of {group.name}")
    return value


@cache
def prime_of(group: Group) -> int:
    """p = 2^n - 2^(n-64) - 1 + 2^64 ([2^(n-130) pi] + c), n bits long; computed on first use."""
    bits = 8 * group.public_octets
    numerator, denominator = gmpy2.const_pi(bits).as_integer_ratio()
    pi_digits = int((numerator << (bits - 130)) // denominator)
    return (1 << bits) - (1 << (bits - 64)) - 1 + ((pi_digits + group.modp_constant) << 64)


def _power_of_generator(group: Group, x: int) -> int:
    """2^x mod p: a third to a tenth of the time that a power of any other base takes.

    Not constant in time: which entries are read depends on x. That is acceptable here, because x is
    read once and is then gone: an observer gets a single measurement to learn it from.
    """
    if x.bit_length() > 8 * group.private_octets:
        raise ValueError(f"a private value of {x.bit_length()} bits for {group.name}")
    prime = mpz(prime_of(group))
    digit_mask = (1 << _WINDOW_BITS) - 1
    power = mpz(1)
    for row in _generator_table(group):
        power = power * row[x & digit_mask] % prime
        x >>= _WINDOW_BITS
    return int(power)


@cache
def _generator_table(group: Group) -> tuple[tuple[mpz, ...], ...]:
    """table[i][d] = 2^(d * 64^i) mod p, for every six-bit digit of a private value.

    Made on the first use of a group, in 1 to 10 ms.
    """
    prime = mpz(prime_of(group))
    base = mpz(GENERATOR)
    table = []
    for _ in range(0, 8 * group.private_octets, _WINDOW_BITS):
        row = [mpz(1)]
        for _ in range(1 << _WINDOW_BITS):
            row.append(row[-1] * base % prime)
        base = row.pop()
        table.append(tuple(row))
    return tuple(table)


class Gmp:
    """g^xy by GMP's constant-time power: takes any group, and is the only choice for small ones."""

    def shared_secret(self, group: Group, x: int, g_x: int, g_y: int) -> bytes:
        power = gmpy2.powmod_sec(g_y, x, prime_of(group))
        return int(power).to_bytes(group.shared_octets)


class OpenSsl:
    """g^xy by OpenSSL: 1.7 times as fast as GMP for groups that it knows by name.

    Groups 1 and 2 it does not know, so it examines p as a stranger's each time a public value is
    imported, for 20 to 60 ms: one forged message would buy that. They work, but never use them.
    Raises ImportError or AttributeError when the library no longer offers finite fields.
    """

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import dh
        from cryptography.utils import CryptographyDeprecationWarning

        with warnings.catch_warnings():
            # Its removal is announced on every look at these names, and is provided for: see Gmp.
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            self._parameter_numbers = dh.DHParameterNumbers
            self._public_numbers = dh.DHPublicNumbers
            self._private_numbers = dh.DHPrivateNumbers

    def shared_secret(self, group: Group, x: int, g_x: int, g_y: int) -> bytes:
        parameters = self._parameter_numbers(prime_of(group), GENERATOR)
        ours = self._private_numbers(x, self._public_numbers(g_x, parameters)).private_key()
        theirs = self._public_numbers(g_y, parameters).public_key()
        return ours.exchange(theirs).rjust(group.shared_octets, b"\0")


@cache
def backend_for(group: Group) -> Backend:
    """The fastest backend at hand for a group."""
    if group.public_octets < _OPENSSL_FROM_OCTETS:
        return Gmp()
    try:
        return OpenSsl()
    except (ImportError, AttributeError):
        return Gmp()
