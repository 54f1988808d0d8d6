"""Block ciphers in CBC mode, with contexts that live as long as their key.

Source: RFC 2405 (DES), RFC 2451 (3DES), RFC 3602 (AES); FIPS 81 and NIST SP 800-38A for CBC.
Talks to: OpenSSL through `cryptography`.
Does not: pad, choose IVs, or know a message from a packet.
"""

from collections.abc import Callable

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import ciphers
from cryptography.hazmat.primitives.ciphers import CipherContext, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from mainmode.crypto.algorithms import Cipher
from mainmode.numbers import EspTransform

_BLOCK_CIPHERS: dict[EspTransform, Callable[[bytes], AES | TripleDES]] = {
    # The library is giving up single DES; encrypt-decrypt-encrypt under K, K, K is the same.
    EspTransform.DES: lambda key: TripleDES(key * 3),
    EspTransform.TRIPLE_DES: TripleDES,
    EspTransform.AES_CBC: AES,
}


class Cbc:
    """CBC under one key: any number of messages, each with its own IV.

    Making a context costs more than encrypting a short message, and a context takes no new IV. A
    context that is never finalised goes on chaining, though, and that can be used instead:

    to encrypt  C1 = E(P1 xor IV), and the context computes E(input xor last ciphertext block):
                so the input is P1 xor IV xor last ciphertext block;
    to decrypt  P1 = D(C1) xor IV, and the context remembers its last input block:
                so the IV is given as a block of its own, whose output is thrown away.

    Nothing of one call reaches the next. A context holds about a kilobyte and the key: drop the Cbc
    with its negotiation. Raises ValueError, with the contexts untouched, unless plaintexts and
    ciphertexts are whole blocks, at least one, and IVs are one block.
    """

    __slots__ = ("_algorithm", "_decryptor", "_encryptor", "_last_block", "block_octets")

    def __init__(self, cipher: Cipher, key: bytes) -> None:
        if cipher.esp not in _BLOCK_CIPHERS or len(key) != cipher.key_octets:
            raise ValueError(f"{cipher.name} in CBC mode does not take a key of {len(key)} octets")
        self._algorithm = _BLOCK_CIPHERS[cipher.esp](key)
        self._encryptor: CipherContext | None = None
        self._decryptor: CipherContext | None = None
        self._last_block = bytes(cipher.block_octets)
        self.block_octets = cipher.block_octets

    def encrypt(self, iv: bytes, plaintext: bytes) -> bytes:
        """The ciphertext, as long as the plaintext."""
        block = self.block_octets
        self._require_blocks(plaintext)
        self._require_iv(iv)
        first = (
            int.from_bytes(plaintext[:block])
            ^ int.from_bytes(iv)
            ^ int.from_bytes(self._last_block)
        )
        return self._continue(first.to_bytes(block) + plaintext[block:])

    def decrypt(self, iv: bytes, ciphertext: bytes) -> bytes:
        """The plaintext, as long as the ciphertext."""
        self._require_blocks(ciphertext)
        self._require_iv(iv)
        return self.decrypt_chained(iv + ciphertext)

    def encrypt_chained(self, plaintext: bytes) -> bytes:
        """A packet's IV and ciphertext; `plaintext` starts with one block never given before.

        That fresh block (a sequence number, padded) comes out as the IV: E(fresh xor last
        ciphertext block), which nobody without the key can predict (SP 800-38A appendix C), and
        no random octets are spent. It rests on this context being the only one that seals under
        this key in this way: it must not be copied by a fork.
        """
        self._require_blocks(plaintext)
        return self._continue(plaintext)

    def decrypt_chained(self, ciphertext: bytes) -> bytes:
        """What stood behind the fresh block, from a packet's IV and ciphertext together."""
        self._require_blocks(ciphertext)
        if self._decryptor is None:
            self._decryptor = self._context().decryptor()
        return self._decryptor.update(ciphertext)[self.block_octets :]

    def _continue(self, plaintext: bytes) -> bytes:
        if self._encryptor is None:
            self._encryptor = self._context().encryptor()
        ciphertext = self._encryptor.update(plaintext)
        self._last_block = ciphertext[-self.block_octets :]
        return ciphertext

    def _context(self) -> ciphers.Cipher[modes.CBC]:
        return ciphers.Cipher(self._algorithm, modes.CBC(bytes(self.block_octets)))

    def _require_blocks(self, octets: bytes) -> None:
        # A partial block would stay in the context and spoil every later message.
        if not octets or len(octets) % self.block_octets:
            raise ValueError(f"{len(octets)} octets are not whole blocks of {self.block_octets}")

    def _require_iv(self, iv: bytes) -> None:
        if len(iv) != self.block_octets:
            raise ValueError(f"an IV of {len(iv)} octets for blocks of {self.block_octets}")
