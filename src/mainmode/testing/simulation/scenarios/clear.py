"""Soft SAs: clear traffic with peers that do not negotiate (docs/service.md 16)."""

from dataclasses import replace
from ipaddress import ip_address

from mainmode.driver.model_packets import reverse
from mainmode.engine.events import SoftSaEnded, SoftSaEstablished
from mainmode.testing.samples import CREDENTIALS, WRONG_CREDENTIALS, policy, rule
from mainmode.testing.simulation.host import Terms
from mainmode.testing.simulation.scenarios.registry import scenario
from mainmode.testing.simulation.stage import (
    MAIN_MODE,
    NOTHING,
    Stage,
    offer,
    secure,
    with_main_mode,
    with_offers,
)

SOFT = secure(fallback=True)


@scenario("three seconds of silence, and traffic passes in clear, the waiting packet first")
def soft_sa(stage: Stage) -> None:
    alice, bob = stage.two(SOFT, NOTHING)
    flow = stage.flow(alice, bob)
    first = alice.say(flow, awaited=True)
    stage.run(2.9)
    stage.equal(stage.lost(first), [first], "too early")
    stage.run(0.2)
    stage.require(stage.in_clear(first), "the first packet arrives in clear")
    numbers = stage.talk(alice, flow, 5.0)
    stage.require(stage.in_clear(*numbers), "so do the others")
    [(at, _)] = stage.events(alice, SoftSaEstablished)
    stage.equal(at, 3.0, "soft SA at")


@scenario("under a soft SA the peer's clear packets come in; without one they do not")
def soft_sa_inbound(stage: Stage) -> None:
    alice, bob = stage.two(SOFT, NOTHING)
    early = bob.say(stage.flow(bob, alice), awaited=True)
    stage.run(1.0)
    stage.equal(stage.lost(early), [early], "before")
    alice.say(stage.flow(alice, bob))
    stage.run(4.0)
    number = bob.say(stage.flow(bob, alice), awaited=True)
    stage.run(1.0)
    stage.require(stage.in_clear(number), "it arrives in clear")


@scenario("no soft SA where the filter action does not allow it")
def no_soft_sa(stage: Stage) -> None:
    alice, bob = stage.two(secure(), NOTHING)
    numbers = stage.talk(alice, stage.flow(alice, bob), 60.0)
    stage.equal(stage.lost(*numbers), numbers, "lost")


@scenario("no soft SA toward a peer that answers, however the negotiation ends")
def no_soft_sa_with_answers(stage: Stage) -> None:
    alice, bob = stage.two(SOFT)
    bob.assign(Terms(SOFT, WRONG_CREDENTIALS))
    numbers = stage.talk(alice, stage.flow(alice, bob), 60.0)
    stage.equal(stage.lost(*numbers), numbers, "lost")
    stage.equal(len(stage.events(alice, SoftSaEstablished)), 0, "soft SAs")


@scenario("no soft SA in tunnel mode")
def no_soft_tunnel(stage: Stage) -> None:
    tunnel = rule("10.0.1.0/24", "10.0.2.0/24", tunnel="192.0.2.2", fallback=True)
    alice, bob = stage.two(policy(with_offers(tunnel, offer()), main_mode=MAIN_MODE), NOTHING)
    inner = replace(
        stage.flow(alice, bob), local=ip_address("10.0.1.7"), remote=ip_address("10.0.2.7")
    )
    numbers = stage.talk(alice, inner, 60.0)
    stage.equal(stage.lost(*numbers), numbers, "lost")


@scenario("main mode is tried on, and a pair that comes of it ends the soft SA")
def soft_sa_secured(stage: Stage) -> None:
    alice, bob = stage.two(SOFT)
    flow = stage.flow(alice, bob)
    stage.lose("all")
    stage.talk(alice, flow, 10.0)
    stage.lose_nothing()
    stage.talk(alice, flow, 10.0)
    number = alice.say(flow, awaited=True)
    stage.run(1.0)
    stage.require(stage.protected(number), "now it arrives protected")
    ended = [event.why for _, event in stage.events(alice, SoftSaEnded)]
    stage.equal(ended, ["its traffic is protected now"], "soft SAs ended")


@scenario("a soft SA without traffic ends after five minutes, and the next packet tries anew")
def soft_sa_idle(stage: Stage) -> None:
    alice, bob = stage.two(SOFT, NOTHING)
    flow = stage.flow(alice, bob)
    stage.talk(alice, flow, 5.0)
    stage.run(301.0)
    stage.equal(len(stage.events(alice, SoftSaEnded)), 1, "soft SAs ended")
    bob.assign(Terms(SOFT, CREDENTIALS))
    number = alice.say(flow, awaited=True)
    stage.run(1.0)
    stage.require(stage.protected(number), "it arrives protected")


