"""Each payload: its body by the RFCs' figures, its rules, its name for people."""

from dataclasses import replace

import pytest

from mainmode.errors import Malformed
from mainmode.numbers import NotifyType, PayloadType
from mainmode.wire.attributes import Attribute
from mainmode.wire.message import encode_payloads, parse_payloads_untrusted
from mainmode.wire.payloads import (
    Attributes,
    Certificate,
    CertificateRequest,
    Delete,
    Fragment,
    GssToken,
    Hash,
    Identification,
    KeyExchange,
    NatDiscovery,
    NatOriginalAddress,
    Nonce,
    Notification,
    Payload,
    SaPayload,
    Signature,
    UnknownPayload,
    VendorId,
    kind_name,
    short_name,
)
from mainmode.wire.proposals import Proposal, Transform

ONE_PROPOSAL = Proposal(1, 1, b"", (Transform(1, 1, (Attribute(1, 5),)),))
SIX = bytes.fromhex("20010db8000000000000000000000001")

EXAMPLES: list[tuple[Payload, int, str, str]] = [
    # payload, type, body, short name
    (
        SaPayload(1, 1, (ONE_PROPOSAL,)),
        1,
        "00000001 00000001 00000014 01010001 0000000c 01010000 80010005",
        "SA",
    ),
    (SaPayload(1, 0xFFFFFFFF, (), b"label"), 1, "00000001 ffffffff 6c6162656c", "SA"),
    (SaPayload(1, 0, ()), 1, "00000001 00000000", "SA"),
    (SaPayload(0, 0, (), b"?"), 1, "00000000 3f", "SA"),
    (SaPayload(2, 0, ()), 1, "00000002", "SA"),
    (KeyExchange(b"\x00\x01"), 4, "0001", "KE"),
    (Identification(11, 0, 0, b"id"), 5, "0b000000 6964", "ID"),
    (Certificate(4, b"der"), 6, "04 646572", "CERT"),
    (CertificateRequest(4, b""), 7, "04", "CERTREQ"),
    (Hash(b"hash"), 8, "68617368", "HASH"),
    (Signature(b""), 9, "", "SIG"),
    (Nonce(b"12345678"), 10, "3132333435363738", "NONCE"),
    (
        Notification(1, 1, 14, b"", b"why"),
        11,
        "00000001 01 00 000e 776879",
        "N(NO-PROPOSAL-CHOSEN)",
    ),
    (
        Notification(1, 3, 16384, b"spi!", b""),
        11,
        "00000001 03 04 4000 73706921",
        "N(CONNECTED)",
    ),
    (Notification(1, 1, 9999, b"", b""), 11, "00000001 01 00 270f", "N(9999)"),
    (Delete(1, 3, (b"spi1", b"spi2")), 12, "00000001 03 04 0002 73706931 73706932", "D"),
    (Delete(1, 3, (), 4), 12, "00000001 03 04 0000", "D"),
    (Delete(0, 1, (bytes(16),)), 12, f"00000000 01 10 0001 {'00' * 16}", "D"),
    (Delete(1, 4, (b"\x3e\x9d",)), 12, "00000001 04 02 0001 3e9d", "D"),
    (Delete(7, 3, (b"odd",)), 12, "00000007 03 03 0001 6f6464", "D"),
    (VendorId(b"vid"), 13, "766964", "VID"),
    (Attributes(1, 7, (Attribute(1, b""),)), 14, "01 00 0007 00010000", "ATTR"),
    (Attributes(2, 7, (), 0, 9), 14, "02 09 0007", "ATTR"),
    (UnknownPayload(15, b"bad draft"), 15, b"bad draft".hex(), "payload 15"),
    (NatDiscovery(b"digest"), 20, b"digest".hex(), "NAT-D"),
    (NatDiscovery(b"digest", draft=True), 130, b"digest".hex(), "NAT-D"),
    (NatOriginalAddress(1, bytes(4)), 21, "01 000000 00000000", "NAT-OA"),
    (NatOriginalAddress(5, SIX, True, 0, 0xABCDEF), 131, f"05 abcdef {SIX.hex()}", "NAT-OA"),
    (GssToken(0, b"token"), 129, "00 746f6b656e", "GSS"),
    (Fragment(0x0102, 3, 1, b"part"), 132, "0102 03 01 70617274", "FRAG"),
    (UnknownPayload(255, b""), 255, "", "payload 255"),
]


