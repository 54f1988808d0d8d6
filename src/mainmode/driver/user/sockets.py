"""The raw sockets on which protected packets come and go, and by which held ones leave in clear.

Source: Linux raw(7), ip(7).
Does not: read packets' insides beyond their destination.
"""

import errno
import socket
from typing import NamedTuple

from mainmode import limits
from mainmode.driver.user.routing import SENT
from mainmode.errors import DriverError
from mainmode.numbers import IpProtocol
from mainmode.packets import ip

_IP_MTU = 14
"""Socket option of a connected socket: the path's MTU as the kernel knows it (ip(7))."""
_SO_SNDBUFFORCE = 32
_SO_RCVBUFFORCE = 33
"""Buffers beyond the limit for ordinary users (socket(7))."""
_ANY_PORT = 9


def receiver(protocol: IpProtocol) -> socket.socket:
    """A socket that gets every ESP or AH packet for this host, reassembled, with its IP header.

    Raises DriverError.
    """
    opened = _raw(protocol)
    _widen(opened, _SO_RCVBUFFORCE, socket.SO_RCVBUF)
    return opened


class _Way(NamedTuple):
    """How to reach one peer."""

    address: tuple[str, int]
    mtu: int


class PacketSender:
    """Sends whole IP packets, in fragments where the path needs it.

    With headers of our own the type of service, time to live and identification go out as they
    were sealed (AH covers the latter), but the kernel does not fragment. They carry a mark by
    which the packet filter knows them. Raises DriverError when the socket may not be opened.
    """

    def __init__(self) -> None:
        self._socket = _raw(socket.IPPROTO_RAW, SENT)
        _widen(self._socket, _SO_SNDBUFFORCE, socket.SO_SNDBUF)
        self._ways: dict[bytes, _Way] = {}
        """By packed destination."""

    def send(self, packet: bytes) -> None:
        """Raises OSError when the network will not have it; some fragments may be out then."""
        destination = packet[16:20]
        way = self._ways.get(destination) or self._find(destination)
        try:
            self._send_by(way, packet)
        except OSError as error:
            if error.errno != errno.EMSGSIZE:
                raise
            self._send_by(self._find(destination), packet)  # the link's MTU has shrunk

    def _send_by(self, way: _Way, packet: bytes) -> None:
        if len(packet) <= way.mtu:
            self._socket.sendto(packet, way.address)
            return
        for piece in ip.fragments(packet, way.mtu):
            self._socket.sendto(piece, way.address)

    def _find(self, destination: bytes) -> _Way:
        if len(self._ways) >= limits.FLOWS_KEPT_MAX:
            self._ways.clear()
        address = (socket.inet_ntoa(destination), _ANY_PORT)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(address)  # sends nothing
            mtu = probe.getsockopt(socket.IPPROTO_IP, _IP_MTU)
        way = self._ways[destination] = _Way(address, mtu)
        return way

    def close(self) -> None:
        self._socket.close()


def _raw(protocol: int, mark: int = 0) -> socket.socket:
    try:
        opened = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
    except OSError as error:
        raise DriverError(f"cannot open a raw socket: {error.strerror}") from error
    opened.setblocking(False)
    return opened


def _widen(opened: socket.socket, forced: int, modest: int) -> None:
    try:
        opened.setsockopt(socket.SOL_SOCKET, forced, limits.PACKET_BUFFER_OCTETS)
    except PermissionError:  # root of a user namespace only: what the system's limit allows
        opened.setsockopt(socket.SOL_SOCKET, modest, limits.PACKET_BUFFER_OCTETS)