@scenario("under continuous traffic another attempt is made after the lifetime of main mode")
def soft_sa_lifetime(stage: Stage) -> None:
    alice, bob = stage.two(secure(fallback=True, lifetime_s=300), NOTHING)
    flow = stage.flow(alice, bob)
    stage.talk(alice, flow, 100.0)
    bob.assign(Terms(secure(accept_unsecured=True), CREDENTIALS))
    numbers = stage.talk(alice, flow, 150.0)
    stage.require(stage.in_clear(*numbers), "in clear until then")
    numbers = stage.talk(alice, flow, 60.0)
    stage.equal(stage.lost(*numbers), [], "lost")
    stage.require(stage.protected(*numbers[-3:]), "protected afterwards")


@scenario("a main mode SA that its peer has lost does not keep a host from talking in clear")
def soft_sa_after_loss(stage: Stage) -> None:
    alice, bob = stage.two(SOFT)
    stage.connect(alice, bob)
    bob.crash()
    bob.assign(Terms(NOTHING, CREDENTIALS))
    bob.start()
    stage.let_go(alice)
    numbers = stage.talk(alice, stage.flow(alice, bob), 60.0)
    stage.require(stage.in_clear(*numbers[-3:]), "within a minute")


@scenario("an administrator's disconnect and a new policy end soft SAs")
def soft_sa_ended(stage: Stage) -> None:
    alice, bob = stage.two(SOFT, NOTHING)
    flow = stage.flow(alice, bob)
    stage.talk(alice, flow, 5.0)
    alice.disconnect(bob)
    stage.equal(len(stage.events(alice, SoftSaEnded)), 1, "ended by the administrator")
    stage.talk(alice, flow, 5.0)
    alice.assign(Terms(secure(), CREDENTIALS))
    stage.equal(len(stage.events(alice, SoftSaEnded)), 2, "ended by policy")
    numbers = stage.talk(alice, flow, 5.0)
    stage.equal(stage.lost(*numbers), numbers, "lost")


@scenario("a clear packet comes in where policy accepts it, and is answered with a negotiation")
def accept_unsecured(stage: Stage) -> None:
    alice, bob = stage.two(secure(accept_unsecured=True), NOTHING)
    flow = stage.flow(bob, alice)
    number = bob.say(flow, awaited=True)
    stage.run(1.0)
    stage.require(stage.in_clear(number), "it comes in")
    alice.say(reverse(flow))
    stage.run(1.0)
    stage.require(stage.times(alice, "main mode message 1"), "alice negotiates for her answer")


@scenario("what an older policy wished for is not tried again under a new one")
def soft_sa_and_new_policy(stage: Stage) -> None:
    alice, bob = stage.two(SOFT)
    flow = stage.flow(alice, bob)
    stage.connect(alice, bob)
    stage.let_go(alice)
    bob.crash()
    alice.say(flow)
    stage.run(1.0)
    alice.assign(Terms(secure(), CREDENTIALS))
    stage.run(100.0)
    stage.equal(len(stage.events(alice, SoftSaEstablished)), 0, "soft SAs")


@scenario("where policy says so, a refusal of main mode leads to clear traffic too, at once")
def soft_sa_on_mismatch(stage: Stage) -> None:
    eager = secure(fallback=True, fallback_on_mismatch=True)
    alice, bob = stage.two(eager, secure(main_mode="3des-sha1-group1"))
    alice.say(stage.flow(alice, bob))
    stage.run(1.0)
    stage.equal(len(stage.events(alice, SoftSaEstablished)), 1, "soft SAs")


@scenario("else a refusal, which anybody can forge, leads to none")
def no_soft_sa_on_mismatch(stage: Stage) -> None:
    alice, bob = stage.two(secure(fallback=True), secure(main_mode="3des-sha1-group1"))
    alice.say(stage.flow(alice, bob))
    stage.run(1.0)
    stage.equal(len(stage.events(alice, SoftSaEstablished)), 0, "soft SAs")


@scenario("nor does one that no quick mode may use any more, once another is met by silence")
def soft_sa_beside_used_up(stage: Stage) -> None:
    soft = secure(fallback=True)
    alice, bob = stage.two(with_main_mode(soft, master_pfs=True), soft)
    stage.connect(alice, bob)
    bob.crash()
    bob.assign(Terms(NOTHING, CREDENTIALS))
    bob.start()
    stage.let_go(alice)
    numbers = stage.talk(alice, stage.flow(alice, bob), 60.0, every_s=5.0)
    stage.require(stage.in_clear(numbers[-1]), "in the end alice's packets pass")
