"""Laws of the crypto layer, against the standard library and fresh contexts."""

import hmac
from typing import Literal

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher as LibraryCipher
from cryptography.hazmat.primitives.ciphers import modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from hypothesis import given, settings
from hypothesis import strategies as st

from mainmode.crypto import dh, keys, modp
from mainmode.crypto.algorithms import CIPHERS, GROUPS, HASHES, Cipher, Group, Hash
from mainmode.crypto.ciphers import Cbc
from mainmode.crypto.prf import Prf
from mainmode.numbers import ProtocolId

hashes = st.sampled_from(list(HASHES.values()))
ciphers = st.sampled_from([cipher for cipher in CIPHERS.values() if cipher.name != "null"])
some_octets = st.binary(max_size=300)
nonces = st.binary(min_size=8, max_size=256)
cookies = st.binary(min_size=8, max_size=8)
message_ids = st.integers(0, 2**32 - 1)


@given(hash=hashes, key=some_octets, messages=st.lists(some_octets, min_size=1, max_size=5))
def test_prf_is_the_standard_librarys_hmac(hash: Hash, key: bytes, messages: list[bytes]) -> None:
    prf = Prf(hash, key)
    for message in messages:
        assert prf(message) == hmac.digest(key, message, hash.hashlib_name)


# --- CBC: kept contexts against fresh ones --------------------------------------------------


def fresh(cipher: Cipher, key: bytes, iv: bytes) -> LibraryCipher[modes.CBC]:
    algorithm = AES(key) if cipher.name.startswith("aes") else TripleDES((key * 3)[:24])
    return LibraryCipher(algorithm, modes.CBC(iv))


Step = tuple[Literal["encrypt", "decrypt", "chained", "partial"], bytes, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(["encrypt", "decrypt", "chained", "partial"]),
        st.binary(min_size=16, max_size=16),
        st.integers(1, 20),
    ),
    max_size=12,
)


@given(cipher=ciphers, key=st.binary(min_size=32, max_size=32), script=steps)
def test_any_sequence_of_calls_equals_fresh_contexts(
    cipher: Cipher, key: bytes, script: list[Step]
) -> None:
    key, block = key[: cipher.key_octets], cipher.block_octets
    cbc = Cbc(cipher, key)
    for number, (what, seed, blocks) in enumerate(script):
        iv, data = seed[:block], (seed * blocks)[: block * blocks]
        match what:
            case "encrypt":
                assert cbc.encrypt(iv, data) == fresh(cipher, key, iv).encryptor().update(data)
            case "decrypt":
                assert cbc.decrypt(iv, data) == fresh(cipher, key, iv).decryptor().update(data)
            case "chained":
                packet = cbc.encrypt_chained(number.to_bytes(block) + data)
                receiver = fresh(cipher, key, packet[:block]).decryptor()
                assert receiver.update(packet[block:]) == data
                assert cbc.decrypt_chained(packet) == data
            case "partial":
                for attempt in (cbc.encrypt, cbc.decrypt):
                    try:
                        attempt(iv, data[:-1])
                    except ValueError:
                        continue
                    raise AssertionError("a partial block was taken")


@given(cipher=ciphers, key=st.binary(min_size=32, max_size=32), data=st.data())
def test_decryption_undoes_encryption(cipher: Cipher, key: bytes, data: st.DataObject) -> None:
    block = cipher.block_octets
    cbc = Cbc(cipher, key[: cipher.key_octets])
    iv = data.draw(st.binary(min_size=block, max_size=block))
    plaintext = data.draw(st.integers(1, 40).map(lambda blocks: iv * blocks))
    assert cbc.decrypt(iv, cbc.encrypt(iv, plaintext)) == plaintext


# --- the formulas of RFC 2409, written out a second time ------------------------------------


