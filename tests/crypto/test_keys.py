"""Main mode and quick mode keys against known negotiations, lengths and splits (RFC 2409 5)."""

from typing import Any

import pytest

from mainmode.crypto import keys
from mainmode.crypto.algorithms import CIPHERS, GROUPS, HASHES, Hash
from mainmode.crypto.prf import Prf
from mainmode.errors import WeakKey
from mainmode.numbers import ProtocolId
from tests.crypto.vectors import Case, cases, octets

SHA1, MD5, SHA2_256 = HASHES["sha1"], HASHES["md5"], HASHES["sha2-256"]
DES, TRIPLE_DES, AES_256 = CIPHERS["des"], CIPHERS["3des"], CIPHERS["aes256"]


# --- published and captured negotiations ----------------------------------------------------


def main_mode_keys_of(case: Case) -> keys.MainModeKeys:
    hash = HASHES[case["hash"]]
    ni_b, nr_b, g_xy, cky_i, cky_r = octets(case, "ni_b", "nr_b", "g_xy", "cky_i", "cky_r")
    if case["authentication"] == "preshared":
        skeyid = keys.skeyid_preshared(hash, bytes.fromhex(case["preshared_key"]), ni_b, nr_b)
    else:
        assert case["authentication"] == "signature"
        skeyid = keys.skeyid_signature(hash, ni_b, nr_b, g_xy)
    return keys.main_mode_keys(hash, skeyid, g_xy, cky_i, cky_r)


def main_mode_values(case: Case) -> dict[str, bytes]:
    """Everything that can be computed from what the case gives."""
    hash, family = HASHES[case["hash"]], main_mode_keys_of(case)
    names = ("skeyid", "skeyid_d", "skeyid_a", "skeyid_e")
    values = {name: getattr(family, name) for name in names}
    if "cipher" in case:
        cipher = CIPHERS[case["cipher"]]
        values["cipher_key"] = keys.cipher_key(hash, cipher, family.skeyid_e)
        if "g_xi" in case:
            values["phase1_iv"] = keys.phase1_iv(hash, cipher, *octets(case, "g_xi", "g_xr"))
    if "sai_b" in case:
        prf = Prf(hash, family.skeyid)
        covered = ("g_xi", "g_xr", "cky_i", "cky_r", "sai_b")
        if "idii_b" in case:
            values["hash_i"] = keys.hash_i(prf, *octets(case, *covered, "idii_b"))
        if "idir_b" in case:
            values["hash_r"] = keys.hash_r(prf, *octets(case, *covered, "idir_b"))
    return values


def exchange_values(case: Case, exchange: Case) -> dict[str, bytes]:
    hash, family = HASHES[case["hash"]], main_mode_keys_of(case)
    prf_a, message_id = Prf(hash, family.skeyid_a), int(exchange["message_id"], 16)
    values = {}
    if "last_block" in exchange:
        last_block = bytes.fromhex(exchange["last_block"])
        values["phase2_iv"] = keys.phase2_iv(hash, CIPHERS[case["cipher"]], last_block, message_id)
    if "rest_1" in exchange:
        values["hash_1"] = keys.hash_1(prf_a, message_id, bytes.fromhex(exchange["rest_1"]))
    if "rest_2" in exchange:
        ni_b, rest = octets(exchange, "ni_b", "rest_2")
        values["hash_2"] = keys.hash_2(prf_a, message_id, ni_b, rest)
    if "nr_b" in exchange:
        values["hash_3"] = keys.hash_3(prf_a, message_id, *octets(exchange, "ni_b", "nr_b"))
    return values


def assert_as_expected(values: dict[str, bytes], expected: dict[str, Any]) -> None:
    assert values.keys() >= expected.keys(), "the case lacks what is needed to compute these"
    assert {name: values[name].hex() for name in expected} == expected


@pytest.mark.parametrize("case", cases("negotiation"))
def test_main_mode_of_a_known_negotiation(case: Case) -> None:
    assert case["expected"]
    assert_as_expected(main_mode_values(case), case["expected"])


