"""Every payload as a value: its fields, its body on the wire, and how the body is read.

A body is what follows the generic header of 4 octets (`message` has that one). The decoder checks
layout, and of the rules beyond it those that make a field unreadable when broken: address lengths,
SPI sizes, counts. What a payload means is for the engine and policy to judge.

Source: RFC 2408 3.4..3.16, RFC 2407 4.6, RFC 3947, MS-IKEE 2.2.3,
draft-ietf-ipsec-isakmp-gss-auth-07 3.3.3, draft-dukes-ike-mode-cfg-02 3.2.
Talks to: `proposals` (inside of an SA), `identification`, `attributes`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct
from typing import ClassVar

from mainmode.errors import Malformed
from mainmode.numbers import Doi, IdType, NotifyType, PayloadType, ProtocolId, Situation, name_of
from mainmode.wire.attributes import Attribute, encode_attributes, parse_attributes_untrusted
from mainmode.wire.identification import Identification
from mainmode.wire.proposals import (
    COOKIE_PAIR_OCTETS,
    CPI_OCTETS,
    SPI_OCTETS,
    Proposal,
    encode_proposals,
    parse_proposals_untrusted,
)

__all__ = [
    "Attributes",
    "Certificate",
    "CertificateRequest",
    "Delete",
    "Fragment",
    "GssToken",
    "Hash",
    "Identification",
    "KeyExchange",
    "NatDiscovery",
    "NatOriginalAddress",
    "Nonce",
    "Notification",
    "Payload",
    "SaPayload",
    "Signature",
    "UnknownPayload",
    "VendorId",
    "kind_name",
    "short_name",
]

_IPSEC = int(Doi.IPSEC)
_IDENTITY_ONLY = int(Situation.IDENTITY_ONLY)

_DOI = Struct(">I")
_DOI_AND_SITUATION = Struct(">II")
_NOTIFICATION = Struct(">IBBH")
_DELETE = Struct(">IBBH")
_ATTRIBUTES = Struct(">BBH")
_NAT_ORIGINAL_ADDRESS = Struct(">I")
_FRAGMENT = Struct(">HBB")


def _require(payload: str, octets: int, at: int, end: int) -> None:
    """The fixed fields of a body are there."""
    if end - at < octets:
        raise Malformed(payload, at, f"the fixed fields have {octets} octets, here are {end - at}")


# --- payloads that are one string of octets ----------------------------------------------------


@dataclass(slots=True)
class _Octets:
    data: bytes
    reserved: int = 0
    """The octet of the generic header that should be zero, as received."""

    def body(self) -> bytes:
        return self.data


@dataclass(slots=True)
class KeyExchange(_Octets):
    """Diffie-Hellman public value, left-padded to the group's length."""

    kind: ClassVar[PayloadType] = PayloadType.KE


@dataclass(slots=True)
class Hash(_Octets):
    """HASH_I, HASH_R, HASH(1)..HASH(3), or what GSS-API wrapped around one."""

    kind: ClassVar[PayloadType] = PayloadType.HASH


@dataclass(slots=True)
class Signature(_Octets):
    kind: ClassVar[PayloadType] = PayloadType.SIG


@dataclass(slots=True)
class Nonce(_Octets):
    kind: ClassVar[PayloadType] = PayloadType.NONCE


@dataclass(slots=True)
class VendorId(_Octets):
    kind: ClassVar[PayloadType] = PayloadType.VENDOR_ID


@dataclass(slots=True)
class UnknownPayload:
    """A payload type that has no meaning here, kept as it came."""

    kind: int
    data: bytes
    reserved: int = 0

    def body(self) -> bytes:
        return self.data


# --- security association ----------------------------------------------------------------------


@dataclass(slots=True)
class SaPayload:
    """| DOI, 4 | situation, 4 | proposals ... |

    With a DOI or a situation that nobody here speaks, `proposals` is empty and `opaque` holds
    what follows the DOI or the situation (which is 0 for another DOI: its form is unknown then).
    """

    kind: ClassVar[PayloadType] = PayloadType.SA

    doi: int
    situation: int
    proposals: tuple[Proposal, ...]
    opaque: bytes = b""
    reserved: int = 0
    raw: bytes = field(default=b"", init=False, compare=False, repr=False)
    """The received body: SAi_b is hashed as it came. `dataclasses.replace` drops it."""

    @classmethod
    def parse_untrusted(cls, data: bytes, at: int, end: int, reserved: int) -> "SaPayload":
        """From the body `data[at:end]`. Raises: Malformed."""
        _require("SA", _DOI.size, at, end)
        (doi,) = _DOI.unpack_from(data, at)
        if doi != _IPSEC:
            sa = cls(doi, 0, (), data[at + _DOI.size : end], reserved)
        else:
            _require("SA", _DOI_AND_SITUATION.size, at, end)
            doi, situation = _DOI_AND_SITUATION.unpack_from(data, at)
            inside = at + _DOI_AND_SITUATION.size
            if situation == _IDENTITY_ONLY:
                proposals = parse_proposals_untrusted(data, inside, end)
                sa = cls(doi, situation, proposals, b"", reserved)
            else:
                sa = cls(doi, situation, (), data[inside:end], reserved)
        sa.raw = data[at:end]
        return sa

    def body(self) -> bytes:
        if self.raw:
            return self.raw
        if self.doi != _IPSEC:
            return _DOI.pack(self.doi) + self.opaque
        head = _DOI_AND_SITUATION.pack(self.doi, self.situation)
        return head + (encode_proposals(self.proposals) if self.proposals else self.opaque)


