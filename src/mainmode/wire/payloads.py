"""Every payload as a value: its fields, its body on the wire, and how the body is read.

A body is what follows the generic header of 4 octets (`message` has that one). The decoder checks
layout, and of the rules beyond it those that make a field unreadable when broken: address lengths,
SPI sizes, counts. What a payload means is for the engine and policy to judge.

Source: RFC 2408 3.7..3.13 and 3.16, MS-IKEE 2.2.3, draft-ietf-ipsec-isakmp-gss-auth-07 3.3.3,
draft-dukes-ike-mode-cfg-02 3.2. Payloads with more to say have a module each, named below.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import ClassVar

from mainmode.numbers import NotifyType, PayloadType, name_of
from mainmode.wire.attributes import Attribute, encode_attributes, parse_attributes_untrusted
from mainmode.wire.identification import Identification
from mainmode.wire.layout import require_octets
from mainmode.wire.nat import NatDiscovery, NatOriginalAddress
from mainmode.wire.notices import Delete, Notification
from mainmode.wire.security_association import SaPayload

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

_ATTRIBUTES = Struct(">BBH")
_FRAGMENT = Struct(">HBB")


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
        require_octets("CERT", 1, at, end)
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
        require_octets("CERTREQ", 1, at, end)
        return cls(data[at], data[at + 1 : end], reserved)

    def body(self) -> bytes:
        return bytes((self.encoding,)) + self.authority


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
        require_octets("ATTR", _ATTRIBUTES.size, at, end)
        message, reserved2, identifier = _ATTRIBUTES.unpack_from(data, at)
        attributes = parse_attributes_untrusted(data, at + _ATTRIBUTES.size, end)
        return cls(message, identifier, attributes, reserved, reserved2)

    def body(self) -> bytes:
        head = _ATTRIBUTES.pack(self.message, self.reserved2, self.identifier)
        return head + encode_attributes(self.attributes)


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
        require_octets("GSS", 1, at, end)
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
        require_octets("FRAG", _FRAGMENT.size, at, end)
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


@lru_cache(maxsize=256)
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
