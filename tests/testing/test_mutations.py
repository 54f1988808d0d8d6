"""The mutators: repeatable, total, and really harmful."""

from random import Random

import pytest

from mainmode.errors import Malformed
from mainmode.testing.mutations import MUTATORS, Mutator, mutate, repair_length, splice
from mainmode.wire.message import encode_message, parse_message_untrusted
from tests.wire.corpus import CORPUS, DATAGRAMS

ROUNDS = 3_000


def test_a_seed_names_a_spoiled_message() -> None:
    first, second, third = (Random(seed) for seed in (1, 1, 2))
    runs = [[mutate(chance, DATAGRAMS) for _ in range(50)] for chance in (first, second, third)]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("mutator", MUTATORS, ids=lambda mutator: mutator.__name__)
def test_every_mutator_takes_any_octets_and_mostly_changes_them(mutator: Mutator) -> None:
    chance = Random(5)
    assert all(isinstance(mutator(chance, bytes(size)), bytes) for size in range(1, 40))
    whole = DATAGRAMS[0]
    changed = sum(mutator(chance, whole) != whole for _ in range(100))
    assert changed >= 80


def test_splicing_takes_a_head_and_a_tail() -> None:
    spliced = splice(Random(3), b"a" * 50, b"b" * 50)
    assert spliced == b"a" * spliced.count(b"a") + b"b" * spliced.count(b"b")


def test_repairing_the_length_needs_a_header() -> None:
    assert repair_length(bytes(27)) == bytes(27)
    assert repair_length(b"\xff" * 30)[24:28] == (30).to_bytes(4, "big")


def test_spoiled_datagrams_are_refused_or_read_and_both_happen() -> None:
    chance = Random(7)
    read = refused = 0
    for _ in range(ROUNDS):
        datagram = mutate(chance, DATAGRAMS)
        try:
            message = parse_message_untrusted(datagram)
        except Malformed:
            refused += 1
        else:
            read += 1
            assert encode_message(message) == datagram
    assert min(read, refused) > ROUNDS // 20


def test_spoiled_plaintexts_are_refused_or_come_back() -> None:
    chance = Random(9)
    plaintexts = [each for each in CORPUS if each.first is not None]
    for _ in range(ROUNDS):
        each = chance.choice(plaintexts)
        octets = mutate(chance, [each.octets], datagrams=False)
        try:
            again = each.decode_and_encode(octets)
        except Malformed:
            continue
        assert again == octets
