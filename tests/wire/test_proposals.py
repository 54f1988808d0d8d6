"""Proposals and transforms: layout, grouping, and every length and count that can lie."""

import pytest

from mainmode import limits
from mainmode.errors import Malformed
from mainmode.numbers import NotifyType, ProtocolId
from mainmode.wire.attributes import Attribute
from mainmode.wire.proposals import (
    Proposal,
    Transform,
    encode_proposals,
    parse_proposals_untrusted,
)

TWO_TRANSFORMS = bytes.fromhex(
    "00 00 0028 01 03 04 02"  # proposal 1: ESP, an SPI of 4 octets, two transforms
    "a1b2c3d4"
    "03 00 000c 01 03 0000 80040002"  # transform 1: 3DES, transport mode
    "00 00 0010 02 02 0000 80040002 80050001"  # transform 2: DES, transport mode, HMAC-MD5
)
ESP = Proposal(
    1,
    ProtocolId.ESP,
    bytes.fromhex("a1b2c3d4"),
    (
        Transform(1, 3, (Attribute(4, 2),)),
        Transform(2, 2, (Attribute(4, 2), Attribute(5, 1))),
    ),
)
ONE_TRANSFORM = bytes.fromhex("00 00 0008 00 01 0000")


def proposal(
    *, following: int = 0, number: int = 1, protocol: int = 3, spi: bytes = b"spi!"
) -> bytes:
    """One with a bare transform."""
    body = spi + ONE_TRANSFORM
    length = (8 + len(body)).to_bytes(2, "big")
    return bytes((following, 0)) + length + bytes((number, protocol, len(spi), 1)) + body


def changed(at: int, octets: str) -> bytes:
    patch = bytes.fromhex(octets)
    return TWO_TRANSFORMS[:at] + patch + TWO_TRANSFORMS[at + len(patch) :]


def parse(octets: bytes) -> tuple[Proposal, ...]:
    return parse_proposals_untrusted(octets, 0, len(octets))


def refusal(octets: bytes) -> Malformed:
    with pytest.raises(Malformed) as caught:
        parse(octets)
    return caught.value


def test_layout() -> None:
    assert parse(TWO_TRANSFORMS) == (ESP,)
    assert encode_proposals([ESP]) == TWO_TRANSFORMS


def test_ah_and_esp_under_one_number_stay_two_proposals() -> None:
    octets = proposal(following=2, protocol=2) + proposal(protocol=3)
    both = parse(octets)
    assert [(each.number, each.protocol) for each in both] == [(1, 2), (1, 3)]
    assert encode_proposals(both) == octets


@pytest.mark.parametrize("numbers", [(0, 1), (1, 2), (7, 9), (2, 1)])
def test_numbers_are_kept_wherever_they_start(numbers: tuple[int, int]) -> None:
    first, second = numbers
    both = parse(proposal(following=2, number=first) + proposal(number=second))
    assert tuple(each.number for each in both) == numbers


def test_reserved_octets_are_kept() -> None:
    octets = bytearray(TWO_TRANSFORMS)
    octets[1], octets[13], octets[18:20] = 0x11, 0x22, b"\x33\x44"
    (esp,) = parse(bytes(octets))
    assert (esp.reserved, esp.transforms[0].reserved, esp.transforms[0].reserved2) == (
        0x11,
        0x22,
        0x3344,
    )
    assert encode_proposals([esp]) == octets


@pytest.mark.parametrize("octets", range(17))
def test_an_isakmp_spi_has_any_size_up_to_both_cookies(octets: int) -> None:
    (isakmp,) = parse(proposal(protocol=ProtocolId.ISAKMP, spi=bytes(octets)))
    assert isakmp.spi == bytes(octets)


