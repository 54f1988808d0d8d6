"""What the control API shows and does."""

import os
import time
from datetime import UTC, datetime

from mainmode import __version__
from mainmode.driver.contract import Driver
from mainmode.model import IpAddress
from mainmode.service import logs
from mainmode.service.assignment import Assignment, Trial
from mainmode.service.audit import AuditStore
from mainmode.service.contract import Engine
from mainmode.service.door import Door
from mainmode.service.drivers import name_of
from mainmode.service.sockets import Sockets
from mainmode.service.views import (
    MainModeView,
    QuickModeView,
    SoftView,
    StatisticsView,
    StatusView,
    TrialView,
    main_mode_view,
    quick_mode_view,
    soft_view,
    statistics_view,
)


class Panel:
    """The service behind its control API."""

    def __init__(
        self,
        assignment: Assignment,
        engine: Engine,
        driver: Driver,
        door: Door,
        sockets: Sockets,
        audit: AuditStore,
    ) -> None:
        self.audit = audit
        self._assignment = assignment
        self._engine = engine
        self._driver = driver
        self._door = door
        self._sockets = sockets
        self._started = time.time()

    def status(self) -> StatusView:
        return {
            "version": __version__,
            "pid": os.getpid(),
            "started": datetime.fromtimestamp(self._started, UTC).isoformat(timespec="seconds"),
            "uptime_s": round(time.time() - self._started, 3),
            "policy": self._assignment.policy.name,
            "policy_file": self._assignment.source.file,
            "store": self._assignment.source.store,
            "trial": _trial_view(self._assignment.trial),
            "driver": name_of(self._driver),
            "listening": self._sockets.places,
            "log_level": logs.current_level(),
            "mmsas": len(self._engine.main_mode_sas()),
            "qmsas": len(self._engine.quick_mode_sas()),
            "soft": len(self._engine.soft_sas()),
            "last_event": self.audit.last,
        }

    def main_modes(self) -> list[MainModeView]:
        now = time.monotonic()
        return [main_mode_view(sa, now) for sa in self._engine.main_mode_sas()]

    def quick_modes(self) -> list[QuickModeView]:
        now = time.monotonic()
        return [
            quick_mode_view(sa, self._driver.counters(sa.pair.spi), now)
            for sa in self._engine.quick_mode_sas()
        ]

    def soft(self) -> list[SoftView]:
        now = time.monotonic()
        return [soft_view(sa, now) for sa in self._engine.soft_sas()]

    async def statistics(self) -> StatisticsView:
        dropped = await self._driver.refusals()
        return statistics_view(
            self._engine.statistics,
            self._driver.statistics(),
            dropped,
            self._sockets.counters,
            self.audit.counts,
        )

    def up(self, peer: IpAddress) -> None:
        """Start to negotiate. Raises PersonError when no route leads to the peer."""
        self._door.connect(peer)

    def down(self, peer: IpAddress) -> None:
        """Take down every SA with the peer."""
        self._door.disconnect(peer)

    def reload(self) -> str:
        """Read the policy again; its name. Raises PersonError, and nothing has changed."""
        return self._assignment.reload()

    def assign(self, name: str, confirm_within_s: int) -> str:
        """Assign a policy of the store, for good (0) or on trial; the name of what is in force.
        Raises PersonError, and nothing has changed."""
        return self._assignment.assign(name, confirm_within_s)

    def confirm(self) -> str:
        """Confirm the policy on trial; its name. Raises PersonError."""
        return self._assignment.confirm()


def _trial_view(trial: Trial | None) -> TrialView | None:
    if trial is None:
        return None
    former, _ = trial.former
    return {"former": former.name, "left_s": round(trial.left_s, 3)}
