"""Effects are done in order, and one that fails spares the others."""

from ipaddress import ip_address

import pytest

from mainmode.engine.effects import (
    AllocateSpi,
    EndClear,
    InstallPair,
    JobFailed,
    KeepAlive,
    PermitClear,
    Record,
    RemovePair,
    Run,
    Send,
)
from mainmode.engine.events import FloodSuspected
from mainmode.errors import DriverError
from mainmode.model import Direction, Path
from mainmode.numbers import ProtocolId
from mainmode.service.audit import AuditStore
from mainmode.service.events import InternalError
from mainmode.service.executor import Executor
from tests.service.fakes import PATH, ScriptedDriver, ScriptedEngine
from tests.service.samples import PAIR, SOFT

ALLOCATE = AllocateSpi(ProtocolId.ESP, ip_address("192.0.2.1"), ip_address("192.0.2.2"))
FLOOD = FloodSuspected(PATH, "a test")


class Bench:
    """An executor with everything around it scripted."""

    def __init__(self) -> None:
        self.engine = ScriptedEngine()
        self.driver = ScriptedDriver()
        self.audit = AuditStore()
        self.sent: list[bytes] = []
        self.executor = Executor(self.engine, self.driver, self, self.audit, lambda: 1.0)

    def send(self, path: Path, datagram: bytes) -> None:
        if datagram == b"broken":
            raise RuntimeError("a mistake")
        self.sent.append(datagram)

    def keep_alive(self, path: Path) -> None:
        self.sent.append(b"\xff")

    @property
    def events(self) -> list[str]:
        return [type(entry.event).__name__ for entry in self.audit.since(0)]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_each_effect_goes_to_its_place(bench: Bench) -> None:
    bench.executor.execute([Send(PATH, b"x"), KeepAlive(PATH), RemovePair(7), Record(FLOOD)])
    assert bench.sent == [b"x", b"\xff"]
    assert bench.driver.calls == [("remove", 7)]
    assert bench.events == ["FloodSuspected"]


def test_the_result_of_a_job_goes_back_and_what_it_brings_is_done(bench: Bench) -> None:
    bench.engine.on("resume", [Run(2, InstallPair(PAIR, Direction.INBOUND))], [Send(PATH, b"done")])
    bench.executor.execute([Run(1, ALLOCATE), Send(PATH, b"meanwhile")])
    assert bench.engine.named("resume") == [(1, 0x1234), (2, None)]
    assert bench.driver.calls[-1] == ("install", PAIR, Direction.INBOUND)
    assert bench.sent == [b"meanwhile", b"done"]


@pytest.mark.parametrize("once_used", [False, True])
def test_a_pair_replaces_another_with_its_outbound_half(bench: Bench, once_used: bool) -> None:
    jobs = [InstallPair(PAIR, direction, 7, once_used) for direction in Direction]
    bench.executor.execute([Run(number, job) for number, job in enumerate(jobs)])
    done = [("install", PAIR, Direction.INBOUND), ("replace", 7, PAIR, once_used)]
    assert bench.driver.calls == done


def test_clear_traffic_comes_and_goes(bench: Bench) -> None:
    bench.executor.execute([PermitClear(SOFT.soft), EndClear(SOFT.soft.number)])
    assert bench.driver.calls == [("permit_clear", SOFT.soft), ("end_clear", SOFT.soft.number)]


def test_a_refusal_of_the_driver_is_the_jobs_result(bench: Bench) -> None:
    bench.driver.failures["allocate_spi"] = DriverError("no more SPIs")
    bench.executor.execute([Run(1, ALLOCATE)])
    assert bench.engine.named("resume") == [(1, JobFailed("no more SPIs"))]
    assert bench.events == []


def test_a_mistake_in_the_driver_is_reported_and_the_negotiation_does_not_hang(
    bench: Bench,
) -> None:
    bench.driver.failures["allocate_spi"] = ZeroDivisionError("oops")
    bench.executor.execute([Run(1, ALLOCATE)])
    assert bench.engine.named("resume") == [(1, JobFailed("an internal error of the driver"))]
    assert bench.events == ["InternalError"]


def test_a_mistake_in_one_effect_spares_the_others(bench: Bench) -> None:
    bench.engine.on("resume", KeyError("the engine's mistake"))
    bench.executor.execute([Send(PATH, b"broken"), Run(1, ALLOCATE), Send(PATH, b"x")])
    assert bench.sent == [b"x"]
    assert bench.events == ["InternalError", "InternalError"]
    event = bench.audit.since(0)[0].event
    assert isinstance(event, InternalError)
    assert (event.doing, event.error) == ("executing Send", "RuntimeError: a mistake")
    assert any("in send" in line for line in event.where)


def test_what_the_driver_reports_while_it_works_queues_up(bench: Bench) -> None:
    """Installing a pair may release packets that ask for another one: one queue, in order."""

    def install(pair: object, direction: object) -> None:
        bench.executor.execute([Send(PATH, b"second")])
        assert bench.sent == [], "not in the middle of something else"

    bench.driver.install = install  # type: ignore[method-assign]
    bench.executor.execute([Run(1, InstallPair(PAIR, Direction.INBOUND)), Send(PATH, b"first")])
    assert bench.sent == [b"first", b"second"]
