"""Attributes: both forms, their numbers, and where they break."""

import pytest

from mainmode import limits
from mainmode.errors import Malformed
from mainmode.numbers import NotifyType
from mainmode.wire.attributes import (
    NUMBER_MAX,
    Attribute,
    encode_attributes,
    parse_attributes_untrusted,
)

LIFE_TYPE, LIFE_DURATION = 11, 12
SECONDS = Attribute(LIFE_TYPE, 1)
EIGHT_HOURS = Attribute(LIFE_DURATION, bytes.fromhex("00007080"))
OCTETS = bytes.fromhex("800b0001 000c0004 00007080")


def parse(octets: bytes) -> tuple[Attribute, ...]:
    return parse_attributes_untrusted(octets, 0, len(octets))


def test_both_forms() -> None:
    assert parse(OCTETS) == (SECONDS, EIGHT_HOURS)
    assert encode_attributes([SECONDS, EIGHT_HOURS]) == OCTETS


def test_the_form_is_part_of_the_value() -> None:
    basic, variable = Attribute(12, 28800), Attribute(12, bytes.fromhex("7080"))
    assert basic != variable
    assert basic.number == variable.number == 28800
    assert len({basic, variable, Attribute(12, 28800)}) == 2


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0),
        (0xFFFF, 0xFFFF),
        (b"", 0),
        (b"\1", 1),
        (bytes.fromhex("00010000"), 65536),
        (bytes.fromhex("ffffffff"), 0xFFFFFFFF),
        (bytes(60) + bytes.fromhex("00007080"), 28800),
        (b"\xff" * 8, NUMBER_MAX),
        (b"\1" + bytes(8), NUMBER_MAX),
        (b"\xff" * 60_000, NUMBER_MAX),
    ],
)
def test_number_reads_either_form_and_saturates(value: int | bytes, number: int) -> None:
    attribute = Attribute(LIFE_DURATION, value)
    assert attribute.number == number
    assert str(attribute.number)  # a number beyond 4300 digits could not even be shown


@pytest.mark.parametrize(
    ("number", "octets"),
    [
        (1, "800c0001"),
        (65535, "800cffff"),
        (65536, "000c000400010000"),
        (0xFFFFFFFF, "000c0004ffffffff"),
    ],
)
def test_lifetimes_take_the_shorter_form_that_fits(number: int, octets: str) -> None:
    attribute = Attribute.of(LIFE_DURATION, number)
    assert attribute.encode() == bytes.fromhex(octets)
    assert attribute.number == number


@pytest.mark.parametrize("number", [-1, 1 << 32])
def test_numbers_have_32_bits(number: int) -> None:
    with pytest.raises(ValueError, match="32 bits"):
        Attribute.of(LIFE_DURATION, number)


def test_nothing_is_no_attributes() -> None:
    assert parse(b"") == ()


@pytest.mark.parametrize("octets", [1, 2, 3])
def test_a_piece_of_a_head(octets: int) -> None:
    with pytest.raises(Malformed, match="at least 4 octets") as caught:
        parse(OCTETS + OCTETS[:octets])
    assert (caught.value.payload, caught.value.offset) == ("attribute", len(OCTETS))


@pytest.mark.parametrize("length", [0, 1, 3, 4])
def test_a_length_up_to_what_is_left(length: int) -> None:
    head = bytes.fromhex("000c") + length.to_bytes(2, "big")
    first, *rest = parse(head + bytes(length) + OCTETS)
    assert first.value == bytes(length)
    assert rest == [SECONDS, EIGHT_HOURS]


@pytest.mark.parametrize("length", [5, 6, 0x7FFF, 0xFFFF])
def test_a_length_beyond_what_is_left(length: int) -> None:
    octets = OCTETS[:6] + length.to_bytes(2, "big") + OCTETS[8:]
    with pytest.raises(Malformed, match=f"4 octets are left, not {length}") as caught:
        parse_attributes_untrusted(octets + bytes(100_000), 0, len(octets))
    assert caught.value.offset == 6
    assert caught.value.notify is NotifyType.PAYLOAD_MALFORMED


def test_their_number_is_bounded() -> None:
    most = SECONDS.encode() * limits.ATTRIBUTES_MAX
    assert len(parse(most)) == limits.ATTRIBUTES_MAX
    with pytest.raises(Malformed, match="at most"):
        parse(most + SECONDS.encode())
