"""AH packets: what the ICV covers and what it does not (RFC 2402 3.3.3)."""

from ipaddress import ip_address

import pytest

from mainmode.packets import ip
from mainmode.packets.ah import AhOpener, AhSealer
from mainmode.packets.refusal import PacketRefused, Refusal
from tests.driver.pairs import sa

A, B = ip_address("192.0.2.1").packed, ip_address("192.0.2.2").packed
IP = 20
WORDS = sa("ah", "ah:sha1")
SEALED = AhSealer(WORDS, A, B).seal(b"payload", 17, 0x10, 64)


def opened(packet: bytes, start: int = IP) -> tuple[bytes, int]:
    return AhOpener(WORDS).open(packet, start)


def refusal(packet: bytes, start: int = IP) -> Refusal:
    with pytest.raises(PacketRefused) as refused:
        opened(packet, start)
    return refused.value.reason


def changed(place: int, octets: bytes) -> bytes:
    return SEALED[:place] + octets + SEALED[place + len(octets) :]


def test_the_layout() -> None:
    assert SEALED[9] == 51
    assert int.from_bytes(SEALED[2:4], "big") == len(SEALED) == IP + 24 + 7
    header = SEALED[IP : IP + 12]
    assert header == bytes([17, 4, 0, 0]) + WORDS.spi.to_bytes(4, "big") + bytes([0, 0, 0, 1])
    assert SEALED[-7:] == b"payload"
    assert ip.checksum(SEALED[:IP]) == 0


@pytest.mark.parametrize(
    ("suite", "words"), [("ah:md5", 4), ("ah:sha2-256", 5), ("ah:sha2-384", 7), ("ah:sha2-512", 9)]
)
def test_the_length_counts_words_less_two(suite: str, words: int) -> None:
    made = AhSealer(sa("length", suite), A, B).seal(b"", 6, 0, 64)
    assert made[IP + 1] == words
    assert len(made) == IP + (words + 2) * 4


@pytest.mark.parametrize(
    ("place", "octets"),
    [(1, b"\xff"), (6, b"\x20\x05"), (8, b"\x01"), (10, b"\xab\xcd")],
    ids=["type of service", "flags and offset", "time to live", "checksum"],
)
def test_what_routers_may_change(place: int, octets: bytes) -> None:
    assert opened(changed(place, octets)) == (b"payload", 17)


@pytest.mark.parametrize("place", [2, 4, 9, 12, 19, IP, IP + 2, IP + 4, IP + 11, IP + 12, IP + 30])
def test_everything_else_is_covered(place: int) -> None:
    flipped = changed(place, bytes([SEALED[place] ^ 2]))
    assert refusal(flipped) is Refusal.NOT_AUTHENTICATED


def test_the_length_field_must_fit_the_algorithm() -> None:
    assert refusal(changed(IP + 1, b"\x05")) is Refusal.MALFORMED


def test_cut_packets() -> None:
    for end in range(IP, IP + 24):
        assert refusal(SEALED[:end]) is Refusal.MALFORMED


def test_replays() -> None:
    opener = AhOpener(WORDS)
    opener.open(SEALED, IP)
    with pytest.raises(PacketRefused) as refused:
        opener.open(SEALED, IP)
    assert refused.value.reason is Refusal.REPLAYED


def packet_with(options: bytes) -> bytes:
    """A true AH packet with IP options, as a peer would send it (see the scapy vectors for ones
    made elsewhere)."""
    header = bytes([0x40 | (20 + len(options)) // 4]) + SEALED[1:IP] + options
    return ip.with_payload(header, 51, SEALED[IP:])


@pytest.mark.parametrize(
    "options",
    [bytes.fromhex("0708ff04"), bytes.fromhex("07010000"), bytes.fromhex("01010107")],
    ids=["too long", "too short", "without length"],
)
def test_options_that_overrun_the_header(options: bytes) -> None:
    assert refusal(packet_with(options), 24) is Refusal.MALFORMED


def test_what_follows_the_end_of_options_is_not_read() -> None:
    """The padding behind it may be anything; it is covered as it stands."""
    assert refusal(packet_with(bytes.fromhex("000708ff")), 24) is Refusal.NOT_AUTHENTICATED
