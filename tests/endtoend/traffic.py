"""Traffic without end: pings, UDP and attempts at TCP, from one host to another."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

from tests.driver.lab import ping_flood
from tests.peers.network import Host

_PINGS_PER_S = 300
_INTERVAL_S = 0.01
_DISCARD_PORT = 9


@contextmanager
def flood(hosts: tuple[Host, Host]) -> Iterator[None]:
    """Both hosts send to each other while the block runs, whatever the kernel says to it."""
    with ExitStack() as stack:
        for host, other in (hosts, hosts[::-1]):
            stack.enter_context(ping_flood(host, other.address, _PINGS_PER_S))
            stack.enter_context(_chatter(host, other.address))
        yield


@contextmanager
def _chatter(host: Host, address: str) -> Iterator[None]:
    """A UDP datagram and a TCP connection attempt, again and again."""
    stopping = threading.Event()

    def chat() -> None:
        with host.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            while not stopping.wait(_INTERVAL_S):
                with suppress(OSError):
                    udp.sendto(b"in clear", (address, _DISCARD_PORT))
                with host.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
                    tcp.setblocking(False)
                    with suppress(OSError):
                        tcp.connect((address, _DISCARD_PORT))

    with ThreadPoolExecutor(1) as worker:
        running = worker.submit(chat)
        try:
            yield
        finally:
            stopping.set()
            running.result()
