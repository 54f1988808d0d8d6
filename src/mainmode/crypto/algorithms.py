"""The registry: every algorithm once, with its numbers in each protocol and its sizes.

A new algorithm is a new entry; offers, wire numbers, key lengths, policy names and messages to
people all derive from it.

Source: RFC 2409 appendix A, RFC 2407 4.4 and 4.5, RFC 2403..2406, 2451, 3526, 3602, 4868, 5903.
Does not: compute anything; `ciphers`, `prf` and `dh` do.
"""

from dataclasses import dataclass

from mainmode.numbers import (
    AhTransform,
    AuthenticationAlgorithm,
    EncryptionAlgorithm,
    EspTransform,
    GroupDescription,
    HashAlgorithm,
)


@dataclass(frozen=True, slots=True)
class Cipher:
    """A block cipher in CBC mode, or ESP's null encryption."""

    name: str
    key_octets: int
    block_octets: int
    ike: EncryptionAlgorithm | None
    """Phase 1 number; None: not for main mode."""
    esp: EspTransform
    key_length_bits: int = 0
    """Value of the key length attribute; 0: the attribute is not sent (fixed-size keys)."""
    warning: str = ""
    """Why a policy that names it is warned, or empty."""


@dataclass(frozen=True, slots=True)
class Hash:
    """A hash function: main mode's prf (as HMAC) and the integrity of AH and ESP."""

    name: str
    hashlib_name: str
    octets: int
    """Length of the digest, and of the integrity key."""
    icv_octets: int
    """Length of the truncated integrity check value in a packet."""
    ike: HashAlgorithm
    esp: AuthenticationAlgorithm
    ah: AhTransform
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A Diffie-Hellman group."""

    name: str
    number: GroupDescription
    public_octets: int
    """Length of a public value on the wire, left-padded with zeros."""
    shared_octets: int
    """Length of g^xy as it enters key derivation, left-padded with zeros."""
    modp_constant: int = 0
    """c in p = 2^n - 2^(n-64) - 1 + 2^64 ([2^(n-130) pi] + c); 0: an elliptic curve group."""
    warning: str = ""
    private_octets: int = 32
    """Length of a private value: at least twice the group's strength (RFC 3526 8)."""


_SMALL_BLOCK = "a 64-bit block cipher with a 56-bit key: can be broken in a day"

CIPHERS = {
    cipher.name: cipher
    for cipher in (
        Cipher("des", 8, 8, EncryptionAlgorithm.DES_CBC, EspTransform.DES, warning=_SMALL_BLOCK),
        Cipher("3des", 24, 8, EncryptionAlgorithm.TRIPLE_DES_CBC, EspTransform.TRIPLE_DES),
        Cipher("aes128", 16, 16, EncryptionAlgorithm.AES_CBC, EspTransform.AES_CBC, 128),
        Cipher("aes192", 24, 16, EncryptionAlgorithm.AES_CBC, EspTransform.AES_CBC, 192),
        Cipher("aes256", 32, 16, EncryptionAlgorithm.AES_CBC, EspTransform.AES_CBC, 256),
        Cipher("null", 0, 4, None, EspTransform.NULL),
    )
}
"""By name. `null` is ESP without encryption (RFC 2410); its block is ESP's alignment."""

HASHES = {
    entry.name: entry
    for entry in (
        Hash(
            "md5",
            "md5",
            16,
            12,
            HashAlgorithm.MD5,
            AuthenticationAlgorithm.HMAC_MD5,
            AhTransform.MD5,
            warning="collisions are cheap; HMAC-MD5 still stands, but nobody should start with it",
        ),
        Hash(
            "sha1",
            "sha1",
            20,
            12,
            HashAlgorithm.SHA,
            AuthenticationAlgorithm.HMAC_SHA,
            AhTransform.SHA,
        ),
        Hash(
            "sha2-256",
            "sha256",
            32,
            16,
            HashAlgorithm.SHA2_256,
            AuthenticationAlgorithm.HMAC_SHA2_256,
            AhTransform.SHA2_256,
        ),
        Hash(
            "sha2-384",
            "sha384",
            48,
            24,
            HashAlgorithm.SHA2_384,
            AuthenticationAlgorithm.HMAC_SHA2_384,
            AhTransform.SHA2_384,
        ),
        Hash(
            "sha2-512",
            "sha512",
            64,
            32,
            HashAlgorithm.SHA2_512,
            AuthenticationAlgorithm.HMAC_SHA2_512,
            AhTransform.SHA2_512,
        ),
    )
}

GROUPS = {
    group.name: group
    for group in (
        Group(
            "group1",
            GroupDescription.MODP_768,
            96,
            96,
            149_686,
            warning="768 bits: within reach of a large organisation",
        ),
        Group("group2", GroupDescription.MODP_1024, 128, 128, 129_093),
        Group("group5", GroupDescription.MODP_1536, 192, 192, 741_804),
        Group("group14", GroupDescription.MODP_2048, 256, 256, 124_476),
        Group("group15", GroupDescription.MODP_3072, 384, 384, 1_690_314, private_octets=40),
        Group("group19", GroupDescription.ECP_256, 64, 32),
    )
}
"""Group 19: public value is x | y, the shared secret x alone (RFC 5903 7)."""

GROUP_BY_NUMBER = {int(group.number): group for group in GROUPS.values()}
HASH_BY_IKE = {int(entry.ike): entry for entry in HASHES.values()}
HASH_BY_ESP = {int(entry.esp): entry for entry in HASHES.values()}
CIPHER_BY_IKE = {
    (int(cipher.ike), cipher.key_length_bits): cipher
    for cipher in CIPHERS.values()
    if cipher.ike is not None
}
"""By phase 1 number and key length attribute (0 when absent; absent on AES means 128)."""
CIPHER_BY_ESP = {(int(cipher.esp), cipher.key_length_bits): cipher for cipher in CIPHERS.values()}
CIPHER_BY_IKE[int(EncryptionAlgorithm.AES_CBC), 0] = CIPHERS["aes128"]
CIPHER_BY_ESP[int(EspTransform.AES_CBC), 0] = CIPHERS["aes128"]
