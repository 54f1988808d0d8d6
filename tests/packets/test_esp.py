"""ESP packets, against published ones and octet by octet."""

from ipaddress import ip_address

import pytest

from mainmode.crypto.algorithms import CIPHERS
from mainmode.crypto.ciphers import Cbc
from mainmode.model import IpsecSa
from mainmode.packets import ip
from mainmode.packets.esp import EspOpener, EspSealer
from mainmode.packets.refusal import PacketRefused, Refusal
from tests.driver.pairs import sa
from tests.packets.vectors import Case, cases, sa_of

A, B = ip_address("192.0.2.1").packed, ip_address("192.0.2.2").packed
IP = 20
ICV = 12


def sealer(words: IpsecSa) -> EspSealer:
    return EspSealer(words, A, B)


def refusal(opener: EspOpener, packet: bytes) -> Refusal:
    with pytest.raises(PacketRefused) as refused:
        opener.open(packet, IP)
    return refused.value.reason


@pytest.mark.parametrize("case", cases("esp-rfc3602.json"))
def test_published_packets_open(case: Case) -> None:
    packet = ip.build(50, A, B, bytes.fromhex(case["esp"]))
    payload, next_header = EspOpener(sa_of(case)).open(packet, IP)
    assert payload.hex() == case["payload"]
    assert next_header == case["next_header"]


@pytest.mark.parametrize("case", cases("esp-rfc3602.json"))
def test_published_packets_are_sealed_alike(case: Case) -> None:
    """All but the IV, which is the sealer's own choice, and what it chains into."""
    ours = sealer(sa_of(case))
    ours.sequence.last = case["sequence"] - 1
    sealed = ours.seal(bytes.fromhex(case["payload"]), case["next_header"], 0, 64)[IP:]
    published = bytes.fromhex(case["esp"])
    assert sealed[:8] == published[:8]
    assert len(sealed) == len(published)
    cbc = Cbc(CIPHERS["aes128"], bytes.fromhex(case["cipher_key"]))
    assert cbc.decrypt(sealed[8:24], sealed[24:]) == cbc.decrypt(published[8:24], published[24:])


def test_the_layout() -> None:
    """SPI, number, IV, then payload, padding 1 2 3, its length and the next header inside."""
    words = sa("layout", "esp:3des-sha1")
    sealed = sealer(words).seal(b"payload", 17, 0x10, 9)
    assert sealed[1] == 0x10
    assert sealed[8:10] == bytes([9, 50])
    esp = sealed[IP:]
    assert esp[:8] == words.spi.to_bytes(4, "big") + bytes([0, 0, 0, 1])
    assert len(esp) == 8 + 8 + 16 + ICV
    plaintext = Cbc(CIPHERS["3des"], words.cipher_key).decrypt(esp[8:16], esp[16:-ICV])
    assert plaintext == b"payload" + bytes([1, 2, 3, 4, 5, 6, 7]) + bytes([7, 17])


def test_padding_of_null_encryption_aligns_to_four() -> None:
    sealed = sealer(sa("null", "esp:null-sha1")).seal(b"abc", 6, 0, 64)[IP:]
    assert sealed[8:-ICV] == b"abc" + bytes([1, 2, 3]) + bytes([3, 6])


def test_ivs_do_not_repeat() -> None:
    ours = sealer(sa("ivs", "esp:3des-sha1"))
    ivs = [ours.seal(b"the same", 6, 0, 64)[IP + 8 : IP + 16] for _ in range(1_000)]
    assert len(set(ivs)) == 1_000


def test_a_wrong_icv_changes_nothing() -> None:
    """The window has not moved, so the true packet still opens."""
    words = sa("icv", "esp:aes128-sha1")
    good = sealer(words).seal(b"payload", 6, 0, 64)
    opener = EspOpener(words)
    forged = good[:-1] + bytes([good[-1] ^ 1])
    assert refusal(opener, forged) is Refusal.NOT_AUTHENTICATED
    assert opener.open(good, IP) == (b"payload", 6)


