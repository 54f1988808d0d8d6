"""Values of parameters: methods, places, authorities, times."""

from typing import Any

import pytest

from mainmode.crypto.algorithms import CIPHERS, GROUPS, HASHES
from mainmode.model import AddressRange, Lifetime
from mainmode.policy.mistakes import WordError
from mainmode.policy.model import (
    ANY,
    DEFAULT_QUICK_MODE_LIFETIME,
    ME,
    MainModeOffer,
    Place,
    PlaceKind,
    QuickModeOffer,
)
from mainmode.policy.netsh import kinds
from mainmode.policy.netsh.authorities import AUTHORITY, Authority
from mainmode.policy.netsh.kinds import Kind
from mainmode.policy.netsh.methods import MAIN_MODE_METHODS, QUICK_MODE_METHODS
from mainmode.policy.netsh.places import MASK, PLACE, PORT, PROTOCOL, apart, with_mask

DES, TRIPLE_DES, NULL = CIPHERS["des"], CIPHERS["3des"], CIPHERS["null"]
MD5, SHA1 = HASHES["md5"], HASHES["sha1"]


def addresses(text: str) -> Place:
    return Place(PlaceKind.ADDRESSES, AddressRange.parse(text))


# --- security methods -------------------------------------------------------------------------


def test_main_mode_methods() -> None:
    found = MAIN_MODE_METHODS.parse("3DES-SHA1-2  des-md5-1 3DES-SHA1-3 aes256-sha2-256-group19")
    assert found == (
        MainModeOffer(TRIPLE_DES, SHA1, GROUPS["group2"]),
        MainModeOffer(DES, MD5, GROUPS["group1"]),
        MainModeOffer(TRIPLE_DES, SHA1, GROUPS["group14"]),
        MainModeOffer(CIPHERS["aes256"], HASHES["sha2-256"], GROUPS["group19"]),
    )
    written = MAIN_MODE_METHODS.write(found)
    assert written == "3DES-SHA1-2 DES-MD5-1 3DES-SHA1-3 aes256-sha2-256-group19"


def test_quick_mode_methods() -> None:
    text = "AH[MD5]:204800k/300s ESP[DES,SHA1]:30000k/480s AH[SHA1]+ESP[None, md5] esp[3des,none]"
    found = QUICK_MODE_METHODS.parse(text)
    assert found == (
        QuickModeOffer(ah=MD5, lifetime=Lifetime(300, 204_800)),
        QuickModeOffer(DES, SHA1, lifetime=Lifetime(480, 30_000)),
        QuickModeOffer(NULL, MD5, SHA1),
        QuickModeOffer(TRIPLE_DES, None),
    )
    assert QUICK_MODE_METHODS.parse(QUICK_MODE_METHODS.write(found)) == found
    assert QUICK_MODE_METHODS.write(found[2:3]) == "AH[SHA1]+ESP[None,MD5]:100000k/3600s"


def test_a_lifetime_of_0_is_the_default() -> None:
    (found,) = QUICK_MODE_METHODS.parse("ESP[3DES,SHA1]:0k/0s")
    assert found.lifetime == DEFAULT_QUICK_MODE_LIFETIME


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        (MAIN_MODE_METHODS, "3DES-SHA1", "'3DES-SHA1' is no main mode method"),
        (MAIN_MODE_METHODS, "3DES-SHA1-4", "'3DES-SHA1-4': there is no group 4"),
        (MAIN_MODE_METHODS, "2DES-SHA1-2", "'2DES-SHA1-2': '2DES' is no cipher"),
        (MAIN_MODE_METHODS, "3DES-SHA1-2;DES-MD5-1", "no main mode method"),
        (MAIN_MODE_METHODS, "3DES-SHA1-2 3des-sha1-2", "names a method twice"),
        (MAIN_MODE_METHODS, " ", "it names no method"),
        (QUICK_MODE_METHODS, "ESP[None,None]", "neither encrypts nor authenticates"),
        (QUICK_MODE_METHODS, "ESP:3DES-SHA1", "is no quick mode method"),
        (QUICK_MODE_METHODS, "ESP[3DES,SHA1]+AH[MD5]", "is no quick mode method"),
        (QUICK_MODE_METHODS, "AH[MD5]ESP[DES,MD5]", "is no quick mode method"),
        (QUICK_MODE_METHODS, "AH[None]", "'None' is no hash"),
        (QUICK_MODE_METHODS, "AH[MD5]:300s", "is no quick mode method"),
        (QUICK_MODE_METHODS, f"AH[MD5]:{1 << 32}k/1s", "lasts too long"),
        (QUICK_MODE_METHODS, f"AH[MD5]:{'9' * 5000}k/1s", "lasts too long"),
    ],
)
def test_methods_that_are_none(kind: Kind[Any], text: str, problem: str) -> None:
    with pytest.raises(WordError) as mistake:
        kind.parse(text)
    assert problem in mistake.value.problem
    assert mistake.value.fix


