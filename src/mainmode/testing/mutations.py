"""Ways to spoil a message: what noise, bugs and attackers do to octets.

Works on datagrams and on plaintexts alike. All chance comes from the `Random` that is handed in,
so a seed names a spoiled message.
Talks to: nobody; the octets' structure is guessed, not parsed, so that no bug of the codec hides.
"""

from collections.abc import Callable, Sequence
from random import Random

_HEADER_OCTETS = 28
_LENGTH_OFFSET = 24
_CUNNING_OCTETS = (0, 1, 2, 3, 4, 8, 0x7F, 0x80, 0xFF)

Mutator = Callable[[Random, bytes], bytes]


def truncate(chance: Random, octets: bytes) -> bytes:
    """The end is missing."""
    return octets[: chance.randrange(len(octets) + 1)]


def extend(chance: Random, octets: bytes) -> bytes:
    """Something stands behind the end."""
    return octets + chance.randbytes(chance.randint(1, 64))


def flip_bit(chance: Random, octets: bytes) -> bytes:
    at = chance.randrange(len(octets))
    return _with(octets, at, bytes((octets[at] ^ 1 << chance.randrange(8),)))


def set_octet(chance: Random, octets: bytes) -> bytes:
    """An octet takes a value that counts, types and flags are likely to stumble over."""
    at = chance.randrange(len(octets))
    return _with(octets, at, bytes((chance.choice(_CUNNING_OCTETS),)))


def edit_length(chance: Random, octets: bytes) -> bytes:
    """A field that looks like a length (two octets, no more than what follows) is changed."""
    fields = [
        at
        for at in range(len(octets) - 1)
        if 0 < int.from_bytes(octets[at : at + 2], "big") <= len(octets) - at + 2
    ]
    if not fields:
        return octets
    at = chance.choice(fields)
    length, left = int.from_bytes(octets[at : at + 2], "big"), len(octets) - at
    changed = chance.choice((0, 1, 3, 4, length - 1, length + 1, left, left + 2, left + 3, 0xFFFF))
    return _with(octets, at, min(changed, 0xFFFF).to_bytes(2, "big"))


def overwrite(chance: Random, octets: bytes) -> bytes:
    """A run of octets is noise; the length stays."""
    at = chance.randrange(len(octets))
    run = chance.randint(1, min(32, len(octets) - at))
    return _with(octets, at, chance.randbytes(run))


def remove(chance: Random, octets: bytes) -> bytes:
    """A run of octets is gone."""
    at = chance.randrange(len(octets))
    return octets[:at] + octets[at + chance.randint(1, 32) :]


def repeat(chance: Random, octets: bytes) -> bytes:
    """A run of octets occurs twice."""
    at = chance.randrange(len(octets))
    return octets[: at + chance.randint(1, 64)] + octets[at:]


def splice(chance: Random, octets: bytes, other: bytes) -> bytes:
    """The head of one message, the tail of another."""
    return octets[: chance.randrange(len(octets) + 1)] + other[chance.randrange(len(other) + 1) :]


MUTATORS: tuple[Mutator, ...] = (
    truncate,
    extend,
    flip_bit,
    set_octet,
    edit_length,
    overwrite,
    remove,
    repeat,
)


def repair_length(datagram: bytes) -> bytes:
    """The header's length made true, so that what lies deeper gets its turn."""
    if len(datagram) < _HEADER_OCTETS:
        return datagram
    return _with(datagram, _LENGTH_OFFSET, len(datagram).to_bytes(4, "big"))


def mutate(chance: Random, corpus: Sequence[bytes], *, datagrams: bool = True) -> bytes:
    """One message of the corpus with one to four faults.

    datagrams: the corpus has ISAKMP headers, whose length is repaired every other time; False for
    plaintexts.
    """
    octets = chance.choice(corpus)
    if chance.random() < 0.2:
        octets = splice(chance, octets, chance.choice(corpus))
    for _ in range(chance.randint(1, 4)):
        if octets:
            octets = chance.choice(MUTATORS)(chance, octets)
    return repair_length(octets) if datagrams and chance.random() < 0.5 else octets


def _with(octets: bytes, at: int, patch: bytes) -> bytes:
    return octets[:at] + patch + octets[at + len(patch) :]
