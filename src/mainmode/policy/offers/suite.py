"""The algorithms of one quick mode transform, and what they allow.

Source: RFC 2407 4.4.3 (AH), 4.4.4 (ESP), 4.5; RFC 2410 (null encryption).
"""

from dataclasses import dataclass

from mainmode import limits
from mainmode.crypto.algorithms import CIPHER_BY_ESP, CIPHERS, HASH_BY_ESP, Cipher, Hash
from mainmode.failures import Reason
from mainmode.model import Lifetime
from mainmode.numbers import (
    AuthenticationAlgorithm,
    EspTransform,
    IpsecAttribute,
    ProtocolId,
    name_of,
)
from mainmode.policy.model import QuickModeOffer
from mainmode.policy.offers.reading import Reading, Unsuitable
from mainmode.wire.proposals import SPI_OCTETS, Proposal, Transform

_NULL = CIPHERS["null"]
_SMALL_BLOCK_OCTETS = 8
_FIXED_SIZE = frozenset(int(each.esp) for each in CIPHERS.values() if not each.key_length_bits)


@dataclass(frozen=True, slots=True)
class Suite:
    protocol: ProtocolId
    cipher: Cipher | None
    integrity: Hash | None

    @property
    def names(self) -> tuple[ProtocolId, str, str]:
        """As in `model.IpsecSa`: protocol, cipher and integrity; empty: none."""
        cipher = self.cipher.name if self.cipher is not None else ""
        return self.protocol, cipher, self.integrity.name if self.integrity is not None else ""


def is_enforceable(offer: QuickModeOffer) -> bool:
    """Whether a pair can be made of it today: AH or ESP, not both joined."""
    return offer.ah is None or offer.esp_cipher is None


def suite_of(offer: QuickModeOffer) -> Suite | None:
    """What an offer asks for; None when it cannot be made today."""
    if not is_enforceable(offer):
        return None
    if offer.ah is not None:
        return Suite(ProtocolId.AH, None, offer.ah)
    return Suite(ProtocolId.ESP, offer.esp_cipher, offer.esp_integrity)


def suite_from(proposal: Proposal, transform: Transform, reading: Reading) -> Suite:
    """What a transform asks for. Raises: Unsuitable."""
    integrity = _integrity(reading)
    if proposal.protocol == ProtocolId.AH:
        return _ah(transform, integrity)
    if proposal.protocol == ProtocolId.ESP:
        return _esp(transform, reading, integrity)
    protocol = name_of(ProtocolId, proposal.protocol)
    raise Unsuitable(Reason.NO_COMMON_PROPOSAL, f"protocol {protocol} is not AH or ESP")


def _integrity(reading: Reading) -> Hash | None:
    number = reading.values.get(IpsecAttribute.AUTHENTICATION_ALGORITHM)
    if number is None:
        return None
    integrity = HASH_BY_ESP.get(number)
    if integrity is None:
        name = name_of(AuthenticationAlgorithm, number)
        raise Unsuitable(Reason.NO_COMMON_PROPOSAL, f"integrity {name} is not known here")
    return integrity


def _ah(transform: Transform, integrity: Hash | None) -> Suite:
    """AH says its algorithm twice, as transform and as attribute: the two must agree."""
    if integrity is None:
        raise Unsuitable(Reason.BAD_PROPOSAL, "AH must name its authentication algorithm")
    if integrity.ah != transform.transform_id:
        why = f"AH transform {transform.transform_id} is not {integrity.name}"
        raise Unsuitable(Reason.BAD_PROPOSAL, why)
    return Suite(ProtocolId.AH, None, integrity)


def _esp(transform: Transform, reading: Reading, integrity: Hash | None) -> Suite:
    bits = reading.values.get(IpsecAttribute.KEY_LENGTH)
    if bits is not None and transform.transform_id in _FIXED_SIZE:
        raise Unsuitable(Reason.BAD_PROPOSAL, "it gives a cipher of fixed key size a key length")
    cipher = CIPHER_BY_ESP.get((transform.transform_id, bits or 0))
    if cipher is None:
        name = name_of(EspTransform, transform.transform_id)
        length = f" with {bits} bits" if bits else ""
        raise Unsuitable(Reason.NO_COMMON_PROPOSAL, f"ESP {name}{length} is not known here")
    if cipher == _NULL and integrity is None:
        why = "ESP without encryption and integrity protects nothing"
        raise Unsuitable(Reason.BAD_PROPOSAL, why)
    return Suite(ProtocolId.ESP, cipher, integrity)


def peer_spi(proposal: Proposal) -> int:
    """The SPI that the proposal's sender wants to receive under. Raises: Unsuitable."""
    spi = int.from_bytes(proposal.spi, "big")
    if len(proposal.spi) != SPI_OCTETS or spi < limits.SPI_MIN:
        raise Unsuitable(Reason.BAD_PROPOSAL, f"its SPI is {proposal.spi.hex() or 'missing'}")
    return spi


def bounded_lifetime(lifetime: Lifetime, cipher: Cipher | None) -> Lifetime:
    """What a pair of this cipher may carry at most: a small block's birthday bound holds whatever
    policy says. The driver counts."""
    if cipher is None or cipher == _NULL or cipher.block_octets > _SMALL_BLOCK_OCTETS:
        return lifetime
    return Lifetime(lifetime.seconds, min(lifetime.kilobytes, limits.SMALL_BLOCK_LIFETIME_KIB))
