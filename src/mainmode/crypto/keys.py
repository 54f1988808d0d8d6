"""Everything IKE derives: SKEYID and its family, cipher keys, IVs, HASHes and KEYMAT.

Source: RFC 2409 5, 5.5, 5.7 and appendix B. Names are the RFC's: ni_b and nr_b are the bodies of
the nonce payloads, sai_b of the initiator's SA payload, idii_b and idir_b of the ID payloads, none
with its generic header and all exactly as they were on the wire; cky_i and cky_r are the 8-octet
cookies; g_xi, g_xr and g_xy have their group's full length. Initiator and responder are those of
the exchange at hand: either side may begin a quick mode.
Does not: keep anything. All functions are pure.
"""

from dataclasses import dataclass, field

from mainmode.crypto.algorithms import Cipher, Hash
from mainmode.crypto.prf import Prf, digest
from mainmode.crypto.weak_keys import require_strong
from mainmode.numbers import ProtocolId


@dataclass(frozen=True, slots=True)
class MainModeKeys:
    """The four secrets of a main mode SA, each as long as the hash. Never shown."""

    skeyid: bytes = field(repr=False)
    """For HASH_I and HASH_R."""
    skeyid_d: bytes = field(repr=False)
    """For the keys of quick mode SAs."""
    skeyid_a: bytes = field(repr=False)
    """For the HASHes of quick mode and informational exchanges."""
    skeyid_e: bytes = field(repr=False)
    """For the key of main mode's own cipher."""


# --- main mode ------------------------------------------------------------------------------


def skeyid_preshared(hash: Hash, key: bytes, ni_b: bytes, nr_b: bytes) -> bytes:
    """SKEYID with a preshared key: prf(key, Ni_b | Nr_b)."""
    return Prf(hash, key)(ni_b + nr_b)


def skeyid_signature(hash: Hash, ni_b: bytes, nr_b: bytes, g_xy: bytes) -> bytes:
    """SKEYID with signatures: prf(Ni_b | Nr_b, g^xy).

    With GSS-API as well (draft-ietf-ipsec-isakmp-gss-auth-07 3.1).
    """
    return Prf(hash, ni_b + nr_b)(g_xy)


def main_mode_keys(
    hash: Hash, skeyid: bytes, g_xy: bytes, cky_i: bytes, cky_r: bytes
) -> MainModeKeys:
    """SKEYID_d, _a and _e: each takes the one before it, and a number of one octet."""
    prf = Prf(hash, skeyid)
    context = g_xy + cky_i + cky_r
    skeyid_d = prf(context + b"\0")
    skeyid_a = prf(skeyid_d + context + b"\1")
    skeyid_e = prf(skeyid_a + context + b"\2")
    return MainModeKeys(skeyid, skeyid_d, skeyid_a, skeyid_e)


def cipher_key(hash: Hash, cipher: Cipher, skeyid_e: bytes) -> bytes:
    """The key of main mode's cipher (appendix B). Raises WeakKey.

    The first octets of SKEYID_e; where that is too short, of K1 | K2 | ... with
    K1 = prf(SKEYID_e, 0) and Kn = prf(SKEYID_e, Kn-1), so that SKEYID_e itself is no part of it.
    """
    key = skeyid_e
    if len(key) < cipher.key_octets:
        prf = Prf(hash, skeyid_e)
        key = block = prf(b"\0")
        while len(key) < cipher.key_octets:
            block = prf(block)
            key += block
    return require_strong(cipher, key[: cipher.key_octets])


def phase1_iv(hash: Hash, cipher: Cipher, g_xi: bytes, g_xr: bytes) -> bytes:
    """The IV of main mode's first encrypted message: hash(g^xi | g^xr), cut to a block.

    From then on it is the last ciphertext block of the main mode message before, of either side.
    """
    return digest(hash, g_xi + g_xr)[: cipher.block_octets]


def hash_i(
    prf: Prf, g_xi: bytes, g_xr: bytes, cky_i: bytes, cky_r: bytes, sai_b: bytes, idii_b: bytes
) -> bytes:
    """HASH_I = prf(SKEYID, g^xi | g^xr | CKY-I | CKY-R | SAi_b | IDii_b)."""
    return prf(g_xi + g_xr + cky_i + cky_r + sai_b + idii_b)


