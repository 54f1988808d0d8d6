"""The words of a policy file."""

from ipaddress import ip_address

import pytest

from mainmode.crypto.algorithms import CIPHERS, GROUPS, HASHES
from mainmode.model import AddressRange, Direction, Lifetime
from mainmode.policy.mistakes import WordError
from mainmode.policy.model import (
    ANY,
    DEFAULT_QUICK_MODE_LIFETIME,
    ME,
    Identity,
    MainModeOffer,
    Place,
    PlaceKind,
    QuickModeOffer,
)
from mainmode.policy.settings import BootExemption
from mainmode.policy.words import (
    boot_exemption_word,
    parse_address,
    parse_boot_exemption,
    parse_gateway,
    parse_identity,
    parse_lifetime_s,
    parse_main_mode_offer,
    parse_place,
    parse_protocol,
    parse_quick_mode_offer,
    quick_mode_offer_word,
)


def addresses(text: str) -> Place:
    return Place(PlaceKind.ADDRESSES, AddressRange.parse(text))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("me", ME),
        ("Any", ANY),
        ("192.0.2.1", addresses("192.0.2.1")),
        ("192.0.2.1/24", addresses("192.0.2.0/24")),
        ("192.0.2.0/255.255.255.0", addresses("192.0.2.0/24")),
        ("192.0.2.1-192.0.2.9", addresses("192.0.2.1-192.0.2.9")),
        ("2001:db8::/32", addresses("2001:db8::/32")),
        ("host.example", Place(PlaceKind.DNS_NAME, name="host.example")),
        ("a-b.example.", Place(PlaceKind.DNS_NAME, name="a-b.example.")),
        ("dns", Place(PlaceKind.DNS_SERVERS)),
        ("gateway", Place(PlaceKind.GATEWAY)),
    ],
)
def test_places(text: str, place: Place) -> None:
    assert parse_place(text) == place


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("mee", "did you mean 'me'?"),
        ("gatway", "did you mean 'gateway'?"),
        ("10.0.0.300", "write me, any, an address"),
        ("10.0.0.9-10.0.0.1", "write me, any, an address"),
        ("10.0.0.0/33", "write me, any, an address"),
        ("10.0.0.1-2001:db8::1", "write me, any, an address"),
        ("host", "write me, any, an address"),
        ("", "write me, any, an address"),
    ],
)
def test_what_is_no_place(text: str, fix: str) -> None:
    with pytest.raises(WordError) as caught:
        parse_place(text)
    assert caught.value.fix.startswith(fix)


@pytest.mark.parametrize(
    ("text", "number"),
    [("tcp", 6), ("UDP", 17), ("any", 0), ("icmpv6", 58), ("47", 47), ("255", 255)],
)
def test_protocols_by_name_and_number(text: str, number: int) -> None:
    assert parse_protocol(text) == number


@pytest.mark.parametrize("text", ["tpc", "256", "-1", "", "٣"])
def test_what_is_no_protocol(text: str) -> None:
    with pytest.raises(WordError) as caught:
        parse_protocol(text)
    assert "a number from 0 to 255" in caught.value.fix


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("3des-sha1-group14", ("3des", "sha1", "group14")),
        ("aes256-sha2-256-group19", ("aes256", "sha2-256", "group19")),
    ],
)
def test_main_mode_offers(text: str, names: tuple[str, str, str]) -> None:
    cipher, hash_, group = names
    offer = parse_main_mode_offer(text)
    assert offer == MainModeOffer(CIPHERS[cipher], HASHES[hash_], GROUPS[group])
    assert offer.name == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("3des-sha1", "is no main mode offer"),
        ("3des-sha1-", "is no main mode offer"),
        ("null-sha1-group2", "'null' is no cipher"),
        ("3des-sha3-group2", "'sha3' is no hash"),
        ("3des-sha1-group3", "'group3' is no Diffie-Hellman group"),
    ],
)
def test_what_is_no_main_mode_offer(text: str, problem: str) -> None:
    with pytest.raises(WordError, match=problem):
        parse_main_mode_offer(text)


DES3, SHA1, MD5 = CIPHERS["3des"], HASHES["sha1"], HASHES["md5"]


@pytest.mark.parametrize(
    ("text", "offer"),
    [
        ("esp:3des-sha1", QuickModeOffer(DES3, SHA1)),
        ("esp:3des", QuickModeOffer(DES3)),
        ("esp:null-sha2-256", QuickModeOffer(CIPHERS["null"], HASHES["sha2-256"])),
        ("ah:md5", QuickModeOffer(ah=MD5)),
        ("ah:md5+esp:3des-sha1", QuickModeOffer(DES3, SHA1, MD5)),
        ("esp:3des-sha1 15m 20MB", QuickModeOffer(DES3, SHA1, lifetime=Lifetime(900, 20_000))),
        ("esp:3des-sha1 20MB", QuickModeOffer(DES3, SHA1, lifetime=Lifetime(3_600, 20_000))),
        ("esp:3des-sha1 5s", QuickModeOffer(DES3, SHA1, lifetime=Lifetime(5, 100_000))),
    ],
)
def test_quick_mode_offers(text: str, offer: QuickModeOffer) -> None:
    assert parse_quick_mode_offer(text) == offer
    assert offer.name == text.split()[0]


