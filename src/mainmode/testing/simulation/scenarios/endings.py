"""How SAs end: deletes, lifetimes, policy, administrators."""

from mainmode.engine.events import MainModeEnded, QuickModeEnded
from mainmode.policy.model import Profile
from mainmode.testing.samples import CREDENTIALS
from mainmode.testing.simulation.host import Terms
from mainmode.testing.simulation.scenarios.registry import scenario
from mainmode.testing.simulation.stage import (
    NOTHING,
    Stage,
    offer,
    ports,
    secure,
    with_main_mode,
)

MICROSOFT = secure(profile=Profile.WINDOWS_2003)


@scenario("an administrator's disconnect ends everything on both sides")
def disconnect(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.connect(alice, bob)
    alice.disconnect(bob)
    stage.run(1.0)
    for host in (alice, bob):
        stage.pairs(host, 0)
        stage.main_modes(host, 0)


@scenario("a pair that carries nothing for five minutes is let go, on both sides")
def idle_pair(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.connect(alice, bob)
    stage.until(299.0)
    stage.pairs(alice, 1)
    stage.until(302.0)
    stage.pairs(alice, 0)
    stage.pairs(bob, 0)


@scenario("traffic in either direction keeps a pair from falling idle")
def busy_pair(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.connect(alice, bob)
    stage.talk(bob, stage.flow(bob, alice), 900.0, every_s=150.0)
    stage.pairs(alice, 1)
    stage.equal(len(stage.events(alice, QuickModeEnded)), 0, "pairs ended")


@scenario("a main mode SA ends after its lifetime, by a delete; its pairs go on")
def main_mode_lifetime(stage: Stage) -> None:
    alice, bob = stage.two(secure(lifetime_s=600, profile=Profile.WINDOWS_2003))
    stage.connect(alice, bob)
    flow = stage.flow(alice, bob)
    numbers = stage.talk(alice, flow, 650.0, every_s=10.0)
    for host in (alice, bob):
        stage.main_modes(host, 0)
        stage.pairs(host, 1)
    stage.equal(stage.lost(*numbers), [], "lost")
    [(at, _)] = stage.events(alice, MainModeEnded)
    stage.require(at <= 600.1, "it ends in time")


@scenario("a pair lives as long as its own lifetime, though the main mode SA has ended")
def pair_outlives_main_mode(stage: Stage) -> None:
    life = secure(offer(seconds=1000), lifetime_s=300, profile=Profile.WINDOWS_2003)
    alice, bob = stage.two(life)
    stage.connect(alice, bob)
    stage.talk(alice, stage.flow(alice, bob), 880.0, every_s=10.0)
    stage.equal(len(stage.events(alice, QuickModeEnded)), 0, "pairs ended before 880 s")


@scenario("toward others than Microsoft's peers a main mode SA is renewed before its end")
def main_mode_renewal(stage: Stage) -> None:
    alice, bob = stage.two(secure(lifetime_s=600))
    stage.connect(alice, bob)
    numbers = stage.talk(alice, stage.flow(alice, bob), 650.0, every_s=10.0)
    stage.equal(stage.lost(*numbers), [], "lost")
    stage.main_modes(alice, 1)
    begun = len(stage.messages("main mode message 1"))
    stage.equal(begun, 2, "main modes begun")
    stage.equal(
        stage.ended(bob, "the peer has started anew"), [], "pairs that INITIAL-CONTACT ends"
    )
    [(ended, _)] = stage.events(alice, MainModeEnded)
    stage.require(600.0 <= ended <= 606.0, "the old one ends when the new one stands")


@scenario("a delete that is lost is repeated between Microsoft's peers until it is heard")
def reliable_delete(stage: Stage) -> None:
    alice, bob = stage.two(MICROSOFT)
    stage.connect(alice, bob)
    stage.lose("informational", 3, sender=alice)
    before = len(stage.times(alice, "informational"))
    stage.let_go(alice)
    stage.run(60.0)
    stage.pairs(bob, 0)
    sent = len(stage.times(alice, "informational")) - before
    stage.equal(sent, 4, "sent, until it was acknowledged")


@scenario("a delete goes out seven times, at 0, 1, 3, 7, 15, 31 and 47 s, and no more")
def reliable_delete_gives_up(stage: Stage) -> None:
    alice, bob = stage.two(MICROSOFT)
    stage.connect(alice, bob)
    before = len(stage.times(alice, "informational"))
    stage.lose("informational", sender=bob)
    began = stage.world.now
    stage.let_go(alice)
    stage.run(200.0)
    sent = [round(at - began, 3) for at in stage.times(alice, "informational")[before:]]
    stage.equal(sent, [0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 47.0], "sent at")


@scenario("to others a delete goes out once")
def plain_delete(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.connect(alice, bob)
    before = len(stage.times(alice, "informational"))
    stage.let_go(alice)
    stage.run(100.0)
    stage.equal(len(stage.times(alice, "informational")) - before, 1, "deletes")
    stage.pairs(bob, 0)


@scenario("a new policy ends what it no longer permits, and spares the rest")
def new_policy(stage: Stage) -> None:
    alice, bob = stage.two(ports(1, 2), ports(1, 2, here=False))
    for port in (1, 2):
        alice.say(stage.flow(alice, bob, port))
    stage.run(1.0)
    stage.pairs(alice, 2)
    alice.assign(Terms(ports(1), CREDENTIALS))
    stage.run(1.0)
    stage.pairs(alice, 1)
    stage.pairs(bob, 1)
    stage.equal(len(stage.ended(alice, "no longer permitted by policy")), 1, "pairs ended")
    alice.assign(Terms(NOTHING, CREDENTIALS))
    stage.run(1.0)
    for host in (alice, bob):
        stage.pairs(host, 0)
        stage.main_modes(host, 0)


@scenario("a new key ends what the old one has proved")
def new_key(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.connect(alice, bob)
    key = b"another key that alice alone has"
    alice.assign(Terms(alice.terms.policy, type(CREDENTIALS)({"secret": key})))
    stage.run(1.0)
    for host in (alice, bob):
        stage.pairs(host, 0)
        stage.main_modes(host, 0)


@scenario("a new policy ends what has algorithms that it does not name")
def new_algorithms(stage: Stage) -> None:
    alice, bob = stage.two(secure(offer("esp:des-md5")))
    stage.connect(alice, bob)
    alice.assign(Terms(secure(offer("esp:aes128-sha1")), CREDENTIALS))
    stage.run(1.0)
    stage.pairs(alice, 0)
    stage.pairs(bob, 0)


@scenario("a main mode SA ends at a time-out of one's own, before the lifetime that was agreed")
def main_mode_timeout(stage: Stage) -> None:
    alice, bob = stage.two(with_main_mode(secure(), timeout_s=100), secure())
    stage.connect(alice, bob)
    stage.let_go(alice)
    stage.until(95.0)
    stage.main_modes(bob, 1)
    stage.until(110.0)
    stage.main_modes(alice, 0)
    stage.main_modes(bob, 0)


@scenario("the repetition of a delete is heard though that of its main mode SA has overtaken it")
def overtaken_delete(stage: Stage) -> None:
    alice, bob = stage.two(MICROSOFT)
    stage.connect(alice, bob)
    stage.lose("informational", 1, sender=alice)
    alice.disconnect(bob)
    stage.run(0.5)
    stage.main_modes(bob, 0)
    stage.pairs(bob, 1)
    stage.run(2.0)
    stage.pairs(bob, 0)
