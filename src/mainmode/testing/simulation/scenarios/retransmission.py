"""Retries, the answers to them, and duplicates (docs/service.md 15)."""

from mainmode.engine.events import MainModeEstablished, QuickModeEstablished
from mainmode.failures import Reason
from mainmode.testing.simulation.ether import Weather
from mainmode.testing.simulation.scenarios.registry import scenario
from mainmode.testing.simulation.stage import Stage

CYCLE_S = [0.0, 1.0, 3.0, 7.0, 15.0, 31.0]


@scenario("message 1 goes out six times, and after 47 s without an answer main mode has failed")
def retry_cycle(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.lose("main mode message 1")
    alice.connect(bob)
    stage.run(100.0)
    stage.equal(stage.times(alice, "main mode message 1"), CYCLE_S, "sent at")
    stage.equal(stage.failures(alice, Reason.TIMED_OUT), [47.0], "failed at")


@scenario("an answer ends the retry cycle, however late it comes")
def answer_stops_retries(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.lose("main mode message 1", 3)
    alice.connect(bob)
    stage.run(100.0)
    stage.equal(stage.times(alice, "main mode message 1"), CYCLE_S[:4], "sent at")
    stage.equal(len(stage.events(alice, QuickModeEstablished)), 1, "quick modes")


@scenario("a lost answer is repeated when the question is")
def lost_answer(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.lose("main mode message 6", 1)
    alice.connect(bob)
    stage.run(5.0)
    stage.equal(len(stage.times(bob, "main mode message 6")), 2, "message 6 sent")
    stage.equal(len(stage.events(bob, MainModeEstablished)), 1, "main modes at bob")
    stage.pairs(alice, 1)
    stage.pairs(bob, 1)


@scenario("the responder of a quick mode repeats message 2 until message 3 comes")
def lost_last_message(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.lose("quick mode message 3", 2)
    alice.connect(bob)
    stage.run(10.0)
    stage.equal(len(stage.times(bob, "quick mode message 2")), 3, "message 2 sent")
    stage.equal(len(stage.times(alice, "quick mode message 3")), 3, "message 3 sent")
    stage.pairs(bob, 1)
    number = bob.say(stage.flow(bob, alice), awaited=True)
    stage.run(1.0)
    stage.require(stage.protected(number), "bob can send too")


@scenario("a responder that never hears message 3 takes its half of the pair back, and says so")
def last_message_never_comes(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.lose("quick mode message 3")
    alice.connect(bob)
    stage.run(60.0)
    stage.equal(len(stage.failures(bob, Reason.TIMED_OUT)), 1, "failures at bob")
    stage.pairs(bob, 0)
    stage.pairs(alice, 0)


@scenario("a duplicate makes nothing twice, and no echo")
def duplicates(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.world.ether.weather = Weather(duplication=1.0)
    alice.connect(bob)
    stage.run(60.0)
    for host in (alice, bob):
        stage.equal(len(stage.events(host, MainModeEstablished)), 1, f"main modes at {host.name}")
        stage.equal(len(stage.events(host, QuickModeEstablished)), 1, f"pairs at {host.name}")
    answers = {said.octets for said in stage.messages("main mode message 2")}
    stage.equal(len(answers), 1, "different messages 2")
    stage.require(len(stage.messages()) < 30, "no storm")


@scenario("one stored answer goes out five more times, however often the question comes")
def answers_are_limited(stage: Stage) -> None:
    alice, bob = stage.two()
    alice.connect(bob)
    stage.run(0.015)
    [first] = stage.messages("main mode message 1")
    for _ in range(20):
        bob.hear(bob.path_to(alice.address), first.octets)
    stage.run(1.0)
    stage.require(len(stage.times(bob, "main mode message 2")) <= 6, "six answers at most")
