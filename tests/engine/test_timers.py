"""The heap of timers."""

from random import Random

from mainmode.engine.timers import Timer, TimerKind, Timers
from mainmode.testing.network import Host
from mainmode.testing.samples import CREDENTIALS, policy

RETRY, DEADLINE = TimerKind.RETRY, TimerKind.DEADLINE


def test_a_timer_whose_subject_is_gone_does_nothing() -> None:
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    for kind in TimerKind:
        host.engine._desk.timers.set(Timer(kind, (b"nobody  ", b"no one  ", 7)), 1.0)
    assert host.engine.wake(1.0) == []
    assert host.engine.next_wake is None


def timer(number: int, kind: TimerKind = RETRY) -> Timer:
    return Timer(kind, (b"", b"", number))


def test_timers_ring_in_the_order_of_their_moments() -> None:
    timers = Timers()
    for number in (3, 1, 2):
        timers.set(timer(number), float(number))
    assert timers.next_wake == 1.0
    assert list(timers.due(2.5)) == [timer(1), timer(2)]
    assert timers.next_wake == 3.0


def test_those_of_one_moment_ring_in_the_order_they_were_set() -> None:
    timers = Timers()
    for number in (3, 1, 2):
        timers.set(timer(number), 1.0)
    assert list(timers.due(1.0)) == [timer(3), timer(1), timer(2)]


def test_a_cancelled_timer_is_silent() -> None:
    timers = Timers()
    timers.set(timer(1), 1.0)
    timers.cancel(timer(1))
    timers.cancel(timer(2))
    assert timers.next_wake is None
    assert list(timers.due(9.0)) == []
    assert len(timers) == 0


def test_a_timer_set_again_moves() -> None:
    timers = Timers()
    timers.set(timer(1), 1.0)
    timers.set(timer(1), 5.0)
    assert timers.next_wake == 5.0
    timers.set(timer(1), 3.0)
    assert list(timers.due(9.0)) == [timer(1)]
    assert list(timers.due(9.0)) == []


def test_kinds_of_one_subject_are_apart() -> None:
    timers = Timers()
    timers.set(timer(1, RETRY), 1.0)
    timers.set(timer(1, DEADLINE), 2.0)
    timers.cancel(timer(1, RETRY))
    assert timer(1, DEADLINE) in timers
    assert timer(1, RETRY) not in timers
    assert list(timers.due(9.0)) == [timer(1, DEADLINE)]


def test_a_timer_set_while_others_ring_rings_too_if_it_is_due() -> None:
    timers = Timers()
    timers.set(timer(1), 1.0)
    rung = []
    for each in timers.due(5.0):
        rung.append(each)
        if each == timer(1):
            timers.set(timer(2), 4.0)
            timers.set(timer(3), 6.0)
    assert rung == [timer(1), timer(2)]


def test_a_timer_cancelled_while_others_ring_is_silent() -> None:
    timers = Timers()
    timers.set(timer(1), 1.0)
    timers.set(timer(2), 1.0)
    rung = []
    for each in timers.due(1.0):
        rung.append(each)
        timers.cancel(timer(2))
    assert rung == [timer(1)]


def test_the_heap_stays_in_proportion_and_forgets_nothing() -> None:
    chance = Random(1)
    timers, expected, subjects = Timers(), {}, 50
    for step in range(20_000):
        subject = timer(chance.randrange(subjects))
        if chance.random() < 0.5:
            at = step + chance.uniform(0, 100)
            timers.set(subject, at)
            expected[subject] = at
        else:
            timers.cancel(subject)
            expected.pop(subject, None)
        assert len(timers) == len(expected)
        assert len(timers._heap) <= 2 * subjects + 65
        assert timers.next_wake == min(expected.values(), default=None)
    assert list(timers.due(1e9)) == sorted(expected, key=expected.__getitem__)
