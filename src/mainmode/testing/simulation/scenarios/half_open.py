"""Main modes whose initiator has not returned our cookie."""

from mainmode.engine.events import FloodSuspected
from mainmode.testing.simulation import anatomy
from mainmode.testing.simulation.scenarios.registry import scenario
from mainmode.testing.simulation.stage import NOTHING, Stage, secure


@scenario("a half-open main mode is forgotten after a minute")
def half_open_forgotten(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.lose("main mode message 2")
    alice.connect(bob)
    stage.run(1.0)
    stage.equal(anatomy.tables(bob.engine)["half-open main modes"], 1, "half-open")
    stage.run(60.0)
    stage.equal(anatomy.tables(bob.engine)["half-open main modes"], 0, "half-open")
    stage.equal(anatomy.tables(bob.engine)["timers"], 0, "timers")


@scenario("one address gets 35 half-open main modes and no more")
def half_open_bound(stage: Stage) -> None:
    alice, bob = stage.two()
    alice.connect(bob)
    [first] = stage.messages("main mode message 1")
    for number in range(100):
        cookie = number.to_bytes(7) + b"\1"
        bob.hear(bob.path_to(alice.address), cookie + first.octets[8:])
    half_open = anatomy.half_open_count(bob.engine)
    stage.equal(half_open, 35, "half-open")
    stage.require(stage.events(bob, FloodSuspected), "bob reports a flood")


@scenario("policy that ends a half-open main mode ends its timer too")
def half_open_and_policy(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.lose("main mode message 2")
    alice.connect(bob)
    stage.run(1.0)
    bob.assign(type(bob.terms)(NOTHING, bob.terms.credentials))
    stage.equal(anatomy.tables(bob.engine)["timers"], 0, "timers")


@scenario("who has no rule of ours gets no answer")
def strangers(stage: Stage) -> None:
    alice, bob = stage.two(secure(), NOTHING)
    alice.connect(bob)
    stage.run(60.0)
    stage.equal([said for said in stage.messages() if said.sender is bob], [], "bob says")


@scenario("a message 1 that was spoilt on its way does not stand for the true one that follows")
def spoilt_message_1(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.lose("main mode message 1", 1)
    alice.connect(bob)
    [first] = stage.messages("main mode message 1")
    stage.lose("main mode message 2", 1)
    spoilt = first.octets[:-1] + bytes((first.octets[-1] ^ 1,))
    bob.hear(bob.path_to(alice.address), spoilt)
    stage.run(2.0)
    stage.main_modes(alice, 1)
    stage.main_modes(bob, 1)
