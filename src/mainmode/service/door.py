"""The engine's door, from the loop's side: every input passes here.

Each one gets the time, has its effects executed and re-arms the one timer. A programming error
in one input is reported with everything needed to repeat it, and the service carries on.
The driver reports upward here as well.
"""

import asyncio
import time
from collections.abc import Callable, Iterable

from mainmode import limits
from mainmode.auth.credentials import Credentials
from mainmode.driver.contract import Driver
from mainmode.engine.effects import Effect
from mainmode.errors import PersonError
from mainmode.model import Endpoint, Flow, IpAddress, Mode, Path
from mainmode.numbers import ProtocolId
from mainmode.policy.selection import Decision, Selection
from mainmode.service.addresses import Routes
from mainmode.service.audit import AuditStore
from mainmode.service.contract import Engine
from mainmode.service.events import AcquireIgnored, InternalError
from mainmode.service.executor import Executor, Outlet

Input = Callable[[float], Iterable[Effect]]
"""One call of the engine, given the time."""


class Door:
    """The only caller of the engine, and the driver's `Upward`."""

    def __init__(
        self,
        engine: Engine,
        driver: Driver,
        outlet: Outlet,
        audit: AuditStore,
        routes: Routes,
        selection: Selection,
        port: int,
        clock: Callable[[], float] = time.monotonic,
        peer_port: int = 0,
    ) -> None:
        """port: the IKE port, ours and the peers'. peer_port: theirs, when it is another."""
        self._engine = engine
        self._audit = audit
        self._selection = selection
        self._routes = routes
        self._port = port
        self._peer_port = peer_port or port
        self._clock = clock
        self._executor = Executor(engine, driver, outlet, audit, clock)
        self._timer: asyncio.TimerHandle | None = None
        self._due: float | None = None

    # --- from the sockets -------------------------------------------------------------------

    def datagrams(self, received: Iterable[tuple[bytes, Path]]) -> None:
        """Messages from the network, one after the other."""
        for datagram, path in received:
            try:
                self._executor.execute(self._engine.receive(datagram, path, self._clock()))
            except Exception as error:
                self._audit.record(
                    InternalError.of(error, "reading a message", path=path, datagram=datagram)
                )
        self._rearm()

    # --- from the driver --------------------------------------------------------------------

    def acquire(self, flow: Flow) -> None:
        path = self._path_for(flow, self._selection.decide(flow))
        if path is None:
            return
        self._enter(
            f"asking for an SA for {flow}", lambda now: self._engine.acquire(flow, path, now)
        )

    def expired(self, spi: int, *, hard: bool) -> None:
        self._enter(
            f"ending the pair {spi:08x}", lambda now: self._engine.expired(spi, now, hard=hard)
        )

    def idle(self, spi: int) -> None:
        self._enter(f"letting go the pair {spi:08x}", lambda now: self._engine.idle(spi, now))

    def used(self, spi: int) -> None:
        self._enter(f"noting the use of {spi:08x}", lambda now: self._engine.used(spi, now))

    def soft_idle(self, number: int) -> None:
        self._enter(
            f"letting go the soft SA {number}",
            lambda now: self._engine.soft_idle(number, now),
        )

    def bad_spi(self, local: IpAddress, peer: IpAddress, protocol: ProtocolId, spi: int) -> None:
        """A stranger's SPI is nobody's business: only the counter tells of it."""
        if self._selection.toward(local, peer) is None:
            return
        path = self._path(local, peer)
        self._enter(
            f"noting the SPI {spi:08x} from {peer}",
            lambda now: self._engine.bad_spi(path, protocol, spi, now),
        )

    def _path_for(self, flow: Flow, decision: Decision) -> Path | None:
        """From the packet's own address in transport mode, from the route's to a gateway."""
        peer = decision.peer
        if peer is None:
            # Under the default response rule, whose filters the driver has, it is for peers to ask.
            if self._selection.response is None:
                why = "policy asks for no negotiation"
                self._audit.record(AcquireIgnored(flow=str(flow), why=why))
            return None
        local = flow.local if decision.mode is Mode.TRANSPORT else self._routes.local_toward(peer)
        if local is None:
            self._audit.record(AcquireIgnored(flow=str(flow), why=f"no route leads to {peer}"))
            return None
        return self._path(local, peer)

    def _path(self, local: IpAddress, peer: IpAddress) -> Path:
        return Path(Endpoint(local, self._port), Endpoint(peer, self._peer_port))

    # --- from people ------------------------------------------------------------------------

    def connect(self, peer: IpAddress) -> None:
        """Negotiate with this peer now. Raises PersonError when no route leads there."""
        local = self._routes.local_toward(peer)
        if local is None:
            raise PersonError(f"no route leads to {peer}", fix="see `ip route get`")
        path = self._path(local, peer)
        self._enter(f"connecting to {peer}", lambda now: self._engine.connect(path, now))

    def disconnect(self, peer: IpAddress) -> None:
        """Take down every SA with this peer."""
        self._enter(f"disconnecting {peer}", lambda now: self._engine.disconnect(peer, now))

    def assign(self, selection: Selection, credentials: Credentials) -> None:
        """Negotiate by a new policy from now on."""
        self._selection = selection
        self._enter(
            f"assigning policy {selection.policy.name!r}",
            lambda now: self._engine.assign(selection, credentials, now),
        )

    def close(self) -> None:
        """Say goodbye to every peer; nothing may come in afterwards."""
        self._enter("closing", self._engine.close)
        if self._timer is not None:
            self._timer.cancel()

    # --- time -------------------------------------------------------------------------------

    def _enter(self, doing: str, call: Input) -> bool:
        """One input. Whether it went through without a programming error."""
        try:
            self._executor.execute(call(self._clock()))
        except Exception as error:
            self._audit.record(InternalError.of(error, doing))
            return False
        else:
            return True
        finally:
            self._rearm()

    def _wake(self) -> None:
        self._timer = self._due = None
        due = self._engine.next_wake
        if due is not None and self._clock() < due:
            self._rearm()
            return
        if not self._enter("running timers", self._engine.wake):
            # The timer that failed may still be due: do not spin on it.
            self._rearm(after_s=limits.FAILED_WAKE_S)

    def _rearm(self, after_s: float = 0.0) -> None:
        """Let the loop call when the engine's next timer is due, or before that: retransmission
        timers come and go with every message, and one that rings early only looks again."""
        due = self._engine.next_wake
        if not after_s and (due is None or (self._due is not None and self._due <= due)):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due, self._timer = due, None
        if due is not None:
            wait_s = max(after_s, due - self._clock()) + _LOOP_GRAIN_S
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._wake)


_LOOP_GRAIN_S = 0.001
"""Loops count milliseconds; a timer that came early would find nothing due."""
