"""What travels in a benchmark of traffic: one stream by TCP, or small datagrams by UDP.

    sender ----------- stream or datagrams, protected -----------> receiver
       <-------- how far datagrams have come, by a pipe ------------

Each is a process of its own on its host. The receiver measures. It says Listening, then Begun when
the flow has warmed up, and at the end what it has Received since. A sender ends when the receiver
has gone.

Datagrams are numbered, and the sender lets WINDOW of them be under way. So none needs to be lost,
and no more processor time goes into sending than packets get through. What is lost all the same
shows as a gap in the numbers.
"""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

DATAGRAM_OCTETS = 64
"""What a datagram carries."""
WINDOW = 256
"""Fewer than the shortest queue on the way takes: 1,000 in the driver's device, and some 400 in a
socket whose buffer may not be widened."""
_REPORT_EVERY = 32
_PORT = 5001
_WARM_UP_S = 0.5
_BLOCK_OCTETS = 1 << 18
_PATIENCE_S = 10.0
_LOST_S = 0.2
"""Datagrams that have not come after so long never will."""
_NUMBER_OCTETS = 8


@dataclass(frozen=True, slots=True)
class Listening:
    """A sender may begin."""


@dataclass(frozen=True, slots=True)
class Begun:
    """From here on it counts."""


@dataclass(frozen=True, slots=True)
class Received:
    """What came in the time that counts."""

    seconds: float
    octets: int
    """Of data, without any header."""
    datagrams: int
    """0 for a stream."""
    lost: int
    """Datagrams that were sent but did not come."""


# --- a stream -----------------------------------------------------------------------------


def receive_stream(address: str, seconds: float, pipe: Connection) -> None:
    """Take one connection to `address` and measure for so long."""
    with socket.create_server((address, _PORT)) as listener:
        listener.settimeout(_PATIENCE_S)
        pipe.send(Listening())
        connection, _ = listener.accept()
    with connection:
        connection.settimeout(_PATIENCE_S)
        buffer = bytearray(_BLOCK_OCTETS)
        _repeat(lambda: _some(connection, buffer), _WARM_UP_S)
        pipe.send(Begun())
        octets, elapsed_s = _repeat(lambda: _some(connection, buffer), seconds)
        pipe.send(Received(elapsed_s, octets, datagrams=0, lost=0))


def send_stream(address: str, _pipe: Connection) -> None:
    """As fast as it goes, until nobody receives any more."""
    block = bytes(_BLOCK_OCTETS)
    with socket.create_connection((address, _PORT), _PATIENCE_S) as connection:
        try:
            while True:
                connection.sendall(block)
        except ConnectionError:
            return


def _some(connection: socket.socket, buffer: bytearray) -> int:
    count = connection.recv_into(buffer)
    if not count:
        raise ConnectionError("the sender has gone")
    return count


# --- datagrams ----------------------------------------------------------------------------


def receive_datagrams(address: str, seconds: float, sender: Connection, pipe: Connection) -> None:
    """Take datagrams to `address` and measure for so long. `sender` learns how far they came."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        receiver.bind((address, _PORT))
        receiver.settimeout(_PATIENCE_S)
        pipe.send(Listening())
        last = 0

        def receive() -> int:
            nonlocal last
            number = int.from_bytes(receiver.recv(DATAGRAM_OCTETS)[:_NUMBER_OCTETS])
            if number // _REPORT_EVERY > last // _REPORT_EVERY:
                sender.send(number)
            last = number
            return 1

        _repeat(receive, _WARM_UP_S)
        pipe.send(Begun())
        first = last
        count, elapsed_s = _repeat(receive, seconds)
        lost = last - first - count
        pipe.send(Received(elapsed_s, count * DATAGRAM_OCTETS, count, lost))


def send_datagrams(address: str, receiver: Connection, _pipe: Connection) -> None:
    """As many as get through, until nobody receives any more."""
    rest = bytes(DATAGRAM_OCTETS - _NUMBER_OCTETS)
    sent = arrived = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((address, _PORT))
        try:
            while True:
                for _ in range(WINDOW - (sent - arrived)):
                    sent += 1
                    sender.send(sent.to_bytes(_NUMBER_OCTETS) + rest)
                arrived = receiver.recv() if receiver.poll(_LOST_S) else sent
        except (EOFError, ConnectionError):
            return


def _repeat(receive: Callable[[], int], seconds: float) -> tuple[int, float]:
    """The sum of what `receive` returns in so many seconds, and the seconds it took."""
    began = now = time.monotonic()
    total = 0
    while now - began < seconds:
        total += receive()
        now = time.monotonic()
    return total, now - began
