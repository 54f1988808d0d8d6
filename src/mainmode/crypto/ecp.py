"""Diffie-Hellman on an elliptic curve: group 19, the NIST curve P-256.

Source: RFC 5903.
Talks to: OpenSSL through `cryptography`.
Does not: draw private values or see to it that they are used once; `dh` does.
"""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mainmode.crypto.algorithms import Group
from mainmode.errors import BadPublicValue

ORDER = 0xFFFFFFFF_00000000_FFFFFFFF_FFFFFFFF_BCE6FAAD_A7179E84_F3B9CAC2_FC632551
"""Of the generator (RFC 5903 3.1); private values lie in 1..ORDER-1."""

_UNCOMPRESSED = b"\x04"
"""Comes before x | y in the library's encoding, but not in a KE payload (RFC 5903 7)."""


class Secret:
    """A private value and its point."""

    __slots__ = ("_group", "_key", "public")

    def __init__(self, group: Group, scalar: int) -> None:
        self._group = group
        self._key = ec.derive_private_key(scalar, ec.SECP256R1())
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public = point.removeprefix(_UNCOMPRESSED)
        """The body of our KE payload: x | y."""

    def shared_secret(self, peer_public: bytes) -> bytes:
        """The x coordinate of the shared point; `peer_public` is the body of a KE payload.

        Raises BadPublicValue before anything is computed with the private value, if the length is
        wrong or the point is not on the curve: answers to other curves' points give the key away.
        """
        if len(peer_public) != self._group.public_octets:
            raise BadPublicValue(
                f"a public value of {len(peer_public)} octets"
                f" where {self._group.name} has {self._group.public_octets}"
            )
        try:
            peer = ec.EllipticCurvePublicKey.from_encoded_point(
                ec.SECP256R1(), _UNCOMPRESSED + peer_public
            )
        except ValueError:
            raise BadPublicValue(
                f"a point that is not on the curve of {self._group.name}"
            ) from None
        return self._key.exchange(ec.ECDH(), peer)
