"""A wire that passes through our hands: every frame between two hosts is seen, kept and carried on
by this process, and something may happen just before a frame arrives.

    host "wire" === "first"  [middle: this process]  "second" === "wire" host
"""

import ctypes
import fcntl
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from mainmode.diagnosis.capture import FRAME_MAX_OCTETS, Frame
from mainmode.testing.namespace import Namespace
from tests.peers.network import FIRST, PREFIX, SECOND, Host

_ETH_P_ALL = 0x0003
_PACKET_OUTGOING = 4
_SIOCETHTOOL = 0x8946
_SET_TX_CHECKSUM = 0x17
_POLL_S = 0.05

Watcher = Callable[[Frame], None]


class Link:
    """The wire, from construction to `close`."""

    def __init__(self, ends: tuple[socket.socket, socket.socket]) -> None:
        self.frames: list[Frame] = []
        """Every frame that a host put on the wire so far."""
        self.watcher: Watcher | None = None
        """Is shown each frame before it reaches the other host."""
        self._ends = ends
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._carry, name="wire")
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _carry(self) -> None:
        first, second = self._ends
        other = {first: second, second: first}
        while not self._stopping.is_set():
            for end in select.select(self._ends, [], [], _POLL_S)[0]:
                self._drain(end, other[end])

    def _drain(self, end: socket.socket, other: socket.socket) -> None:
        while True:
            try:
                octets, where = end.recvfrom(FRAME_MAX_OCTETS)
            except BlockingIOError:
                return
            if where[2] == _PACKET_OUTGOING:  # our own sending
                continue
            frame = Frame(time.time(), octets)
            self.frames.append(frame)
            if self.watcher is not None:
                self.watcher(frame)
            other.send(octets)


@contextmanager
def linked_hosts() -> Iterator[tuple[Host, Host, Link]]:
    """192.0.2.1, 192.0.2.2 and the wire between them."""
    with ExitStack() as stack:
        hosts = Host(FIRST), Host(SECOND)
        for host in hosts:
            stack.callback(host.close)
        yield *hosts, stack.enter_context(link_between(*hosts))


@contextmanager
def link_between(first: Host, second: Host) -> Iterator[Link]:
    """Gives both an interface `wire` with their address."""
    with ExitStack() as stack:
        middle = Namespace()
        stack.callback(middle.close)
        ends = [_plug(host, middle, name) for host, name in ((first, "a"), (second, "b"))]
        for end in ends:
            stack.enter_context(end)
        link = Link((ends[0], ends[1]))
        stack.callback(link.close)
        yield link


def _plug(host: Host, middle: Namespace, name: str) -> socket.socket:
    """Lay a cable from the host to us; our end of it."""
    host.run(
        ["ip", "link", "add", "wire", "type", "veth", "peer", "name", name, "netns", middle.path]
    )
    host.run(["ip", "address", "add", f"{host.address}/{PREFIX}", "dev", "wire"])
    _complete_checksums(host)
    host.run(["ip", "link", "set", "wire", "up"])
    return middle.inside(lambda: _our_end(name))


def _our_end(name: str) -> socket.socket:
    """Runs in the middle, where the kernel itself shall say nothing."""
    with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w") as switch:
        switch.write("1")
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
    end.setblocking(False)
    request = bytearray(struct.pack("16sh22x", name.encode(), 0x1))  # IFF_UP
    fcntl.ioctl(end, 0x8914, request)  # SIOCSIFFLAGS
    end.bind((name, _ETH_P_ALL))
    return end


def _complete_checksums(host: Host) -> None:
    """Between two ends of one veth the kernel leaves UDP and TCP checksums unfinished; a frame
    that is carried on by hand needs them."""
    value = ctypes.create_string_buffer(struct.pack("II", _SET_TX_CHECKSUM, 0))
    request = struct.pack("16sP16x", b"wire", ctypes.addressof(value))
    with host.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCETHTOOL, request)
