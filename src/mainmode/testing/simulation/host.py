"""One computer of a simulation: engine, policy, driver with packet filter, and a clock of its own.

The service's executor does what the engine wants, as in a real service; sockets, loop and control
API are not there.

Talks to: `world`, which brings what arrives and takes what leaves.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING

from mainmode import limits
from mainmode.auth.credentials import Credentials
from mainmode.driver.model import ModelDriver
from mainmode.driver.model_packets import Packet, Sealed
from mainmode.engine.effects import Effect
from mainmode.engine.engine import Engine
from mainmode.engine.events import Event
from mainmode.model import Direction, Endpoint, Flow, IpAddress, Mode, Path, SaPair, SoftSa
from mainmode.numbers import ProtocolId
from mainmode.policy.model import Policy
from mainmode.policy.selection import Selection
from mainmode.service.audit import AuditStore, Entry
from mainmode.service.executor import Executor

if TYPE_CHECKING:
    from mainmode.testing.simulation.world import World

_EVENTS_KEPT = 400
_GRAIN_S = 1e-6
"""A clock that has jumped rounds otherwise than the simulation's: never ring before the time."""


@dataclass(frozen=True)
class Terms:
    """What a host is told: its policy, and the secrets that this names."""

    policy: Policy
    credentials: Credentials


class Host:
    """A computer under a name and one address. It stands from `start` until `crash` or `stop`."""

    def __init__(self, world: "World", name: str, address: str, terms: Terms) -> None:
        self.world = world
        self.name = name
        self.address: IpAddress = ip_address(address)
        self.terms = terms
        self.offset_s = 0.0
        """How far its clock is ahead of the simulation's."""
        self.is_up = False
        self._depth = 0
        self.life = 0
        """How often it has started."""
        self._armed_at: float | None = None

    def __repr__(self) -> str:
        return f"<Host {self.name}>"

    # --- life -------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin anew, remembering nothing."""
        self.life += 1
        self.is_up = True
        self._armed_at = None
        self._depth = 0
        self.engine_time = self.clock()
        """What the engine takes for now: its time never goes back."""
        self.selection = self._selection()
        entropy = self.world.chance.randbytes
        self.driver = _WatchedDriver(self, entropy)
        self.driver.start(self)
        self.driver.assign(self.selection)
        self.engine = Engine(self.selection, self.terms.credentials, entropy)
        self.audit = _WatchedAudit(self)
        self._executor = Executor(self.engine, self.driver, self, self.audit, self.clock)
        self.world.note(self, "starts")
        for watcher in self.world.watchers.started:
            watcher.started(self)

    def crash(self) -> None:
        """All state is lost; nobody is told. The packet filter goes on."""
        self.world.note(self, "crashes")
        self._die()

    def stop(self) -> None:
        """Say goodbye to everyone and end."""
        self.world.note(self, "stops")
        self.enter(self.engine.close)
        self._die()

    def _die(self) -> None:
        self.is_up = False
        self._armed_at = None
        self.driver.close()

    def assign(self, terms: Terms) -> None:
        """From now on by this policy; the driver first, as in the service."""
        self.terms = terms
        if not self.is_up:
            return
        self.world.note(self, f"is assigned policy {terms.policy.name!r}")
        self.selection = self._selection()
        self.driver.assign(self.selection)
        self.enter(lambda now: self.engine.assign(self.selection, terms.credentials, now))

    def _selection(self) -> Selection:
        return Selection(self.terms.policy, [self.address])

    # --- time -------------------------------------------------------------------------------

    def clock(self) -> float:
        return self.world.agenda.now + self.offset_s

    def jump(self, seconds: float) -> None:
        """The clock is set forward, or back."""
        self.world.note(self, f"has its clock jump by {seconds:.3f} s")
        self.offset_s += seconds
        self._arm()

    def enter(self, call: Callable[[float], Iterable[Effect]]) -> None:
        """One input of the engine, and all that follows from it at once. The driver may report
        upward meanwhile, which leads back here."""
        self._step(self._execute, call)

    def _execute(self, call: Callable[[float], Iterable[Effect]]) -> None:
        self.engine_time = max(self.engine_time, self.clock())
        self._executor.execute(call(self.clock()))

    def _step(self, act: Callable[..., object], *what: object) -> None:
        """Whatever the host does because of one thing, and then what watchers say of it."""
        self._depth += 1
        act(*what)
        self._depth -= 1
        if self._depth or not self.is_up:
            return
        self._arm()
        for watcher in self.world.watchers.stepped:
            watcher.stepped(self)

    def _arm(self) -> None:
        """Have the world call when engine or driver have something to do, or before that."""
        if not self.is_up:
            return
        wake, tick = self.engine.next_wake, self.driver.next_tick
        moment = tick if wake is None or (tick is not None and tick < wake) else wake
        if moment is None:
            return
        grain_s = _GRAIN_S if self.offset_s else 0.0
        at = max(self.world.now, moment - self.offset_s + grain_s)
        if self._armed_at is None or at < self._armed_at:
            self._armed_at = at
            self.world.agenda.at(at, partial(self._ring, self.life, at))

    def _ring(self, life: int, at: float) -> None:
        if life != self.life or not self.is_up or self._armed_at != at:
            return
        self._armed_at = None
        self._step(self._wake)

    def _wake(self) -> None:
        now = self.clock()
        tick, wake = self.driver.next_tick, self.engine.next_wake
        if tick is not None and tick <= now:
            self.driver.tick()
        if wake is not None and wake <= now:
            self.enter(self.engine.wake)

    # --- the network ------------------------------------------------------------------------

    def hear(self, path: Path, datagram: bytes) -> None:
        """An IKE message has come; path as seen from here."""
        if not self.is_up:
            return
        for watcher in self.world.watchers.received:
            watcher.received(self, path, datagram)
        self.enter(lambda now: self.engine.receive(datagram, path, now))

    def take(self, packet: Packet | Sealed) -> None:
        """A packet has come from the network."""
        self._step(self.driver.inbound, packet)

    def say(self, flow: Flow, octets: int = 100, *, awaited: bool = False) -> int:
        """The host sends a packet; its number. awaited: the world keeps its fate."""
        number = self.world.next_number(awaited=awaited)
        self.world.note(self, f"says {number}: {flow}")
        self._step(self.driver.outbound, Packet(flow, number, octets))
        return number

    def send(self, path: Path, datagram: bytes) -> None:
        """The executor's way out (`service.executor.Outlet`)."""
        self.world.ether.carry_datagram(self, path, datagram)

    def keep_alive(self, path: Path) -> None:
        """There are no NATs here."""

    def path_to(self, peer: IpAddress) -> Path:
        return _path(self.address, peer)

    # --- people -----------------------------------------------------------------------------

    def connect(self, peer: "Host") -> None:
        self.enter(lambda now: self.engine.connect(self.path_to(peer.address), now))

    def disconnect(self, peer: "Host") -> None:
        self.enter(lambda now: self.engine.disconnect(peer.address, now))

    # --- what the driver tells --------------------------------------------------------------

    def acquire(self, flow: Flow) -> None:
        decision = self.driver.decide(flow, Direction.OUTBOUND)
        if decision is None or decision.peer is None:
            return
        local = flow.local if decision.mode is Mode.TRANSPORT else self.address
        path = _path(local, decision.peer)
        self.enter(lambda now: self.engine.acquire(flow, path, now))

    def expired(self, spi: int, *, hard: bool) -> None:
        self.world.tally.rules["pair expired hard" if hard else "pair expired soft"] += 1
        self.enter(lambda now: self.engine.expired(spi, now, hard=hard))

    def idle(self, spi: int) -> None:
        self.world.tally.rules["pair idle"] += 1
        self.enter(lambda now: self.engine.idle(spi, now))

    def used(self, spi: int) -> None:
        self.world.tally.rules["pair used by the peer"] += 1
        self.enter(lambda now: self.engine.used(spi, now))

    def soft_idle(self, number: int) -> None:
        self.world.tally.rules["soft SA idle"] += 1
        self.enter(lambda now: self.engine.soft_idle(number, now))

    def bad_spi(self, local: IpAddress, peer: IpAddress, protocol: ProtocolId, spi: int) -> None:
        """As the service's door has it, a stranger's SPI is nobody's business."""
        if self.selection.toward(local, peer) is None:
            return
        self.world.tally.rules["SPI unknown"] += 1
        path = _path(local, peer)
        self.enter(lambda now: self.engine.bad_spi(path, protocol, spi, now))


