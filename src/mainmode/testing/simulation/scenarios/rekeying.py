"""Pairs that are renewed before they end."""

from mainmode.engine.events import QuickModeEstablished
from mainmode.testing.simulation.host import Host
from mainmode.testing.simulation.scenarios.registry import scenario
from mainmode.testing.simulation.stage import Stage, offer, secure

LIFE_S = 400
SOFT_S = 0.9 * LIFE_S


def renewals(stage: Stage, host: Host) -> list[float]:
    """When pairs came up after the first one."""
    return [at for at, _ in stage.events(host, QuickModeEstablished)][1:]


@scenario("a pair is renewed before its lifetime is over, and no packet is lost")
def rekey_by_time(stage: Stage) -> None:
    alice, bob = stage.two(secure(offer(seconds=LIFE_S)))
    stage.connect(alice, bob)
    there, back = stage.flow(alice, bob), stage.flow(bob, alice)
    numbers: list[int] = []
    while stage.world.now < 3 * LIFE_S:
        numbers += [alice.say(there, awaited=True), bob.say(back, awaited=True)]
        stage.run(0.5)
    stage.equal(stage.lost(*numbers), [], "lost")
    stage.equal(alice.driver.refused.total() + bob.driver.refused.total(), 0, "packets refused")
    times = renewals(stage, alice)
    stage.require(len(times) >= 3, "renewed three times")
    stage.equal([round(at / SOFT_S, 1) for at in times[:3]], [1.0, 2.0, 3.0], "renewed at (soft)")
    stage.pairs(alice, 1)


@scenario("so it is when its kilobytes are used up")
def rekey_by_volume(stage: Stage) -> None:
    alice, bob = stage.two(secure(offer(kilobytes=100)))
    stage.connect(alice, bob)
    there, back = stage.flow(alice, bob), stage.flow(bob, alice)
    numbers: list[int] = []
    for _ in range(400):
        numbers += [alice.say(there, 1_000, awaited=True), bob.say(back, 100, awaited=True)]
        stage.run(0.1)
    stage.equal(stage.lost(*numbers), [], "lost")
    stage.require(len(renewals(stage, alice)) >= 3, "renewed three times")
    stage.equal(stage.ended(alice, "its lifetime has passed"), [], "pairs that were used up")


@scenario("the side that made the pair renews it")
def who_renews(stage: Stage) -> None:
    alice, bob = stage.two(secure(offer(seconds=LIFE_S)))
    stage.connect(alice, bob)
    stage.talk(bob, stage.flow(bob, alice), SOFT_S + 20.0, every_s=10.0)
    roles = [event.role for _, event in stage.events(alice, QuickModeEstablished)]
    stage.equal(roles, ["initiator", "initiator"], "alice as")


@scenario("if it does not, the other side does five seconds later")
def who_renews_else(stage: Stage) -> None:
    alice, bob = stage.two(secure(offer(seconds=LIFE_S)))
    stage.connect(alice, bob)
    flow = stage.flow(bob, alice)
    stage.talk(bob, flow, SOFT_S - 10.0, every_s=5.0)
    stage.lose("quick mode message 1", sender=alice)
    stage.talk(bob, flow, 30.0, every_s=5.0)
    [again] = renewals(stage, bob)[:1] or [0.0]
    stage.require(SOFT_S + 5.0 <= again <= SOFT_S + 6.0, f"bob renews after 5 s ({again})")


@scenario("the old pair goes two seconds after the peer has used the new one")
def old_pair_retires(stage: Stage) -> None:
    alice, bob = stage.two(secure(offer(seconds=LIFE_S)))
    stage.connect(alice, bob)
    there, back = stage.flow(alice, bob), stage.flow(bob, alice)
    while not renewals(stage, alice):
        alice.say(there)
        bob.say(back)
        stage.run(1.0)
    stage.pairs(alice, 2)
    for _ in range(5):
        bob.say(back)
        stage.run(1.0)
    ended = stage.ended(alice, "a newer pair has taken over")
    stage.equal(len(ended), 1, "pairs retired")
    stage.require(ended[0] - renewals(stage, alice)[0] < 4.0, "soon")
    stage.pairs(bob, 1)


@scenario("without such a packet it goes after half a minute")
def old_pair_retires_unused(stage: Stage) -> None:
    alice, bob = stage.two(secure(offer(seconds=600)))
    stage.connect(alice, bob)
    stage.talk(alice, stage.flow(alice, bob), 600.0, every_s=10.0)
    [ended] = stage.ended(alice, "a newer pair has taken over")
    stage.equal(round(ended - renewals(stage, alice)[0]), 30, "retired after")


@scenario("a pair that nobody renews ends at its lifetime, on both sides")
def hard_end(stage: Stage) -> None:
    alice, bob = stage.two(secure(offer(seconds=LIFE_S)))
    stage.connect(alice, bob)
    there = stage.flow(alice, bob)
    stage.talk(alice, there, SOFT_S - 10.0, every_s=5.0)
    stage.lose("quick mode message 1")
    stage.talk(alice, there, LIFE_S - SOFT_S + 20.0, every_s=5.0)
    stage.equal(len(stage.ended(alice, "its lifetime has passed")), 1, "pairs ended at alice")
    stage.pairs(alice, 0)
    stage.pairs(bob, 0)


@scenario("both sides renew at once: of the new pairs one stays, and no packet is lost")
def renewed_twice(stage: Stage) -> None:
    alice, bob = stage.two(secure(offer(seconds=LIFE_S)))
    stage.connect(alice, bob)
    there, back = stage.flow(alice, bob), stage.flow(bob, alice)
    numbers: list[int] = []
    while stage.world.now < SOFT_S + 90.0:
        late = stage.world.now > SOFT_S - 5.0
        if late and stage.world.ether.loses is None:
            stage.lose("quick mode message 1", 3, sender=alice)  # until bob has begun too
        numbers += [alice.say(there, awaited=True), bob.say(back, awaited=True)]
        stage.run(0.5)
    stage.equal(stage.lost(*numbers), [], "lost")
    stage.pairs(alice, 1)
    stage.pairs(bob, 1)


@scenario("a pair that has carried nothing is not renewed: its first packet would be the reason")
def unused_pair(stage: Stage) -> None:
    alice, bob = stage.two(secure(offer(seconds=200)))
    stage.connect(alice, bob)
    stage.run(600.0)
    stage.pairs(alice, 0)
    stage.pairs(bob, 0)
    stage.require(len(renewals(stage, alice)) <= 1, "renewed once at most")