def hash_r(
    prf: Prf, g_xi: bytes, g_xr: bytes, cky_i: bytes, cky_r: bytes, sai_b: bytes, idir_b: bytes
) -> bytes:
    """HASH_R = prf(SKEYID, g^xr | g^xi | CKY-R | CKY-I | SAi_b | IDir_b).

    The SA payload is the initiator's here too.
    """
    return prf(g_xr + g_xi + cky_r + cky_i + sai_b + idir_b)


# --- under a main mode SA -------------------------------------------------------------------


def phase2_iv(hash: Hash, cipher: Cipher, last_block: bytes, message_id: int) -> bytes:
    """The IV of the first message of a quick mode or informational exchange.

    hash(last_block | M-ID), cut to a block; last_block is the last ciphertext block of main mode's
    last message, whatever has been sent since. Within a quick mode the next IV is the last
    ciphertext block of its message before; an informational exchange has one message.
    """
    return digest(hash, last_block + message_id.to_bytes(4))[: cipher.block_octets]


def hash_1(prf_a: Prf, message_id: int, rest: bytes) -> bytes:
    """HASH(1) = prf(SKEYID_a, M-ID | rest): quick mode's message 1, informational exchanges.

    rest: the message from the generic header after the HASH payload to the last payload's end,
    without padding.
    """
    return prf_a(message_id.to_bytes(4) + rest)


def hash_2(prf_a: Prf, message_id: int, ni_b: bytes, rest: bytes) -> bytes:
    """HASH(2) = prf(SKEYID_a, M-ID | Ni_b | rest): quick mode's message 2; `rest` as in hash_1."""
    return prf_a(message_id.to_bytes(4) + ni_b + rest)


def hash_3(prf_a: Prf, message_id: int, ni_b: bytes, nr_b: bytes) -> bytes:
    """HASH(3) = prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b): quick mode's message 3."""
    return prf_a(b"\0" + message_id.to_bytes(4) + ni_b + nr_b)


def keymat(
    prf_d: Prf,
    protocol: ProtocolId,
    spi: int,
    ni_b: bytes,
    nr_b: bytes,
    octets: int,
    g_xy: bytes = b"",
) -> bytes:
    """The key material of one direction of a quick mode SA (5.5), exactly `octets` long.

    K1 | K2 | ... with K1 = prf(SKEYID_d, seed), Kn = prf(SKEYID_d, Kn-1 | seed) and
    seed = [g^xy |] protocol | SPI | Ni_b | Nr_b. The SPI is the one that the receiver of this
    direction chose; g_xy is quick mode's own, empty without perfect forward secrecy.
    Raises ValueError when octets < 1: a suite without any key protects nothing.
    """
    if octets < 1:
        raise ValueError("a suite without any key")
    seed = g_xy + protocol.to_bytes(1) + spi.to_bytes(4) + ni_b + nr_b
    material = block = prf_d(seed)
    while len(material) < octets:
        block = prf_d(block + seed)
        material += block
    return material[:octets]


def esp_keys(
    prf_d: Prf,
    cipher: Cipher,
    integrity: Hash | None,
    spi: int,
    ni_b: bytes,
    nr_b: bytes,
    g_xy: bytes = b"",
) -> tuple[bytes, bytes]:
    """One direction's cipher key and integrity key, in KEYMAT's order; either may be empty.

    Raises WeakKey: the pair is to be discarded then and negotiated anew (RFC 2405 2.3); and
    ValueError for null encryption without integrity.
    """
    octets = cipher.key_octets + (integrity.octets if integrity else 0)
    material = keymat(prf_d, ProtocolId.ESP, spi, ni_b, nr_b, octets, g_xy)
    key = require_strong(cipher, material[: cipher.key_octets])
    return key, material[cipher.key_octets :]


def ah_keys(
    prf_d: Prf, integrity: Hash, spi: int, ni_b: bytes, nr_b: bytes, g_xy: bytes = b""
) -> tuple[bytes, bytes]:
    """One direction's keys like `esp_keys`: the cipher key is empty."""
    return b"", keymat(prf_d, ProtocolId.AH, spi, ni_b, nr_b, integrity.octets, g_xy)
