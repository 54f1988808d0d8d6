"""This computer's addresses, when they change, and which of them faces a peer.

Source: rtnetlink(7); ip-address(8) shows the same list.
Does not: change anything.
"""

import contextlib
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from mainmode import limits
from mainmode.model import IpAddress

# <linux/rtnetlink.h>, <linux/netlink.h>, <linux/if_arp.h>
_RTM_NEWLINK = 16
_RTM_GETLINK = 18
_RTM_NEWADDR = 20
_RTM_GETADDR = 22
_NLMSG_DONE = 3
_REQUEST_DUMP = 0x0001 | 0x0300
_IFA_ADDRESS = 1
_IFA_LOCAL = 2
_IFA_BROADCAST = 4
_GROUP_IPV4_ADDRESSES = 0x10
_GROUP_IPV6_ADDRESSES = 0x100

_MESSAGE = struct.Struct("=IHHII")
"""Length, type, flags, sequence, port."""
_ADDRESS = struct.Struct("=BBBBI")
"""Family, prefix length, flags, scope, interface."""
_ATTRIBUTE = struct.Struct("=HH")
"""Length with this head, type."""
_LINK = struct.Struct("=BxHiII")
"""Family, type of hardware, interface, flags, change."""
_RECEIVE_OCTETS = 65_536
_DIALUP = frozenset((*range(256, 261), 512, 519, 0xFFFE))
"""Types of hardware that are no LAN: SLIP, PPP, raw IP of mobile networks, and links without any
(WireGuard and other tunnel devices), which are Windows' remote access connections."""


@dataclass(frozen=True, slots=True)
class OwnAddresses:
    """Of every interface, the loopback one included."""

    local: frozenset[IpAddress]
    broadcast: frozenset[IpAddress]
    dialup: frozenset[IpAddress] = frozenset()
    """Those of `local` that are on dial-up links."""


def own_addresses() -> OwnAddresses:
    """What the kernel has now."""
    local: set[IpAddress] = set()
    broadcast: set[IpAddress] = set()
    dialup: set[IpAddress] = set()
    with _netlink() as kernel:
        dialup_links = {
            index
            for kind, message in _dump(kernel, _RTM_GETLINK, _LINK.size)
            if kind == _RTM_NEWLINK
            for _, hardware, index, *_ in [_LINK.unpack_from(message)]
            if hardware in _DIALUP
        }
        for kind, message in _dump(kernel, _RTM_GETADDR, _ADDRESS.size):
            if kind != _RTM_NEWADDR:
                continue
            attributes = _attributes(message)
            # The far end of a point-to-point link stands in IFA_ADDRESS.
            own = ip_address(attributes.get(_IFA_LOCAL) or attributes[_IFA_ADDRESS])
            local.add(own)
            if _ADDRESS.unpack_from(message)[-1] in dialup_links:
                dialup.add(own)
            if _IFA_BROADCAST in attributes:
                broadcast.add(ip_address(attributes[_IFA_BROADCAST]))
    return OwnAddresses(frozenset(local), frozenset(broadcast), frozenset(dialup))


def _dump(kernel: socket.socket, request: int, octets: int) -> Iterator[tuple[int, bytes]]:
    """Everything that there is: (type, body) each. octets: of the request's body, all zero."""
    kernel.send(_MESSAGE.pack(_MESSAGE.size + octets, request, _REQUEST_DUMP, 1, 0) + bytes(octets))
    while True:
        for kind, message in _messages(kernel.recv(_RECEIVE_OCTETS)):
            if kind == _NLMSG_DONE:
                return
            yield kind, message


def _netlink() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, body) of each netlink message."""
    start = 0
    while start < len(data):
        length, kind, *_ = _MESSAGE.unpack_from(data, start)
        yield kind, data[start + _MESSAGE.size : start + length]
        start += _padded(length)


def _attributes(message: bytes) -> dict[int, bytes]:
    """Of one address, by type."""
    attributes: dict[int, bytes] = {}
    start = _ADDRESS.size
    while start < len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, start)
        attributes[kind] = message[start + _ATTRIBUTE.size : start + length]
        start += _padded(length)
    return attributes


def _padded(length: int) -> int:
    return (length + 3) & ~3


class AddressWatch:
    """Becomes readable when an address of this computer comes or goes."""

    def __init__(self) -> None:
        self._kernel = _netlink()
        self._kernel.setblocking(False)
        self._kernel.bind((0, _GROUP_IPV4_ADDRESSES | _GROUP_IPV6_ADDRESSES))

    def fileno(self) -> int:
        return self._kernel.fileno()

    def drain(self) -> None:
        """Take the news off the socket; what they say is asked anew with `own_addresses`."""
        with contextlib.suppress(OSError):
            while True:
                self._kernel.recv(_RECEIVE_OCTETS)

    def close(self) -> None:
        self._kernel.close()


class Routes:
    """Which local address IKE uses toward a peer."""

    def __init__(
        self, addresses: tuple[IpAddress, ...], port: int, clock: Callable[[], float]
    ) -> None:
        """addresses: those listened on, empty for all; port: the peers' IKE port."""
        self._addresses = addresses
        self._port = port
        self._clock = clock
        self._kept: dict[IpAddress, tuple[float, IpAddress | None]] = {}

    def local_toward(self, peer: IpAddress) -> IpAddress | None:
        """The local address for the peer, None when no route leads to it."""
        now = self._clock()
        kept = self._kept.get(peer)
        if kept is not None and now < kept[0]:
            return kept[1]
        if len(self._kept) >= limits.ROUTES_KEPT_MAX:
            self._kept.clear()
        local = self._ask(peer)
        self._kept[peer] = (now + limits.ROUTES_KEPT_S, local)
        return local

    def forget(self) -> None:
        """Ask anew from now on."""
        self._kept.clear()

    def _ask(self, peer: IpAddress) -> IpAddress | None:
        """Ask the kernel: connecting a UDP socket sends nothing but chooses the route."""
        family = socket.AF_INET if peer.version == 4 else socket.AF_INET6
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((str(peer), self._port))
            except OSError:
                return None
            local = ip_address(probe.getsockname()[0])
        if not self._addresses or local in self._addresses:
            return local
        same_kind = (each for each in self._addresses if each.version == peer.version)
        return next(same_kind, None)
