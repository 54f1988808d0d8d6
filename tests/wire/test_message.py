"""Whole messages: the chain, what surrounds it, and how payloads are picked from it."""

import sys
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import SupportsIndex, overload

import pytest

from mainmode import limits
from mainmode.errors import Malformed
from mainmode.numbers import ExchangeType, HeaderFlag, NotifyType, PayloadType
from mainmode.wire.attributes import Attribute
from mainmode.wire.message import (
    Message,
    Payloads,
    Sealed,
    encode_message,
    encode_payloads,
    parse_message_untrusted,
    parse_payloads_untrusted,
)
from mainmode.wire.payloads import (
    Hash,
    KeyExchange,
    NatDiscovery,
    Nonce,
    Payload,
    SaPayload,
    UnknownPayload,
    VendorId,
)
from mainmode.wire.proposals import Proposal, Transform

CKY_I, CKY_R = b"cookie-i", b"cookie-r"
MM3 = Message(
    CKY_I,
    CKY_R,
    ExchangeType.MAIN,
    (KeyExchange(b"g^xi"), Nonce(b"ni"), NatDiscovery(b"r"), NatDiscovery(b"i")),
)
MM3_OCTETS = (
    CKY_I
    + CKY_R
    + bytes.fromhex("04 10 02 00 00000000 00000034")
    + bytes.fromhex("0a000008 675e7869")
    + bytes.fromhex("14000006 6e69")
    + bytes.fromhex("14000005 72")
    + bytes.fromhex("00000005 69")
)


def refusal(datagram: bytes) -> Malformed:
    with pytest.raises(Malformed) as caught:
        parse_message_untrusted(datagram)
    return caught.value


def test_layout() -> None:
    assert encode_message(MM3) == MM3_OCTETS
    assert parse_message_untrusted(MM3_OCTETS) == MM3


def test_payloads_know_their_kinds_and_where_they_end() -> None:
    payloads = parse_payloads_untrusted(PayloadType.KE, MM3_OCTETS + bytes(5), 28)
    assert payloads.items == MM3.payloads
    assert payloads.kinds == (4, 10, 20, 20)
    assert payloads.end == len(MM3_OCTETS)
    assert list(payloads) == list(MM3.payloads)
    assert len(payloads) == 4


def test_no_payloads() -> None:
    assert parse_payloads_untrusted(PayloadType.NONE, b"padding") == Payloads((), (), 0)
    assert encode_payloads(()) == b""


def test_octets_behind_the_last_payload_are_padding() -> None:
    message = replace(MM3, trailer=b"\0\0\3")
    datagram = encode_message(message)
    assert datagram[24:28] == (len(MM3_OCTETS) + 3).to_bytes(4, "big")
    assert parse_message_untrusted(datagram) == message


def test_octets_behind_the_length_are_no_part_of_the_message() -> None:
    datagram = MM3_OCTETS + bytes(16)
    message = parse_message_untrusted(datagram)
    assert message == replace(MM3, surplus=bytes(16))
    assert encode_message(message) == datagram


def test_a_payload_may_not_reach_into_the_surplus() -> None:
    cut = MM3_OCTETS[:24] + (len(MM3_OCTETS) - 1).to_bytes(4, "big") + MM3_OCTETS[28:]
    refused = refusal(cut)
    assert (refused.payload, refused.offset) == ("NAT-D", len(MM3_OCTETS) - 5 + 2)


def test_an_encrypted_message_stays_sealed() -> None:
    sealed = Message(
        CKY_I,
        CKY_R,
        ExchangeType.QUICK,
        (),
        flags=HeaderFlag.ENCRYPTION | HeaderFlag.COMMIT,
        message_id=7,
        sealed=Sealed(PayloadType.HASH, b"\xff" * 24),
    )
    datagram = encode_message(sealed)
    assert (datagram[16], datagram[28:]) == (8, b"\xff" * 24)
    assert parse_message_untrusted(datagram) == sealed
    assert parse_message_untrusted(datagram + b"!") == replace(sealed, surplus=b"!")


