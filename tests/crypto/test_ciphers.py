"""CBC against published values; whole blocks, and contexts that survive what is refused."""

import pytest

from mainmode.crypto.algorithms import CIPHERS
from mainmode.crypto.ciphers import Cbc
from tests.crypto.vectors import Case, cases, octets

BLOCK_CIPHERS = [name for name in CIPHERS if name != "null"]


@pytest.mark.parametrize("case", cases("cbc"))
def test_published_values(case: Case) -> None:
    key, iv, plaintext, ciphertext = octets(case, "key", "iv", "plaintext", "ciphertext")
    cbc = Cbc(CIPHERS[case["cipher"]], key)

    for _ in range(2):  # the second time on contexts that have been used
        assert cbc.encrypt(iv, plaintext) == ciphertext
        assert cbc.decrypt(iv, ciphertext) == plaintext


def test_every_cipher_has_published_values() -> None:
    assert {case.values[0]["cipher"] for case in cases("cbc")} == set(BLOCK_CIPHERS)


@pytest.mark.parametrize("name", BLOCK_CIPHERS)
@pytest.mark.parametrize("blocks_and_a_bit", [0, 0.5, 1.5])
def test_partial_blocks_are_refused_and_leave_no_trace(name: str, blocks_and_a_bit: float) -> None:
    cipher = CIPHERS[name]
    cbc, key_twin = (Cbc(cipher, bytes(range(cipher.key_octets))) for _ in range(2))
    iv, message = bytes(cipher.block_octets), b"m" * cipher.block_octets * 3
    odd = b"x" * int(cipher.block_octets * blocks_and_a_bit)

    cbc.encrypt(iv, message)
    key_twin.encrypt(iv, message)
    with pytest.raises(ValueError, match="not whole blocks"):
        cbc.encrypt(iv, odd)
    with pytest.raises(ValueError, match="not whole blocks"):
        cbc.decrypt(iv, odd)
    with pytest.raises(ValueError, match="not whole blocks"):
        cbc.encrypt_chained(odd)
    with pytest.raises(ValueError, match="not whole blocks"):
        cbc.decrypt_chained(odd)

    assert cbc.encrypt_chained(message) == key_twin.encrypt_chained(message)
    assert cbc.decrypt(iv, cbc.encrypt(iv, message)) == message


def test_an_iv_is_one_block() -> None:
    cbc = Cbc(CIPHERS["aes128"], bytes(16))
    for iv in (b"", bytes(8), bytes(15), bytes(17), bytes(32)):
        with pytest.raises(ValueError, match="IV"):
            cbc.encrypt(iv, bytes(16))
        with pytest.raises(ValueError, match="IV"):
            cbc.decrypt(iv, bytes(16))


@pytest.mark.parametrize("name", CIPHERS)
def test_keys_have_the_length_of_the_registry(name: str) -> None:
    cipher = CIPHERS[name]
    for octets_ in (cipher.key_octets - 1, cipher.key_octets + 1):
        if octets_ >= 0:
            with pytest.raises(ValueError, match="key"):
                Cbc(cipher, bytes(octets_))


def test_null_encryption_is_no_block_cipher() -> None:
    with pytest.raises(ValueError, match="null"):
        Cbc(CIPHERS["null"], b"")


@pytest.mark.parametrize("name", BLOCK_CIPHERS)
def test_chained_packets_carry_their_own_iv(name: str) -> None:
    cipher = CIPHERS[name]
    key, block = bytes(range(cipher.key_octets)), cipher.block_octets
    sender = Cbc(cipher, key)
    payload = b"the same every time, two blocks!"

    packets = [sender.encrypt_chained(n.to_bytes(block) + payload) for n in range(1, 50)]

    for packet in packets:  # an ordinary receiver: a fresh context for every packet
        assert Cbc(cipher, key).decrypt(packet[:block], packet[block:]) == payload
    assert len({packet[:block] for packet in packets}) == len(packets)
    receiver = Cbc(cipher, key)
    for packet in reversed(packets):  # and a kept one, out of order
        assert receiver.decrypt_chained(packet) == payload


def test_repr_keeps_the_key() -> None:
    assert "secret00" not in repr(Cbc(CIPHERS["des"], b"secret00"))
