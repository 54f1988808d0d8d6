"""Laws of the codec, for every well-formed message and for any octets at all."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainmode.errors import Malformed
from mainmode.model import AddressRange, IpAddress
from mainmode.numbers import Doi, HeaderFlag, IdType, PayloadType, ProtocolId, Situation
from mainmode.wire.attributes import Attribute, encode_attributes, parse_attributes_untrusted
from mainmode.wire.header import HEADER_OCTETS
from mainmode.wire.message import (
    Message,
    Sealed,
    encode_message,
    encode_payloads,
    parse_message_untrusted,
    parse_payloads_untrusted,
)
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
)
from mainmode.wire.proposals import Proposal, Transform
from tests.wire.corpus import DATAGRAMS, without_raw

octet = st.integers(0, 0xFF)
two_octets = st.integers(0, 0xFFFF)
four_octets = st.integers(0, 0xFFFFFFFF)
some_octets = st.binary(max_size=40)
reserved = octet

attributes = st.builds(Attribute, st.integers(0, 0x7FFF), two_octets | some_octets)
attribute_lists = st.lists(attributes, max_size=6).map(tuple)
transforms = st.builds(Transform, octet, octet, attribute_lists, reserved, two_octets)


@st.composite
def proposals(draw: st.DrawFn) -> Proposal:
    protocol, spi_octets = draw(
        st.tuples(st.just(ProtocolId.ISAKMP), st.integers(0, 16))
        | st.tuples(st.sampled_from((ProtocolId.AH, ProtocolId.ESP)), st.just(4))
        | st.tuples(st.just(ProtocolId.IPCOMP), st.sampled_from((2, 4)))
        | st.tuples(st.sampled_from((0, *range(5, 256))), octet)
    )
    spi = draw(st.binary(min_size=spi_octets, max_size=spi_octets))
    some_transforms = draw(st.lists(transforms, min_size=1, max_size=4))
    return Proposal(draw(octet), protocol, spi, tuple(some_transforms), draw(reserved))


identity_only = st.builds(
    SaPayload,
    st.just(Doi.IPSEC),
    st.just(Situation.IDENTITY_ONLY),
    st.lists(proposals(), min_size=1, max_size=3).map(tuple),
    st.just(b""),
    reserved,
)
other_situations = st.builds(
    SaPayload,
    st.just(Doi.IPSEC),
    four_octets.filter(lambda situation: situation != Situation.IDENTITY_ONLY),
    st.just(()),
    some_octets,
    reserved,
)
other_dois = st.builds(
    SaPayload,
    four_octets.filter(lambda doi: doi != Doi.IPSEC),
    st.just(0),
    st.just(()),
    some_octets,
    reserved,
)

ADDRESS_OCTETS = {1: 4, 4: 8, 7: 8, 5: 16, 6: 32, 8: 32}


def sized(octets: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=octets, max_size=octets)


identifications = octet.flatmap(
    lambda id_type: st.builds(
        Identification,
        st.just(id_type),
        octet,
        two_octets,
        sized(ADDRESS_OCTETS[id_type]) if id_type in ADDRESS_OCTETS else some_octets,
        reserved,
    )
)
SPI_OCTETS = {1: 16, 2: 4, 3: 4, 4: 2, 200: 7}
deletes = st.sampled_from(sorted(SPI_OCTETS)).flatmap(
    lambda protocol: st.builds(
        Delete,
        st.sampled_from((0, 1)),
        st.just(protocol),
        st.lists(sized(SPI_OCTETS[protocol]), min_size=1, max_size=5).map(tuple),
        st.just(0),
        reserved,
    )
)
empty_deletes = st.builds(Delete, four_octets, octet, st.just(()), octet, reserved)
original_addresses = st.sampled_from(((1, 4), (5, 16))).flatmap(
    lambda form: st.builds(
        NatOriginalAddress,
        st.just(form[0]),
        sized(form[1]),
        st.booleans(),
        reserved,
        st.integers(0, 0xFFFFFF),
    )
)
unknown = st.builds(
    UnknownPayload, octet.filter(lambda kind: kind not in set(PayloadType)), some_octets, reserved
)
payloads: st.SearchStrategy[Payload] = st.one_of(
    identity_only,
    other_situations,
    other_dois,
    *(
        st.builds(kind, some_octets, reserved)
        for kind in (KeyExchange, Hash, Signature, Nonce, VendorId)
    ),
    identifications,
    st.builds(Certificate, octet, some_octets, reserved),
    st.builds(CertificateRequest, octet, some_octets, reserved),
    st.builds(Notification, four_octets, octet, two_octets, some_octets, some_octets, reserved),
    deletes,
    empty_deletes,
    st.builds(Attributes, octet, two_octets, attribute_lists, reserved, octet),
    st.builds(NatDiscovery, some_octets, st.booleans(), reserved),
    original_addresses,
    st.builds(GssToken, octet, some_octets, reserved),
    st.builds(Fragment, two_octets, octet, octet, some_octets, reserved),
    unknown,
)
chains = st.lists(payloads, max_size=6).map(tuple)

cookies = sized(8).filter(any)
clear_messages = st.builds(
    Message,
    cky_i=cookies,
    cky_r=sized(8),
    exchange=octet,
    payloads=chains,
    flags=octet.map(lambda flags: flags & ~HeaderFlag.ENCRYPTION),
    message_id=four_octets,
    trailer=some_octets,
    surplus=some_octets,
)
sealed_messages = st.builds(
    Message,
    cky_i=cookies,
    cky_r=sized(8),
    exchange=octet,
    payloads=st.just(()),
    flags=octet.map(lambda flags: flags | HeaderFlag.ENCRYPTION),
    message_id=four_octets,
    sealed=st.builds(Sealed, octet, some_octets),
    surplus=some_octets,
)


@given(clear_messages | sealed_messages)
def test_a_message_survives_the_wire(message: Message) -> None:
    datagram = encode_message(message)
    again = parse_message_untrusted(datagram)
    assert again == message
    assert encode_message(again) == datagram
    assert encode_message(replace(again, payloads=without_raw(again.payloads))) == datagram


@given(chains, some_octets, st.binary(max_size=8))
def test_a_chain_survives_with_what_stands_around_it(
    items: tuple[Payload, ...], before: bytes, padding: bytes
) -> None:
    first = items[0].kind if items else 0
    chain = encode_payloads(items)
    parsed = parse_payloads_untrusted(first, before + chain + padding, len(before))
    assert parsed.items == items
    assert parsed.kinds == tuple(item.kind for item in items)
    assert parsed.end == len(before) + len(chain)


@given(clear_messages.filter(lambda message: bool(message.payloads)), st.data())
def test_no_truncation_is_the_message(message: Message, data: st.DataObject) -> None:
    datagram = encode_message(replace(message, surplus=b""))
    cut = datagram[: data.draw(st.integers(0, len(datagram) - 1))]
    with pytest.raises(Malformed) as caught:
        parse_message_untrusted(cut)
    assert 0 <= caught.value.offset <= len(datagram)


def outcome(datagram: bytes) -> Message | Malformed:
    try:
        return parse_message_untrusted(datagram)
    except Malformed as refused:
        return refused


def returns_or_explains(datagram: bytes) -> None:
    read = outcome(datagram)
    if isinstance(read, Malformed):
        assert read.payload
        assert read.rule
        assert 0 <= read.offset <= len(datagram)
    else:
        fields_alone = replace(read, payloads=without_raw(read.payloads))
        assert encode_message(fields_alone) == datagram


@given(st.binary(max_size=200))
def test_any_octets(octets: bytes) -> None:
    returns_or_explains(octets)


@given(st.binary(max_size=200), octet)
def test_any_octets_behind_a_good_header(octets: bytes, first: int) -> None:
    head = DATAGRAMS[0][:16] + bytes((first,)) + DATAGRAMS[0][17:24]
    returns_or_explains(head + (HEADER_OCTETS + len(octets)).to_bytes(4, "big") + octets)


@given(st.sampled_from(DATAGRAMS), st.data())
def test_real_messages_with_several_octets_changed(datagram: bytes, data: st.DataObject) -> None:
    octets = bytearray(datagram)
    for _ in range(data.draw(st.integers(1, 5))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(octet)
    returns_or_explains(bytes(octets))


@given(st.binary(max_size=80), st.integers(0, 20), st.integers(0, 100))
def test_offsets_grow_by_the_base_and_nothing_else(octets: bytes, first: int, base: int) -> None:
    def read_with(base: int) -> tuple[object, ...]:
        try:
            return parse_payloads_untrusted(first, octets, base=base).items
        except Malformed as refused:
            return refused.payload, refused.offset - base, refused.rule, refused.notify

    assert read_with(base) == read_with(0)


@given(st.binary(max_size=80), st.data())
def test_attributes_never_read_beyond_their_end(octets: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(octets)))
    end = data.draw(st.integers(at, len(octets)))

    def read(octets: bytes, at: int, end: int) -> bytes | int:
        try:
            return encode_attributes(parse_attributes_untrusted(octets, at, end))
        except Malformed as refused:
            return refused.offset - at

    alone = read(octets[at:end], 0, end - at)
    assert read(octets, at, end) == alone
    assert alone == octets[at:end] or isinstance(alone, int)


@given(st.integers(0, 0xFFFFFFFF))
def test_a_number_is_read_as_it_was_written(number: int) -> None:
    assert Attribute.of(12, number).number == number


def ranges(first: IpAddress, second: IpAddress) -> AddressRange:
    return AddressRange(min(first, second), max(first, second))


address_ranges = st.one_of(
    *(
        st.one_of(
            st.builds(ranges, st.ip_addresses(v=version), st.ip_addresses(v=version)),
            st.builds(AddressRange.host, st.ip_addresses(v=version)),
        )
        for version in (4, 6)
    )
)


@given(address_ranges, octet, two_octets)
def test_addresses_become_an_identity_and_come_back(
    addresses: AddressRange, protocol: int, port: int
) -> None:
    made = Identification.of_addresses(addresses, protocol, port)
    assert made.addresses() == addresses
    assert parse_payloads_untrusted(PayloadType.ID, encode_payloads([made])).items == (made,)


@given(identifications)
def test_every_identity_can_be_shown_and_asked(identity: Identification) -> None:
    assert str(identity).isprintable()
    addresses = identity.addresses()
    assert addresses is None or identity.id_type in ADDRESS_OCTETS
    assert identity.name is None or identity.id_type in (IdType.FQDN, IdType.USER_FQDN)
