"""Weak and semi-weak DES keys, and 3DES keys that are single DES, are refused."""

import pytest

from mainmode.crypto.algorithms import CIPHERS
from mainmode.crypto.ciphers import Cbc
from mainmode.crypto.weak_keys import require_strong
from mainmode.errors import WeakKey

DES, TRIPLE_DES = CIPHERS["des"], CIPHERS["3des"]

WEAK = ["0101010101010101", "1f1f1f1f0e0e0e0e", "e0e0e0e0f1f1f1f1", "fefefefefefefefe"]
SEMI_WEAK = [
    ("011f011f010e010e", "1f011f010e010e01"),
    ("01e001e001f101f1", "e001e001f101f101"),
    ("01fe01fe01fe01fe", "fe01fe01fe01fe01"),
    ("1fe01fe00ef10ef1", "e01fe01ff10ef10e"),
    ("1ffe1ffe0efe0efe", "fe1ffe1ffe0efe0e"),
    ("e0fee0fef1fef1fe", "fee0fee0fef1fef1"),
]
ALL = [*WEAK, *(key for pair in SEMI_WEAK for key in pair)]

STRONG = "0123456789abcdef"


def des_block(key: str, block: bytes) -> bytes:
    return Cbc(DES, bytes.fromhex(key)).encrypt(bytes(8), block)


@pytest.mark.parametrize(("first", "second"), [(key, key) for key in WEAK] + SEMI_WEAK)
def test_the_listed_keys_undo_each_other(first: str, second: str) -> None:
    """What makes them weak: encrypting twice decrypts. A typing error would show here."""
    assert des_block(second, des_block(first, b"anything")) == b"anything"
    assert des_block(first, des_block(first, b"anything")) != b"anything" or first == second


@pytest.mark.parametrize("key", ALL)
def test_weak_and_semi_weak_des_keys_are_refused(key: str) -> None:
    with pytest.raises(WeakKey, match="weak des key") as caught:
        require_strong(DES, bytes.fromhex(key))
    assert key not in str(caught.value)


@pytest.mark.parametrize("key", ALL)
def test_parity_is_ignored(key: str) -> None:
    flipped = bytes(octet ^ 1 for octet in bytes.fromhex(key))
    mixed = bytes([*flipped[:3], *bytes.fromhex(key)[3:]])
    for other_parity in (flipped, mixed):
        with pytest.raises(WeakKey):
            require_strong(DES, other_parity)


@pytest.mark.parametrize("key", ALL)
def test_a_neighbour_of_a_weak_key_is_strong(key: str) -> None:
    neighbour = bytes([bytes.fromhex(key)[0] ^ 0x02, *bytes.fromhex(key)[1:]])
    assert require_strong(DES, neighbour) == neighbour


K1, K2, K3 = "1111111111111111", "2323232323232323", "4545454545454545"


@pytest.mark.parametrize(
    "key",
    [
        K1 + K1 + K3,
        K1 + K2 + K2,
        K1 + K1 + K1,
        "1010101010101010" + K1 + K3,  # equal but for parity
        K1 + K2 + "2222222222222222",
    ],
)
def test_3des_keys_that_make_it_single_des_are_refused(key: str) -> None:
    with pytest.raises(WeakKey, match="weak 3des key"):
        require_strong(TRIPLE_DES, bytes.fromhex(key))


@pytest.mark.parametrize(
    "key",
    [
        K1 + K2 + K3,
        K1 + K2 + K1,  # two-key 3DES
        WEAK[0] + WEAK[1] + WEAK[2],  # harmless inside 3DES (RFC 2451 2.3)
    ],
)
def test_other_3des_keys_pass(key: str) -> None:
    assert require_strong(TRIPLE_DES, bytes.fromhex(key)).hex() == key


@pytest.mark.parametrize("name", ["aes128", "aes192", "aes256", "null"])
def test_other_ciphers_have_no_weak_keys(name: str) -> None:
    key = bytes.fromhex(WEAK[0] * 4)[: CIPHERS[name].key_octets]
    assert require_strong(CIPHERS[name], key) == key
