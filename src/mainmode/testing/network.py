"""Engines on a network without sockets, under a virtual clock.

    alice, bob = Host("192.0.2.1", policy, keys), Host("192.0.2.2", policy, keys)
    network = Network(alice, bob)
    network.connect(alice, bob)
    network.run()

The same seed gives the same run, datagram for datagram.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from ipaddress import ip_address
from random import Random
from typing import NamedTuple, TypeVar

from mainmode import limits
from mainmode.auth.credentials import Credentials
from mainmode.engine.effects import (
    AllocateSpi,
    Effect,
    InstallPair,
    JobFailed,
    KeepAlive,
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
        self.drawn: list[int] = []
        """How many octets each draw of randomness asked for."""
        selection = Selection(policy, [self.address])
        self.engine = Engine(selection, credentials, self._draw)
        self.events: list[Event] = []
        self.promised: set[int] = set()
        """Inbound SPIs that the driver has given out and not taken back."""
        self.inbound: dict[int, SaPair] = {}
        self.outbound: dict[int, SaPair] = {}
        """Both by the pair's inbound SPI."""
        self.refuse: type[AllocateSpi] | Direction | None = None
        """What the driver refuses: to promise SPIs, or SAs of one direction."""
        self.kept_alive: list[tuple[float, Path]] = []
        """When and along which path a NAT's mapping was kept."""
        self.slow = False
        """Whether jobs wait in `jobs` until `Network.finish_jobs`."""
        self.jobs: deque[Run] = deque()

    def __repr__(self) -> str:
        return f"<Host {self.address}>"

    def path_to(self, peer: "Host") -> Path:
        return Path(
            Endpoint(self.address, limits.IKE_PORT), Endpoint(peer.address, limits.IKE_PORT)
        )

    def of(self, kind: type[E]) -> list[E]:
        """The recorded events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def execute(self, effects: Iterable[Effect], now: float) -> Iterator[Send]:
        """Do what the engine wants done; what is to be sent comes out."""
        waiting = deque(effects)
        while waiting:
            effect = waiting.popleft()
            if isinstance(effect, Send):
                yield effect
            elif isinstance(effect, Run) and self.slow:
                self.jobs.append(effect)
            elif isinstance(effect, Run):
                waiting.extendleft(reversed(self.finish(effect, now)))
            elif isinstance(effect, KeepAlive):
                self.kept_alive.append((now, effect.path))
            elif isinstance(effect, RemovePair):
                self.promised.discard(effect.spi)
                self.inbound.pop(effect.spi, None)
                self.outbound.pop(effect.spi, None)
            else:
                self.events.append(effect.event)

    def finish(self, run: Run, now: float) -> list[Effect]:
        """Do a job and tell the engine its result."""
        return self.engine.resume(run.job_id, self._work(run.job), now)

    def _work(self, job: AllocateSpi | InstallPair) -> int | JobFailed | None:
        if isinstance(job, AllocateSpi):
            if self.refuse is AllocateSpi:
                return JobFailed("the driver is told to promise no SPI")
            spi = self.random.randrange(limits.SPI_MIN, 1 << 32)
            self.promised.add(spi)
            return spi
        if job.direction is self.refuse:
            return JobFailed("the driver is told to refuse")
        table = self.inbound if job.direction is Direction.INBOUND else self.outbound
        table[job.pair.spi] = job.pair
        return None

    def _draw(self, octets: int) -> bytes:
        self.drawn.append(octets)
        return self.random.randbytes(octets)


class Nat:
    """A NAT: the hosts behind it appear under its address, each of their ports under another."""

    def __init__(self, outside: str, *inside: Host) -> None:
        self.outside: IpAddress = ip_address(outside)
        self._inside = {host.address for host in inside}
        self._out: dict[Endpoint, Endpoint] = {}
        self._next_port = 40_000

    def outward(self, source: Endpoint) -> Endpoint:
        """As whom the outside sees it."""
        if source.address not in self._inside:
            return source
        if source not in self._out:
            self._out[source] = Endpoint(self.outside, self._next_port)
            self._next_port += 1
        return self._out[source]

    def inward(self, goal: Endpoint) -> Endpoint:
        """Who is meant; itself when nobody behind the NAT has spoken from there."""
        return next((inside for inside, out in self._out.items() if out == goal), goal)

    def forget(self) -> None:
        """All mappings are gone: the hosts behind it will appear under other ports."""
        self._out.clear()


class Arrival(NamedTuple):
    """A datagram at its goal."""

    datagram: bytes
    late_s: float = 0.0
    """How much longer than others it takes."""


Fault = Callable[[Send, int], Iterable[Arrival]]
"""From a datagram and its number (from 0) to what arrives: nothing, itself, or something else."""


def faithful(sent: Send, _number: int) -> Iterable[Arrival]:
    return (Arrival(sent.datagram),)


class Network:
    """Delivers datagrams between hosts after a constant delay, through a fault.

    What goes to an address without a host is kept in `sent` and lost.
    """

    def __init__(
        self,
        *hosts: Host,
        fault: Fault = faithful,
        delay_s: float = 0.01,
        nats: Iterable[Nat] = (),
    ) -> None:
        self.hosts = {host.address: host for host in hosts}
        self.now = 0.0
        self.fault = fault
        self.sent: list[Send] = []
        """Everything that was sent, in order, lost or not."""
        self.sent_at: list[float] = []
        """When, in the same order."""
        self._nats = tuple(nats)
        self._delay_s = delay_s
        self._flying: list[tuple[float, int, IpAddress, Path, bytes]] = []
        self._count = 0

    def connect(self, host: Host, peer: Host) -> None:
        """An administrator at `host` wants an SA with `peer`."""
        self.do(host, host.engine.connect(host.path_to(peer), self.now))

    def do(self, host: Host, effects: Iterable[Effect]) -> None:
        """Carry out what an engine wants."""
        for sent in host.execute(effects, self.now):
            self._post(sent)

    def finish_jobs(self, host: Host) -> None:
        """The driver of a slow host gets its work done."""
        while host.jobs:
            self.do(host, host.finish(host.jobs.popleft(), self.now))

    def inject(self, sender: Host, receiver: Host, datagram: bytes) -> list[bytes]:
        """Have a datagram arrive at once, as if from `sender`; what is sent because of it."""
        return self.deliver(receiver, datagram, receiver.path_to(sender))

    def deliver(self, receiver: Host, datagram: bytes, path: Path) -> list[bytes]:
        """Have a datagram arrive at once; what is sent because of it."""
        before = len(self.sent)
        self.do(receiver, receiver.engine.receive(datagram, path, self.now))
        return [sent.datagram for sent in self.sent[before:]]

    def run(self, until_s: float = 1.0) -> None:
        """Let time pass to this moment: deliver what flies, ring what is due."""
        while (event := self._next()) is not None and event[0] <= until_s:
            self.now = max(self.now, event[0])
            if event[1] is not None:
                self.do(event[1], event[1].engine.wake(self.now))
                continue
            _, _, receiver, path, datagram = heappop(self._flying)
            self.deliver(self.hosts[receiver], datagram, path)
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
        self.sent_at.append(self.now)
        source, goal = sent.path.local, sent.path.peer
        for nat in self._nats:
            source, goal = nat.outward(source), nat.inward(goal)
        path = Path(goal, source)
        if path.local.address not in self.hosts:
            return
        for datagram, late_s in self.fault(sent, number):
            self._count += 1
            at = self.now + self._delay_s + late_s
            heappush(self._flying, (at, self._count, path.local.address, path, datagram))
