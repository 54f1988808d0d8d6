"""The same inputs give the same octets; and when all is over, nothing is left."""

import gc

import pytest

from mainmode import limits
from mainmode.engine.events import NegotiationFailed, QuickModeEnded
from mainmode.testing.faults import Weather
from mainmode.testing.network import Host
from mainmode.testing.samples import WRONG_CREDENTIALS, policy, rule
from tests.engine.scene import LONG_ENOUGH_S, Scene, keys, port_scene, tables

PORTS = range(1000, 1005)


def stormy(seed: int) -> Scene:
    """Some of everything."""
    weather = Weather(seed, loss=0.2, duplication=0.2, lateness=0.3, forgery=0.3)
    scene = port_scene(*PORTS, fault=weather, seed=seed)
    for port in PORTS:
        scene.acquire(scene.alice, scene.flow(port))
    scene.network.connect(scene.bob, scene.alice)
    scene.network.run(LONG_ENOUGH_S)
    return scene


# --- the same again -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_gives_the_same_datagrams_events_and_keys(seed: int) -> None:
    one, other = stormy(seed), stormy(seed)
    assert one.network.sent == other.network.sent
    assert one.network.sent_at == other.network.sent_at
    for mine, theirs in ((one.alice, other.alice), (one.bob, other.bob)):
        assert mine.events == theirs.events
        assert mine.drawn == theirs.drawn
        assert [keys(pair.inbound) for pair in mine.inbound.values()] == [
            keys(pair.inbound) for pair in theirs.inbound.values()
        ]


def test_another_seed_gives_other_keys() -> None:
    one, other = Scene(seed=1).connect(), Scene(seed=2).connect()
    assert set(one.datagrams).isdisjoint(other.datagrams)


def test_no_clock_but_the_callers_is_read() -> None:
    """The same run, begun at another time: everything happens as much later."""
    early, late = Scene(fault=Weather(3, loss=0.3)), Scene(fault=Weather(3, loss=0.3))
    late.network.now = 1_000_000.0
    for scene, start in ((early, 0.0), (late, 1_000_000.0)):
        scene.connect(start + LONG_ENOUGH_S)
    assert early.network.sent == late.network.sent
    shifted = [round(at - 1_000_000.0, 3) for at in late.network.sent_at]
    assert shifted == [round(at, 3) for at in early.network.sent_at]


def test_a_clock_that_runs_backwards_does_no_harm() -> None:
    scene = Scene().connect()
    engine = scene.alice.engine
    wake = engine.next_wake
    assert wake is not None
    assert engine.wake(-5.0) == []
    scene.acquire(scene.alice, scene.flow(1))
    assert engine.next_wake is not None
    assert engine.next_wake >= 1.0


def test_a_wake_before_anything_is_due_does_nothing() -> None:
    scene = Scene()
    assert scene.alice.engine.next_wake is None
    assert scene.alice.engine.wake(10.0) == []


# --- nothing is left ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_when_everything_is_over_all_tables_and_timers_are_empty(seed: int) -> None:
    scene = stormy(seed)
    for host, other in ((scene.alice, scene.bob), (scene.bob, scene.alice)):
        assert set(tables(host).values()) == {0}
        scene.network.do(host, host.engine.disconnect(other.address, scene.network.now))
    scene.network.run(2 * LONG_ENOUGH_S)
    for host in (scene.alice, scene.bob):
        require_empty(host)


def test_lifetimes_end_everything_without_anybody_doing_anything() -> None:
    scene = Scene(policy(lifetime_s=600)).connect()
    for host in (scene.alice, scene.bob):
        for spi in tuple(host.inbound):
            scene.network.do(host, host.engine.expired(spi, scene.network.now, hard=True))
    scene.network.run(600.0 + LONG_ENOUGH_S)
    for host in (scene.alice, scene.bob):
        assert not host.engine.main_mode_sas()
        require_empty(host)
        assert len(host.of(QuickModeEnded)) == 1


def test_failures_leave_nothing() -> None:
    scene = Scene(bob_credentials=WRONG_CREDENTIALS)
    for attempt in range(1, 6):
        scene.connect(attempt * LONG_ENOUGH_S)
    assert len(scene.alice.of(NegotiationFailed)) == 5
    for host in (scene.alice, scene.bob):
        require_empty(host)


def test_cancelled_timers_do_not_pile_up() -> None:
    """A main mode that ends early leaves no entry until its eight hours are over."""
    scene = Scene()
    for attempt in range(200):
        scene.connect(attempt + 0.9)
        engine = scene.alice.engine
        scene.network.do(scene.alice, engine.disconnect(scene.bob.address, attempt + 0.9))
    for host in (scene.alice, scene.bob):
        timers = host.engine._desk.timers
        assert len(timers._heap) <= 2 * len(timers) + 65


def require_empty(host: Host) -> None:
    assert set(tables(host).values()) == {0}
    assert not host.engine.main_mode_sas()
    assert not host.engine.quick_mode_sas()
    associations = host.engine._associations
    assert not associations._by_peer
    assert not associations._by_outbound
    assert not associations._pairs_by_peer
    assert not host.engine._half_open._by_initiator
    assert not host.engine._half_open._by_cookies
    assert not host.engine._half_open._per_address
    assert host.engine.next_wake is None
    assert host.promised == set(host.inbound) == set(host.outbound) == set()


# --- memory ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("pfs", ["", "group2"])
def test_negotiations_that_succeed_make_no_cycles(pfs: str) -> None:
    """Reference counting frees everything; the garbage collector may sleep."""
    scene = Scene(policy(rule(pfs=pfs)))
    for attempt in range(12):
        if attempt == 2:
            gc.collect()
            gc.disable()
        scene.connect((attempt + 1) * LONG_ENOUGH_S)
        engine = scene.alice.engine
        now = scene.network.now
        scene.network.do(scene.alice, engine.disconnect(scene.bob.address, now))
        scene.network.run(now + 1.0)
    found = gc.collect()
    gc.enable()
    assert found == 0


def test_the_table_of_exchanges_lets_go_of_keys_after_a_minute() -> None:
    scene = Scene().connect()
    exchanges = scene.alice.engine._negotiations.exchanges
    assert len(exchanges) == 2, "kept for duplicates"
    scene.network.run(limits.FINISHED_EXCHANGE_S + 1.1)
    assert len(exchanges) == 0


def test_private_values_are_used_once() -> None:
    """Every key pair that is made takes randomness of its own."""
    scene = Scene(policy(rule(pfs="group2"))).connect()
    draws = scene.alice.drawn.count(32)
    assert draws == 4, "a private value and a nonce in main mode, and the same in quick mode"