# --- certificates ------------------------------------------------------------------------------


@dataclass(slots=True)
class Certificate:
    """| encoding | data ... |"""

    kind: ClassVar[PayloadType] = PayloadType.CERT

    encoding: int
    data: bytes
    reserved: int = 0

    @classmethod
    def parse_untrusted(cls, data: bytes, at: int, end: int, reserved: int) -> "Certificate":
        _require("CERT", 1, at, end)
        return cls(data[at], data[at + 1 : end], reserved)

    def body(self) -> bytes:
        return bytes((self.encoding,)) + self.data


@dataclass(slots=True)
class CertificateRequest:
    """| encoding | authority: a DER name, may be empty |"""

    kind: ClassVar[PayloadType] = PayloadType.CERTREQ

    encoding: int
    authority: bytes
    reserved: int = 0

    @classmethod
    def parse_untrusted(cls, data: bytes, at: int, end: int, reserved: int) -> "CertificateRequest":
        _require("CERTREQ", 1, at, end)
        return cls(data[at], data[at + 1 : end], reserved)

    def body(self) -> bytes:
        return bytes((self.encoding,)) + self.authority


# --- notification and delete -------------------------------------------------------------------


@dataclass(slots=True)
class Notification:
    """| DOI, 4 | protocol | SPI size | type, 2 | SPI | data ... |

    SPIs of any size are kept: the cookies, an SPI, nothing, or the 8 octets of MS-IKEE 2.2.6.
    """

    kind: ClassVar[PayloadType] = PayloadType.NOTIFICATION

    doi: int
    protocol: int
    notify: int
    spi: bytes
    data: bytes
    reserved: int = 0

    @classmethod
    def parse_untrusted(cls, data: bytes, at: int, end: int, reserved: int) -> "Notification":
        _require("N", _NOTIFICATION.size, at, end)
        doi, protocol, spi_octets, notify = _NOTIFICATION.unpack_from(data, at)
        spi_at = at + _NOTIFICATION.size
        data_at = spi_at + spi_octets
        if data_at > end:
            raise Malformed(
                "N",
                at + 5,
                f"the SPI of {spi_octets} octets ends with the payload",
                NotifyType.INVALID_SPI,
            )
        return cls(doi, protocol, notify, data[spi_at:data_at], data[data_at:end], reserved)

    def body(self) -> bytes:
        head = _NOTIFICATION.pack(self.doi, self.protocol, len(self.spi), self.notify)
        return head + self.spi + self.data


_DELETE_SPI_SIZES: dict[int, tuple[int, ...]] = {
    ProtocolId.ISAKMP: (COOKIE_PAIR_OCTETS,),
    ProtocolId.AH: (SPI_OCTETS,),
    ProtocolId.ESP: (SPI_OCTETS,),
    ProtocolId.IPCOMP: (CPI_OCTETS, SPI_OCTETS),
}
_ANY_SIZE = range(1, 256)
"""Not 0: a payload of 12 octets could then name 65535 SPIs."""


