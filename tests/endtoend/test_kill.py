"""kill -9 at every message of a negotiation, under a flood of pings, UDP and TCP in both
directions: not one packet in clear, and protected traffic again after a restart."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import pytest

from mainmode.cli.outcome import Failed
from mainmode.diagnosis.capture import Frame, in_clear, protocol_of
from mainmode.numbers import IpProtocol
from tests.endtoend.link import Link, linked_hosts
from tests.endtoend.messages import MESSAGES, Counter, Message
from tests.endtoend.station import PATIENCE_S, Station
from tests.endtoend.traffic import flood

pytestmark = [pytest.mark.network, pytest.mark.slow]


@dataclass
class Trap:
    """Kills a service at the moment when a message is on the wire and has not arrived."""

    number: int
    victim: str
    """"sender" or "receiver" of that message."""
    stations: tuple[Station, Station]
    killed: Station | None = None

    def __post_init__(self) -> None:
        self.sprung = threading.Event()

    def spring(self, message: Message) -> None:
        if self.killed is not None or message.number != self.number:
            return
        is_sender = self.victim == "sender"
        self.killed = next(
            each for each in self.stations if (each.address == message.sender) is is_sender
        )
        self.killed.kill()
        self.sprung.set()


@dataclass(frozen=True)
class Field:
    """Two protected hosts that never stop talking, and the wire."""

    stations: tuple[Station, Station]
    link: Link
    counter: Counter

    def arm(self, trap: Trap) -> None:
        def watch(frame: Frame) -> None:
            message = self.counter.message(frame)
            if message is not None:
                trap.spring(message)

        self.link.watcher = watch


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    folder = tmp_path_factory.mktemp("kill")
    with ExitStack() as stack:
        first, second, link = stack.enter_context(linked_hosts())
        stations = (
            stack.enter_context(Station(first, folder)),
            stack.enter_context(Station(second, folder)),
        )
        stack.enter_context(flood((first, second)))
        yield Field(stations, link, Counter())


@pytest.mark.parametrize("victim", ["sender", "receiver"])
@pytest.mark.parametrize("number", range(1, MESSAGES + 1))
def test_kill_9_at_message(field: Field, number: int, victim: str) -> None:
    first, second = field.stations
    field.link.frames.clear()
    trap = Trap(number, victim, field.stations)
    field.arm(trap)
    with suppress(Failed):  # the trap may spring before the answer is out
        first.down(second.address)  # the flood makes them negotiate anew
    assert trap.sprung.wait(PATIENCE_S), "no such message"
    time.sleep(0.3)  # the flood goes on against a closed door
    assert trap.killed is not None
    trap.killed.start()
    first.wait_until_reaching(second.address)
    second.wait_until_reaching(first.address)
    frames = list(field.link.frames)
    assert in_clear(frames) == []
    assert sum(protocol_of(frame) == IpProtocol.ESP for frame in frames) > 0
