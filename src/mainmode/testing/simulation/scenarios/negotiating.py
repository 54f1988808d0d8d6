"""From a packet to its pair: holding, turns, both sides at once."""

from dataclasses import replace

from mainmode.engine.events import MainModeEstablished, QuickModeEstablished
from mainmode.failures import Reason
from mainmode.testing.simulation.scenarios.registry import scenario
from mainmode.testing.simulation.stage import (
    NOTHING,
    Stage,
    offer,
    ports,
    secure,
)


@scenario("packets wait for their pair and leave when it stands")
def held_packets(stage: Stage) -> None:
    alice, bob = stage.two()
    flow = stage.flow(alice, bob)
    numbers = [alice.say(flow, awaited=True) for _ in range(16)]
    stage.run(1.0)
    stage.require(stage.protected(*numbers), "all arrive protected")


@scenario("of one flow sixteen packets wait; the oldest goes first")
def held_packets_bound(stage: Stage) -> None:
    alice, bob = stage.two()
    flow = stage.flow(alice, bob)
    numbers = [alice.say(flow, awaited=True) for _ in range(20)]
    stage.run(1.0)
    stage.equal(stage.lost(*numbers), numbers[:4], "lost")


@scenario("a packet waits half a minute for its pair, no longer")
def held_packets_given_up(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.lose("all")
    number = alice.say(stage.flow(alice, bob), awaited=True)
    stage.run(31.0)
    stage.equal(alice.driver.waiting, 0, "packets that wait")
    stage.lose_nothing()
    stage.run(60.0)
    stage.equal(stage.lost(number), [number], "lost")


@scenario("both sides begin at once: traffic flows, and of two pairs one stays")
def both_at_once(stage: Stage) -> None:
    alice, bob = stage.two()
    numbers = [
        alice.say(stage.flow(alice, bob), awaited=True),
        bob.say(stage.flow(bob, alice), awaited=True),
    ]
    stage.run(1.0)
    stage.require(stage.protected(*numbers), "both packets arrive protected")
    there, back = stage.flow(alice, bob), stage.flow(bob, alice)
    for _ in range(60):
        numbers += [alice.say(there, awaited=True), bob.say(back, awaited=True)]
        stage.run(1.0)
    stage.equal(stage.lost(*numbers), [], "lost")
    stage.pairs(alice, 1)
    stage.pairs(bob, 1)


@scenario("between Microsoft's and our own peers any number of quick modes runs at once")
def any_number_at_once(stage: Stage) -> None:
    numbers = range(1, 11)
    alice, bob = stage.two(ports(*numbers), ports(*numbers, here=False))
    for number in numbers:
        alice.say(stage.flow(alice, bob, number))
    stage.run(0.065)
    stage.equal(len(stage.times(alice, "quick mode message 1")), 10, "begun at once")


@scenario("quick modes off one main mode: as many as policy says, then another main mode")
def quick_modes_of_a_main_mode(stage: Stage) -> None:
    alice, bob = stage.two(ports(1, 2, 3, quick_modes_max=2), ports(1, 2, 3, here=False))
    for number in (1, 2, 3):
        alice.say(stage.flow(alice, bob, number))
        stage.run(1.0)
    stage.pairs(alice, 3)
    stage.equal(len(stage.events(alice, MainModeEstablished)), 2, "main modes")


@scenario("with master key PFS each quick mode has a main mode of its own")
def master_key_pfs(stage: Stage) -> None:
    alice, bob = stage.two(ports(1, 2, 3, master_pfs=True), ports(1, 2, 3, here=False))
    for number in (1, 2, 3):
        alice.say(stage.flow(alice, bob, number))
        stage.run(1.0)
    stage.pairs(alice, 3)
    stage.equal(len(stage.events(alice, MainModeEstablished)), 3, "main modes")


@scenario("each side enforces the shorter lifetime, its own or the agreed one")
def shorter_lifetime(stage: Stage) -> None:
    alice, bob = stage.two(secure(offer(seconds=600)), secure(offer(seconds=100)))
    stage.connect(alice, bob)
    lifetimes = [host.driver.pairs()[0].pair.lifetime.seconds for host in (alice, bob)]
    stage.equal(lifetimes, [100, 100], "lifetimes at alice and bob")


@scenario("a refusal says why, and ends the quick mode at once")
def refusal(stage: Stage) -> None:
    alice, bob = stage.two(secure(offer("esp:aes128-sha1")), secure(offer("esp:3des-sha1")))
    alice.say(stage.flow(alice, bob))
    stage.run(0.5)
    stage.equal(len(stage.failures(alice, Reason.NO_COMMON_PROPOSAL)), 1, "failures at alice")
    stage.equal(len(stage.events(alice, QuickModeEstablished)), 0, "quick modes")


@scenario("what policy permits passes in clear, what it blocks does not leave")
def no_negotiation(stage: Stage) -> None:
    alice, bob = stage.two(NOTHING)
    number = alice.say(stage.flow(alice, bob), awaited=True)
    stage.run(1.0)
    stage.require(stage.in_clear(number), "it arrives in clear")
    stage.equal(stage.messages(), [], "IKE says")


@scenario("who takes no more quick modes under a main mode says so, and another is made at once")
def main_mode_used_up(stage: Stage) -> None:
    alice, bob = stage.two(ports(1, 2), ports(1, 2, here=False, quick_modes_max=1))
    for number in (1, 2):
        numbers = stage.talk(alice, stage.flow(alice, bob, number), 0.5)
        stage.require(stage.protected(*numbers), f"port {number} is reached at once")
    stage.equal(len(stage.events(alice, MainModeEstablished)), 2, "main modes")


@scenario("two sides with master key PFS that begin at once do not take each other's main mode")
def master_key_pfs_at_once(stage: Stage) -> None:
    there, here = ports(1, 2, master_pfs=True), ports(1, 2, here=False)
    alice, bob = stage.two(replace(there, rules=there.rules + here.rules))
    for number in (1, 2):
        alice.say(stage.flow(alice, bob, number))
        bob.say(stage.flow(bob, alice, number))
    stage.run(1.0)
    stage.equal(len(stage.failures(alice)), 0, "failures at alice")
    stage.pairs(alice, 4)
    stage.pairs(bob, 4)


@scenario("a refused quick mode is not begun anew each second while its packet waits")
def refusal_holds(stage: Stage) -> None:
    alice, bob = stage.two(secure(offer("esp:aes128-sha1")), secure(offer("esp:3des-sha1")))
    alice.say(stage.flow(alice, bob))
    stage.run(25.0)
    stage.equal(len(stage.messages("quick mode message 1")), 3, "quick modes in 25 s")
