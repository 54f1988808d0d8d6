"""UDP in and out: every datagram knows the local address it came to, every answer leaves from it.

One socket for each address and port. On the NAT port an IKE message follows four zero octets
(RFC 3948 2.2), a single 0xff octet keeps a NAT mapping alive (2.3), anything else is ESP in UDP.
On the IKE port messages stand alone, and the single octet is dropped too.

Source: RFC 3948 2; ip(7) IP_PKTINFO; RFC 3542 6.1 IPV6_PKTINFO.
Talks to: `door`, which hands the messages to the engine; the driver, which gets the ESP.
Does not: read a message.
"""

import errno
import logging
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from mainmode import limits
from mainmode.errors import PersonError
from mainmode.model import Endpoint, IpAddress, Path

log = logging.getLogger(__name__)

NON_ESP_MARKER = bytes(4)
KEEPALIVE = b"\xff"
ESP_MIN_OCTETS = 8
"""SPI and sequence number. What is shorter is nobody's."""
UNSPECIFIED = (IPv4Address(0), IPv6Address(0))

# Linux names that this Python's socket module lacks (<linux/in.h>, <linux/in6.h>).
_IP_PKTINFO = 8
_IP_MTU_DISCOVER = 10
_IPV6_MTU_DISCOVER = 23
_PMTUDISC_DONT = 0
_SO_RCVBUFFORCE = 33
"""A buffer beyond the limit for ordinary users (socket(7))."""

_IN_PKTINFO = struct.Struct("=I4s4s")
"""Interface, local address for answers, destination in the header."""
_IN6_PKTINFO = struct.Struct("=16sI")
"""Address, interface."""
_ANCILLARY_OCTETS = socket.CMSG_SPACE(_IN6_PKTINFO.size)


@dataclass(slots=True)
class SocketCounters:
    """What went through the sockets since start."""

    datagrams_received: int = 0
    datagrams_sent: int = 0
    receive_failures: int = 0
    send_failures: int = 0
    keepalives_dropped: int = 0
    esp_received: int = 0
    """ESP in UDP, handed to the driver."""
    esp_too_short: int = 0


@lru_cache(maxsize=4096)
def _path(local: bytes, local_port: int, peer: tuple[str, int], scope: int) -> Path:
    """The path of a datagram; `scope` is the interface of a link-local peer, else 0."""
    host = f"{peer[0]}%{scope}" if scope else peer[0]
    here = IPv6Address(local) if len(local) == 16 else IPv4Address(local)
    return Path(Endpoint(here, local_port), Endpoint(ip_address(host), peer[1]))


def _scope_of(address: IPv6Address) -> int:
    """Index of the interface that a link-local address names, else 0."""
    name = address.scope_id or "0"
    return int(name) if name.isdigit() else socket.if_nametoindex(name)


class UdpSocket:
    """One bound socket. Raises OSError when it cannot be had."""

    def __init__(self, here: Endpoint, *, nat: bool, counters: SocketCounters) -> None:
        self.here = here
        self.nat = nat
        self._counters = counters
        self._version = here.address.version
        family = socket.AF_INET if self._version == 4 else socket.AF_INET6
        self._socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._configure()
            self._socket.bind((str(here.address), here.port))
        except OSError:
            self._socket.close()
            raise

    def _configure(self) -> None:
        # Large messages are fragmented at once rather than lost while the path MTU is unknown.
        if self._version == 4:
            self._socket.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
            self._socket.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_DONT)
        else:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            self._socket.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_DONT)
        octets = limits.PACKET_BUFFER_OCTETS if self.nat else limits.RECEIVE_BUFFER_OCTETS
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, octets)
        except PermissionError:  # no root: what the system's limit allows
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, octets)

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def drain(self, take_esp: Callable[[bytes, Path], None]) -> Iterator[tuple[bytes, Path]]:
        """The IKE messages that wait, `limits.DATAGRAMS_PER_WAKE` datagrams at most. ESP among
        them goes to `take_esp`."""
        for _ in range(limits.DATAGRAMS_PER_WAKE):
            try:
                datagram, ancillary, _flags, peer = self._socket.recvmsg(
                    limits.DATAGRAM_MAX_OCTETS, _ANCILLARY_OCTETS
                )
            except BlockingIOError:
                return
            except OSError as error:
                self._counters.receive_failures += 1
                log.debug("receiving on %s failed: %s", self.here, error)
                return
            self._counters.datagrams_received += 1
            if datagram == KEEPALIVE:
                self._counters.keepalives_dropped += 1
            elif not self.nat:
                yield datagram, self._path_of(ancillary, peer)
            elif datagram.startswith(NON_ESP_MARKER):
                yield datagram[len(NON_ESP_MARKER) :], self._path_of(ancillary, peer)
            elif len(datagram) < ESP_MIN_OCTETS:
                self._counters.esp_too_short += 1
            else:
                self._counters.esp_received += 1
                take_esp(datagram, self._path_of(ancillary, peer))

    def _path_of(
        self, ancillary: list[tuple[int, int, bytes]], peer: tuple[str, int, int, int]
    ) -> Path:
        local = self.here.address.packed
        for _level, _kind, data in ancillary:
            if len(data) == _IN_PKTINFO.size:
                _interface, local, _destination = _IN_PKTINFO.unpack(data)
            elif len(data) == _IN6_PKTINFO.size:
                local, _interface = _IN6_PKTINFO.unpack(data)
        return _path(local, self.here.port, peer[:2], peer[3] if self._version == 6 else 0)

    def send(self, path: Path, datagram: bytes) -> None:
        """Send from the path's local address. A datagram that cannot leave is counted only."""
        self._send((NON_ESP_MARKER, datagram) if self.nat else (datagram,), path)

    def keep_alive(self, path: Path) -> None:
        """Send the octet that keeps a NAT's mapping, from the path's local address."""
        self._send((KEEPALIVE,), path)

    def _send(self, buffers: tuple[bytes, ...], path: Path) -> None:
        try:
            self._socket.sendmsg(buffers, self._from(path), 0, self._to(path.peer))
        except OSError as error:
            self._counters.send_failures += 1
            log.debug("sending from %s to %s failed: %s", path.local, path.peer, error)
        else:
            self._counters.datagrams_sent += 1

    def _from(self, path: Path) -> list[tuple[int, int, bytes]]:
        local = path.local.address
        if isinstance(local, IPv4Address):
            info = _IN_PKTINFO.pack(0, local.packed, bytes(4))
            return [(socket.IPPROTO_IP, _IP_PKTINFO, info)]
        peer = path.peer.address
        scope = _scope_of(peer) if isinstance(peer, IPv6Address) else 0
        info = _IN6_PKTINFO.pack(local.packed, scope)
        return [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info)]

    def _to(self, peer: Endpoint) -> tuple[str, int] | tuple[str, int, int, int]:
        if isinstance(peer.address, IPv4Address):
            return str(peer.address), peer.port
        bare = str(IPv6Address(int(peer.address)))
        return bare, peer.port, 0, _scope_of(peer.address)


