"""Frames on a link: capture them, keep them in a pcap file, find what went in clear.

    pcap file   magic a1b2c3d4 | version 2.4 | zone 0 | accuracy 0 | longest frame | link type 1
    record      seconds | microseconds | octets kept | octets on the wire | frame

All numbers 4 octets (versions 2 each); we write big-endian and read either order.

Source: draft-ietf-opsawg-pcap; Linux packet(7).
Does not: take protocols apart beyond "was this protected?".
"""

import select
import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Self

from mainmode import limits
from mainmode.errors import PersonError
from mainmode.numbers import IpProtocol
from mainmode.packets import esp, ip, nat

FRAME_MAX_OCTETS = 262_144

_ETH_P_ALL = 0x0003
_ETHERNET_OCTETS = 14
_IPV4 = b"\x08\x00"
_ARP = b"\x08\x06"
_IPV6 = b"\x86\xdd"
_IPV6_OCTETS = 40
_NEIGHBOUR_DISCOVERY = range(133, 138)
_MULTICAST_LISTENER_REPORT = 143
_SOL_PACKET = 263
_PACKET_STATISTICS = 6
_NON_ESP_MARKER = bytes(4)
_BUFFER_OCTETS = 64 << 20
_POLL_S = 0.05

_FILE_HEADER = "IHHiIII"
_RECORD = "IIII"
_MAGIC = 0xA1B2C3D4
_ETHERNET = 1


@dataclass(frozen=True, slots=True)
class Frame:
    """One Ethernet frame and when it was seen (seconds since 1970)."""

    time: float
    octets: bytes