@pytest.mark.parametrize(
    ("protocol", "octets"),
    [(1, 17), (1, 255), (2, 0), (2, 3), (2, 5), (3, 2), (3, 16), (4, 0), (4, 3), (4, 8)],
)
def test_spis_of_known_protocols_have_their_size(protocol: int, octets: int) -> None:
    refused = refusal(proposal(protocol=protocol, spi=bytes(octets)))
    assert (refused.payload, refused.offset) == ("proposal", 6)
    assert refused.notify is NotifyType.INVALID_SPI


@pytest.mark.parametrize(("protocol", "octets"), [(4, 2), (4, 4), (0, 0), (249, 255)])
def test_other_spis_are_kept(protocol: int, octets: int) -> None:
    (kept,) = parse(proposal(protocol=protocol, spi=bytes(octets)))
    assert (kept.protocol, kept.spi) == (protocol, bytes(octets))


@pytest.mark.parametrize(
    ("octets", "payload", "offset"),
    [
        pytest.param(b"", "proposal", 0, id="no proposal"),
        pytest.param(TWO_TRANSFORMS[:7], "proposal", 0, id="half a head"),
        pytest.param(changed(0, "01"), "proposal", 0, id="followed by an SA"),
        pytest.param(changed(0, "02"), "proposal", 40, id="announces one more"),
        pytest.param(changed(2, "000b"), "proposal", 2, id="shorter than its SPI"),
        pytest.param(changed(2, "0029"), "proposal", 2, id="longer than the SA"),
        pytest.param(changed(2, "ffff"), "proposal", 2, id="far longer than the SA"),
        pytest.param(TWO_TRANSFORMS + b"\0", "SA", 40, id="an octet behind the last"),
        pytest.param(changed(7, "00"), "proposal", 12, id="no transforms"),
        pytest.param(changed(7, "01"), "transform", 12, id="counts one too few"),
        pytest.param(changed(7, "03"), "transform", 24, id="counts one too many"),
        pytest.param(changed(12, "00"), "transform", 12, id="the chain ends too early"),
        pytest.param(changed(12, "02"), "transform", 12, id="a proposal among transforms"),
        pytest.param(changed(24, "03"), "transform", 24, id="the chain ends too late"),
        pytest.param(changed(14, "0007"), "transform", 14, id="shorter than its head"),
        pytest.param(changed(26, "0011"), "transform", 26, id="longer than the proposal"),
        pytest.param(changed(26, "000c"), "proposal", 36, id="an octet behind the transforms"),
        pytest.param(changed(14, "000a"), "attribute", 20, id="cuts an attribute"),
        pytest.param(changed(20, "0004"), "attribute", 22, id="attribute beyond the transform"),
    ],
)
def test_lengths_and_counts_that_lie(octets: bytes, payload: str, offset: int) -> None:
    refused = refusal(octets)
    assert (refused.payload, refused.offset) == (payload, offset)
    assert refused.notify is NotifyType.BAD_PROPOSAL_SYNTAX


def test_counting_whole_transforms_that_are_not_there() -> None:
    octets = bytearray(proposal())
    octets[7], octets[12] = 2, 3
    refused = refusal(bytes(octets))
    assert (refused.payload, refused.offset) == ("transform", 20)


def test_what_lies_beyond_the_end_is_never_read() -> None:
    octets = changed(2, "0029")
    with pytest.raises(Malformed):
        parse_proposals_untrusted(octets + bytes(1000), 0, len(octets))


def test_the_number_of_proposals_is_bounded() -> None:
    many = proposal(following=2) * (limits.PROPOSALS_MAX - 1)
    assert len(parse(many + proposal())) == limits.PROPOSALS_MAX
    refused = refusal(many + proposal(following=2) + proposal())
    assert refused.payload == "SA"
    assert f"at most {limits.PROPOSALS_MAX}" in refused.rule


def test_as_many_transforms_as_can_be_counted() -> None:
    transforms = tuple(Transform(number, 3, ()) for number in range(limits.TRANSFORMS_MAX))
    most = Proposal(1, ProtocolId.ESP, b"spi!", transforms)
    assert parse(encode_proposals([most])) == (most,)