@dataclass(slots=True)
class Delete:
    """| DOI, 4 | protocol | SPI size | count, 2 | SPIs ... |

    The sender's inbound SPIs, or cookie pairs for ISAKMP.
    """

    kind: ClassVar[PayloadType] = PayloadType.DELETE

    doi: int
    protocol: int
    spis: tuple[bytes, ...]
    """All of one size."""
    empty_spi_size: int = 0
    """The size field of a delete without SPIs; such a delete means nothing but is well-formed."""
    reserved: int = 0

    @classmethod
    def parse_untrusted(cls, data: bytes, at: int, end: int, reserved: int) -> "Delete":
        _require("D", _DELETE.size, at, end)
        doi, protocol, size, count = _DELETE.unpack_from(data, at)
        spis_at = at + _DELETE.size
        if count * size != end - spis_at:
            raise Malformed(
                "D", at + 6, f"{count} SPIs of {size} octets do not fill {end - spis_at} octets"
            )
        if not count:
            return cls(doi, protocol, (), size, reserved)
        fitting = _DELETE_SPI_SIZES.get(protocol, _ANY_SIZE) if doi <= _IPSEC else _ANY_SIZE
        if size not in fitting:
            raise Malformed(
                "D",
                at + 5,
                f"an SPI of protocol {protocol} does not have {size} octets",
                NotifyType.INVALID_SPI,
            )
        spis = tuple([data[spi : spi + size] for spi in range(spis_at, end, size)])
        return cls(doi, protocol, spis, 0, reserved)

    def body(self) -> bytes:
        size = len(self.spis[0]) if self.spis else self.empty_spi_size
        if any(len(spi) != size for spi in self.spis):
            raise ValueError("the SPIs of one delete have one size")
        return _DELETE.pack(self.doi, self.protocol, size, len(self.spis)) + b"".join(self.spis)


# --- mode config -------------------------------------------------------------------------------


@dataclass(slots=True)
class Attributes:
    """| type | reserved | identifier, 2 | attributes ... |, in transaction exchanges."""

    kind: ClassVar[PayloadType] = PayloadType.ATTRIBUTES

    message: int
    """1 request, 2 reply, 3 set, 4 acknowledge."""
    identifier: int
    attributes: tuple[Attribute, ...]
    reserved: int = 0
    reserved2: int = 0

    @classmethod
    def parse_untrusted(cls, data: bytes, at: int, end: int, reserved: int) -> "Attributes":
        _require("ATTR", _ATTRIBUTES.size, at, end)
        message, reserved2, identifier = _ATTRIBUTES.unpack_from(data, at)
        attributes = parse_attributes_untrusted(data, at + _ATTRIBUTES.size, end)
        return cls(message, identifier, attributes, reserved, reserved2)

    def body(self) -> bytes:
        head = _ATTRIBUTES.pack(self.message, self.reserved2, self.identifier)
        return head + encode_attributes(self.attributes)


# --- NAT traversal -----------------------------------------------------------------------------


@dataclass(slots=True)
class NatDiscovery:
    """Hash of cookies, address and port (RFC 3947 3.2)."""

    digest: bytes
    draft: bool = False
    """Payload type 130 of the drafts instead of 20."""
    reserved: int = 0

    @property
    def kind(self) -> PayloadType:
        return PayloadType.NAT_D_DRAFT if self.draft else PayloadType.NAT_D

    def body(self) -> bytes:
        return self.digest


_NAT_ADDRESS_OCTETS: dict[int, int] = {IdType.IPV4_ADDR: 4, IdType.IPV6_ADDR: 16}


@dataclass(slots=True)
class NatOriginalAddress:
    """| ID type: 1 or 5 | reserved, 3 | address | (RFC 3947 5.2)."""

    id_type: int
    address: bytes
    draft: bool = False
    """Payload type 131 of the drafts instead of 21."""
    reserved: int = 0
    reserved2: int = 0
    """24 bits."""

    @property
    def kind(self) -> PayloadType:
        return PayloadType.NAT_OA_DRAFT if self.draft else PayloadType.NAT_OA

    @classmethod
    def parse_untrusted(
        cls, data: bytes, at: int, end: int, reserved: int, *, draft: bool = False
    ) -> "NatOriginalAddress":
        _require("NAT-OA", _NAT_ORIGINAL_ADDRESS.size, at, end)
        (head,) = _NAT_ORIGINAL_ADDRESS.unpack_from(data, at)
        id_type, reserved2 = head >> 24, head & 0xFFFFFF
        address = data[at + _NAT_ORIGINAL_ADDRESS.size : end]
        if _NAT_ADDRESS_OCTETS.get(id_type) != len(address):
            raise Malformed(
                "NAT-OA",
                at,
                "an IPv4 address (type 1) of 4 octets or an IPv6 address (type 5) of 16, "
                f"not type {id_type} with {len(address)}",
                NotifyType.INVALID_ID_INFORMATION,
            )
        return cls(id_type, address, draft, reserved, reserved2)

    def body(self) -> bytes:
        return _NAT_ORIGINAL_ADDRESS.pack(self.id_type << 24 | self.reserved2) + self.address


# --- Microsoft's private payloads --------------------------------------------------------------


