"""Engines on a network without sockets, under a virtual clock.

    alice, bob = Host("192.0.2.1", policy, keys), Host("192.0.2.2", policy, keys)
    network = Network(alice, bob)
    network.connect(alice, bob)
    network.run()

The same seed gives the same run, datagram for datagram.
"""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from ipaddress import ip_address
from random import Random
from typing import TypeVar

from mainmode import limits
from mainmode.auth.credentials import Credentials
from mainmode.engine.effects import (
    AllocateSpi,
    Effect,
    InstallPair,
    JobFailed,
    RemovePair,
    Run,
    Send,
)
from mainmode.engine.engine import Engine
from mainmode.engine.events import Event
from mainmode.model import Direction, Endpoint, IpAddress, Path, SaPair
from mainmode.policy.model import Policy
from mainmode.policy.selection import Selection

E = TypeVar("E", bound=Event)


class Host:
    """One engine with hands: it keeps what the engine records and a table of installed SAs."""

    def __init__(
        self, address: str, policy: Policy, credentials: Credentials, *, seed: int = 0
    ) -> None:
        self.address: IpAddress = ip_address(address)
        self.random = Random(f"{seed} {address}")
        selection = Selection(policy, [self.address])
        self.engine = Engine(selection, credentials, self.random.randbytes)
        self.events: list[Event] = []
        self.inbound: dict[int, SaPair] = {}
        self.outbound: dict[int, SaPair] = {}
        """Both by the pair's inbound SPI."""
        self.refuse: Direction | None = None
        """The direction in which the driver refuses SAs, if any."""

    def path_to(self, peer: "Host") -> Path:
        return Path(
            Endpoint(self.address, limits.IKE_PORT), Endpoint(peer.address, limits.IKE_PORT)
        )

    def of(self, kind: type[E]) -> list[E]:
        """The recorded events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def execute(self, effects: list[Effect], now: float) -> Iterator[Send]:
        """Do what the engine wants done; what is to be sent comes out."""
        waiting = list(effects)
        while waiting:
            effect = waiting.pop(0)
            if isinstance(effect, Send):
                yield effect
            elif isinstance(effect, Run):
                result = self._work(effect.job)
                waiting[:0] = self.engine.resume(effect.job_id, result, now)
            elif isinstance(effect, RemovePair):
                self.inbound.pop(effect.spi, None)
                self.outbound.pop(effect.spi, None)
            else:
                self.events.append(effect.event)

    def _work(self, job: AllocateSpi | InstallPair) -> object:
        if isinstance(job, AllocateSpi):
            return self.random.randrange(limits.SPI_MIN, 1 << 32)
        if job.direction is self.refuse:
            return JobFailed("the driver is told to refuse")
        table = self.inbound if job.direction is Direction.INBOUND else self.outbound
        table[job.pair.spi] = job.pair
        return None


Fault = Callable[[Send, int], "list[bytes]"]
"""From a datagram and its number (from 0) to what arrives: nothing, itself, or something else."""


def faithful(sent: Send, _number: int) -> list[bytes]:
    return [sent.datagram]


class Network:
    """Delivers datagrams between hosts after a constant delay, through a fault."""

    def __init__(self, *hosts: Host, fault: Fault = faithful, delay_s: float = 0.01) -> None:
        self.hosts = {host.address: host for host in hosts}
        self.now = 0.0
        self.fault = fault
        self.sent: list[Send] = []
        """Everything that was sent, in order, lost or not."""
        self._delay_s = delay_s
        self._flying: list[tuple[float, int, IpAddress, Path, bytes]] = []
        self._count = 0

    def connect(self, host: Host, peer: Host) -> None:
        """An administrator at `host` wants an SA with `peer`."""
        self.do(host, host.engine.connect(host.path_to(peer), self.now))

    def do(self, host: Host, effects: list[Effect]) -> None:
        """Carry out what an engine wants."""
        for sent in host.execute(effects, self.now):
            self._post(sent)

    def inject(self, sender: Host, receiver: Host, datagram: bytes) -> None:
        """Have a datagram arrive at once, as if from `sender`."""
        path = receiver.path_to(sender)
        self.do(receiver, receiver.engine.receive(datagram, path, self.now))

    def run(self, until_s: float = 1.0) -> None:
        """Let time pass to this moment: deliver what flies, ring what is due."""
        while (event := self._next()) is not None and event[0] <= until_s:
            self.now = max(self.now, event[0])
            if event[1] is not None:
                self.do(event[1], event[1].engine.wake(self.now))
                continue
            _, _, receiver, path, datagram = heappop(self._flying)
            host = self.hosts[receiver]
            self.do(host, host.engine.receive(datagram, path, self.now))
        self.now = max(self.now, until_s)

    def _next(self) -> tuple[float, Host | None] | None:
        """When something happens next, and whose timer it is (None: a datagram arrives)."""
        moments: list[tuple[float, Host | None]] = [
            (at, host) for host in self.hosts.values() if (at := host.engine.next_wake) is not None
        ]
        if self._flying:
            moments.append((self._flying[0][0], None))
        return min(moments, key=lambda moment: moment[0], default=None)

    def _post(self, sent: Send) -> None:
        number = len(self.sent)
        self.sent.append(sent)
        path = Path(sent.path.peer, sent.path.local)
        if path.local.address not in self.hosts:
            return
        for datagram in self.fault(sent, number):
            self._count += 1
            at = self.now + self._delay_s
            heappush(self._flying, (at, self._count, path.local.address, path, datagram))