def test_an_offer_without_lifetimes_has_the_documented_ones() -> None:
    assert parse_quick_mode_offer("ah:sha1").lifetime == DEFAULT_QUICK_MODE_LIFETIME
    assert Lifetime(3_600, 100_000) == DEFAULT_QUICK_MODE_LIFETIME


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no quick mode offer"),
        ("3des-sha1", "is no quick mode offer"),
        ("esp:", "is no quick mode offer"),
        ("esp:3des-sha1+esp:des-md5", "is no quick mode offer"),
        ("ah:sha1+ah:md5", "is no quick mode offer"),
        ("esp:null", "neither encrypts nor authenticates"),
        ("esp:3dse-sha1", "'3dse' is no cipher"),
        ("ah:none", "'none' is no hash"),
        ("esp:3des-sha1 1h 2h", "same kind of lifetime twice"),
        ("esp:3des-sha1 0s", "out of range"),
        ("esp:3des-sha1 4294968GB", "out of range"),
        ("esp:3des-sha1 soon", "is no duration"),
    ],
)
def test_what_is_no_quick_mode_offer(text: str, problem: str) -> None:
    with pytest.raises(WordError, match=problem):
        parse_quick_mode_offer(text)


def test_a_lifetime_fits_four_octets_on_the_wire() -> None:
    assert parse_lifetime_s("4294967295s") == 0xFFFF_FFFF
    with pytest.raises(WordError, match="out of range"):
        parse_lifetime_s("4294967296s")


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("address", Identity()),
        ("address:192.0.2.1", Identity("address", "192.0.2.1")),
        ("fqdn:host.example", Identity("fqdn", "host.example")),
        ("user_fqdn:joe@example.org", Identity("user_fqdn", "joe@example.org")),
    ],
)
def test_identities(text: str, identity: Identity) -> None:
    assert parse_identity(text) == identity
    assert str(identity) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("fdqn:host", "'fdqn' is no kind of identity"),
        ("fqdn:", "names nobody"),
        ("fqdn:hôst", "names nobody"),
        ("user_fqdn:joe", "is no user"),
        ("address:here", "is no address"),
    ],
)
def test_what_is_no_identity(text: str, problem: str) -> None:
    with pytest.raises(WordError, match=problem):
        parse_identity(text)


def test_one_address() -> None:
    assert parse_address(" 192.0.2.1 ") == ip_address("192.0.2.1")
    with pytest.raises(WordError, match="is no address"):
        parse_address("192.0.2.0/24")


# --- tunnels and boot exemptions ------------------------------------------------------------------


def test_a_gateway_has_an_address_or_a_name() -> None:
    assert parse_gateway("203.0.113.2") == ip_address("203.0.113.2")
    assert parse_gateway("gateway.example") == "gateway.example"


@pytest.mark.parametrize("text", ["me", "any", "10.0.0.0/8", "0.0.0.0", "224.0.0.1", "gateway"])
def test_what_is_no_gateway(text: str) -> None:
    with pytest.raises(WordError, match="is no computer") as caught:
        parse_gateway(text)
    assert caught.value.fix


@pytest.mark.parametrize(
    ("text", "exemption"),
    [
        ("tcp:0:3389:inbound", BootExemption(6, 0, 3389, Direction.INBOUND)),
        ("udp:68:67:outbound", BootExemption(17, 68, 67, Direction.OUTBOUND)),
        ("89:0:0:inbound", BootExemption(89, 0, 0, Direction.INBOUND)),
    ],
)
def test_boot_exemptions(text: str, exemption: BootExemption) -> None:
    assert parse_boot_exemption(text) == exemption
    assert boot_exemption_word(exemption) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tcp:3389:inbound", "is no boot exemption"),
        ("tcp:0:rdp:inbound", "is no boot exemption"),
        ("tcp:0:65536:inbound", "a port is beyond"),
        ("icmp:0:8:inbound", "a port needs a protocol with ports"),
        ("tpc:0:1:inbound", "is no protocol"),
        ("tcp:0:1:in", "is no direction"),
    ],
)
def test_what_is_no_boot_exemption(text: str, problem: str) -> None:
    with pytest.raises(WordError, match=problem):
        parse_boot_exemption(text)


def test_offers_are_written_with_what_is_not_the_default() -> None:
    for text in ("esp:3des-sha1", "ah:md5 15m", "ah:sha1+esp:null-sha1 2GB", "esp:des 1s 1kB"):
        assert quick_mode_offer_word(parse_quick_mode_offer(text)) == text