def _path(local: IpAddress, peer: IpAddress) -> Path:
    return Path(Endpoint(local, limits.IKE_PORT), Endpoint(peer, limits.IKE_PORT))


class _WatchedDriver(ModelDriver):
    """Shows what it is asked to do."""

    def __init__(self, host: Host, entropy: Callable[[int], bytes]) -> None:
        self._host = host
        super().__init__(
            clock=host.clock, entropy=entropy, transmit=self._leave, deliver=self._accept
        )

    def _leave(self, packet: Packet | Sealed) -> None:
        host = self._host
        for watcher in host.world.watchers.left:
            watcher.left(host, packet)
        host.world.ether.carry_packet(host, packet)

    def _accept(self, packet: Packet, spi: int) -> None:
        host = self._host
        how = f"under {spi:08x}" if spi else "in clear"
        host.world.note(host, f"accepts packet {packet.number} {how}")
        host.world.arrived(packet, spi)
        for watcher in host.world.watchers.accepted:
            watcher.accepted(host, packet, spi)

    def install(self, pair: SaPair, direction: Direction) -> None:
        super().install(pair, direction)
        host = self._host
        host.world.note(host, f"installs {direction.value} half of {pair.spi:08x}")
        for watcher in host.world.watchers.installed:
            watcher.installed(host, pair, direction)

    def remove(self, spi: int) -> None:
        super().remove(spi)
        self._host.world.note(self._host, f"removes {spi:08x}")
        for watcher in self._host.world.watchers.removed:
            watcher.removed(self._host, spi)

    def permit_clear(self, soft: SoftSa) -> None:
        host = self._host
        host.world.note(host, f"lets {soft.selector} pass in clear ({soft.number})")
        for watcher in host.world.watchers.permitted:
            watcher.permitted(host, soft)
        super().permit_clear(soft)

    def end_clear(self, number: int) -> None:
        super().end_clear(number)
        self._host.world.note(self._host, f"lets nothing pass in clear any more ({number})")
        for watcher in self._host.world.watchers.forbidden:
            watcher.forbidden(self._host, number)


class _WatchedAudit(AuditStore):
    """The service's memory of events, in virtual time and without a log."""

    def __init__(self, host: Host) -> None:
        super().__init__(host.clock, kept_max=0)
        self._host = host
        self.events: deque[Event] = deque(maxlen=_EVENTS_KEPT)

    def record(self, event: Event) -> Entry:
        host = self._host
        self.last += 1
        self.events.append(event)
        if host.world.is_traced:
            host.world.note(host, event.sentence)
        for watcher in host.world.watchers.recorded:
            watcher.recorded(host, event)
        return Entry(self.last, host.clock(), event)
