"""The registry: every algorithm is found by its numbers, and reading it costs nothing."""

import subprocess
import sys

from mainmode.crypto.algorithms import (
    CIPHER_BY_ESP,
    CIPHER_BY_IKE,
    CIPHERS,
    GROUP_BY_NUMBER,
    GROUPS,
    HASH_BY_ESP,
    HASH_BY_IKE,
    HASHES,
)


def test_the_registry_loads_no_cryptography() -> None:
    """Policy and the command line read it: they must start at once."""
    probe = (
        "import sys, mainmode.crypto.algorithms\n"
        "assert not {'cryptography', 'gmpy2'} & sys.modules.keys(), sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)


def test_every_algorithm_is_found_by_its_numbers() -> None:
    for cipher in CIPHERS.values():
        assert CIPHER_BY_ESP[int(cipher.esp), cipher.key_length_bits] is cipher
        if cipher.ike is not None:
            assert CIPHER_BY_IKE[int(cipher.ike), cipher.key_length_bits] is cipher
    for entry in HASHES.values():
        assert HASH_BY_IKE[int(entry.ike)] is HASH_BY_ESP[int(entry.esp)] is entry
    for group in GROUPS.values():
        assert GROUP_BY_NUMBER[int(group.number)] is group


def test_aes_without_a_key_length_is_aes_128() -> None:
    assert CIPHER_BY_IKE[7, 0] is CIPHER_BY_ESP[12, 0] is CIPHERS["aes128"]
