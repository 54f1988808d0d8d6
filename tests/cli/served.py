"""The control API in a thread, with a service behind it that says what a test wants."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mainmode.driver.contract import DriverStatistics
from mainmode.engine.statistics import IkeStatistics
from mainmode.model import IpAddress
from mainmode.service.audit import AuditStore
from mainmode.service.control import control_api
from mainmode.service.unix_server import UnixServer
from mainmode.service.views import (
    MainModeView,
    QuickModeView,
    SoftView,
    StatisticsView,
    StatusView,
    TrialView,
)

if TYPE_CHECKING:
    from mainmode.engine.events import Event
    from mainmode.errors import PersonError


class Stub:
    """A service that only talks."""

    def __init__(self) -> None:
        self.audit = AuditStore(wall_clock=lambda: 1_700_000_000.5)
        self.mmsas: list[MainModeView] = []
        self.qmsas: list[QuickModeView] = []
        self.soft_sas: list[SoftView] = []
        self.after_up: list[Event] = []
        self.dropped: dict[str, int] = {}
        self.store = ""
        self.reloads = 0
        self.trial: TrialView | None = None
        self.assigned: list[tuple[str, int]] = []
        self.refusal: PersonError | None = None
        self.loop: asyncio.AbstractEventLoop | None = None

    def happen(self, event: "Event") -> None:
        """Record an event from another thread than the service's."""
        assert self.loop is not None
        self.loop.call_soon_threadsafe(self.audit.record, event)

    def status(self) -> StatusView:
        return {
            "version": "1.2.3",
            "pid": 77,
            "started": "2023-11-14T22:13:20+00:00",
            "uptime_s": 125.0,
            "policy": "test",
            "policy_file": "" if self.store else "/etc/mainmode/policy.toml",
            "store": self.store,
            "trial": self.trial,
            "driver": "null",
            "listening": ["0.0.0.0:500", "[::]:500"],
            "log_level": "info",
            "mmsas": 1,
            "qmsas": 2,
            "soft": 0,
            "last_event": 3,
        }

    def main_modes(self) -> list[MainModeView]:
        return self.mmsas

    def quick_modes(self) -> list[QuickModeView]:
        return self.qmsas

    def soft(self) -> list[SoftView]:
        return self.soft_sas

    async def statistics(self) -> StatisticsView:
        return {
            "ike": IkeStatistics(main_modes=12).named(),
            "ipsec": DriverStatistics(bad_spi_packets=345).named(),
            "dropped": self.dropped,
            "service": {},
            "events": {},
        }

    def up(self, peer: IpAddress) -> None:
        self._refuse()
        for event in self.after_up:
            self.audit.record(event)

    def down(self, peer: IpAddress) -> None:
        self._refuse()

    def reload(self) -> str:
        self._refuse()
        self.reloads += 1
        return "test"

    def assign(self, name: str, confirm_within_s: int) -> str:
        self._refuse()
        self.assigned.append((name, confirm_within_s))
        return name or "no policy"

    def confirm(self) -> str:
        self._refuse()
        return "test"

    def _refuse(self) -> None:
        if self.refusal is not None:
            raise self.refusal


@contextmanager
def served(stub: Stub, place: Path) -> Iterator[None]:
    """Serve until the end of the block."""
    server = UnixServer(control_api(stub), place)

    async def serve() -> None:
        stub.loop = asyncio.get_running_loop()
        await server.serve_until_stopped()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
        server.close()
