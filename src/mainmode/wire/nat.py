"""Payloads of NAT traversal, under the numbers of RFC 3947 or of its drafts.

Source: RFC 3947 3.2 and 5.2; the drafts' numbers MS-IKEE 2.2.1.
Does not: compute or compare a digest.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from struct import Struct

from mainmode.errors import Malformed
from mainmode.model import IpAddress
from mainmode.numbers import IdType, NotifyType, PayloadType
from mainmode.wire.layout import require_octets

_NAT_ORIGINAL_ADDRESS = Struct(">I")


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
        require_octets("NAT-OA", _NAT_ORIGINAL_ADDRESS.size, at, end)
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

    @property
    def host(self) -> IpAddress:
        return ip_address(self.address)

    def body(self) -> bytes:
        return _NAT_ORIGINAL_ADDRESS.pack(self.id_type << 24 | self.reserved2) + self.address
