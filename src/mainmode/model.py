"""Values that engine, policy, packets and driver share: addresses, selectors, IPsec SAs.

Does not: know the wire (`wire`), the algorithms behind the names (`crypto.algorithms`), or policy.
"""

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from mainmode import limits
from mainmode.numbers import IpProtocol, ProtocolId, name_of

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and a UDP port."""

    address: IpAddress
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return f"{host}:{self.port}"


_OWN_PORTS = frozenset({limits.IKE_PORT, limits.NAT_PORT})
"""Where IKE speaks from itself; a NAT gives others as a rule."""


@dataclass(frozen=True, slots=True)
class Path:
    """Where a datagram came from and went to, seen from here."""

    local: Endpoint
    peer: Endpoint

    @property
    def hosts(self) -> tuple[IpAddress, IpAddress]:
        """The two computers, whatever ports they speak from: ours and the peer's address."""
        return self.local.address, self.peer.address

    @property
    def reversed(self) -> "Path":
        """The same, seen from the other end."""
        return Path(self.peer, self.local)

    def has_ends_of(self, other: "Path") -> bool:
        """Whether the same two computers speak on both paths. Ports tell those behind one NAT
        apart; one that is behind none speaks from either of the two ports of IKE."""
        if self == other:
            return True
        ends = (self.local, self.peer, other.local, other.peer)
        return self.hosts == other.hosts and all(end.port in _OWN_PORTS for end in ends)


class NatRevision(Enum):
    """Which document's NAT traversal two sides speak; they differ in numbers only."""

    DRAFT_02 = "draft-02"
    """draft-ietf-ipsec-nat-t-ike-02 and -03, the one that Windows Server 2003 speaks."""
    RFC_3947 = "RFC 3947"


def address_order(address: IpAddress) -> tuple[int, int]:
    """To sort by: IPv4 before IPv6, then by number."""
    return address.version, int(address)


@dataclass(frozen=True)
class AddressRange:
    """The addresses from `first` to `last`, both included: a host, a subnet or any range."""

    first: IpAddress
    last: IpAddress

    def __post_init__(self) -> None:
        if self.first is self.last:
            return
        if self.first.version != self.last.version or int(self.first) > int(self.last):
            raise ValueError(f"{self.first}-{self.last} is not a range of addresses")

    @classmethod
    def host(cls, address: IpAddress) -> "AddressRange":
        return cls(address, address)

    @classmethod
    def network(cls, network: IpNetwork) -> "AddressRange":
        return cls(network[0], network[-1])

    @classmethod
    def parse(cls, text: str) -> "AddressRange":
        """An address, `address/prefix` or `first-last`. Raises ValueError."""
        if "-" in text:
            first, last = text.split("-", 1)
            return cls(ip_address(first.strip()), ip_address(last.strip()))
        return cls.network(ip_network(text.strip(), strict=False))

    @property
    def version(self) -> int:
        return self.first.version

    @property
    def is_host(self) -> bool:
        return self.first == self.last

    @cached_property
    def size(self) -> int:
        return int(self.last) - int(self.first) + 1

    @cached_property
    def as_network(self) -> IpNetwork | None:
        """The subnet this range is, or None when it is not exactly one."""
        bits = self.size.bit_length() - 1
        if self.size != 1 << bits or int(self.first) % self.size:
            return None
        return ip_network((self.first, self.first.max_prefixlen - bits))

    def __contains__(self, address: IpAddress) -> bool:
        return address.version == self.version and (
            int(self.first) <= int(address) <= int(self.last)
        )

    def covers(self, other: "AddressRange") -> bool:
        return other.first in self and other.last in self

    def touches(self, other: "AddressRange") -> bool:
        return (
            self.version == other.version
            and int(self.first) <= int(other.last)
            and int(other.first) <= int(self.last)
        )

    @cached_property
    def _text(self) -> str:
        if self.is_host:
            return str(self.first)
        network = self.as_network
        return str(network) if network is not None else f"{self.first}-{self.last}"

    def __str__(self) -> str:
        return self._text


@dataclass(frozen=True, slots=True)
class Flow:
    """One packet's addresses, protocol and ports, from here (`local`) to there (`remote`).

    Ports are 0 where the protocol has none. A gateway calls the network behind it local.
    """

    local: IpAddress
    remote: IpAddress
    protocol: int = 0
    local_port: int = 0
    remote_port: int = 0

    def __str__(self) -> str:
        def end(address: IpAddress, port: int) -> str:
            return str(Endpoint(address, port)) if port else str(address)

        protocol = name_of(IpProtocol, self.protocol).lower()
        return (
            f"{end(self.local, self.local_port)} -> {end(self.remote, self.remote_port)} {protocol}"
        )


