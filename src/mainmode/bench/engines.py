"""Handshakes between two engines in one process: no sockets, no event loop."""

import os
import time
from collections import deque
from collections.abc import Callable

from mainmode import limits
from mainmode.bench.figures import Figures, octets_per_pair, share_of_cryptography
from mainmode.bench.terms import (
    CREDENTIALS,
    INITIATORS,
    RESPONDERS,
    pairs_before_memory,
    selection_of,
)
from mainmode.bench.usage import Meter
from mainmode.driver.null import NullDriver
from mainmode.engine.effects import Effect
from mainmode.engine.engine import Engine
from mainmode.model import Endpoint, Path
from mainmode.service.audit import AuditStore
from mainmode.service.collector import tame_collector
from mainmode.service.executor import Executor

Happening = Callable[[float], list[Effect]]
"""What an engine goes through at a time, seconds, and what it wants done."""


class Side:
    """An engine and the service's executor; what it sends waits in `sent`. `cpu_s` is the
    processor time of all that it has been through."""

    def __init__(self, offer: str) -> None:
        began = time.thread_time()
        self.sent: deque[tuple[Path, bytes]] = deque()
        self.engine = Engine(selection_of(offer), CREDENTIALS, os.urandom)
        self._executor = Executor(
            self.engine,
            NullDriver(os.urandom),
            self,
            AuditStore(),
            time.monotonic,
        )
        self.cpu_s = time.thread_time() - began

    def send(self, path: Path, datagram: bytes) -> None:
        self.sent.append((path, datagram))

    def keep_alive(self, path: Path) -> None:
        """There is no NAT here."""

    def enter(self, happen: Happening) -> None:
        """Let the engine go through something, and do what it wants done."""
        began = time.thread_time()
        self._executor.execute(happen(time.monotonic()))
        self.cpu_s += time.thread_time() - began

    def connect(self, path: Path) -> None:
        self.enter(lambda now: self.engine.connect(path, now))

    def hear(self, other: "Side") -> None:
        """Take everything that the other side has sent so far."""
        began = time.thread_time()
        while other.sent:
            path, datagram = other.sent.popleft()
            self._executor.execute(self.engine.receive(datagram, path.reversed, time.monotonic()))
        self.cpu_s += time.thread_time() - began


def between_engines(count: int, offer: str) -> Figures:
    """So many negotiations, one after the other."""
    meter = Meter()
    initiator, responder = Side(offer), Side(offer)
    tame_collector()
    began = time.monotonic()
    for number in range(count):
        if number == pairs_before_memory(count):
            meter.watch_memory(number)
        local = Endpoint(INITIATORS + number, limits.IKE_PORT)
        peer = Endpoint(RESPONDERS + number, limits.IKE_PORT)
        initiator.connect(Path(local, peer))
        while initiator.sent or responder.sent:
            responder.hear(initiator)
            initiator.hear(responder)
    elapsed_s = time.monotonic() - began
    established = min(len(side.engine.quick_mode_sas()) for side in (initiator, responder))
    usage = meter.read(established)
    memory = octets_per_pair([usage])
    return Figures(
        what=f"{offer} and quick mode between two engines in one process, one at a time, no PFS",
        negotiations=established,
        elapsed_s=elapsed_s,
        initiator_cpu_s=initiator.cpu_s,
        responder_cpu_s=responder.cpu_s,
        crypto_share=share_of_cryptography([usage]),
        octets_per_pair=memory / 2 if memory is not None else None,
        grown_pairs=usage.grown_pairs,
    )
