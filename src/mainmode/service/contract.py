"""What the service needs of the engine: `engine.engine.Engine`, or a scripted one in tests."""

from collections.abc import Sequence
from typing import Protocol

from mainmode.auth.credentials import Credentials
from mainmode.engine.associations import MainModeSa, QuickModeSa
from mainmode.engine.effects import Effect
from mainmode.engine.statistics import IkeStatistics
from mainmode.model import Flow, IpAddress, Path, SoftSa
from mainmode.numbers import ProtocolId
from mainmode.policy.selection import Selection


class SoftAssociation(Protocol):
    """Clear traffic that the engine has permitted."""

    @property
    def soft(self) -> SoftSa: ...

    @property
    def since(self) -> float: ...


class Engine(Protocol):
    """Values in, effects out. Times are seconds on one monotonic clock."""

    @property
    def next_wake(self) -> float | None:
        """When `wake` is due, None while no timer runs."""

    @property
    def statistics(self) -> IkeStatistics: ...

    def receive(self, datagram: bytes, path: Path, now: float) -> list[Effect]: ...

    def acquire(self, flow: Flow, path: Path, now: float) -> list[Effect]: ...

    def connect(self, path: Path, now: float) -> list[Effect]: ...

    def disconnect(self, peer: IpAddress, now: float) -> list[Effect]: ...

    def resume(self, job_id: int, result: object, now: float) -> list[Effect]: ...

    def wake(self, now: float) -> list[Effect]: ...

    def expired(self, spi: int, now: float, *, hard: bool) -> list[Effect]: ...

    def idle(self, spi: int, now: float) -> list[Effect]: ...

    def used(self, spi: int, now: float) -> list[Effect]: ...

    def soft_idle(self, number: int, now: float) -> list[Effect]: ...

    def bad_spi(self, path: Path, protocol: ProtocolId, spi: int, now: float) -> list[Effect]: ...

    def assign(
        self, selection: Selection, credentials: Credentials, now: float
    ) -> list[Effect]: ...

    def close(self, now: float) -> list[Effect]: ...

    def main_mode_sas(self) -> Sequence[MainModeSa]: ...

    def quick_mode_sas(self) -> Sequence[QuickModeSa]: ...

    def soft_sas(self) -> Sequence[SoftAssociation]: ...