class Sockets:
    """All sockets of the service."""

    def __init__(self, addresses: Iterable[IpAddress], port: int, nat_port: int) -> None:
        """Bind both ports on every address, or on all there are when none is named.

        Raises: PersonError when a port is taken, forbidden, or an address is not ours.
        """
        self.counters = SocketCounters()
        self.port = port
        self.addresses = tuple(addresses)
        """The addresses named; empty: all."""
        self._all: list[UdpSocket] = []
        self._by_place: dict[Endpoint, UdpSocket] = {}
        self._everywhere: dict[tuple[int, int], UdpSocket] = {}
        """By IP version and port: those bound to every address."""
        try:
            for address in self.addresses or UNSPECIFIED:
                self._open(Endpoint(address, port), nat=False)
                self._open(Endpoint(address, nat_port), nat=True)
        except PersonError:
            self.close()
            raise

    def __iter__(self) -> Iterator[UdpSocket]:
        return iter(self._all)

    def _open(self, here: Endpoint, *, nat: bool) -> None:
        try:
            opened = UdpSocket(here, nat=nat, counters=self.counters)
        except OSError as error:
            if here.address == IPv6Address(0) and error.errno in _NO_IPV6:
                log.info("no IPv6 on this computer: listening on IPv4 only")
                return
            raise _explained(here, error) from None
        self._all.append(opened)
        if here.address in UNSPECIFIED:
            self._everywhere[here.address.version, here.port] = opened
        else:
            self._by_place[here] = opened

    @property
    def places(self) -> list[str]:
        """Where the service listens, for people."""
        return [str(each.here) for each in self._all]

    def send(self, path: Path, datagram: bytes) -> None:
        sender = self._sender(path)
        if sender is not None:
            sender.send(path, datagram)

    def keep_alive(self, path: Path) -> None:
        sender = self._sender(path)
        if sender is not None:
            sender.keep_alive(path)

    def _sender(self, path: Path) -> UdpSocket | None:
        local = path.local
        sender = self._everywhere.get((local.address.version, local.port))
        sender = sender or self._by_place.get(local)
        if sender is None:
            self.counters.send_failures += 1
            log.debug("nothing listens on %s, so nothing leaves from there", local)
        return sender

    def close(self) -> None:
        for each in self._all:
            each.close()


_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


def _explained(here: Endpoint, error: OSError) -> PersonError:
    """Why a socket could not be had, and what helps."""
    fixes = {
        errno.EADDRINUSE: "stop the other IKE service, or choose --listen, --port and --nat-port",
        errno.EACCES: "run as root or with CAP_NET_BIND_SERVICE, or choose ports above 1023",
        errno.EADDRNOTAVAIL: "--listen takes addresses of this computer",
    }
    problem = f"cannot listen on UDP {here}: {(error.strerror or str(error)).lower()}"
    return PersonError(problem, fix=fixes.get(error.errno or 0, ""))