@pytest.mark.parametrize(
    "contradiction",
    [
        replace(MM3, flags=HeaderFlag.ENCRYPTION),
        replace(MM3, sealed=Sealed(8, b"")),
        replace(MM3, sealed=Sealed(8, b""), flags=HeaderFlag.ENCRYPTION),
        replace(MM3, payloads=(), trailer=b"!", sealed=Sealed(8, b""), flags=1),
        replace(MM3, cky_i=b"short"),
        replace(MM3, message_id=-1),
        replace(MM3, payloads=(KeyExchange(bytes(65_532)),)),
        replace(MM3, payloads=(KeyExchange(b"", reserved=256),)),
        replace(MM3, payloads=(UnknownPayload(0, b""),)),
        replace(MM3, payloads=(UnknownPayload(256, b""), Nonce(b""))),
        replace(MM3, payloads=(SaPayload(1, 1, (), b"", 0), SaPayload(-1, 1, ()))),
    ],
)
def test_encoding_what_cannot_be_is_our_mistake(contradiction: Message) -> None:
    with pytest.raises(ValueError, match=r"sealed|cookie|header|KE|NONCE|SA|payload"):
        encode_message(contradiction)


def test_the_largest_payload() -> None:
    largest = Nonce(bytes(65_531))
    assert parse_payloads_untrusted(10, encode_payloads([largest])).items == (largest,)


@pytest.mark.parametrize(
    ("at", "octets", "payload", "offset"),
    [
        pytest.param(30, "0000", "KE", 30, id="length 0: would never advance"),
        pytest.param(30, "0003", "KE", 30, id="shorter than its own header"),
        pytest.param(30, "0019", "KE", 30, id="one beyond the message"),
        pytest.param(30, "ffff", "KE", 30, id="far beyond the message"),
        pytest.param(47, "0d", "VID", 52, id="announces one more"),
        pytest.param(44, "0004", "NAT-D", 48, id="shifts the rest"),
    ],
)
def test_generic_headers_that_lie(at: int, octets: str, payload: str, offset: int) -> None:
    patch = bytes.fromhex(octets)
    refused = refusal(MM3_OCTETS[:at] + patch + MM3_OCTETS[at + len(patch) :])
    assert (refused.payload, refused.offset) == (payload, offset)
    assert refused.notify is NotifyType.PAYLOAD_MALFORMED


@pytest.mark.parametrize("first", range(256))
def test_every_first_payload_type(first: int) -> None:
    """Four octets of body are a payload of many types, and too few for the others."""
    datagram = MM3_OCTETS[:16] + bytes((first,)) + MM3_OCTETS[17:]
    if first in {2, 3, 11, 12, 21, 131}:
        inside_an_sa = first in {PayloadType.PROPOSAL, PayloadType.TRANSFORM}
        notify = refusal(datagram).notify
        assert (notify is NotifyType.INVALID_PAYLOAD_TYPE) == inside_an_sa
    else:
        message = parse_message_untrusted(datagram)
        assert encode_message(message) == datagram


@pytest.mark.parametrize("kind", range(33, 54))
def test_ikev2_payload_types_are_unknown_here(kind: int) -> None:
    (payload,) = parse_payloads_untrusted(kind, bytes.fromhex("00000008 deadbeef")).items
    assert payload == UnknownPayload(kind, bytes.fromhex("deadbeef"))


def test_offsets_count_from_the_start_of_the_message() -> None:
    plaintext = bytes.fromhex("0b000005 68  0000000c 00000001 01000010  0c")
    plaintext = plaintext[:5] + bytes.fromhex("0000000a 00000001 0100")
    for base in (0, 28, 32):
        with pytest.raises(Malformed) as caught:
            parse_payloads_untrusted(PayloadType.HASH, plaintext, base=base)
        assert (caught.value.payload, caught.value.offset) == ("N", base + 9)


def test_the_number_of_payloads_is_bounded() -> None:
    most = [VendorId(b"")] * limits.PAYLOADS_MAX
    assert len(parse_payloads_untrusted(13, encode_payloads(most))) == limits.PAYLOADS_MAX
    with pytest.raises(Malformed, match=f"at most {limits.PAYLOADS_MAX} payloads"):
        parse_payloads_untrusted(13, encode_payloads([*most, VendorId(b"")]))


