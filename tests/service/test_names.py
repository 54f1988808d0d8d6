"""DNS names: asked again and again, told once, and never in the way."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from ipaddress import ip_address
from typing import Any

import pytest

from mainmode import limits
from mainmode.model import IpAddress
from mainmode.service.audit import AuditStore
from mainmode.service.names import Names, ask_the_system
from tests.service.virtual_time import VirtualLoop

ONE, TWO = ip_address("192.0.2.1"), ip_address("192.0.2.2")


class Stage:
    """Names, and who answers for them."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[IpAddress, ...]] = {}
        self.slow: set[str] = set()
        self.asked: list[tuple[float, str]] = []
        self.asking = 0
        self.asking_max = 0
        self.changes = 0
        self.audit = AuditStore()
        self.names = Names(self._changed, self.audit, self._ask)

    def _changed(self) -> None:
        self.changes += 1

    async def _ask(self, name: str) -> tuple[IpAddress, ...]:
        self.asked.append((asyncio.get_running_loop().time(), name))
        self.asking += 1
        self.asking_max = max(self.asking, self.asking_max)
        try:
            if name in self.slow:
                await asyncio.sleep(1_000)
            await asyncio.sleep(0)
        finally:
            self.asking -= 1
        if name not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self.answers[name]

    def follow(self, *names: str) -> None:
        self.names.follow(frozenset(names))

    @property
    def said(self) -> list[str]:
        return [entry.event.sentence for entry in self.audit.since(0)]


def on_stage(case: Callable[[Stage], Coroutine[Any, Any, None]]) -> Stage:
    """Play a case in virtual time."""

    async def play() -> Stage:
        stage = Stage()
        await case(stage)
        stage.names.close()
        return stage

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(play())


def test_a_name_gets_its_addresses_sorted_and_is_told_of() -> None:
    async def case(stage: Stage) -> None:
        stage.answers["host.example"] = (TWO, ONE, TWO)
        stage.follow("host.example")
        await asyncio.sleep(1)
        assert stage.names.known == {"host.example": (ONE, TWO)}
        assert stage.changes == 1

    assert on_stage(case).said == ["the name 'host.example' stands for 192.0.2.1, 192.0.2.2"]


def test_several_names_are_one_change() -> None:
    async def case(stage: Stage) -> None:
        stage.answers = {f"{number}.example": (ONE,) for number in range(50)}
        stage.follow(*stage.answers)
        await asyncio.sleep(1)
        assert stage.names.known == stage.answers
        assert stage.changes == 1
        assert stage.asking_max == limits.NAMES_ASKED_AT_ONCE

    on_stage(case)


def test_it_is_asked_for_again_and_the_same_answer_is_no_news() -> None:
    async def case(stage: Stage) -> None:
        stage.answers["host.example"] = (ONE, TWO)
        stage.follow("host.example")
        await asyncio.sleep(limits.NAME_INTERVAL_S * 3.5)
        assert [at for at, _ in stage.asked] == [limits.NAME_INTERVAL_S * n for n in range(4)]
        stage.answers["host.example"] = (TWO, ONE)
        await asyncio.sleep(limits.NAME_INTERVAL_S)
        assert stage.changes == 1
        stage.answers["host.example"] = (TWO,)
        await asyncio.sleep(limits.NAME_INTERVAL_S)
        assert stage.changes == 2
        assert stage.names.known == {"host.example": (TWO,)}

    on_stage(case)


def test_a_name_without_an_answer_says_so_once_until_it_has_one() -> None:
    async def case(stage: Stage) -> None:
        stage.follow("host.example")
        await asyncio.sleep(limits.NAME_RETRY_S * 20)
        assert stage.names.known == {}
        assert len(stage.asked) == 20
        stage.answers["host.example"] = (ONE,)
        await asyncio.sleep(limits.NAME_RETRY_S)
        del stage.answers["host.example"]
        await asyncio.sleep(limits.NAME_INTERVAL_S * 5)
        assert stage.names.known == {"host.example": (ONE,)}, "silence opens nothing"

    why = "no address of the name 'host.example' (Name or service not known): "
    assert on_stage(case).said == [
        why + "it matches nothing yet",
        "the name 'host.example' stands for 192.0.2.1",
        why + "it goes on to stand for 192.0.2.1",
    ]


def test_a_name_that_is_not_wanted_any_more_is_forgotten() -> None:
    async def case(stage: Stage) -> None:
        stage.answers = {"one.example": (ONE,), "two.example": (TWO,)}
        stage.follow("one.example", "two.example")
        await asyncio.sleep(1)
        stage.follow("two.example")
        assert stage.names.known == {"two.example": (TWO,)}
        stage.asked.clear()
        await asyncio.sleep(limits.NAME_INTERVAL_S * 1.5)
        assert [name for _, name in stage.asked] == ["two.example"]

    on_stage(case)


def test_a_resolver_that_takes_its_time_does_not_hold_up_the_others() -> None:
    async def case(stage: Stage) -> None:
        stage.slow.add("slow.example")
        stage.answers["host.example"] = (ONE,)
        stage.follow("slow.example", "host.example")
        await asyncio.sleep(1)
        assert stage.names.known == {"host.example": (ONE,)}

    on_stage(case)


def test_of_very_many_addresses_the_lowest_count() -> None:
    async def case(stage: Stage) -> None:
        many = tuple(ip_address(number) for number in range(1_000, 0, -1))
        stage.answers["host.example"] = many
        stage.follow("host.example")
        await asyncio.sleep(1)
        expected = tuple(ip_address(1 + at) for at in range(limits.NAME_ADDRESSES_MAX))
        assert stage.names.known["host.example"] == expected

    on_stage(case)


# --- the system's resolver ------------------------------------------------------------------------


def test_the_system_knows_localhost() -> None:
    assert ip_address("127.0.0.1") in asyncio.run(ask_the_system("localhost"))


def test_what_the_system_does_not_know() -> None:
    for name in ("no-such-host.invalid", "x" * 64 + ".example"):
        with pytest.raises((OSError, UnicodeError)):
            asyncio.run(ask_the_system(name))


def test_the_loop_goes_on_while_the_system_thinks(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()

    def think(*_arguments: object, **_more: object) -> list[object]:
        answer.wait(20)
        return [(None, None, None, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", think)

    async def case() -> None:
        asking = asyncio.ensure_future(ask_the_system("host.example"))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not asking.done()
        answer.set()
        assert await asking == (ONE,)

    asyncio.run(case())


def test_the_end_does_not_wait_for_the_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    answer, finished = threading.Event(), threading.Event()

    def think(*_arguments: object, **_more: object) -> list[object]:
        answer.wait(20)
        finished.set()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", think)

    async def case() -> None:
        names = Names(lambda: None, AuditStore())
        names.follow(frozenset(("host.example",)))
        await asyncio.sleep(0.01)
        names.close()

    asyncio.run(case())
    assert not finished.is_set()
    answer.set()
    assert finished.wait(20)
