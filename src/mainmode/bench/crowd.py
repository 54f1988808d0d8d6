"""What each kind of event costs an engine that holds few SAs, and one that holds many.

Both engines get SAs put straight into their tables, copies of one that was negotiated, each with a
peer and timers of its own. Then real peers come to both by turns, and the processor time of every
event is taken. What does not depend on the number of SAs costs the same in both.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

from mainmode import limits
from mainmode.bench.engines import Happening, Side
from mainmode.bench.figures import machine
from mainmode.bench.terms import CROWD_MAX, INITIATORS, RESPONDERS
from mainmode.engine.timers import Timer, TimerKind
from mainmode.model import Endpoint, Path
from mainmode.service.collector import tame_collector

_PEERS_FROM = CROWD_MAX
"""The addresses of the crowd come first, those of real peers after them."""
_OFFER = "3des-sha1-group2"
_LATER_S = 1e6
_PATIENCE_S = limits.REKEY_PATIENCE_S


@dataclass(frozen=True, slots=True)
class Costs:
    """Processor time of each kind of event, seconds: the median over all of its kind."""

    few: int
    many: int
    seconds: dict[str, tuple[float, float]]
    """By kind: among few SAs, among many."""

    def as_json(self) -> dict[str, object]:
        return {
            "few": self.few,
            "many": self.many,
            "events": {
                kind: {
                    "few_us": round(few * 1e6, 2),
                    "many_us": round(many * 1e6, 2),
                    "ratio": round(many / few, 3),
                }
                for kind, (few, many) in self.seconds.items()
            },
        }

    @property
    def text(self) -> str:
        few, many = f"{self.few:,} SAs", f"{self.many:,} SAs"
        lines = [f"{'processor time of an event':34}{few:>14}{many:>14}   ratio"]
        for kind, (small, large) in self.seconds.items():
            times = f"{small * 1e6:11.1f} us{large * 1e6:11.1f} us"
            lines.append(f"{kind:34}{times}   {large / small:5.2f}")
        return "\n".join([*lines, machine()])


def costs_among(few: int, many: int, rounds: int) -> Costs:
    """Every kind of event, so many times in each of two engines."""
    crowds = Crowd(few), Crowd(many)
    tame_collector()
    for number in range(rounds):
        for crowd in crowds if number % 2 else reversed(crowds):
            crowd.visit(number)
    small, large = (crowd.medians() for crowd in crowds)
    return Costs(few, many, {kind: (small[kind], large[kind]) for kind in small})


class Crowd:
    """An engine among so many SAs, and the peers that come to it one after the other."""

    def __init__(self, size: int) -> None:
        self._here = Side(_OFFER)
        self._spent: dict[str, list[float]] = {}
        self._fill(size)

    def visit(self, number: int) -> None:
        """A peer that was never here: all that it brings about, from main mode to its farewell."""
        here, there, path = self._here, Side(_OFFER), _path(_PEERS_FROM + number)
        engine = here.engine
        there.connect(path)
        self._time("main mode and quick mode", lambda: self._talk(there))
        there.connect(path)
        self._time("another quick mode", lambda: self._talk(there))
        spi = there.engine.quick_mode_sas()[-1].pair.outbound.spi
        happenings: dict[str, Happening] = {
            "a pair that nears its end": lambda now: engine.expired(spi, now, hard=False),
            "its renewal, when a timer is due": lambda now: engine.wake(now + _PATIENCE_S),
        }
        for kind, happening in happenings.items():
            self._time(kind, partial(here.enter, happening))
        self._talk(there)
        there.enter(lambda now: there.engine.disconnect(path.peer.address, now))
        self._time("the peer's deletes", lambda: self._talk(there))

    def medians(self) -> dict[str, float]:
        return {kind: median(each) for kind, each in self._spent.items()}

    def _talk(self, there: Side) -> None:
        while there.sent or self._here.sent:
            self._here.hear(there)
            there.hear(self._here)

    def _time(self, kind: str, event: Callable[[], None]) -> None:
        before = self._here.cpu_s
        event()
        self._spent.setdefault(kind, []).append(self._here.cpu_s - before)

    def _fill(self, size: int) -> None:
        there = Side(_OFFER)
        there.connect(_path(0))
        self._talk(there)
        engine = self._here.engine
        [main_mode], [quick_mode] = engine.main_mode_sas(), engine.quick_mode_sas()
        for number in range(1, size):
            path = _path(number).reversed
            cookies = number.to_bytes(8), os.urandom(8)
            engine._associations.add_main_mode(
                replace(
                    main_mode, cookies=cookies, path=path, used_message_ids=set(), refused_at={}
                )
            )
            timer = Timer(TimerKind.RENEWAL, (*cookies, 0))
            engine._desk.timers.set(timer, time.monotonic() + _LATER_S + number)
            pair = replace(
                quick_mode.pair,
                inbound=replace(quick_mode.pair.inbound, spi=limits.SPI_MIN + number),
                local=path.local.address,
                peer=path.peer.address,
            )
            engine._associations.add_quick_mode(
                replace(quick_mode, pair=pair, path=path, main_mode=cookies)
            )


def _path(number: int) -> Path:
    """From a peer to the engine that is measured."""
    return Path(
        Endpoint(INITIATORS + number, limits.IKE_PORT),
        Endpoint(RESPONDERS + number, limits.IKE_PORT),
    )