# --- picking payloads --------------------------------------------------------------------------

PICKED = Payloads.of((Hash(b"h"), VendorId(b"1"), VendorId(b"2"), NatDiscovery(b"d")))


def test_picking() -> None:
    assert PICKED.kinds == (8, 13, 13, 20)
    assert PICKED.one(Hash).data == b"h"
    assert PICKED.optional(Nonce) is None
    assert PICKED.optional(NatDiscovery) == NatDiscovery(b"d")
    assert [vendor.data for vendor in PICKED.all(VendorId)] == [b"1", b"2"]
    assert PICKED.all(Nonce) == ()
    assert PICKED.has(PayloadType.HASH)
    assert not PICKED.has(PayloadType.KE)


@pytest.mark.parametrize(
    ("kind", "name", "rule"),
    [
        (Nonce, "NONCE", "must be in this message"),
        (UnknownPayload, "UnknownPayload", "must be in this message"),
        (VendorId, "VID", "occurs once, not 2 times"),
    ],
)
def test_picking_what_is_not_there_once(kind: type[Payload], name: str, rule: str) -> None:
    with pytest.raises(Malformed) as caught:
        PICKED.one(kind)
    assert (caught.value.payload, caught.value.rule) == (name, rule)


def test_several_are_not_optional() -> None:
    with pytest.raises(Malformed, match="once"):
        PICKED.optional(VendorId)


# --- linear work -------------------------------------------------------------------------------


class CountedOctets(bytes):
    """Octets that count how many of them are copied out."""

    copied = 0

    @overload
    def __getitem__(self, key: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytes: ...
    def __getitem__(self, key: SupportsIndex | slice) -> int | bytes:
        found = super().__getitem__(key)
        self.copied += len(found) if isinstance(found, bytes) else 1
        return found


def calls_in(work: Callable[[], object]) -> tuple[int, int]:
    """How many calls, and how deep the deepest one lies."""
    count = depth = deepest = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count, depth, deepest
        if event in ("call", "c_call"):
            count += 1
            depth += event == "call"
            deepest = max(deepest, depth)
        elif event == "return":
            depth -= 1

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count, deepest


def many_payloads(size: int) -> bytes:
    return encode_payloads([VendorId(b"vid")] * size)


def many_proposals(size: int) -> bytes:
    proposal = Proposal(1, 1, b"", (Transform(1, 1, ()),))
    return encode_payloads([SaPayload(1, 1, (proposal,) * size)])


def many_transforms(size: int) -> bytes:
    transforms = (Transform(1, 1, (Attribute(1, 5), Attribute(12, b"life"))),) * size
    return encode_payloads([SaPayload(1, 1, (Proposal(1, 1, b"", transforms),))])


def many_attributes(size: int) -> bytes:
    attributes = (Attribute(12, b"life"),) * size
    return encode_payloads(
        [SaPayload(1, 1, (Proposal(1, 1, b"", (Transform(1, 1, attributes),)),))]
    )


def large_attribute(size: int) -> bytes:
    attributes = (Attribute(12, bytes(size * 1000)),)
    return encode_payloads(
        [SaPayload(1, 1, (Proposal(1, 1, b"", (Transform(1, 1, attributes),)),))]
    )


@pytest.mark.parametrize(
    "build", [many_payloads, many_proposals, many_transforms, many_attributes, large_attribute]
)
def test_work_grows_with_the_octets_and_depth_does_not(build: Callable[[int], bytes]) -> None:
    kind = PayloadType.VENDOR_ID if build is many_payloads else PayloadType.SA
    measured = []
    for size in (15, 30, 60):
        octets = CountedOctets(build(size))
        calls, depth = calls_in(lambda octets=octets: parse_payloads_untrusted(kind, octets))  # type: ignore[misc]
        measured.append((calls, depth))
        assert octets.copied <= 2 * len(octets), "an octet is copied into raw and into its field"
    (calls_15, depth_15), (calls_30, depth_30), (calls_60, depth_60) = measured
    assert calls_60 - calls_30 == 2 * (calls_30 - calls_15)
    assert depth_15 == depth_30 == depth_60
