"""Clocks that jump."""

from mainmode.engine.events import QuickModeEnded
from mainmode.testing.simulation.scenarios.registry import scenario
from mainmode.testing.simulation.stage import Stage, offer, secure


@scenario("a clock that is set forward ends what has had its time, and the next packet begins anew")
def forward(stage: Stage) -> None:
    alice, bob = stage.two(secure(offer(seconds=200)))
    stage.connect(alice, bob)
    alice.jump(250.0)
    stage.run(1.0)
    stage.pairs(alice, 0)
    stage.equal(len(stage.events(alice, QuickModeEnded)), 1, "pairs ended")
    number = alice.say(stage.flow(alice, bob), awaited=True)
    stage.run(1.0)
    stage.require(stage.protected(number), "the packet arrives")


@scenario("a clock that is set back stops the engine's time, and nothing else")
def back(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.connect(alice, bob)
    alice.jump(-30.0)
    number = alice.say(stage.flow(alice, bob), awaited=True)
    stage.run(1.0)
    stage.require(stage.protected(number), "the packet arrives")
    alice.disconnect(bob)
    stage.run(1.0)
    number = bob.say(stage.flow(bob, alice), awaited=True)
    stage.run(1.0)
    stage.require(stage.protected(number), "a negotiation goes through")
