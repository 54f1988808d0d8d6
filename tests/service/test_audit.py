"""The memory of the service."""

import asyncio
import logging

import pytest

from mainmode.engine.events import FloodSuspected, MessageSent
from mainmode.service.audit import AuditStore
from tests.service.fakes import PATH
from tests.service.virtual_time import VirtualLoop

FLOOD = FloodSuspected(PATH, "too many half-open main modes")
TRACE = MessageSent(PATH, b"12345678", "main mode message 1", ("HDR", "SA"), 100)


def test_events_are_numbered_and_have_the_time_of_day() -> None:
    audit = AuditStore(wall_clock=lambda: 1_700_000_000.0)
    audit.record(TRACE)
    entry = audit.record(FLOOD)
    assert entry.as_json() == {
        "sequence": 2,
        "time": "2023-11-14T22:13:20.000+00:00",
        "event": "FloodSuspected",
        "level": "warning",
        "audit": 550,
        "sentence": FLOOD.sentence,
        "local": "192.0.2.1:500",
        "peer": "192.0.2.2:500",
        "why": "too many half-open main modes",
    }
    assert audit.counts == {"MessageSent": 1, "FloodSuspected": 1}


def test_only_the_last_events_are_kept() -> None:
    audit = AuditStore(kept_max=3)
    for _ in range(5):
        audit.record(FLOOD)
    assert [entry.sequence for entry in audit.since(0)] == [3, 4, 5]
    assert [entry.sequence for entry in audit.since(3)] == [4, 5]
    assert audit.since(5) == audit.since(99) == []
    assert (audit.oldest, audit.last) == (3, 5)


def test_an_empty_memory() -> None:
    audit = AuditStore()
    assert (audit.since(0), audit.last, audit.oldest) == ([], 0, 1)


def test_the_log_has_the_audit_id_and_the_level_of_the_event(
    caplog: pytest.LogCaptureFixture,
) -> None:
    audit = AuditStore()
    with caplog.at_level(logging.INFO, logger="mainmode"):
        audit.record(TRACE)
        audit.record(FLOOD)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.message == f"#2 audit 550: {FLOOD.sentence}"


def run(case: object) -> None:
    assert asyncio.iscoroutine(case)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(case)


def test_waiting_ends_with_the_next_event() -> None:
    async def case() -> None:
        audit, loop = AuditStore(), asyncio.get_running_loop()
        audit.record(FLOOD)
        loop.call_later(7, audit.record, FLOOD)
        await asyncio.gather(audit.wait_beyond(1, 60), audit.wait_beyond(1, 60))
        assert (loop.time(), audit.last) == (7, 2)
        await audit.wait_beyond(1, 60)
        assert loop.time() == 7, "there is one already"

    run(case())


def test_waiting_ends_with_the_time() -> None:
    async def case() -> None:
        audit, loop = AuditStore(), asyncio.get_running_loop()
        await audit.wait_beyond(0, 60)
        assert loop.time() == 60

    run(case())


def test_waiting_ends_when_the_service_does() -> None:
    async def case() -> None:
        audit, loop = AuditStore(), asyncio.get_running_loop()
        loop.call_later(3, audit.close)
        await audit.wait_beyond(0, 60)
        assert loop.time() == 3

    run(case())