@dataclass(slots=True)
class GssToken:
    """| vendor encoding | token ... |; racoon has no vendor octet: its token is `body()`."""

    kind: ClassVar[PayloadType] = PayloadType.GSS_TOKEN

    vendor: int
    token: bytes
    reserved: int = 0

    @classmethod
    def parse_untrusted(cls, data: bytes, at: int, end: int, reserved: int) -> "GssToken":
        _require("GSS", 1, at, end)
        return cls(data[at], data[at + 1 : end], reserved)

    def body(self) -> bytes:
        return bytes((self.vendor,)) + self.token


@dataclass(slots=True)
class Fragment:
    """| fragment id, 2 | number, from 1 | flags: 1 is the last | data ... | (MS-IKEE 2.2.3)."""

    kind: ClassVar[PayloadType] = PayloadType.FRAGMENT

    fragment_id: int
    number: int
    flags: int
    data: bytes
    reserved: int = 0

    @classmethod
    def parse_untrusted(cls, data: bytes, at: int, end: int, reserved: int) -> "Fragment":
        _require("FRAG", _FRAGMENT.size, at, end)
        fragment_id, number, flags = _FRAGMENT.unpack_from(data, at)
        return cls(fragment_id, number, flags, data[at + _FRAGMENT.size : end], reserved)

    def body(self) -> bytes:
        return _FRAGMENT.pack(self.fragment_id, self.number, self.flags) + self.data


# --- all of them -------------------------------------------------------------------------------

Payload = (
    SaPayload
    | KeyExchange
    | Identification
    | Certificate
    | CertificateRequest
    | Hash
    | Signature
    | Nonce
    | Notification
    | Delete
    | VendorId
    | Attributes
    | NatDiscovery
    | NatOriginalAddress
    | GssToken
    | Fragment
    | UnknownPayload
)

LEAVES: dict[int, Callable[[bytes, int], Payload]] = {
    PayloadType.KE: KeyExchange,
    PayloadType.HASH: Hash,
    PayloadType.SIG: Signature,
    PayloadType.NONCE: Nonce,
    PayloadType.VENDOR_ID: VendorId,
    PayloadType.NAT_D: lambda digest, reserved: NatDiscovery(digest, False, reserved),
    PayloadType.NAT_D_DRAFT: lambda digest, reserved: NatDiscovery(digest, True, reserved),
}
"""Payload types without a rule: (body, reserved) -> payload. Most payloads on the hot path."""

READERS: dict[int, Callable[[bytes, int, int, int], Payload]] = {
    PayloadType.SA: SaPayload.parse_untrusted,
    PayloadType.ID: Identification.parse_untrusted,
    PayloadType.CERT: Certificate.parse_untrusted,
    PayloadType.CERTREQ: CertificateRequest.parse_untrusted,
    PayloadType.NOTIFICATION: Notification.parse_untrusted,
    PayloadType.DELETE: Delete.parse_untrusted,
    PayloadType.ATTRIBUTES: Attributes.parse_untrusted,
    PayloadType.NAT_OA: NatOriginalAddress.parse_untrusted,
    PayloadType.NAT_OA_DRAFT: lambda data, at, end, reserved: NatOriginalAddress.parse_untrusted(
        data, at, end, reserved, draft=True
    ),
    PayloadType.GSS_TOKEN: GssToken.parse_untrusted,
    PayloadType.FRAGMENT: Fragment.parse_untrusted,
}
"""Payload types with a form of their own: (data, start of the body, its end, reserved)."""

_SHORT_NAMES: dict[int, str] = {
    PayloadType.SA: "SA",
    PayloadType.PROPOSAL: "proposal",
    PayloadType.TRANSFORM: "transform",
    PayloadType.NOTIFICATION: "N",
    PayloadType.DELETE: "D",
    PayloadType.VENDOR_ID: "VID",
    PayloadType.ATTRIBUTES: "ATTR",
    PayloadType.NAT_D_DRAFT: "NAT-D",
    PayloadType.NAT_OA_DRAFT: "NAT-OA",
    PayloadType.GSS_TOKEN: "GSS",
    PayloadType.FRAGMENT: "FRAG",
}
"""Where people write another name than the RFC."""


def kind_name(kind: int) -> str:
    """A payload type as people write it: SA, KE, NONCE, NAT-D; payload 15 when not assigned."""
    name = _SHORT_NAMES.get(kind) or name_of(PayloadType, kind)
    return f"payload {kind}" if name.isdigit() else name


def short_name(payload: Payload) -> str:
    """A payload as a ladder shows it: SA, KE, VID, N(NO-PROPOSAL-CHOSEN)."""
    name = kind_name(payload.kind)
    if isinstance(payload, Notification):
        return f"{name}({name_of(NotifyType, payload.notify)})"
    return name
