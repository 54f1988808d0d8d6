"""The ISAKMP header: layout and each of its rules."""

import pytest

from mainmode.errors import Malformed
from mainmode.numbers import ExchangeType, HeaderFlag, NotifyType, PayloadType
from mainmode.wire.header import HEADER_OCTETS, Header, parse_header_untrusted

CKY_I = bytes.fromhex("0123456789abcdef")
CKY_R = bytes.fromhex("fedcba9876543210")
EMPTY_QUICK = Header(
    CKY_I, CKY_R, PayloadType.HASH, ExchangeType.QUICK, HeaderFlag.ENCRYPTION, 0xA0B0C0D0, 28
)
EMPTY_QUICK_OCTETS = bytes.fromhex(
    "0123456789abcdef fedcba9876543210 08 10 20 01 a0b0c0d0 0000001c"
)


def changed(at: int, octets: str) -> bytes:
    patch = bytes.fromhex(octets)
    return EMPTY_QUICK_OCTETS[:at] + patch + EMPTY_QUICK_OCTETS[at + len(patch) :]


def refusal(datagram: bytes) -> Malformed:
    with pytest.raises(Malformed) as caught:
        parse_header_untrusted(datagram)
    return caught.value


def test_the_layout_is_the_rfcs() -> None:
    assert EMPTY_QUICK.encode() == EMPTY_QUICK_OCTETS
    assert parse_header_untrusted(EMPTY_QUICK_OCTETS) == EMPTY_QUICK
    assert len(EMPTY_QUICK_OCTETS) == HEADER_OCTETS


@pytest.mark.parametrize("flags", range(256))
def test_every_flag_is_kept_and_the_lowest_means_encrypted(flags: int) -> None:
    header = parse_header_untrusted(changed(19, f"{flags:02x}"))
    assert header.flags == flags
    assert header.encrypted == (flags % 2 == 1)


def test_a_zero_responder_cookie_is_how_it_begins() -> None:
    assert parse_header_untrusted(changed(8, "00" * 8)).cky_r == bytes(8)


def test_a_zero_initiator_cookie_is_invalid() -> None:
    refused = refusal(changed(0, "00" * 8))
    assert (refused.payload, refused.offset) == ("header", 0)
    assert refused.notify is NotifyType.INVALID_COOKIE


@pytest.mark.parametrize("version", [v for v in range(256) if v != 0x10])
def test_version_is_one_point_zero(version: int) -> None:
    refused = refusal(changed(17, f"{version:02x}"))
    assert (refused.payload, refused.offset) == ("header", 17)
    assert refused.notify is (
        NotifyType.INVALID_MINOR_VERSION if version >> 4 == 1 else NotifyType.INVALID_MAJOR_VERSION
    )


def test_ikev2_is_called_by_its_name() -> None:
    assert "IKEv2" in refusal(changed(17, "20")).rule


@pytest.mark.parametrize("octets", range(HEADER_OCTETS))
def test_fewer_octets_than_a_header_are_no_message(octets: int) -> None:
    refused = refusal(EMPTY_QUICK_OCTETS[:octets])
    assert (refused.payload, refused.offset) == ("header", octets)
    assert refused.notify is NotifyType.PAYLOAD_MALFORMED


@pytest.mark.parametrize("length", ["00000000", "0000001b", "0000001d", "00010000", "ffffffff"])
def test_the_length_lies_between_the_header_and_what_came(length: str) -> None:
    refused = refusal(changed(24, length))
    assert (refused.payload, refused.offset) == ("header", 24)
    assert refused.notify is NotifyType.UNEQUAL_PAYLOAD_LENGTHS


def test_a_longer_datagram_is_tolerated() -> None:
    assert parse_header_untrusted(EMPTY_QUICK_OCTETS + bytes(16)).length == 28


def test_no_message_is_longer_than_a_datagram_can_be() -> None:
    most = changed(24, "0000ffe3")
    assert parse_header_untrusted(most + bytes(65507 - 28)).length == 65507
    assert refusal(changed(24, "0000ffe4") + bytes(65508 - 28)).offset == 24


@pytest.mark.parametrize(
    "header",
    [
        Header(CKY_I[:7], CKY_R, 0, 2, 0, 0, 28),
        Header(CKY_I, CKY_R + b"!", 0, 2, 0, 0, 28),
        Header(CKY_I, CKY_R, 0, 256, 0, 0, 28),
        Header(CKY_I, CKY_R, 0, 2, 0, 1 << 32, 28),
    ],
)
def test_encoding_what_does_not_fit_is_our_mistake(header: Header) -> None:
    with pytest.raises(ValueError, match=r"octets|header"):
        header.encode()


@pytest.mark.parametrize(("flags", "encrypted", "commit"), [(0, 0, 0), (1, 1, 0), (2, 0, 1)])
def test_flags(flags: int, encrypted: int, commit: int) -> None:
    header = Header(CKY_I, CKY_R, 0, 2, flags, 0, 28)
    assert (header.encrypted, header.commit) == (bool(encrypted), bool(commit))