@dataclass(frozen=True, slots=True)
class Selector:
    """The traffic that a quick mode SA carries, from here (`local`) to there (`remote`).

    Protocol and ports: 0 is any. Becomes IDci and IDcr (RFC 2409 5.5).
    """

    local: AddressRange
    remote: AddressRange
    protocol: int = 0
    local_port: int = 0
    remote_port: int = 0

    def matches(self, flow: Flow) -> bool:
        return (
            self.protocol in (0, flow.protocol)
            and self.remote_port in (0, flow.remote_port)
            and self.local_port in (0, flow.local_port)
            and flow.remote in self.remote
            and flow.local in self.local
        )

    def covers(self, other: "Selector") -> bool:
        """Whether every flow of `other` is one of ours."""
        return (
            self.protocol in (0, other.protocol)
            and self.local_port in (0, other.local_port)
            and self.remote_port in (0, other.remote_port)
            and self.local.covers(other.local)
            and self.remote.covers(other.remote)
        )

    def touches(self, other: "Selector") -> bool:
        """Whether some flow is in both."""

        def meet(mine: int, theirs: int) -> bool:
            return mine == theirs or 0 in (mine, theirs)

        return (
            meet(self.protocol, other.protocol)
            and meet(self.local_port, other.local_port)
            and meet(self.remote_port, other.remote_port)
            and self.local.touches(other.local)
            and self.remote.touches(other.remote)
        )

    def __str__(self) -> str:
        def end(addresses: AddressRange, port: int) -> str:
            return f"{addresses}:{port}" if port else str(addresses)

        local, remote = end(self.local, self.local_port), end(self.remote, self.remote_port)
        return f"{local} <-> {remote} {name_of(IpProtocol, self.protocol).lower()}"


class Mode(Enum):
    """How AH or ESP wraps a packet (RFC 2401 4.1)."""

    TRANSPORT = "transport"
    TUNNEL = "tunnel"


class Direction(Enum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When a quick mode SA ends: seconds since it was made or kilobytes (1024 octets) carried."""

    seconds: int
    kilobytes: int


@dataclass(frozen=True, slots=True)
class IpsecSa:
    """One direction of an agreed protection: what the driver needs to seal or open packets.

    `spi` is the number in the packets, chosen by their receiver. `cipher` and `integrity` are
    names of `crypto.algorithms`; the cipher is empty for AH. Keys are raw octets.
    """

    spi: int
    protocol: ProtocolId
    cipher: str
    integrity: str
    cipher_key: bytes = field(repr=False)
    integrity_key: bytes = field(repr=False)

    @property
    def suite(self) -> str:
        """As people write it: `esp 3des-sha1`, `ah md5`."""
        parts = [part for part in (self.cipher, self.integrity) if part]
        return f"{self.protocol.name.lower()} {'-'.join(parts)}"


@dataclass(frozen=True, slots=True)
class UdpEncapsulation:
    """ESP travels in UDP, because a NAT stands between the hosts (RFC 3948). The addresses are
    the pair's; these are the ports, seen from here."""

    local_port: int
    peer_port: int
    peer_original: IpAddress | None = None
    """In transport mode: the address that the peer knows as its own (NAT-OA), if it said one."""


@dataclass(frozen=True, slots=True)
class SaPair:
    """What one quick mode agrees: an inbound and an outbound SA for one selector.

    `local` and `peer` are the outer addresses, those of main mode. The inbound SPI names the
    pair everywhere (driver, monitor, deletes): it is ours, hence unique here.
    """

    inbound: IpsecSa
    outbound: IpsecSa
    mode: Mode
    local: IpAddress
    peer: IpAddress
    selector: Selector
    lifetime: Lifetime
    udp: UdpEncapsulation | None = None
    """None: ESP or AH stand in IP packets of their own."""
    idle_s: float = limits.IDLE_S
    """After so long without a packet the driver calls the pair idle."""

    @property
    def spi(self) -> int:
        return self.inbound.spi


@dataclass(frozen=True, slots=True)
class SoftSa:
    """A soft association: policy lets this traffic pass in clear, because the peer does not
    negotiate (docs/service.md 16)."""

    number: int
    """Names it between IKE and the driver; never used again."""
    selector: Selector
    peer: IpAddress
