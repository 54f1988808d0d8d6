"""Hosts with the user-space driver in network namespaces, and the traffic they exchange.

Talks to: `tests.peers.network` (the namespaces), `static_host` (the process inside).
"""

import hashlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mainmode.diagnosis.capture import Capture
from mainmode.packets.ip import checksum
from tests.peers.network import FIRST, SECOND, Host

if TYPE_CHECKING:  # what only sends traffic need not wait for a driver to be imported
    from tests.driver.static_host import Setup

CHECKOUT = Path(__file__).parents[2]
ANSWER_S = 15.0
ICMP_ECHO = 8
_PATTERN = bytes(range(256))
_REPORTS = ("acquire", "expired", "idle", "used", "soft_idle", "bad_spi")
"""The words with which a host passes on what its driver tells."""


class StaticHost:
    """A running `static_host` in a namespace. Leaving the block closes it in good order."""

    def __init__(self, host: Host, setup: "Setup") -> None:
        self.host = host
        self.setup = setup
        command = [sys.executable, "-m", "tests.driver.static_host", json.dumps(asdict(setup))]
        self.process = host.inside(
            lambda: subprocess.Popen(
                command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        )
        self.asked: list[str] = []
        """What the driver asked for or reported, a line each."""

    def __enter__(self) -> Self:
        self.expect("ready")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self.process.poll() is None and error is None:
            self.tell("close")
        self.kill()

    def tell(self, command: str) -> str:
        """Give a command and wait for its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.expect()

    def expect(self, *words: str) -> str:
        """The next line; one of `words` if given. Reports from the driver are put aside."""
        assert self.process.stdout is not None
        while True:
            line = self.process.stdout.readline().strip()
            if line.startswith(_REPORTS) and line.split()[0] not in words:
                self.asked.append(line)
                continue
            assert line, "the host has ended"
            assert not words or line.split()[0] in words, line
            return line

    def numbers(self, command: str) -> dict[str, int]:
        found: dict[str, int] = json.loads(self.tell(command))
        return found

    def kill(self) -> None:
        """As kill -9 does."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


@contextmanager
def watched(host: Host, interface: str = "wire") -> Iterator[Capture]:
    """Capture on one end of a wire; at the end of the block every frame must have been seen."""
    with host.inside(lambda: Capture(interface)) as frames:
        yield frames
    assert frames.missed == 0


# --- ping ---------------------------------------------------------------------------------


class Pinger:
    """Sends echo requests of its own; the kernel of the other host answers."""

    def __init__(self, host: Host, address: str, source: str = "") -> None:
        """source: the host's own address to send from; empty: the kernel's choice."""
        self._socket = host.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        if source:
            self._socket.bind((source, 0))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._address = address
        self._id = os.getpid() & 0xFFFF
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, size: int = 56) -> bytes:
        """A request with `size` octets of data; returns what the answer will be (from the id on).
        Raises OSError when the host may not send it."""
        self._sequence += 1
        data = (_PATTERN * (size // 256 + 1))[:size]
        body = struct.pack(">HH", self._id, self._sequence & 0xFFFF) + data
        message = struct.pack(">BBH", ICMP_ECHO, 0, 0) + body
        total = checksum(message + b"\0" * (len(message) % 2))
        self._socket.sendto(message[:2] + struct.pack(">H", total) + body, (self._address, 0))
        return body

    def answered(self, body: bytes, seconds: float) -> bool:
        """Whether the answer comes in time."""
        end = time.monotonic() + seconds
        while (answer := self.answer(end - time.monotonic())) is not None:
            if answer == body:
                return True
        return False

    def answer(self, seconds: float) -> bytes | None:
        """The next answer, from the id on, to any of our requests; None: it does not come."""
        end = time.monotonic() + seconds
        while select.select([self._socket], [], [], max(0.0, end - time.monotonic()))[0]:
            packet = self._socket.recv(65_535)
            icmp = packet[(packet[0] & 15) * 4 :]
            if icmp[0] == 0:
                return icmp[4:]
        return None


def ping(host: Host, address: str, size: int = 56, seconds: float = 3.0) -> bool:
    """Whether one echo request of `size` octets is answered with the same octets."""
    with Pinger(host, address) as pinger:
        try:
            body = pinger.send(size)
        except PermissionError:
            return False
        return pinger.answered(body, seconds)


@contextmanager
def ping_flood(host: Host, address: str, per_second: int = 500) -> Iterator[None]:
    """Requests without end while the block runs; refusals of the kernel do not stop it."""
    stopping = threading.Event()

    def flood() -> None:
        with Pinger(host, address) as pinger:
            while not stopping.wait(1 / per_second):
                try:
                    pinger.send()
                except OSError:
                    continue

    with ThreadPoolExecutor(1) as worker:
        running = worker.submit(flood)
        try:
            yield
        finally:
            stopping.set()
            running.result()


class Tally:
    """How many requests a host has sent, and which of them were answered."""

    def __init__(self, pinger: Pinger) -> None:
        self._pinger = pinger
        self.waiting: set[bytes] = set()
        self.sent = 0

    def send(self) -> None:
        self.waiting.add(self._pinger.send())
        self.sent += 1

    def collect(self, seconds: float = 0.0) -> None:
        """Cross off what is answered within this time, or until nothing waits."""
        end = time.monotonic() + seconds
        while self.waiting and (answer := self._pinger.answer(end - time.monotonic())):
            self.waiting.discard(answer)


@contextmanager
def no_ping_lost(host: Host, address: str, per_second: int = 500) -> Iterator[Tally]:
    """Requests without end while the block runs, each of which must be answered."""
    stopping = threading.Event()

    def run(tally: Tally) -> None:
        while not stopping.wait(1 / per_second):
            tally.send()
            tally.collect()

    with Pinger(host, address) as pinger, ThreadPoolExecutor(1) as worker:
        tally = Tally(pinger)
        running = worker.submit(run, tally)
        try:
            yield tally
        finally:
            stopping.set()
            running.result()
        tally.collect(ANSWER_S)
        assert tally.waiting == set(), f"{len(tally.waiting)} of {tally.sent} were not answered"


# --- streams and datagrams ----------------------------------------------------------------


def transfer(sender: Host, receiver: Host, address: str, octets: int, port: int = 5001) -> float:
    """Send a stream by TCP and compare its digest; returns the seconds it took."""
    block = os.urandom(1 << 20)
    listener = receiver.socket(socket.AF_INET, socket.SOCK_STREAM)
    client = sender.socket(socket.AF_INET, socket.SOCK_STREAM)
    with listener, client, ThreadPoolExecutor(1) as worker:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("0.0.0.0", port))
        listener.listen()
        listener.settimeout(ANSWER_S)
        receiving = worker.submit(_swallow, listener)
        client.settimeout(ANSWER_S)
        client.connect((address, port))
        sent = hashlib.sha256()
        started = time.monotonic()
        for start in range(0, octets, len(block)):
            piece = block[: octets - start]
            client.sendall(piece)
            sent.update(piece)
        client.shutdown(socket.SHUT_WR)
        received = receiving.result()
        seconds = time.monotonic() - started
    assert received == sent.digest()
    return seconds


def _swallow(listener: socket.socket) -> bytes:
    connection, _ = listener.accept()
    digest = hashlib.sha256()
    with connection:
        connection.settimeout(ANSWER_S)
        while data := connection.recv(1 << 16):
            digest.update(data)
    return digest.digest()


def datagram(
    sender: Host,
    receiver: Host,
    address: str,
    octets: int,
    port: int = 5002,
    seconds: float = 3.0,
) -> bytes | None:
    """Send one by UDP; what arrives, or None after a while."""
    there = receiver.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here = sender.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with there, here:
        there.bind(("0.0.0.0", port))
        there.settimeout(seconds)
        here.sendto((_PATTERN * (octets // 256 + 1))[:octets], (address, port))
        try:
            return there.recv(65_535)
        except TimeoutError:
            return None


def send_every_size(one: Host, other: Host) -> None:
    """Pings, streams and datagrams between the two hosts of the lab; each must arrive whole."""
    for size in (0, 56, 1_472, 8_000, 30_000, 65_000):
        assert ping(one, SECOND, size), size
    assert ping(other, FIRST, 4_000)
    transfer(one, other, SECOND, 3_000_000)
    transfer(other, one, FIRST, 1_000_000, port=5_003)
    for octets in (1, 1_473, 20_000, 65_000):
        received = datagram(one, other, SECOND, octets)
        assert received is not None
        assert len(received) == octets