def test_a_forged_far_number_does_not_move_the_window() -> None:
    words = sa("far", "esp:aes128-sha1")
    ours, opener = sealer(words), EspOpener(words)
    packets = [ours.seal(b"payload", 6, 0, 64) for _ in range(3)]
    forged = packets[0][: IP + 4] + b"\xff\xff\xff\xff" + packets[0][IP + 8 :]
    assert refusal(opener, forged) is Refusal.NOT_AUTHENTICATED
    for packet in packets:
        opener.open(packet, IP)


def test_a_replay_is_seen_before_the_icv_is_computed() -> None:
    words = sa("replay", "esp:aes128-sha1")
    good = sealer(words).seal(b"payload", 6, 0, 64)
    opener = EspOpener(words)
    opener.open(good, IP)
    assert refusal(opener, good) is Refusal.REPLAYED
    assert refusal(opener, good[:-1] + b"?") is Refusal.REPLAYED


def test_without_integrity_there_is_no_replay_window() -> None:
    """RFC 2406 3.4.3: anybody could move it."""
    words = sa("bare", "esp:3des")
    good = sealer(words).seal(b"payload", 6, 0, 64)
    opener = EspOpener(words)
    assert opener.open(good, IP) == opener.open(good, IP) == (b"payload", 6)


@pytest.mark.parametrize("suite", ["esp:3des-sha1", "esp:aes128-sha2-256", "esp:null-md5"])
def test_short_and_uneven_packets(suite: str) -> None:
    words = sa("short", suite)
    good = sealer(words).seal(b"", 59, 0, 64)
    for end in range(IP, len(good)):
        assert refusal(EspOpener(words), good[:end]) in (
            Refusal.MALFORMED,
            Refusal.NOT_AUTHENTICATED,
        )
    assert EspOpener(words).open(good, IP) == (b"", 59)


def sealed_with_padding(words: IpsecSa, plaintext: bytes) -> bytes:
    """An authentic packet with a plaintext of our choice."""
    block = CIPHERS[words.cipher].block_octets
    iv = bytes(block)
    body = Cbc(CIPHERS[words.cipher], words.cipher_key).encrypt(iv, plaintext)
    return ip.build(50, A, B, words.spi.to_bytes(4, "big") + bytes([0, 0, 0, 1]) + iv + body)


@pytest.mark.parametrize(
    "plaintext",
    [
        b"abc" + bytes([3, 2, 1]) + bytes([3, 6]),
        b"abc" + bytes([1, 2, 0]) + bytes([3, 6]),
        b"abcdef" + bytes([7, 6]),
        b"abcdef" + bytes([255, 6]),
    ],
    ids=["backwards", "zeros", "longer than the packet", "much longer"],
)
def test_wrong_padding(plaintext: bytes) -> None:
    words = sa("padding", "esp:3des")
    assert refusal(EspOpener(words), sealed_with_padding(words, plaintext)) is Refusal.NOT_DECRYPTED


def test_more_padding_than_needed_is_fine() -> None:
    words = sa("padding", "esp:3des")
    plaintext = b"abc" + bytes(range(1, 12)) + bytes([11, 6])
    assert EspOpener(words).open(sealed_with_padding(words, plaintext), IP) == (b"abc", 6)


def test_an_exhausted_sa_seals_no_more() -> None:
    ours = sealer(sa("end", "esp:aes128-sha1"))
    ours.sequence.last = 0xFFFF_FFFE
    ours.seal(b"last", 6, 0, 64)
    with pytest.raises(PacketRefused) as refused:
        ours.seal(b"one more", 6, 0, 64)
    assert refused.value.reason is Refusal.EXPIRED


def test_keys_do_not_show() -> None:
    words = sa("secret", "esp:aes128-sha1")
    for each in (sealer(words), EspOpener(words)):
        assert words.cipher_key.hex() not in repr(vars(each))
        assert repr(words.cipher_key) not in repr(vars(each))
