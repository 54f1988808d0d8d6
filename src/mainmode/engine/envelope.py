"""The encryption of one exchange: HDR*, with the IV chain of RFC 2409 appendix B.

The IV moves only when a message has been accepted or sent; an attempt to open changes nothing,
or one forged datagram would break the chain for good.
"""

import hmac
from collections.abc import Sequence
from struct import Struct

from mainmode.crypto.algorithms import Cipher
from mainmode.crypto.ciphers import Cbc
from mainmode.failures import Failure, Inadmissible, Reason
from mainmode.ladder import Proof
from mainmode.numbers import PayloadType
from mainmode.wire.message import Payloads, encode_payloads
from mainmode.wire.payloads import Hash, Payload

_GENERIC = Struct("!BBH")
"""The generic payload header: next payload, reserved, length (RFC 2408 3.2)."""


class Envelope:
    """Seals and opens the payloads of one exchange."""

    __slots__ = ("_block_octets", "_cbc", "_only_zeros", "iv")

    def __init__(self, cipher: Cipher, key: bytes, iv: bytes, *, only_zeros: bool = False) -> None:
        """only_zeros: the peer is known to pad with nothing else."""
        self._cbc = Cbc(cipher, key)
        self._block_octets = cipher.block_octets
        self._only_zeros = only_zeros
        self.iv = iv

    def seal(self, payloads: bytes) -> bytes:
        """Encrypt, padded with zeros to whole blocks; the chain moves on."""
        padding = -len(payloads) % self._block_octets
        sealed = self._cbc.encrypt(self.iv, payloads + bytes(padding))
        self.iv = sealed[-self._block_octets :]
        return sealed

    def open(self, sealed: bytes) -> bytes:
        """Decrypt with the IV of the chain, which stays where it is. Raises Inadmissible."""
        if not sealed or len(sealed) % self._block_octets:
            detail = f"{len(sealed)} encrypted octets are no whole number of blocks"
            raise Inadmissible(Failure(Reason.MALFORMED, detail=detail))
        return self._cbc.decrypt(self.iv, sealed)

    def require_padding(self, plaintext: bytes, payloads: Payloads) -> None:
        """No proof covers what follows the payloads, and the chain goes on from there: it is a
        block at most, and a whole one looks like some peer's. Raises Inadmissible."""
        padding = plaintext[payloads.end :]
        if len(padding) > self._block_octets or (
            len(padding) == self._block_octets and not self._may_be_padding(padding)
        ):
            detail = f"the {len(padding)} octets behind the payloads are no padding"
            raise Inadmissible(Failure(Reason.MALFORMED, detail=detail))

    def _may_be_padding(self, block: bytes) -> bool:
        """Of zeros (strongSwan), or with its length in the last octet, perhaps less one, and noise
        before it (racoon). A stranger's block decrypts to noise."""
        length = self._block_octets
        return not any(block) or (not self._only_zeros and block[-1] in (length - 1, length))

    def accept(self, sealed: bytes) -> None:
        """An opened message was genuine: the chain moves on."""
        self.iv = sealed[-self._block_octets :]


def with_proof(proof: Proof, payloads: Sequence[Payload]) -> tuple[int, bytes]:
    """A HASH payload over the others, in front of them (RFC 2409 5.5).

    Returns the type of the first payload and the encoded chain.
    """
    rest = encode_payloads(payloads)
    digest = proof(rest)
    following = payloads[0].kind if payloads else PayloadType.NONE
    return PayloadType.HASH, _GENERIC.pack(
        following, 0, _GENERIC.size + len(digest)
    ) + digest + rest


def require_proof(check: Proof, plaintext: bytes, payloads: Payloads) -> None:
    """The message must begin with the right HASH over all that follows it. Raises Inadmissible."""
    first = payloads.items[0] if payloads.items else None
    if not isinstance(first, Hash):
        raise Inadmissible(Failure(Reason.MALFORMED, detail="HASH is not the first payload"))
    rest = plaintext[_GENERIC.size + len(first.data) : payloads.end]
    if not hmac.compare_digest(first.data, check(rest)):
        raise Inadmissible(Failure(Reason.MALFORMED, detail="its HASH does not fit its content"))