@given(hash=hashes, psk=some_octets, ni_b=nonces, nr_b=nonces, g_xy=some_octets, cookie=cookies)
def test_skeyid_family_as_written_in_the_rfc(
    hash: Hash, psk: bytes, ni_b: bytes, nr_b: bytes, g_xy: bytes, cookie: bytes
) -> None:
    def prf(key: bytes, *data: bytes) -> bytes:
        return hmac.digest(key, b"".join(data), hash.hashlib_name)

    cky_i, cky_r = cookie, cookie[::-1]
    assert keys.skeyid_signature(hash, ni_b, nr_b, g_xy) == prf(ni_b + nr_b, g_xy)
    skeyid = prf(psk, ni_b, nr_b)
    assert keys.skeyid_preshared(hash, psk, ni_b, nr_b) == skeyid

    family = keys.main_mode_keys(hash, skeyid, g_xy, cky_i, cky_r)

    skeyid_d = prf(skeyid, g_xy, cky_i, cky_r, b"\x00")
    skeyid_a = prf(skeyid, skeyid_d, g_xy, cky_i, cky_r, b"\x01")
    skeyid_e = prf(skeyid, skeyid_a, g_xy, cky_i, cky_r, b"\x02")
    assert family == keys.MainModeKeys(skeyid, skeyid_d, skeyid_a, skeyid_e)


@given(
    hash=hashes,
    skeyid_d=some_octets,
    spi=st.integers(1, 2**32 - 1),
    ni_b=nonces,
    nr_b=nonces,
    octets=st.integers(1, 200),
    g_xy=some_octets,
)
def test_keymat_as_written_in_the_rfc(
    hash: Hash, skeyid_d: bytes, spi: int, ni_b: bytes, nr_b: bytes, octets: int, g_xy: bytes
) -> None:
    seed = g_xy + b"\x03" + spi.to_bytes(4) + ni_b + nr_b
    blocks = [hmac.digest(skeyid_d, seed, hash.hashlib_name)]
    while len(blocks) * hash.octets < octets:
        blocks.append(hmac.digest(skeyid_d, blocks[-1] + seed, hash.hashlib_name))

    prf_d = Prf(hash, skeyid_d)
    material = keys.keymat(prf_d, ProtocolId.ESP, spi, ni_b, nr_b, octets, g_xy)

    assert material == b"".join(blocks)[:octets]


@given(hash=hashes, cipher=ciphers, last=some_octets, one=message_ids, other=message_ids)
def test_every_message_id_has_its_own_iv(
    hash: Hash, cipher: Cipher, last: bytes, one: int, other: int
) -> None:
    first = keys.phase2_iv(hash, cipher, last, one)
    assert len(first) == cipher.block_octets
    assert (first == keys.phase2_iv(hash, cipher, last, other)) is (one == other)


# --- Diffie-Hellman -------------------------------------------------------------------------

groups = st.sampled_from(list(GROUPS.values()))
seeds = st.binary(min_size=40, max_size=40)


@settings(deadline=None)
@given(group=groups, ours=seeds, theirs=seeds)
def test_both_sides_get_the_same_octets(group: Group, ours: bytes, theirs: bytes) -> None:
    # A scalar of zeros or beyond the curve's order would be drawn again, from the same octets.
    left = dh.generate(group, lambda octets: b"\1" + ours[1:octets])
    right = dh.generate(group, lambda octets: b"\1" + theirs[1:octets])
    secret = left.agree(right.public)
    assert secret == right.agree(left.public)
    assert len(secret) == group.shared_octets


@settings(deadline=None)
@given(group=groups.filter(lambda group: group.modp_constant), seed=seeds)
def test_the_window_table_is_a_power_of_two(group: Group, seed: bytes) -> None:
    x = int.from_bytes(seed[: group.private_octets])
    public = int.from_bytes(modp.Secret(group, x).public)
    assert public == pow(2, x, modp.prime_of(group))


@settings(deadline=None)
@given(peer=st.integers(2, 2**1500), seed=st.binary(min_size=32, max_size=32))
def test_backends_are_interchangeable(peer: int, seed: bytes) -> None:
    """Group 5, the smallest that both are quick with; tests/crypto has the others."""
    group = GROUPS["group5"]
    x = int.from_bytes(seed) | 1 << 255
    octets = peer.to_bytes(group.public_octets)
    gmp = modp.Secret(group, x, modp.Gmp()).shared_secret(octets)
    openssl = modp.Secret(group, x, modp.OpenSsl()).shared_secret(octets)
    assert gmp == openssl