def framed(body: bytes, reserved: int = 0) -> bytes:
    return bytes((0, reserved)) + (4 + len(body)).to_bytes(2, "big") + body


def read(kind: int, body: bytes, reserved: int = 0) -> Payload:
    (payload,) = parse_payloads_untrusted(kind, framed(body, reserved)).items
    return payload


def refusal(kind: int, body: bytes) -> Malformed:
    with pytest.raises(Malformed) as caught:
        read(kind, body)
    return caught.value


@pytest.mark.parametrize(("payload", "kind", "body", "name"), EXAMPLES)
def test_value_and_octets_are_one(payload: Payload, kind: int, body: str, name: str) -> None:
    octets = bytes.fromhex(body)
    assert payload.kind == kind
    assert payload.body() == octets
    assert read(kind, octets) == payload
    assert encode_payloads([payload]) == framed(octets)
    assert short_name(payload) == name


@pytest.mark.parametrize(("payload", "kind", "body", "name"), EXAMPLES)
def test_the_reserved_octet_is_kept(payload: Payload, kind: int, body: str, name: str) -> None:
    kept = read(kind, bytes.fromhex(body), reserved=0x5A)
    assert kept == replace(payload, reserved=0x5A)
    assert kept != payload
    assert encode_payloads([kept]) == framed(bytes.fromhex(body), 0x5A)


def test_every_assigned_payload_type_has_an_example() -> None:
    inside_an_sa = {PayloadType.NONE, PayloadType.PROPOSAL, PayloadType.TRANSFORM}
    assert {kind for _, kind, _, _ in EXAMPLES} >= set(PayloadType) - inside_an_sa


# --- the SA payload keeps what came ------------------------------------------------------------


def test_a_received_sa_gives_back_its_very_octets() -> None:
    body = bytes.fromhex(EXAMPLES[0][2])
    sa = read(PayloadType.SA, body)
    assert isinstance(sa, SaPayload)
    assert sa.raw == body
    assert sa.body() is sa.raw


def test_a_changed_sa_does_not_claim_to_be_the_received_one() -> None:
    sa = read(PayloadType.SA, bytes.fromhex(EXAMPLES[0][2]))
    assert isinstance(sa, SaPayload)
    changed = replace(sa, proposals=(replace(ONE_PROPOSAL, number=2),))
    assert changed.raw == b""
    assert changed.body() != sa.body()


@pytest.mark.parametrize("situation", [0, 2, 3, 4, 7, 0xFFFFFFFF])
def test_situations_nobody_speaks_are_kept_unread(situation: int) -> None:
    body = (1).to_bytes(4, "big") + situation.to_bytes(4, "big") + b"\xff" * 40
    sa = read(PayloadType.SA, body)
    assert sa == SaPayload(1, situation, (), b"\xff" * 40)
    assert replace(sa).body() == body


@pytest.mark.parametrize(
    ("octets", "offset"), [(0, 4), (3, 4), (4, 4), (7, 4), (8, 12), (9, 12), (27, 14)]
)
def test_an_sa_cut_short(octets: int, offset: int) -> None:
    refused = refusal(PayloadType.SA, bytes.fromhex(EXAMPLES[0][2])[:octets])
    assert refused.offset == offset


