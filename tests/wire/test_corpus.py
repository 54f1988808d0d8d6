"""Real messages, whole, cut and changed: read and written back, or refused; nothing else.

Every file of `tests/vectors/messages/` takes part.
"""

import pytest

from mainmode.errors import Malformed
from mainmode.wire.header import HEADER_OCTETS
from mainmode.wire.message import parse_message_untrusted, parse_payloads_untrusted
from mainmode.wire.payloads import SaPayload, short_name
from tests.vectors import build_messages
from tests.wire.corpus import CORPUS, FOLDER, Sample, sample

LENGTH = slice(24, HEADER_OCTETS)

every_sample = pytest.mark.parametrize("each", CORPUS, ids=[each.name for each in CORPUS])


def survives(each: Sample, octets: bytes) -> bool:
    """Whether these octets are well-formed; if so, they must come back unchanged."""
    try:
        again = each.decode_and_encode(octets)
    except Malformed as refused:
        is_explained(refused, octets)
        return False
    assert again == octets
    return True


def is_explained(refused: Malformed, octets: bytes) -> None:
    assert refused.payload
    assert refused.rule
    assert 0 <= refused.offset <= len(octets)


def repaired(datagram: bytes) -> bytes:
    """With a length that is true, so that the payloads are looked at."""
    return datagram[:24] + len(datagram).to_bytes(4, "big") + datagram[28:]


def test_the_hand_made_messages_are_what_their_maker_writes() -> None:
    for name, text in build_messages.files().items():
        assert (FOLDER / name).read_text() == text, "run python -m tests.vectors.build_messages"


@every_sample
def test_whole(each: Sample) -> None:
    assert survives(each, each.octets)


@every_sample
def test_what_is_hashed_comes_back_as_it_came(each: Sample) -> None:
    if each.first is None:
        payloads = parse_message_untrusted(each.octets).payloads
    else:
        payloads = parse_payloads_untrusted(each.first, each.octets).items
    assert all(payload.body() in each.octets for payload in payloads)
    assert all(payload.raw for payload in payloads if isinstance(payload, SaPayload))


@every_sample
def test_every_truncation(each: Sample) -> None:
    for length in range(len(each.octets)):
        cut = each.octets[:length]
        survives(each, cut)
        if each.first is None and length >= HEADER_OCTETS:
            survives(each, repaired(cut))


@every_sample
def test_a_datagram_shorter_than_its_length_is_never_a_message(each: Sample) -> None:
    if each.first is None:
        counted = int.from_bytes(each.octets[LENGTH], "big")
        assert not any(survives(each, each.octets[:length]) for length in range(counted))


@every_sample
def test_every_octet_changed_in_four_ways(each: Sample) -> None:
    for at, octet in enumerate(each.octets):
        for value in {octet ^ 0x01, octet ^ 0x80, octet ^ 0xFF, 0} - {octet}:
            survives(each, each.octets[:at] + bytes((value,)) + each.octets[at + 1 :])


@pytest.mark.slow
@every_sample
def test_every_octet_changed_in_every_way(each: Sample) -> None:
    for at, octet in enumerate(each.octets):
        for value in set(range(256)) - {octet}:
            survives(each, each.octets[:at] + bytes((value,)) + each.octets[at + 1 :])


@pytest.mark.parametrize(
    ("name", "ladder"),
    [
        ("mm1-windows2003.hex", "SA VID VID VID VID"),
        ("mm1-odd.hex", "SA payload 15"),
        ("mm3-nat.hex", "KE NONCE NAT-D NAT-D"),
        ("mm3-kerberos.hex", "KE NONCE GSS"),
        ("mm5-sealed.hex", ""),
        ("info-no-proposal-chosen.hex", "N(NO-PROPOSAL-CHOSEN)"),
        ("info-dos-cookie.hex", "N(NOTIFY-DOS-COOKIE)"),
        ("fragment.hex", "FRAG"),
        ("mm5-psk.payloads.hex", "ID HASH N(INITIAL-CONTACT)"),
        ("mm5-certificate.payloads.hex", "ID CERT CERTREQ CERTREQ SIG"),
        ("qm1-windows2003.payloads.hex", "HASH SA NONCE ID ID"),
        ("qm1-nat.payloads.hex", "HASH SA NONCE ID ID NAT-OA NAT-OA"),
        ("qm2-windows2003.payloads.hex", "HASH SA NONCE ID ID N(RESPONDER-LIFETIME)"),
        ("qm4-connected.payloads.hex", "HASH N(CONNECTED)"),
        ("info-delete.payloads.hex", "HASH D D"),
        ("transaction.payloads.hex", "HASH ATTR"),
        ("mainmode-initiator-mm3.hex", "KE NONCE NAT-D NAT-D"),
        ("mainmode-responder-qm2.payloads.hex", "HASH SA NONCE KE ID ID"),
        ("mainmode-initiator-info1.payloads.hex", "HASH N(INITIAL-CONTACT)"),
        ("libreswan-initiator-esp-mm1.hex", "SA VID VID VID VID VID VID"),
        ("libreswan-initiator-esp-qm1.payloads.hex", "HASH SA NONCE"),
        ("libreswan-initiator-nat-qm1.payloads.hex", "HASH SA NONCE ID ID NAT-OA NAT-OA"),
        ("libreswan-responder-ah-qm2.payloads.hex", "HASH SA NONCE ID ID"),
        ("strongswan-responder-kernel-ah-qm2.payloads.hex", "HASH SA NONCE ID ID"),
        ("ike-scan-default.hex", "SA"),
        ("ike-scan-aggressive.hex", "SA KE NONCE ID"),
    ],
)
def test_the_ladder_of_names(name: str, ladder: str) -> None:
    each = sample(name)
    if each.first is None:
        payloads = parse_message_untrusted(each.octets).payloads
    else:
        payloads = parse_payloads_untrusted(each.first, each.octets).items
    assert " ".join(short_name(payload) for payload in payloads) == ladder


def test_the_fields_of_an_offer_read_by_hand() -> None:
    message = parse_message_untrusted(sample("mm1-windows2003.hex").octets)
    sa = message.payloads[0]
    assert isinstance(sa, SaPayload)
    (proposal,) = sa.proposals
    read = [
        {attribute.kind: attribute.number for attribute in transform.attributes}
        for transform in proposal.transforms
    ]
    others = {3: 1, 11: 1, 12: 28800}
    assert read == [
        {1: 5, 2: 2, 4: 2} | others,
        {1: 5, 2: 1, 4: 2} | others,
        {1: 1, 2: 2, 4: 1} | others,
        {1: 1, 2: 1, 4: 1} | others,
    ]


def test_a_bundle_is_two_proposals_of_one_number_and_an_alternative() -> None:
    each = sample("qm1-ah-esp.payloads.hex")
    assert each.first is not None
    sa = parse_payloads_untrusted(each.first, each.octets).one(SaPayload)
    assert [(p.number, p.protocol) for p in sa.proposals] == [(1, 2), (1, 3), (2, 3)]
