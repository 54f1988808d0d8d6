"""ICMP echo by a raw socket: what ping(8) does, on machines that lack it.

Source: RFC 792 (echo: type 8, answer: type 0; code, checksum 2, identifier 2, sequence 2, data).
"""

import os
import select
import socket
import struct
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from mainmode.demo.hosts import Host
from mainmode.packets import ip

TEXT = b"nobody may read this"
"""Carried by every ping, so that one can look for it."""
_DATA = TEXT.ljust(56)
"""56 octets of data, as usual."""
_REQUEST, _ANSWER = 8, 0
_HEADER = struct.Struct(">BBHHH")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answered ping."""

    sequence: int
    octets: int
    """Of the ICMP message."""
    ms: float


class Pinger:
    """Sends echo requests from a host to an address and awaits the answers."""

    def __init__(self, host: Host, address: str) -> None:
        self._address = address
        self._identifier = os.getpid() & 0xFFFF
        self._sequence = 0
        self._sent_at = 0.0
        self._socket = host.inside(
            lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self) -> None:
        """The next request. Raises OSError."""
        self._sequence += 1
        total = ip.checksum(self._message(_REQUEST, 0))
        self._sent_at = time.monotonic()
        self._socket.sendto(self._message(_REQUEST, total), (self._address, 0))

    def reply(self, seconds: float) -> Reply | None:
        """The answer to the last request; None when it does not come in time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self._socket], [], [], left)[0]:
                return None
            packet = self._socket.recv(65_535)
            message = packet[ip.header_octets(packet) :]
            if message[:1] == bytes([_ANSWER]) and message[4:] == self._message(_ANSWER, 0)[4:]:
                ms = (time.monotonic() - self._sent_at) * 1_000
                return Reply(self._sequence, len(message), ms)
        return None

    def _message(self, kind: int, checksum: int) -> bytes:
        return _HEADER.pack(kind, 0, checksum, self._identifier, self._sequence) + _DATA