# --- places -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "mask", "place"),
    [
        ("Me", None, ME),
        ("me", "255.255.255.255", ME),
        ("ANY", None, ANY),
        ("any", "0.0.0.0", ANY),
        ("0.0.0.0", "0.0.0.0", ANY),
        ("0.0.0.0", "255.255.255.255", ME),
        ("0.0.0.0", "255.0.0.0", addresses("0.0.0.0/8")),
        ("192.0.2.1", None, addresses("192.0.2.1")),
        ("192.0.2.1", "32", addresses("192.0.2.1")),
        ("192.0.2.1", "255.255.255.0", addresses("192.0.2.0/24")),
        ("192.0.2.0/24", None, addresses("192.0.2.0/24")),
        ("192.0.2.0/24", "24", addresses("192.0.2.0/24")),
        ("192.0.2.1-192.0.2.9", None, addresses("192.0.2.1-192.0.2.9")),
        ("2001:db8::", "32", addresses("2001:db8::/32")),
        ("host.example", None, Place(PlaceKind.DNS_NAME, name="host.example")),
        ("WINS", None, Place(PlaceKind.WINS_SERVERS)),
        ("Gateway", None, Place(PlaceKind.GATEWAY)),
    ],
)
def test_places_with_their_masks(text: str, mask: str | None, place: Place) -> None:
    prefix = None if mask is None else MASK.parse(mask)
    assert with_mask(PLACE.parse(text), prefix, "srcmask") == place
    address, length = apart(place)
    again = with_mask(PLACE.parse(PLACE.write(address)), length, "srcmask")
    assert again == place


@pytest.mark.parametrize(
    ("text", "mask", "problem"),
    [
        ("0.0.0.0", None, "0.0.0.0 is no computer's address"),
        ("me", "24", "me has no mask"),
        ("any", "255.0.0.0", "any has no mask"),
        ("dns", "32", "dns has no mask"),
        ("192.0.2.1-192.0.2.9", "24", "srcmask contradicts 192.0.2.1-192.0.2.9"),
        ("192.0.2.0/24", "25", "srcmask contradicts 192.0.2.0/24"),
        ("192.0.2.1", "33", "too long"),
        ("192.0.2.1", "255.0.255.0", "has a gap"),
        ("192.0.2.1", "255.0.0", "is no mask"),
        ("192.0.2.1", "129", "is no mask"),
        ("192.0.2.300", None, "is no address"),
        ("server", None, "is no address"),
    ],
)
def test_places_that_are_none(text: str, mask: str | None, problem: str) -> None:
    with pytest.raises(WordError) as mistake:
        with_mask(PLACE.parse(text), None if mask is None else MASK.parse(mask), "srcmask")
    assert problem in mistake.value.problem
    assert mistake.value.fix


def test_protocols_and_ports() -> None:
    words = ["any", "ICMP", "tcp", "UDP", "raw", "50", "t", "ah"]
    assert [PROTOCOL.parse(each) for each in words] == [0, 1, 6, 17, 255, 50, 6, 51]
    assert [PROTOCOL.write(each) for each in (0, 1, 6, 17, 255, 50)] == [
        *("any", "icmp", "tcp", "udp", "raw", "50")
    ]
    assert [PORT.parse(each) for each in ("0", "any", "65535")] == [0, 0, 65_535]
    assert [PROTOCOL.parse("0006"), PORT.parse("0000000080"), MASK.parse("00024")] == [6, 80, 24]
    wrong = [(PROTOCOL, "256"), (PROTOCOL, "00000300"), (PROTOCOL, "tpc"), (PORT, "65536")]
    for kind, text in [*wrong, (PORT, "http"), (PORT, "-1"), (PORT, "0" * 12 + "9" * 5000)]:
        with pytest.raises(WordError):
            kind.parse(text)


# --- authorities and times --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "authority"),
    [
        ("CN=Root, O=X", Authority("CN=Root, O=X")),
        (r"O=\'A\' B", Authority('O="A" B')),
        ("CN=R certmap:yes", Authority("CN=R", account_mapping=True)),
        ("CN=R ExcludeCAName:y certmap:n", Authority("CN=R", exclude_name=True)),
        ("CN=O'Neil", Authority("CN=O'Neil")),
        (r"CN=a\\'b\, c", Authority(r"CN=a\'b\, c")),
    ],
)
def test_authorities(text: str, authority: Authority) -> None:
    assert AUTHORITY.parse(text) == authority
    assert AUTHORITY.parse(AUTHORITY.write(authority)) == authority


@pytest.mark.parametrize("text", ["", " ", " certmap:yes", "CN=R certmap:maybe", "CN=R certmap:"])
def test_authorities_that_are_none(text: str) -> None:
    with pytest.raises(WordError):
        AUTHORITY.parse(text)


def test_times_are_minutes_or_have_a_unit() -> None:
    assert [kinds.MINUTES.parse(each) for each in ("480", "0", "90s", "8h")] == [
        *(28_800, 0, 90, 28_800)
    ]
    assert [kinds.MINUTES.write(each) for each in (28_800, 90)] == ["480", "90s"]
    for text in ("", "x", "1.5", "99999999999", "9" * 5000):
        with pytest.raises(WordError):
            kinds.MINUTES.parse(text)


@pytest.mark.parametrize("kind", [kinds.COUNT, kinds.MINUTES, kinds.SECONDS, PORT, MASK])
def test_numbers_without_end_are_mistakes(kind: Kind[int]) -> None:
    for text in ("9" * 5000, "9" * 5000 + "s", "0" * 5000 + "9" * 5000):
        with pytest.raises(WordError):
            kind.read(text, "tag")
    assert kind.parse("0" * 5000 + "7") in (7, 420)
