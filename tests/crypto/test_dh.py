"""Diffie-Hellman pairs: both sides agree, exponents are long enough, and each serves once."""

import gc
import hashlib

import pytest

from mainmode.crypto import dh, ecp, modp
from mainmode.crypto.algorithms import GROUPS, Group
from mainmode.errors import BadPublicValue

every_group = pytest.mark.parametrize("group", GROUPS.values(), ids=lambda group: group.name)


class Recorded:
    """Entropy from a seed, which remembers what it was asked for."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self.asked: list[int] = []

    def __call__(self, octets: int) -> bytes:
        self.asked.append(octets)
        return hashlib.shake_256(self._seed + bytes([len(self.asked)])).digest(octets)


@every_group
def test_two_sides_agree(group: Group) -> None:
    ours = dh.generate(group, Recorded(b"ours"))
    theirs = dh.generate(group, Recorded(b"theirs"))
    assert len(ours.public) == len(theirs.public) == group.public_octets

    g_xy = ours.agree(theirs.public)

    assert g_xy == theirs.agree(ours.public)
    assert len(g_xy) == group.shared_octets


@every_group
def test_equal_entropy_gives_equal_pairs_and_other_entropy_another(group: Group) -> None:
    first, again, other = (dh.generate(group, Recorded(seed)) for seed in (b"1", b"1", b"2"))
    assert first.public == again.public != other.public


@every_group
def test_every_pair_draws_octets_of_its_own(group: Group) -> None:
    entropy = Recorded(b"")
    pairs = [dh.generate(group, entropy) for _ in range(3)]

    assert entropy.asked == [group.private_octets] * 3
    assert group.private_octets >= 32
    assert len({pair.public for pair in pairs}) == 3


@pytest.mark.parametrize("name", ["group1", "group2", "group5", "group14", "group15"])
def test_exponents_have_at_least_256_bits_whatever_is_drawn(name: str) -> None:
    group = GROUPS[name]
    smallest = 1 << (8 * group.private_octets - 1)

    pair = dh.generate(group, bytes)  # all zeros

    assert smallest.bit_length() >= 256
    assert int.from_bytes(pair.public) == pow(2, smallest, modp.prime_of(group))


@every_group
def test_a_pair_is_used_once_and_then_forgets(group: Group) -> None:
    pair = dh.generate(group, Recorded(b"ours"))
    peer = dh.generate(group, Recorded(b"theirs")).public

    pair.agree(peer)

    with pytest.raises(ValueError, match="used"):
        pair.agree(peer)
    kept = gc.get_referents(pair)
    assert not any(isinstance(thing, modp.Secret | ecp.Secret) for thing in kept)
    assert len(pair.public) == group.public_octets


@every_group
def test_a_bad_public_value_does_not_spend_the_pair(group: Group) -> None:
    pair = dh.generate(group, Recorded(b"ours"))
    theirs = dh.generate(group, Recorded(b"theirs"))

    for bad in (b"", bytes(group.public_octets), b"\xff" * group.public_octets, theirs.public[1:]):
        with pytest.raises(BadPublicValue):
            pair.agree(bad)

    assert pair.agree(theirs.public) == theirs.agree(pair.public)


@every_group
@pytest.mark.parametrize("difference", [-1, 1])
def test_entropy_of_another_length_is_a_mistake_of_ours(group: Group, difference: int) -> None:
    with pytest.raises(ValueError, match="entropy"):
        dh.generate(group, lambda octets: b"\1" * (octets + difference))


def from_list(values: list[int]) -> dh.Entropy:
    left = iter(values)
    return lambda octets: next(left).to_bytes(octets)


def test_scalars_out_of_range_are_drawn_again() -> None:
    group = GROUPS["group19"]
    drawn = [0, ecp.ORDER, ecp.ORDER + 1, 2**256 - 1, 4711]

    pair = dh.generate(group, from_list(drawn))

    assert pair.public == ecp.Secret(group, 4711).public


@pytest.mark.parametrize("scalar", [1, ecp.ORDER - 1])
def test_the_ends_of_the_scalars_range_are_taken(scalar: int) -> None:
    group = GROUPS["group19"]
    pair = dh.generate(group, from_list([scalar]))
    assert pair.public == ecp.Secret(group, scalar).public


def test_a_source_that_is_stuck_is_reported() -> None:
    with pytest.raises(ValueError, match="keeps giving"):
        dh.generate(GROUPS["group19"], bytes)
