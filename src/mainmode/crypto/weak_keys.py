"""DES keys that must not be used.

Source: FIPS 74 and RFC 2409 appendix A (the sixteen keys), RFC 2405 2.3 (DES in ESP), RFC 2451 2.3
(3DES).
Does not: decide what follows. RFC 2409 appendix B would have main mode slide on to the next eight
octets that are no weak key; no peer is known to do so, and one that does not would be
left with another key. Here main mode fails with that reason, and quick mode starts over.
"""

from mainmode.crypto.algorithms import Cipher
from mainmode.errors import WeakKey
from mainmode.numbers import EspTransform

_DES_KEY_OCTETS = 8
_WITHOUT_PARITY = bytes(octet & 0xFE for octet in range(256))
"""Translation table: the lowest bit of each octet of a DES key is parity and enciphers nothing."""

_WEAK = (
    "0101010101010101 1f1f1f1f0e0e0e0e e0e0e0e0f1f1f1f1 fefefefefefefefe"  # E(E(x)) = x
    " 011f011f010e010e 1f011f010e010e01 01e001e001f101f1 e001e001f101f101"  # pairs: E1(E2(x)) = x
    " 01fe01fe01fe01fe fe01fe01fe01fe01 1fe01fe00ef10ef1 e01fe01ff10ef10e"
    " 1ffe1ffe0efe0efe fe1ffe1ffe0efe0e e0fee0fef1fef1fe fee0fee0fef1fef1"
)
_WEAK_KEYS = frozenset(bytes.fromhex(key).translate(_WITHOUT_PARITY) for key in _WEAK.split())


def require_strong(cipher: Cipher, key: bytes) -> bytes:
    """`key` itself. Raises WeakKey when the cipher must not be used with it.

    DES: the weak and semi-weak keys. 3DES: K1 = K2 or K2 = K3, which make it single DES; weak keys
    among the three do no harm (RFC 2451 2.3). Other ciphers have no weak keys.
    """
    match cipher.esp:
        case EspTransform.DES:
            weak = key.translate(_WITHOUT_PARITY) in _WEAK_KEYS
        case EspTransform.TRIPLE_DES:
            k1, k2, k3 = (
                key[start : start + _DES_KEY_OCTETS].translate(_WITHOUT_PARITY)
                for start in range(0, len(key), _DES_KEY_OCTETS)
            )
            weak = k2 in (k1, k3)
        case _:
            weak = False
    if weak:
        raise WeakKey(f"key derivation gave a weak {cipher.name} key")
    return key
