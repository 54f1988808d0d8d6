"""What stands inside an engine: the one place of the simulation that looks at private tables.

A new kind of timer or table in the engine has to be named here, or every simulation fails.
"""

from collections.abc import Callable, Collection, Iterator, Set
from typing import NamedTuple

from mainmode.engine.engine import Engine
from mainmode.engine.quick_mode import QuickMode
from mainmode.engine.timers import Subject, TimerKind


class _Table(NamedTuple):
    """Things in an engine that timers are about."""

    what: str
    living: Callable[[Engine], Set[Subject]]
    """Those that there are, as timers name them."""
    kinds: tuple[TimerKind, ...]
    """Of their timers."""
    must_end: bool = True
    """Whether each needs such a timer, or it would stand for ever."""


def _exchanges(engine: Engine) -> Set[Subject]:
    return engine._negotiations.exchanges._by_key.keys()


def _deletes(engine: Engine) -> Set[Subject]:
    """Those that are not acknowledged yet, and those whose acknowledgement is kept."""
    reliable = engine._endings.reliable
    return reliable._sent.keys() | reliable._answered.keys()


def _of_cookies(known: Collection[tuple[bytes, bytes]]) -> Set[Subject]:
    return {(cky_i, cky_r, 0) for cky_i, cky_r in known} if known else _NONE


def _numbered(known: Collection[int]) -> Set[Subject]:
    return {(b"", b"", number) for number in known} if known else _NONE


_NONE: frozenset[Subject] = frozenset()

_TABLES = (
    _Table("exchange", _exchanges, (TimerKind.RETRY, TimerKind.DEADLINE)),
    _Table(
        "half-open main mode",
        lambda engine: _of_cookies(engine._half_open._by_cookies),
        (TimerKind.HALF_OPEN,),
    ),
    _Table(
        "main mode SA",
        lambda engine: _of_cookies(engine._associations.main_modes),
        (TimerKind.RENEWAL, TimerKind.MAIN_MODE_LIFETIME),
    ),
    _Table(
        "peer that is watched",
        lambda engine: _of_cookies(engine._negotiations.probes._watched),
        (TimerKind.PROBE,),
    ),
    _Table(
        "path that is kept alive",
        lambda engine: _of_cookies(engine._negotiations.keepalives._paths),
        (TimerKind.KEEPALIVE,),
    ),
    _Table("delete", _deletes, (TimerKind.DELETE,)),
    _Table(
        "main mode SA that has ended",
        lambda engine: _of_cookies(engine._endings.reliable._departed),
        (TimerKind.DEPARTED,),
    ),
    _Table(
        "pair",
        lambda engine: _numbered(engine._associations.quick_modes),
        (TimerKind.REKEY,),
        must_end=False,
    ),
    _Table(
        "pair that retires",
        lambda engine: _numbered(engine._negotiations.succession._retiring),
        (TimerKind.RETIRE,),
    ),
    _Table(
        "soft SA that may come",
        lambda engine: _numbered(engine._negotiations.soft._waiting),
        (TimerKind.FALLBACK,),
    ),
    _Table(
        "soft SA",
        lambda engine: _numbered(engine._negotiations.soft._standing),
        (TimerKind.SOFT_LIFETIME,),
    ),
)
"""Every kind of timer stands here once. The driver sees to the end of pairs."""


def timers_astray(engine: Engine) -> Iterator[str]:
    """Armed timers whose subject is gone, and things without the timer that would end them."""
    armed: dict[TimerKind, set[Subject]] = {}
    for kind, subject in engine._desk.timers._at:
        armed.setdefault(kind, set()).add(subject)
    for table in _TABLES:
        living = table.living(engine)
        about: Set[Subject] = _NONE
        for kind in table.kinds:
            if kind in armed:
                about = about | armed.pop(kind)
        if living == about:
            continue
        for subject in sorted(about - living):
            yield f"a timer is about no {table.what} that lives: {_name(subject)}"
        if table.must_end:
            for subject in sorted(living - about):
                yield f"the {table.what} {_name(subject)} has no timer"
    for kind in armed:
        yield f"{kind.name} is about things that the simulation does not know"


def _name(subject: Subject) -> str:
    cky_i, _, number = subject
    return f"{cky_i.hex()} {number:08x}".strip()


def shape(engine: Engine) -> tuple[int, ...]:
    """Changes whenever something gets or loses a timer, or begins or ends."""
    negotiations, associations, timers = (
        engine._negotiations,
        engine._associations,
        engine._desk.timers,
    )
    reliable = engine._endings.reliable
    return (
        timers._count,
        len(timers._at),
        len(negotiations.exchanges._by_key),
        len(engine._half_open._by_cookies),
        len(associations.main_modes),
        len(associations.quick_modes),
        len(negotiations.soft._waiting),
        len(negotiations.soft._standing),
        len(reliable._sent),
        len(reliable._answered),
        len(reliable._departed),
    )


def spis_under_way(engine: Engine) -> set[int]:
    """Inbound SPIs of quick modes that have neither succeeded nor failed yet."""
    return {
        exchange.negotiation.spi
        for exchange in engine._negotiations.exchanges.under_way()
        if isinstance(exchange.negotiation, QuickMode)
    }


def tables(engine: Engine) -> dict[str, int]:
    """How much of each kind the engine remembers."""
    negotiations, associations, desk = (
        engine._negotiations,
        engine._associations,
        engine._desk,
    )
    return {
        "main mode SAs": len(associations.main_modes),
        "main mode SAs by peer": len(associations._by_peer),
        "quick mode SAs": len(associations.quick_modes),
        "quick mode SAs by outbound SPI": len(associations._by_outbound),
        "quick mode SAs by peer": len(associations._pairs_by_peer),
        "quick mode SAs by traffic": len(associations._by_traffic),
        "pairs near their end": len(negotiations.succession._ending),
        "pairs that retire": len(negotiations.succession._retiring),
        "peers that are asked whether they live": len(engine._negotiations.probes),
        "deletes": len(engine._endings.reliable),
        "soft SAs that may come": len(negotiations.soft._waiting),
        "soft SAs": len(negotiations.soft._standing),
        "soft SAs by peer": len(negotiations.soft._by_peer),
        "exchanges": len(negotiations.exchanges),
        "exchanges under way": len(negotiations.exchanges._under_way),
        "wishes": negotiations.waiting,
        "parked wishes": len(negotiations._parked),
        "turns": len(negotiations._turns),
        "half-open main modes": len(engine._half_open._by_cookies),
        "half-open main modes by initiator": len(engine._half_open._by_initiator),
        "half-open main modes by address": len(engine._half_open._per_address),
        "kept-alive paths": len(negotiations.keepalives._paths),
        "timers": len(desk.timers),
        "jobs": len(desk._jobs),
    }


def half_open_count(engine: Engine) -> int:
    return len(engine._half_open)
