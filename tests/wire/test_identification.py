"""Identities: every type of RFC 2407, read and written, and shown to people."""

from ipaddress import ip_address

import pytest

from mainmode.errors import Malformed
from mainmode.model import AddressRange
from mainmode.numbers import IdType, NotifyType
from mainmode.wire.identification import Identification

SIX = "20010db8000000000000000000000001"


def identity(id_type: int, octets: str, protocol: int = 0, port: int = 0) -> Identification:
    return Identification(id_type, protocol, port, bytes.fromhex(octets))


def parse(octets: bytes) -> Identification:
    return Identification.parse_untrusted(octets, 0, len(octets), 0)


@pytest.mark.parametrize(
    ("text", "id_type", "octets"),
    [
        ("192.0.2.1", IdType.IPV4_ADDR, "c0000201"),
        ("10.1.0.0/16", IdType.IPV4_ADDR_SUBNET, "0a010000ffff0000"),
        ("0.0.0.0/0", IdType.IPV4_ADDR_SUBNET, "0000000000000000"),
        ("10.2.0.5-10.2.0.9", IdType.IPV4_ADDR_RANGE, "0a0200050a020009"),
        ("2001:db8::1", IdType.IPV6_ADDR, SIX),
        ("2001:db8::/64", IdType.IPV6_ADDR_SUBNET, f"{SIX[:16]}{'00' * 8}{'ff' * 8}{'00' * 8}"),
        ("2001:db8::1-2001:db8::3", IdType.IPV6_ADDR_RANGE, f"{SIX}{SIX[:-1]}3"),
    ],
)
def test_addresses_both_ways(text: str, id_type: IdType, octets: str) -> None:
    addresses = AddressRange.parse(text)
    made = Identification.of_addresses(addresses, 17, 500)
    assert made == identity(id_type, octets, 17, 500)
    assert made.addresses() == addresses
    assert str(made) == f"{text} udp/500"
    assert made.name is None


def test_a_subnet_with_host_bits_means_the_subnet() -> None:
    subnet = identity(IdType.IPV4_ADDR_SUBNET, "0a0102ffffffff00")
    assert subnet.addresses() == AddressRange.parse("10.1.2.0/24")
    assert subnet.data == bytes.fromhex("0a0102ffffffff00")


@pytest.mark.parametrize(
    ("meaningless", "shown"),
    [
        (identity(4, "0a000000ff00ff00"), "IPV4-ADDR-SUBNET 0a000000ff00ff00"),
        (identity(7, "0a0000090a000001"), "IPV4-ADDR-RANGE 0a0000090a000001"),
        (identity(6, SIX + "00" * 15 + "01"), f"IPV6-ADDR-SUBNET {SIX}{'00' * 15}01"),
        (identity(1, "0a00"), "IPV4-ADDR 0a00"),
    ],
)
def test_addresses_that_mean_nothing_are_none(meaningless: Identification, shown: str) -> None:
    assert meaningless.addresses() is None
    assert str(meaningless) == shown


def test_one_address_is_a_range_of_one() -> None:
    single = identity(7, "0a0000090a000009")
    assert single.addresses() == AddressRange.host(ip_address("10.0.0.9"))


@pytest.mark.parametrize("id_type", [IdType.FQDN, IdType.USER_FQDN])
def test_names_both_ways(id_type: IdType) -> None:
    made = Identification.of_name(id_type, "alpha.example")
    assert made.body() == bytes((id_type, 0, 0, 0)) + b"alpha.example"
    assert made.name == str(made) == "alpha.example"
    assert made.addresses() is None


def test_only_names_are_made_from_names() -> None:
    with pytest.raises(ValueError, match="KEY_ID"):
        Identification.of_name(IdType.KEY_ID, "alpha")


def test_a_name_that_is_no_text_is_shown_but_has_no_name() -> None:
    odd = Identification(IdType.FQDN, 0, 0, b"a\xff\n\0b")
    assert odd.name is None
    assert str(odd) == r"a\xff\x0a\x00b"


def test_a_long_name_is_cut_for_people() -> None:
    shown = str(Identification(IdType.FQDN, 0, 0, b"a" * 60_000))
    assert shown == "a" * 256 + "..."


@pytest.mark.parametrize(
    ("shown", "value"),
    [
        ("DER-ASN1-DN 3003", identity(IdType.DER_ASN1_DN, "3003")),
        ("DER-ASN1-GN 8203", identity(IdType.DER_ASN1_GN, "8203")),
        ("KEY-ID 6b6579 tcp", identity(IdType.KEY_ID, "6b6579", protocol=6)),
        ("ID-250 00 any/7", identity(250, "00", port=7)),
    ],
)
def test_other_types_are_shown_as_hex(shown: str, value: Identification) -> None:
    assert str(value) == shown


@pytest.mark.parametrize("id_type", range(256))
def test_every_type_is_read_with_the_length_it_must_have(id_type: int) -> None:
    octets = {1: 4, 4: 8, 7: 8, 5: 16, 6: 32, 8: 32}.get(id_type, 11)
    body = bytes((id_type, 17)) + bytes.fromhex("06a5") + bytes(octets)
    parsed = parse(body)
    assert (parsed.id_type, parsed.protocol, parsed.port) == (id_type, 17, 1701)
    assert parsed.body() == body
    assert str(parsed)
    if octets == 11:
        assert parse(body[:4]).data == b""
        return
    for wrong in (body[:-1], body + b"\0", body[:4]):
        with pytest.raises(Malformed, match=f"has {octets} octets") as caught:
            parse(wrong)
        assert (caught.value.payload, caught.value.offset) == ("ID", 4)
        assert caught.value.notify is NotifyType.INVALID_ID_INFORMATION


@pytest.mark.parametrize("octets", range(4))
def test_the_fixed_fields_are_there(octets: int) -> None:
    with pytest.raises(Malformed) as caught:
        parse(bytes(octets))
    assert caught.value.notify is NotifyType.PAYLOAD_MALFORMED
