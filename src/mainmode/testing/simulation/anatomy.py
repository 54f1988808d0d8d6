"""What stands inside an engine: the one place of the simulation that looks at private tables.

A new kind of timer or table in the engine has to be named here, or every simulation fails.
"""

from collections.abc import Callable, Iterator

from mainmode.engine.engine import Engine
from mainmode.engine.quick_mode import QuickMode
from mainmode.engine.timers import Subject, Timer, TimerKind, numbered

Lives = Callable[[Engine, Subject], bool]


def _exchange(engine: Engine, subject: Subject) -> bool:
    return subject in engine._negotiations.exchanges._by_key


def _main_mode(engine: Engine, subject: Subject) -> bool:
    return subject[:2] in engine._associations.main_modes


def _pair(engine: Engine, subject: Subject) -> bool:
    return subject[2] in engine._associations.quick_modes


def _deletes(engine: Engine) -> set[Subject]:
    """Those that are not acknowledged yet, and those whose acknowledgement is kept."""
    reliable = engine._endings.reliable
    return reliable._sent.keys() | reliable._answered.keys()


_LIVES: dict[TimerKind, Lives] = {
    TimerKind.RETRY: _exchange,
    TimerKind.DEADLINE: _exchange,
    TimerKind.HALF_OPEN: lambda engine, subject: subject[:2] in engine._half_open._by_cookies,
    TimerKind.KEEPALIVE: lambda engine, subject: (
        subject[:2] in engine._negotiations.keepalives._paths
    ),
    TimerKind.PROBE: lambda engine, subject: subject[:2] in engine._negotiations.probes._watched,
    TimerKind.REKEY: _pair,
    TimerKind.RETIRE: _pair,
    TimerKind.FALLBACK: lambda engine, subject: subject[2] in engine._negotiations.soft._waiting,
    TimerKind.SOFT_LIFETIME: lambda engine, subject: (
        subject[2] in engine._negotiations.soft._standing
    ),
    TimerKind.DELETE: lambda engine, subject: subject in _deletes(engine),
    TimerKind.DEPARTED: lambda engine, subject: subject[:2] in engine._endings.reliable._departed,
    TimerKind.RENEWAL: _main_mode,
    TimerKind.MAIN_MODE_LIFETIME: _main_mode,
}
"""For each kind of timer: whether what it is about lives."""


def timers_of_nothing(engine: Engine) -> list[Timer]:
    """Armed timers whose subject is gone."""
    return [
        timer for timer in engine._desk.timers._at if not _LIVES[timer.kind](engine, timer.subject)
    ]


def without_timer(engine: Engine) -> Iterator[str]:
    """What must come to an end by itself and has no timer that sees to it."""
    armed, negotiations = engine._desk.timers._at, engine._negotiations
    for key, exchange in negotiations.exchanges._by_key.items():
        if Timer(TimerKind.RETRY, key) not in armed and Timer(TimerKind.DEADLINE, key) not in armed:
            yield f"exchange {exchange.cky_i.hex()} {exchange.message_id:08x}"
    for cookies in engine._half_open._by_cookies:
        if Timer(TimerKind.HALF_OPEN, (*cookies, 0)) not in armed:
            yield f"half-open main mode {cookies[0].hex()}"
    for cookies in engine._associations.main_modes:
        ends = (TimerKind.RENEWAL, TimerKind.MAIN_MODE_LIFETIME)
        if not any(Timer(kind, (*cookies, 0)) in armed for kind in ends):
            yield f"main mode SA {cookies[0].hex()}"
    for cookies in engine._negotiations.probes._watched:
        if Timer(TimerKind.PROBE, (*cookies, 0)) not in armed:
            yield f"peer of main mode SA {cookies[0].hex()}"
    for subject in _deletes(engine):
        if Timer(TimerKind.DELETE, subject) not in armed:
            yield f"delete {subject[0].hex()} {subject[2]:08x}"
    for cookies in engine._endings.reliable._departed:
        if Timer(TimerKind.DEPARTED, (*cookies, 0)) not in armed:
            yield f"ended main mode SA {cookies[0].hex()}"
    for kind, numbers in (
        (TimerKind.RETIRE, negotiations.succession._retiring),
        (TimerKind.FALLBACK, negotiations.soft._waiting),
        (TimerKind.SOFT_LIFETIME, negotiations.soft._standing),
    ):
        for number in numbers:
            if numbered(kind, number) not in armed:
                yield f"{kind.name} {number:08x}"


def shape(engine: Engine) -> tuple[int, ...]:
    """Changes whenever something gets or loses a timer, or begins or ends."""
    negotiations, associations, timers = (
        engine._negotiations,
        engine._associations,
        engine._desk.timers,
    )
    return (
        timers._count,
        len(timers),
        len(negotiations.exchanges),
        len(engine._half_open._by_cookies),
        len(associations.main_modes),
        len(associations.quick_modes),
        len(negotiations.soft),
        len(engine._endings.reliable),
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
