"""A driver that refuses, and what is told to the peer about it."""

from mainmode.driver.model import Refuses, refuses_nothing
from mainmode.failures import Reason
from mainmode.model import Direction
from mainmode.testing.simulation.scenarios.registry import scenario
from mainmode.testing.simulation.stage import Stage


def refusing(*what: Direction | None) -> Refuses:
    return lambda asked: asked in what


def _refused(stage: Stage, refuser: str, *what: Direction | None) -> None:
    """Alice negotiates; one of the two drivers refuses; neither side keeps half a pair."""
    alice, bob = stage.two()
    host = {"alice": alice, "bob": bob}[refuser]
    host.driver.refuses = refusing(*what)
    alice.connect(bob)
    stage.run(1.0)
    stage.pairs(alice, 0, "pairs after a second")
    stage.pairs(bob, 0, "pairs after a second")
    stage.run(60.0)
    stage.require(stage.failures(host, Reason.DRIVER_REFUSED), f"{refuser} says why")
    for each in (alice, bob):
        stage.pairs(each, 0)
        stage.equal(each.driver.promised, 0, f"promised SPIs at {each.name}")
    host.driver.refuses = refuses_nothing
    number = alice.say(stage.flow(alice, bob), awaited=True)
    stage.run(1.0)
    stage.require(stage.protected(number), "when it relents, all is well")


@scenario("the initiator's driver promises no SPI: nothing is said")
def no_spi(stage: Stage) -> None:
    _refused(stage, "alice", None)
    stage.equal(len(stage.times(stage.world.hosts[0], "quick mode message 1")), 1, "message 1")


@scenario("the responder's driver promises no SPI: the initiator hears so at once")
def no_spi_there(stage: Stage) -> None:
    _refused(stage, "bob", None)
    stage.require(stage.failures(stage.world.hosts[0])[0] < 1.0, "alice knows at once")


@scenario("the responder's driver refuses the inbound SA: the initiator hears so at once")
def no_inbound_there(stage: Stage) -> None:
    _refused(stage, "bob", Direction.INBOUND)
    stage.require(stage.failures(stage.world.hosts[0])[0] < 1.0, "alice knows at once")


@scenario("the initiator's driver refuses an SA: the responder's half goes too")
def no_outbound(stage: Stage) -> None:
    _refused(stage, "alice", Direction.OUTBOUND)


@scenario("the responder's driver refuses the outbound SA: the initiator's pair goes too")
def no_outbound_there(stage: Stage) -> None:
    _refused(stage, "bob", Direction.OUTBOUND)
