"""The identification payload: who a peer is (main mode), what traffic is meant (quick mode).

    | type | protocol | port, 2 | data ...

Source: RFC 2407 4.6.2.
Talks to: `model` (address ranges).
Does not: decide whom to believe; `auth` and `engine` do.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from struct import Struct
from typing import ClassVar

from mainmode.errors import Malformed
from mainmode.model import AddressRange
from mainmode.numbers import IdType, IpProtocol, NotifyType, PayloadType, name_of
from mainmode.wire.layout import require_octets

_HEAD = Struct(">BBH")
_unpack = _HEAD.unpack_from
_HEAD_OCTETS = _HEAD.size

_DATA_OCTETS: dict[int, int] = {
    IdType.IPV4_ADDR: 4,
    IdType.IPV4_ADDR_SUBNET: 8,
    IdType.IPV4_ADDR_RANGE: 8,
    IdType.IPV6_ADDR: 16,
    IdType.IPV6_ADDR_SUBNET: 32,
    IdType.IPV6_ADDR_RANGE: 32,
}
_ADDRESSES = (IdType.IPV4_ADDR, IdType.IPV6_ADDR)
_SUBNETS = (IdType.IPV4_ADDR_SUBNET, IdType.IPV6_ADDR_SUBNET)
_NAMES = (IdType.FQDN, IdType.USER_FQDN)

_SHOWN_OCTETS = 256
"""A person sees no more of one identity than this."""


@dataclass(slots=True)
class Identification:
    """One identity or one end of a selector. Treated as immutable.

    Protocol and port: 0 is any. `data` is kept as received; every other reading derives from it,
    so `body()` is IDii_b, IDir_b as the hashes need it.
    """

    kind: ClassVar[PayloadType] = PayloadType.ID

    id_type: int
    protocol: int
    port: int
    data: bytes
    reserved: int = 0

    @classmethod
    def of_addresses(
        cls, addresses: AddressRange, protocol: int = 0, port: int = 0
    ) -> "Identification":
        """A host as an address, what is exactly one subnet as a subnet, the rest as a range."""
        first, second = addresses.first.packed, addresses.last.packed
        four = addresses.version == 4
        if addresses.is_host:
            id_type = IdType.IPV4_ADDR if four else IdType.IPV6_ADDR
            return cls(id_type, protocol, port, first)
        network = addresses.as_network
        if network is not None:
            id_type = IdType.IPV4_ADDR_SUBNET if four else IdType.IPV6_ADDR_SUBNET
            second = network.netmask.packed
        else:
            id_type = IdType.IPV4_ADDR_RANGE if four else IdType.IPV6_ADDR_RANGE
        return cls(id_type, protocol, port, first + second)

    @classmethod
    def of_name(
        cls, id_type: IdType, name: str, protocol: int = 0, port: int = 0
    ) -> "Identification":
        """A domain name (FQDN) or user@domain (USER_FQDN)."""
        if id_type not in _NAMES:
            raise ValueError(f"{id_type.name} is not a name")
        return cls(id_type, protocol, port, name.encode())

    @classmethod
    def parse_untrusted(cls, data: bytes, at: int, end: int, reserved: int) -> "Identification":
        """From the body `data[at:end]`. Raises: Malformed."""
        require_octets("ID", _HEAD_OCTETS, at, end)
        id_type, protocol, port = _unpack(data, at)
        value = data[at + _HEAD_OCTETS : end]
        if len(value) != _DATA_OCTETS.get(id_type, len(value)):
            raise Malformed(
                "ID",
                at + _HEAD_OCTETS,
                f"{name_of(IdType, id_type)} has {_DATA_OCTETS[id_type]} octets, not {len(value)}",
                NotifyType.INVALID_ID_INFORMATION,
            )
        return cls(id_type, protocol, port, value, reserved)

    def body(self) -> bytes:
        return _HEAD.pack(self.id_type, self.protocol, self.port) + self.data

    def addresses(self) -> AddressRange | None:
        """The addresses meant; None for names, a mask with holes or a range that runs backward."""
        if self.id_type not in _DATA_OCTETS or len(self.data) != _DATA_OCTETS[self.id_type]:
            return None
        if self.id_type in _ADDRESSES:
            return AddressRange.host(_address(self.data))
        half = len(self.data) // 2
        first, second = _address(self.data[:half]), _address(self.data[half:])
        if self.id_type in _SUBNETS:
            hosts = int(second) ^ ((1 << 8 * half) - 1)
            if hosts & (hosts + 1):
                return None
            low = int(first) & ~hosts
            return AddressRange(type(first)(low), type(first)(low | hosts))
        return AddressRange(first, second) if int(first) <= int(second) else None

    @property
    def name(self) -> str | None:
        """The exact text of an FQDN or USER_FQDN; None for other types or what is not UTF-8."""
        if self.id_type not in _NAMES:
            return None
        try:
            return self.data.decode()
        except UnicodeDecodeError:
            return None

    def __str__(self) -> str:
        """For people; safe to log. 10.0.0.0/24 udp/500, host.example, DER-ASN1-DN 3012..."""
        text = self._who()
        if self.protocol or self.port:
            text += f" {name_of(IpProtocol, self.protocol).lower()}"
        return f"{text}/{self.port}" if self.port else text

    def _who(self) -> str:
        addresses = self.addresses()
        if addresses is not None:
            return str(addresses)
        shown = self.data[:_SHOWN_OCTETS]
        more = "..." if len(shown) < len(self.data) else ""
        if self.id_type in _NAMES:
            text = shown.decode(errors="backslashreplace")
            return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text) + more
        kind = name_of(IdType, self.id_type)
        return f"{'ID-' if kind.isdigit() else ''}{kind} {shown.hex()}{more}"


def _address(packed: bytes) -> IPv4Address | IPv6Address:
    return IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed)