@pytest.mark.parametrize("case", cases("negotiation"))
def test_exchanges_of_a_known_negotiation(case: Case) -> None:
    prf_d = Prf(HASHES[case["hash"]], main_mode_keys_of(case).skeyid_d)
    for exchange in case.get("exchanges", ()):
        assert_as_expected(exchange_values(case, exchange), exchange["expected"])
        for sa in exchange.get("sas", ()):
            spi, (ni_b, nr_b) = int(sa["spi"], 16), octets(exchange, "ni_b", "nr_b")
            g_xy = bytes.fromhex(exchange.get("g_xy", ""))
            integrity: Hash | None = HASHES[sa["integrity"]] if sa["integrity"] else None
            if sa["protocol"] == "ESP":
                derived = keys.esp_keys(
                    prf_d, CIPHERS[sa["cipher"]], integrity, spi, ni_b, nr_b, g_xy
                )
            else:
                assert integrity is not None
                derived = keys.ah_keys(prf_d, integrity, spi, ni_b, nr_b, g_xy)
            assert derived == octets(sa, "cipher_key", "integrity_key")


@pytest.mark.parametrize("case", [c for c in cases("negotiation") if "group" in c.values[0]])
def test_a_peers_values_have_their_groups_length(case: Case) -> None:
    group = GROUPS[case["group"]]
    for values in (case, *(each for each in case.get("exchanges", ()) if "g_xi" in each)):
        g_xi, g_xr, g_xy = octets(values, "g_xi", "g_xr", "g_xy")
        assert len(g_xi) == len(g_xr) == group.public_octets
        assert len(g_xy) == group.shared_octets


# --- main mode ------------------------------------------------------------------------------


def test_a_preshared_key_longer_than_the_hashs_block_is_taken_whole() -> None:
    long = b"0123456789abcdef" * 5
    assert keys.skeyid_preshared(SHA1, long, b"i", b"r") != keys.skeyid_preshared(
        SHA1, long[:64], b"i", b"r"
    )


def test_nothing_of_the_keys_is_shown() -> None:
    family = keys.main_mode_keys(SHA1, b"skeyid", b"g_xy", b"cookie_i", b"cookie_r")
    assert repr(family) == "MainModeKeys()"


@pytest.mark.parametrize("name", HASHES)
@pytest.mark.parametrize("cipher_name", [name for name in CIPHERS if name != "null"])
def test_cipher_keys_have_their_length_with_every_hash(name: str, cipher_name: str) -> None:
    hash, cipher = HASHES[name], CIPHERS[cipher_name]
    skeyid_e = bytes(range(100, 100 + hash.octets))

    key = keys.cipher_key(hash, cipher, skeyid_e)

    assert len(key) == cipher.key_octets
    # appendix B: the first octets where SKEYID_e is long enough, no octet of it elsewhere
    long_enough = cipher.key_octets <= hash.octets
    assert skeyid_e.startswith(key[:8]) is long_enough


def test_expansion_feeds_back_one_block_at_a_time() -> None:
    """MD5 and AES-256: the only suite that needs two rounds and cuts neither."""
    prf = Prf(MD5, b"e" * 16)
    k1 = prf(b"\0")
    assert keys.cipher_key(MD5, AES_256, b"e" * 16) == k1 + prf(k1)


def test_a_weak_des_key_fails_main_mode() -> None:
    with pytest.raises(WeakKey):
        keys.cipher_key(SHA1, DES, bytes.fromhex("1fe01fe00ef10ef1") + bytes(12))


def test_ivs_are_one_block() -> None:
    for cipher in (DES, AES_256):
        assert len(keys.phase1_iv(MD5, cipher, b"i", b"r")) == cipher.block_octets
        assert len(keys.phase2_iv(MD5, cipher, b"last", 1)) == cipher.block_octets


def test_the_two_sides_proofs_differ_and_swap_with_the_roles() -> None:
    prf, sai_b, id_b = Prf(SHA1, b"skeyid"), b"offer", b"id"
    ours = keys.hash_i(prf, b"g_xi", b"g_xr", b"cookie_i", b"cookie_r", sai_b, id_b)
    theirs = keys.hash_r(prf, b"g_xi", b"g_xr", b"cookie_i", b"cookie_r", sai_b, id_b)

    assert ours != theirs
    assert theirs == keys.hash_i(prf, b"g_xr", b"g_xi", b"cookie_r", b"cookie_i", sai_b, id_b)


# --- quick mode -----------------------------------------------------------------------------


def test_the_three_quick_mode_hashes_cover_what_the_rfc_says() -> None:
    prf_a = Prf(SHA1, b"skeyid_a")
    message_id = b"\x01\x02\x03\x04"
    assert keys.hash_1(prf_a, 0x01020304, b"rest") == prf_a(message_id + b"rest")
    assert keys.hash_2(prf_a, 0x01020304, b"ni", b"rest") == prf_a(message_id + b"nirest")
    assert keys.hash_3(prf_a, 0x01020304, b"ni", b"nr") == prf_a(b"\0" + message_id + b"ninr")