class Capture:
    """Watches an interface, both directions, until `stop`. Needs CAP_NET_RAW.

    The interface is looked up in the network namespace of the thread that calls this; frames
    arrive in a thread of their own.
    """

    def __init__(self, interface: str) -> None:
        self.frames: list[Frame] = []
        self.missed = 0
        """Frames that the kernel had to drop because we were slow; counted by `stop`."""
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_OCTETS)
        self._socket.bind((interface, _ETH_P_ALL))
        self._socket.setblocking(False)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"capture {interface}")
        self._thread.start()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            select.select([self._socket], [], [], _POLL_S)
            self._drain()

    def _drain(self) -> None:
        while True:
            try:
                octets = self._socket.recv(FRAME_MAX_OCTETS)
            except BlockingIOError:
                return
            self.frames.append(Frame(time.time(), octets))

    def stop(self) -> list[Frame]:
        """Every frame up to now. The capture is over."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._thread.join()
            self._drain()
            counts = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
            self.missed = struct.unpack("II", counts)[1]
            self._socket.close()
        return self.frames

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


# --- what a frame tells -------------------------------------------------------------------


def in_clear(
    frames: Iterable[Frame], ike_ports: Iterable[int] = (limits.IKE_PORT, limits.NAT_PORT)
) -> list[Frame]:
    """The frames that show what a host says: all but ESP, AH, IKE and ESP in UDP, and what makes a
    link work (ARP, IPv6 neighbour discovery and multicast listener reports).

    A later fragment has no ports and is judged like the first one, which must come before it.
    """
    ports, begun = frozenset(ike_ports), set[bytes]()
    return [frame for frame in frames if not _is_covered(frame.octets, ports, begun)]


def esp_of(frame: Frame, nat_port: int = limits.NAT_PORT) -> bytes | None:
    """The ESP in an IPv4 packet, in UDP or not, from the SPI on; None for anything else and for
    later fragments."""
    protocol, packet = protocol_of(frame), frame.octets[_ETHERNET_OCTETS:]
    if protocol not in (IpProtocol.ESP, IpProtocol.UDP) or _is_later_fragment(packet):
        return None
    payload = packet[ip.header_octets(packet) : int.from_bytes(packet[2:4], "big")]
    if protocol == IpProtocol.UDP:
        if nat_port not in _ports(packet):
            return None
        payload = payload[nat.UDP_OCTETS :]
        if payload[: len(_NON_ESP_MARKER)] == _NON_ESP_MARKER:
            return None
    return payload if len(payload) >= esp.HEADER_OCTETS else None


def protocol_of(frame: Frame) -> int | None:
    """The IP protocol number of an IPv4 frame; None for anything else."""
    if frame.octets[12:_ETHERNET_OCTETS] != _IPV4:
        return None
    return frame.octets[_ETHERNET_OCTETS + 9]


def _is_covered(octets: bytes, ike_ports: frozenset[int], begun: set[bytes]) -> bool:
    """begun: the fragmented datagrams of IKE or ESP whose first fragment has been seen."""
    kind, packet = octets[12:_ETHERNET_OCTETS], octets[_ETHERNET_OCTETS:]
    if kind == _IPV6:
        return _keeps_ipv6_going(packet)
    if kind != _IPV4:
        return kind == _ARP
    if packet[9] in (IpProtocol.ESP, IpProtocol.AH):
        return True
    if packet[9] != IpProtocol.UDP:
        return False
    name = packet[4:6] + packet[12:20]
    if _is_later_fragment(packet):
        return name in begun
    begun.discard(name)
    covered = not ike_ports.isdisjoint(_ports(packet))
    if covered and ip.is_fragment(packet):
        begun.add(name)
    return covered


def _is_later_fragment(packet: bytes) -> bool:
    return int.from_bytes(packet[6:8], "big") & 0x1FFF != 0


def _ports(packet: bytes) -> tuple[int, int] | tuple[()]:
    """Of a packet that is no later fragment."""
    start = ip.header_octets(packet)
    if len(packet) < start + 4:
        return ()
    source, destination = struct.unpack_from(">HH", packet, start)
    return source, destination


def _keeps_ipv6_going(packet: bytes) -> bool:
    next_header, start = packet[6], _IPV6_OCTETS
    if next_header == 0:  # hop-by-hop options before a listener report
        next_header, start = packet[start], start + 8 + packet[start + 1] * 8
    if next_header != IpProtocol.ICMPV6:
        return False
    return packet[start] in _NEIGHBOUR_DISCOVERY or packet[start] == _MULTICAST_LISTENER_REPORT


# --- pcap files ---------------------------------------------------------------------------


def write_pcap(file: BinaryIO, frames: Iterable[Frame]) -> None:
    """A file that any packet analyser reads."""
    file.write(struct.pack(">" + _FILE_HEADER, _MAGIC, 2, 4, 0, 0, FRAME_MAX_OCTETS, _ETHERNET))
    for frame in frames:
        seconds, fraction = divmod(round(frame.time * 1_000_000), 1_000_000)
        length = len(frame.octets)
        file.write(struct.pack(">" + _RECORD, seconds, fraction, length, length) + frame.octets)


def read_pcap(file: BinaryIO) -> Iterator[Frame]:
    """The frames of an Ethernet capture, in its order.

    Raises PersonError when it is no such file or is cut short.
    """
    order = _order(file.read(4))
    rest = _take(file, struct.calcsize(order + _FILE_HEADER) - 4)
    if struct.unpack(order + _FILE_HEADER[1:], rest)[-1] != _ETHERNET:
        raise PersonError("not a capture of Ethernet frames")
    record = struct.Struct(order + _RECORD)
    while head := file.read(record.size):
        if len(head) < record.size:
            raise PersonError("the capture ends inside a frame")
        seconds, fraction, kept, _ = record.unpack(head)
        yield Frame(seconds + fraction / 1_000_000, _take(file, kept))


def _order(magic: bytes) -> str:
    for order in (">", "<"):
        if magic == struct.pack(order + "I", _MAGIC):
            return order
    raise PersonError("not a pcap file")


def _take(file: BinaryIO, octets: int) -> bytes:
    data = file.read(octets) if octets <= FRAME_MAX_OCTETS else b""
    if len(data) < octets:
        raise PersonError("the capture ends inside a frame")
    return data
