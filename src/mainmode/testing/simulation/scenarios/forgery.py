"""Who has no key cannot do harm."""

from mainmode.driver.model import CLEAR_IN
from mainmode.driver.model_packets import Packet, Sealed
from mainmode.engine.events import MainModeEstablished, Suspicion
from mainmode.failures import Reason
from mainmode.numbers import NotifyType
from mainmode.packets.refusal import Refusal
from mainmode.policy.words import parse_main_mode_offer
from mainmode.testing.faults import notification_in_clear
from mainmode.testing.mutations import repair_length
from mainmode.testing.samples import WRONG_CREDENTIALS
from mainmode.testing.simulation.host import Host, Terms
from mainmode.testing.simulation.scenarios.registry import scenario
from mainmode.testing.simulation.stage import Stage, offer, secure, with_main_mode
from mainmode.testing.simulation.watch import Watcher
from mainmode.testing.simulation.world import World


class _Tap(Watcher):
    """Sees every packet that leaves."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.seen: list[Packet | Sealed] = []

    def left(self, host: Host, packet: Packet | Sealed) -> None:
        self.seen.append(packet)


def tap(stage: Stage) -> list[Packet | Sealed]:
    watcher = _Tap(stage.world)
    stage.world.watchers.add(watcher)
    return watcher.seen


@scenario("notifications in clear end nothing, before, during and after the negotiation")
def notifications_in_clear(stage: Stage) -> None:
    alice, bob = stage.two()
    alice.connect(bob)
    for _ in range(12):
        stage.run(0.01)
        for said in stage.messages()[-2:]:
            for kind in (
                NotifyType.NO_PROPOSAL_CHOSEN,
                NotifyType.AUTHENTICATION_FAILED,
                NotifyType.INVALID_COOKIE,
                NotifyType.INVALID_SPI,
            ):
                forged = notification_in_clear(said.octets, kind)
                alice.hear(alice.path_to(bob.address), forged)
                bob.hear(bob.path_to(alice.address), forged)
    stage.run(60.0)
    for host in (alice, bob):
        stage.equal(stage.failures(host), [], f"failures at {host.name}")
    number = alice.say(stage.flow(alice, bob), awaited=True)
    stage.run(1.0)
    stage.require(stage.protected(number), "the packet arrives")
    stage.require(len(stage.events(alice, MainModeEstablished)) <= 7, "now and then a main mode")


@scenario("blocks behind an encrypted message are no padding: the IV chain goes on without them")
def extended_message(stage: Stage) -> None:
    assigned = secure()
    des = (parse_main_mode_offer("des-md5-group1"),)  # its message 6 needs no padding
    alice, bob = stage.two(with_main_mode(assigned, offers=des))
    stage.lose("main mode message 6", 1)
    alice.connect(bob)
    stage.run(0.5)
    [sixth] = stage.messages("main mode message 6")
    for octets in (8, 16, 32):
        alice.hear(alice.path_to(bob.address), repair_length(sixth.octets + bytes(octets)))
    stage.run(60.0)
    stage.pairs(alice, 1)
    stage.pairs(bob, 1)


@scenario("a packet in clear does not come in where policy requires protection")
def clear_packet(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.connect(alice, bob)
    bob.take(Packet(stage.flow(alice, bob), stage.world.next_number(awaited=True), 100))
    stage.equal(bob.driver.refused[CLEAR_IN], 1, "packets refused")


@scenario("a sealed packet comes in once")
def replayed_packet(stage: Stage) -> None:
    alice, bob = stage.two()
    seen = tap(stage)
    stage.connect(alice, bob)
    for packet in list(seen):
        bob.take(packet)
    stage.equal(bob.driver.refused[Refusal.REPLAYED.value], len(seen), "packets refused")


@scenario("a sealed packet that was changed does not come in")
def changed_packet(stage: Stage) -> None:
    alice, bob = stage.two()
    seen = tap(stage)
    stage.connect(alice, bob)
    [sealed] = seen
    if isinstance(sealed, Sealed):
        bob.take(sealed._replace(sequence=sealed.sequence + 1))
    stage.equal(bob.driver.refused[Refusal.NOT_AUTHENTICATED.value], 1, "packets refused")


@scenario("forged SPIs bring about one message in ten seconds, no more")
def forged_spis(stage: Stage) -> None:
    alice, bob = stage.two()
    seen = tap(stage)
    stage.connect(alice, bob)
    [sealed] = seen
    before = len(stage.messages())
    for number in range(100):
        if isinstance(sealed, Sealed):
            bob.take(sealed._replace(spi=1000 + number))
        stage.run(0.5)
    stage.require(len(stage.messages()) - before <= 12, "a message or two in ten seconds")
    stage.pairs(bob, 1)
    stage.equal(len(stage.events(bob, MainModeEstablished)), 1, "main modes")


@scenario("without the key there is no SA, and the reason is said on both sides")
def wrong_key(stage: Stage) -> None:
    alice, bob = stage.two()
    bob.assign(Terms(bob.terms.policy, WRONG_CREDENTIALS))
    alice.connect(bob)
    stage.run(60.0)
    for host in (alice, bob):
        stage.main_modes(host, 0)
    stage.require(stage.failures(alice, Reason.WRONG_KEY), "alice says why")
    said = [event.failure.reason for _, event in stage.events(bob, Suspicion)]
    stage.equal(said, [Reason.WRONG_KEY], "bob suspects")


@scenario("old messages change nothing, whoever hears them")
def replayed_messages(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.connect(alice, bob)
    stage.run(70.0)
    old = stage.messages()
    for said in old:
        for host, peer in ((alice, bob), (bob, alice)):
            host.hear(host.path_to(peer.address), said.octets)
    stage.run(70.0)
    stage.pairs(alice, 1)
    stage.main_modes(alice, 1)
    stage.main_modes(bob, 1)
    number = bob.say(stage.flow(bob, alice), awaited=True)
    stage.run(1.0)
    stage.require(stage.protected(number), "the packet arrives")


@scenario(
    "a NAT-D that was damaged makes a NAT of nothing: it keeps AH away for a minute, no longer"
)
def damaged_nat_d(stage: Stage) -> None:
    alice, bob = stage.two(secure(offer("ah:sha1")))
    stage.lose("main mode message 4", 1)
    alice.connect(bob)
    stage.run(0.5)
    [fourth] = stage.messages("main mode message 4")
    alice.hear(alice.path_to(bob.address), fourth.octets[:-8] + bytes(8))
    stage.run(1.0)
    stage.equal(len(stage.failures(alice, Reason.NAT_MISMATCH)), 1, "quick modes failed")
    numbers = stage.talk(alice, stage.flow(alice, bob), 100.0)
    stage.require(stage.protected(*numbers[-3:]), "then alice gets through")
    stage.equal(len(stage.events(alice, MainModeEstablished)), 2, "main modes")