PRF_D = Prf(SHA1, b"skeyid_d")


@pytest.mark.parametrize("octets_", [1, 19, 20, 21, 44, 60, 96])
def test_keymat_is_as_long_as_asked_and_grows_at_the_end(octets_: int) -> None:
    def material(length: int) -> bytes:
        return keys.keymat(PRF_D, ProtocolId.ESP, 0x1000, b"ni", b"nr", length)

    assert len(material(octets_)) == octets_
    assert material(128).startswith(material(octets_))


def test_keymat_differs_with_every_input() -> None:
    variants = {
        keys.keymat(prf_d, protocol, spi, ni_b, nr_b, 20, g_xy)
        for prf_d, protocol, spi, ni_b, nr_b, g_xy in (
            (PRF_D, ProtocolId.ESP, 0x1000, b"ni", b"nr", b""),
            (Prf(SHA1, b"other"), ProtocolId.ESP, 0x1000, b"ni", b"nr", b""),
            (PRF_D, ProtocolId.AH, 0x1000, b"ni", b"nr", b""),
            (PRF_D, ProtocolId.ESP, 0x1001, b"ni", b"nr", b""),
            (PRF_D, ProtocolId.ESP, 0x1000, b"nj", b"nr", b""),
            (PRF_D, ProtocolId.ESP, 0x1000, b"ni", b"ns", b""),
            (PRF_D, ProtocolId.ESP, 0x1000, b"ni", b"nr", b"g_xy"),
        )
    }
    assert len(variants) == 7


@pytest.mark.parametrize("cipher_name", [name for name in CIPHERS if name != "des"])
@pytest.mark.parametrize("hash_name", [*HASHES, None])
def test_esp_keys_split_keymat_cipher_first(cipher_name: str, hash_name: str | None) -> None:
    cipher, integrity = CIPHERS[cipher_name], HASHES[hash_name] if hash_name else None
    if cipher_name == "null" and integrity is None:
        with pytest.raises(ValueError, match="without any key"):
            keys.esp_keys(PRF_D, cipher, integrity, 0x1000, b"ni", b"nr")
        return

    cipher_key, integrity_key = keys.esp_keys(PRF_D, cipher, integrity, 0x1000, b"ni", b"nr")

    assert len(cipher_key) == cipher.key_octets
    assert len(integrity_key) == (integrity.octets if integrity else 0)
    whole = len(cipher_key) + len(integrity_key)
    assert cipher_key + integrity_key == keys.keymat(
        PRF_D, ProtocolId.ESP, 0x1000, b"ni", b"nr", whole
    )


@pytest.mark.parametrize("name", HASHES)
def test_ah_keys_are_integrity_only(name: str) -> None:
    cipher_key, integrity_key = keys.ah_keys(PRF_D, HASHES[name], 0x1000, b"ni", b"nr", b"g_xy")

    assert cipher_key == b""
    assert integrity_key == keys.keymat(
        PRF_D, ProtocolId.AH, 0x1000, b"ni", b"nr", HASHES[name].octets, b"g_xy"
    )


class FixedPrf(Prf):
    """Gives the same octets whatever goes in: a weak key cannot be searched for."""

    __slots__ = ("_output",)

    def __init__(self, output: bytes) -> None:
        super().__init__(SHA2_256, b"")
        self._output = output

    def __call__(self, data: bytes) -> bytes:
        return self._output


def test_weak_keys_fail_quick_mode() -> None:
    weak_des = FixedPrf(bytes.fromhex("fee0fee0fef1fef1") + b"strong" * 4)
    degenerate_3des = FixedPrf(b"8 octets" * 2 + b"eight and more..")

    with pytest.raises(WeakKey):
        keys.esp_keys(weak_des, DES, SHA1, 0x1000, b"ni", b"nr")
    with pytest.raises(WeakKey):
        keys.esp_keys(degenerate_3des, TRIPLE_DES, SHA1, 0x1000, b"ni", b"nr")
    keys.esp_keys(weak_des, TRIPLE_DES, SHA1, 0x1000, b"ni", b"nr")
    keys.ah_keys(weak_des, SHA1, 0x1000, b"ni", b"nr")


@pytest.mark.parametrize("spi", [-1, 2**32])
def test_an_spi_has_32_bits(spi: int) -> None:
    with pytest.raises(OverflowError):
        keys.keymat(PRF_D, ProtocolId.ESP, spi, b"ni", b"nr", 20)
