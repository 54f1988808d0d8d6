"""An engine and a driver that do what a test tells them, and remember what they were asked."""

from ipaddress import ip_address
from typing import Any

from mainmode.auth.credentials import Credentials
from mainmode.driver.contract import DriverStatistics, PairCounters, Upward
from mainmode.engine.associations import MainModeSa, QuickModeSa
from mainmode.engine.effects import Effect
from mainmode.engine.statistics import IkeStatistics
from mainmode.model import Direction, Endpoint, Flow, IpAddress, Path, SaPair, SoftSa
from mainmode.numbers import ProtocolId
from mainmode.policy.selection import Selection
from mainmode.service.contract import SoftAssociation

HERE = Endpoint(ip_address("192.0.2.1"), 500)
THERE = Endpoint(ip_address("192.0.2.2"), 500)
PATH = Path(HERE, THERE)
FLOW = Flow(HERE.address, THERE.address, 1)

Answer = list[Effect] | Exception


class ScriptedEngine:
    """Answers each input as scripted (nothing, by default) and records it."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.script: dict[str, list[Answer]] = {}
        self.next_wake: float | None = None
        self.statistics = IkeStatistics()
        self.main_modes: list[MainModeSa] = []
        self.quick_modes: list[QuickModeSa] = []
        self.soft: list[SoftAssociation] = []

    def on(self, method: str, *answers: Answer) -> None:
        """The next answers of this input."""
        self.script.setdefault(method, []).extend(answers)

    def named(self, method: str) -> list[tuple[Any, ...]]:
        """The arguments of every call of this input."""
        return [call[1:] for call in self.calls if call[0] == method]

    def _answer(self, method: str, *arguments: object) -> list[Effect]:
        self.calls.append((method, *arguments))
        waiting = self.script.get(method)
        answer = waiting.pop(0) if waiting else []
        if isinstance(answer, Exception):
            raise answer
        return answer

    def receive(self, datagram: bytes, path: Path, now: float) -> list[Effect]:
        return self._answer("receive", datagram, path)

    def acquire(self, flow: Flow, path: Path, now: float) -> list[Effect]:
        return self._answer("acquire", flow, path)

    def connect(self, path: Path, now: float) -> list[Effect]:
        return self._answer("connect", path)

    def disconnect(self, peer: IpAddress, now: float) -> list[Effect]:
        return self._answer("disconnect", peer)

    def resume(self, job_id: int, result: object, now: float) -> list[Effect]:
        return self._answer("resume", job_id, result)

    def wake(self, now: float) -> list[Effect]:
        return self._answer("wake", now)

    def expired(self, spi: int, now: float, *, hard: bool) -> list[Effect]:
        return self._answer("expired", spi, hard)

    def idle(self, spi: int, now: float) -> list[Effect]:
        return self._answer("idle", spi)

    def used(self, spi: int, now: float) -> list[Effect]:
        return self._answer("used", spi)

    def soft_idle(self, number: int, now: float) -> list[Effect]:
        return self._answer("soft_idle", number)

    def bad_spi(self, path: Path, protocol: ProtocolId, spi: int, now: float) -> list[Effect]:
        return self._answer("bad_spi", path, protocol, spi)

    def assign(self, selection: Selection, credentials: Credentials, now: float) -> list[Effect]:
        return self._answer("assign", selection, credentials)

    def close(self, now: float) -> list[Effect]:
        return self._answer("close")

    def main_mode_sas(self) -> list[MainModeSa]:
        return self.main_modes

    def quick_mode_sas(self) -> list[QuickModeSa]:
        return self.quick_modes

    def soft_sas(self) -> list[SoftAssociation]:
        return self.soft


class ScriptedDriver:
    """Records what it is asked; `failures` names what goes wrong."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.failures: dict[str, Exception] = {}
        self.upward: Upward | None = None
        self.carried: dict[int, PairCounters] = {}

    def _asked(self, method: str, *arguments: object) -> None:
        self.calls.append((method, *arguments))
        if method in self.failures:
            raise self.failures[method]

    def start(self, upward: Upward) -> None:
        self._asked("start")
        self.upward = upward

    def assign(self, selection: Selection) -> None:
        self._asked("assign", selection.policy.name)

    def allocate_spi(self, protocol: ProtocolId, local: IpAddress, peer: IpAddress) -> int:
        self._asked("allocate_spi", protocol, local, peer)
        return 0x1234

    def install(self, pair: SaPair, direction: Direction) -> None:
        self._asked("install", pair, direction)

    def replace(self, old_spi: int, pair: SaPair, *, once_used: bool = False) -> None:
        self._asked("replace", old_spi, pair, once_used)

    def permit_clear(self, soft: SoftSa) -> None:
        self._asked("permit_clear", soft)

    def end_clear(self, number: int) -> None:
        self._asked("end_clear", number)

    def remove(self, spi: int) -> None:
        self._asked("remove", spi)

    def receive(self, esp: bytes, path: Path) -> None:
        self._asked("receive", esp, path)

    def counters(self, spi: int) -> PairCounters | None:
        return self.carried.get(spi)

    def statistics(self) -> DriverStatistics:
        return DriverStatistics(key_additions=7)

    async def refusals(self) -> dict[str, int]:
        return {"a reason": 2}

    def close(self) -> None:
        self._asked("close")
