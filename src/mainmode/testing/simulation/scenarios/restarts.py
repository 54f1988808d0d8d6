"""A host forgets everything, the other one does not know."""

from mainmode.engine.events import MainModeEnded, MainModeEstablished
from mainmode.failures import Reason
from mainmode.testing.simulation.host import Host
from mainmode.testing.simulation.scenarios.registry import scenario
from mainmode.testing.simulation.stage import Stage, offer, secure


def restarts_and_is_welcome(stage: Stage, bob: Host, alice: Host) -> None:
    """Bob starts anew and speaks; Alice forgets what stood with him before."""
    bob.crash()
    bob.start()
    number = bob.say(stage.flow(bob, alice), awaited=True)
    stage.run(1.0)
    stage.require(stage.protected(number), "bob's packet arrives")
    stage.equal(len(stage.ended(alice, "the peer has started anew")), 1, "pairs forgotten")
    stage.pairs(alice, 1)
    stage.main_modes(alice, 1)


@scenario("INITIAL-CONTACT: what stands with a host that has started anew is forgotten at once")
def initial_contact(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.connect(alice, bob)
    restarts_and_is_welcome(stage, bob, alice)


@scenario("a packet with an SPI that is not known here brings about what settles it")
def unknown_spi(stage: Stage) -> None:
    alice, bob = stage.two()
    flow = stage.flow(alice, bob)
    stage.connect(alice, bob)
    bob.crash()
    bob.start()
    numbers = stage.talk(alice, flow, 10.0)
    stage.require(stage.protected(*numbers[-5:]), "within five seconds alice gets through again")
    stage.pairs(alice, 1)


@scenario("the same where a main mode SA stands: the pair is deleted under it")
def unknown_spi_under_main_mode(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.connect(alice, bob)
    stage.lose("informational")
    stage.let_go(bob)
    stage.pairs(bob, 0)
    stage.pairs(alice, 1)
    stage.lose_nothing()
    numbers = stage.talk(alice, stage.flow(alice, bob), 5.0)
    stage.require(stage.protected(*numbers[-3:]), "within two seconds alice gets through again")
    stage.equal(len(stage.events(alice, MainModeEstablished)), 1, "main modes")


@scenario("silence under a main mode SA that has served: another one is made, once")
def lost_main_mode(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.connect(alice, bob)
    bob.crash()
    bob.start()
    stage.let_go(alice)
    began = stage.world.now
    numbers = stage.talk(alice, stage.flow(alice, bob), 50.0)
    [failed] = stage.failures(alice, Reason.TIMED_OUT)
    stage.equal(round(failed - began), 47, "quick mode has failed after")
    stage.require(stage.protected(numbers[-1]), "then alice gets through")
    stage.equal(len(stage.events(alice, MainModeEstablished)), 2, "main modes")
    lost = [event for _, event in stage.events(alice, MainModeEnded)]
    stage.equal([event.why for event in lost], ["the peer has lost it"], "main modes ended")


@scenario("while the service is dead, what needs protection stays closed")
def dead_service(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.connect(alice, bob)
    alice.crash()
    numbers = [
        alice.say(stage.flow(alice, bob), awaited=True),
        bob.say(stage.flow(bob, alice), awaited=True),
    ]
    stage.run(5.0)
    stage.equal(stage.lost(*numbers), numbers, "lost")


@scenario("a service that stops in good order says so: nothing is left at its peers")
def goodbye(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.connect(alice, bob)
    alice.stop()
    stage.run(1.0)
    stage.pairs(bob, 0)
    stage.main_modes(bob, 0)


@scenario("a peer that is silent is asked whether it lives; if it does not, everything ends")
def dead_peer(stage: Stage) -> None:
    alice, bob = stage.two(secure(dead_peer_s=20.0), secure())
    stage.connect(alice, bob)
    stage.until(100.0)
    stage.pairs(alice, 1, "pairs while bob lives")
    probes = len(stage.times(alice, "informational"))
    stage.require(4 <= probes <= 7, f"about one probe in twenty seconds ({probes})")
    bob.crash()
    stage.until(180.0)
    stage.pairs(alice, 0, "pairs when bob is dead")
    stage.main_modes(alice, 0)


@scenario("where policy does not ask for it, nobody is asked whether he lives")
def no_probes(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.connect(alice, bob)
    before = len(stage.messages())
    stage.until(250.0)
    stage.equal(len(stage.messages()) - before, 0, "messages without traffic")


@scenario("AH too is deleted under its own name when its SPI is not known any more")
def unknown_spi_of_ah(stage: Stage) -> None:
    alice, bob = stage.two(secure(offer("ah:sha1")))
    stage.connect(alice, bob)
    stage.lose("informational")
    stage.let_go(bob)
    stage.lose_nothing()
    numbers = stage.talk(alice, stage.flow(alice, bob), 5.0)
    stage.require(stage.protected(*numbers[-3:]), "within two seconds alice gets through again")


@scenario("who has moved to port 4500 for a NAT that is none is the same host at port 500")
def initial_contact_through_another_port(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.lose("main mode message 4", 1)
    alice.connect(bob)
    stage.run(0.5)
    [fourth] = stage.messages("main mode message 4")
    alice.hear(alice.path_to(bob.address), fourth.octets[:-8] + bytes(8))
    stage.run(1.0)
    [pair] = alice.engine.quick_mode_sas()
    stage.equal(pair.path.peer.port, 4500, "port of the first pair")
    restarts_and_is_welcome(stage, bob, alice)


@scenario("a main mode SA that its peer has lost ends in time, though others are being tried")
def lost_main_mode_ends(stage: Stage) -> None:
    alice, bob = stage.two(secure(lifetime_s=300))
    stage.connect(alice, bob)
    bob.crash()
    stage.let_go(alice)
    stage.talk(alice, stage.flow(alice, bob), 320.0)
    stage.main_modes(alice, 0)
