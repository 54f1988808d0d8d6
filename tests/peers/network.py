"""Two hosts joined by a wire.

The addresses are from the ranges for documentation (RFC 5737). Needs root, if only that of a user
namespace.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address

from mainmode.testing.namespace import Namespace

PREFIX = 24
FIRST, SECOND = "192.0.2.1", "192.0.2.2"
BEHIND = "198.51.100.1", "203.0.113.1"
"""An address each behind the two hosts, for tunnels."""

IKE, NAT = (500).to_bytes(2), (4500).to_bytes(2)
TAP_OCTETS = 16 << 20
NON_ESP_MARKER = bytes(4)


def missing() -> str:
    """What stops networks of their own here; empty when nothing does."""
    if os.geteuid() != 0:
        return "networks of their own need root, or a kernel that allows user namespaces"
    programs = {"ip": "iproute2", "nft": "nftables"}
    for program, package in programs.items():
        if shutil.which(program) is None:
            return f"there is no program {program} (Debian: apt-get install {package})"
    return ""


class Host(Namespace):
    """A network namespace with one interface, `wire`."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.run(["ip", "link", "set", "lo", "up"])

    def run(self, command: Sequence[str]) -> str:
        """Runs a program in the namespace and returns what it printed."""
        return self.inside(
            lambda: subprocess.run(command, check=True, capture_output=True, text=True).stdout
        )

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """A socket of the namespace, for use from outside."""
        return self.inside(lambda: socket.socket(family, kind, protocol))


@contextmanager
def two_hosts() -> Iterator[tuple[Host, Host]]:
    """192.0.2.1 and 192.0.2.2, each sees the other on its interface `wire`."""
    with ExitStack() as stack:
        hosts = Host(FIRST), Host(SECOND)
        for host in hosts:
            stack.callback(host.close)
        end = ["type", "veth", "peer", "name", "wire", "netns", hosts[1].path]
        hosts[0].run(["ip", "link", "add", "wire", *end])
        for host in hosts:
            host.run(["ip", "address", "add", f"{host.address}/{PREFIX}", "dev", "wire"])
            host.run(["ip", "link", "set", "wire", "up"])
        yield hosts


@contextmanager
def two_gateways() -> Iterator[tuple[Host, Host]]:
    """Two hosts that have an address behind them too. Each knows the way to the other's."""
    with two_hosts() as hosts:
        for here, there in ((0, 1), (1, 0)):
            way = ["via", hosts[there].address, "src", BEHIND[here]]
            hosts[here].run(["ip", "address", "add", BEHIND[here], "dev", "lo"])
            hosts[here].run(["ip", "route", "add", BEHIND[there], *way])
        yield hosts


@contextmanager
def captured(host: Host) -> Iterator[Callable[[], list[bytes]]]:
    """Yields a function that returns the frames seen on `wire` so far, both directions."""
    ETH_P_ALL = 0x0003
    with host.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as tap:
        tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TAP_OCTETS)
        tap.bind(("wire", ETH_P_ALL))
        tap.setblocking(False)
        frames: list[bytes] = []

        def seen() -> list[bytes]:
            while True:
                try:
                    frames.append(tap.recv(65_535))
                except BlockingIOError:
                    return frames

        yield seen


def datagrams(frames: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """The ISAKMP datagrams in these frames: source address and octets, non-ESP marker taken off."""
    for frame in frames:
        packet = frame[14:]
        if frame[12:14] != b"\x08\x00" or packet[9] != socket.IPPROTO_UDP:
            continue
        udp = packet[4 * (packet[0] & 0x0F) :]
        ports = udp[:2], udp[2:4]
        if IKE in ports:
            yield str(IPv4Address(packet[12:16])), udp[8:]
        elif NAT in ports and udp[8:12] == NON_ESP_MARKER:
            yield str(IPv4Address(packet[12:16])), udp[12:]