# --- rules of the others -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "body", "payload", "offset", "notify"),
    [
        pytest.param(5, "010000", "ID", 4, NotifyType.PAYLOAD_MALFORMED, id="ID cut"),
        pytest.param(
            5, "01000000 c00002", "ID", 8, NotifyType.INVALID_ID_INFORMATION, id="3 of 4 octets"
        ),
        pytest.param(6, "", "CERT", 4, NotifyType.PAYLOAD_MALFORMED, id="no encoding"),
        pytest.param(7, "", "CERTREQ", 4, NotifyType.PAYLOAD_MALFORMED, id="no type"),
        pytest.param(11, "00000001 0100", "N", 4, NotifyType.PAYLOAD_MALFORMED, id="N cut"),
        pytest.param(
            11,
            "00000001 01 05 000e 73706921",
            "N",
            9,
            NotifyType.PAYLOAD_MALFORMED,
            id="SPI too long",
        ),
        pytest.param(12, "00000001 0304", "D", 4, NotifyType.PAYLOAD_MALFORMED, id="D cut"),
        pytest.param(
            12,
            "00000001 03 04 0003 73706931 73706932",
            "D",
            10,
            NotifyType.PAYLOAD_MALFORMED,
            id="counts one more SPI",
        ),
        pytest.param(
            12,
            "00000001 03 04 0001 73706931 73706932",
            "D",
            10,
            NotifyType.PAYLOAD_MALFORMED,
            id="counts one SPI less",
        ),
        pytest.param(
            12, "00000001 03 02 0001 7370", "D", 9, NotifyType.INVALID_SPI, id="ESP SPI of 2"
        ),
        pytest.param(
            12, "00000000 01 04 0001 73706921", "D", 9, NotifyType.INVALID_SPI, id="one cookie half"
        ),
        pytest.param(
            12, "00000009 09 00 ffff", "D", 9, NotifyType.INVALID_SPI, id="65535 SPIs of nothing"
        ),
        pytest.param(14, "010000", "ATTR", 4, NotifyType.PAYLOAD_MALFORMED, id="ATTR cut"),
        pytest.param(
            14, "01000000 0001", "attribute", 8, NotifyType.PAYLOAD_MALFORMED, id="attribute cut"
        ),
        pytest.param(21, "010000", "NAT-OA", 4, NotifyType.PAYLOAD_MALFORMED, id="NAT-OA cut"),
        pytest.param(
            21,
            "01000000 00000000 00",
            "NAT-OA",
            4,
            NotifyType.INVALID_ID_INFORMATION,
            id="5 octets of IPv4",
        ),
        pytest.param(
            131,
            "04000000 0a000000 ff000000",
            "NAT-OA",
            4,
            NotifyType.INVALID_ID_INFORMATION,
            id="a subnet is no original address",
        ),
        pytest.param(129, "", "GSS", 4, NotifyType.PAYLOAD_MALFORMED, id="no vendor octet"),
        pytest.param(132, "000101", "FRAG", 4, NotifyType.PAYLOAD_MALFORMED, id="FRAG cut"),
    ],
)
def test_what_is_refused(
    kind: int, body: str, payload: str, offset: int, notify: NotifyType
) -> None:
    refused = refusal(kind, bytes.fromhex(body))
    assert (refused.payload, refused.offset, refused.notify) == (payload, offset, notify)


@pytest.mark.parametrize("kind", [4, 8, 9, 10, 13, 15, 20, 130, 200])
def test_payloads_that_are_only_octets_may_be_empty(kind: int) -> None:
    assert read(kind, b"").body() == b""


@pytest.mark.parametrize("id_type", range(256))
def test_original_addresses_are_of_type_1_or_5(id_type: int) -> None:
    right = {1: 4, 5: 16}.get(id_type)
    for octets in (0, 4, 8, 16, 32):
        body = bytes((id_type, 0, 0, 0)) + bytes(octets)
        if octets == right:
            assert read(PayloadType.NAT_OA, body).body() == body
        else:
            assert refusal(PayloadType.NAT_OA, body).payload == "NAT-OA"


@pytest.mark.parametrize("size", range(22))
def test_vendor_ids_of_any_length_are_kept(size: int) -> None:
    assert read(PayloadType.VENDOR_ID, bytes(size)) == VendorId(bytes(size))


def test_the_spis_of_one_delete_have_one_size() -> None:
    with pytest.raises(ValueError, match="one size"):
        Delete(1, 3, (b"spi1", b"spi")).body()


@pytest.mark.parametrize("kind", range(256))
def test_every_type_has_a_name(kind: int) -> None:
    assert kind_name(kind) == (
        {
            0: "NONE",
            1: "SA",
            2: "proposal",
            3: "transform",
            4: "KE",
            5: "ID",
            6: "CERT",
            7: "CERTREQ",
            8: "HASH",
            9: "SIG",
            10: "NONCE",
            11: "N",
            12: "D",
            13: "VID",
            14: "ATTR",
            20: "NAT-D",
            21: "NAT-OA",
            129: "GSS",
            130: "NAT-D",
            131: "NAT-OA",
            132: "FRAG",
        }.get(kind, f"payload {kind}")
    )
