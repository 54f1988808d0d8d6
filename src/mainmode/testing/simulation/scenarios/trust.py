"""What is believed of whom: deletes, refusals and first messages that anybody could have sent."""

from dataclasses import replace

from mainmode.engine import informational
from mainmode.engine.events import (
    DatagramDropped,
    MainModeEnded,
    MainModeEstablished,
    QuickModeEnded,
    SoftSaEnded,
    SoftSaEstablished,
)
from mainmode.engine.vendor_ids import VID_INITIAL_CONTACT
from mainmode.failures import Reason
from mainmode.model import Endpoint, Path
from mainmode.numbers import NotifyType, ProtocolId
from mainmode.policy.model import Policy, Profile
from mainmode.testing.faults import notification_in_clear
from mainmode.testing.samples import CREDENTIALS, SECRET, authentication
from mainmode.testing.simulation.host import Host, Terms
from mainmode.testing.simulation.scenarios.registry import scenario
from mainmode.testing.simulation.stage import NOTHING, Stage, ports, secure, with_main_mode
from mainmode.wire.message import Message, encode_message

SOFT = secure(fallback=True)
_INFORMATIONAL = 5


# --- deletes --------------------------------------------------------------------------------------


@scenario("a delete in clear deletes nothing")
def delete_in_clear(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.connect(alice, bob)
    [sa], [pair] = bob.engine.main_mode_sas(), bob.engine.quick_mode_sas()
    for each in (
        informational.delete_spi(ProtocolId.ESP, pair.pair.spi),
        informational.delete_main_mode(sa),
    ):
        forged = encode_message(Message(*sa.cookies, _INFORMATIONAL, (each,)))
        alice.hear(alice.path_to(bob.address), forged)
    stage.run(1.0)
    stage.pairs(alice, 1)
    stage.main_modes(alice, 1)
    stage.equal(len(stage.events(alice, DatagramDropped)), 2, "datagrams dropped")


def _outlived(stage: Stage, alice: Policy, bob: Policy) -> tuple[Host, Host]:
    """A pair stands between them, and the main mode SA has ended at its lifetime."""
    first, second = stage.two(alice, bob)
    first.say(stage.flow(first, second, 1))
    stage.run(60.0)
    first.say(stage.flow(first, second, 1))
    stage.run(70.0)
    for host in (first, second):
        stage.equal(len(stage.events(host, MainModeEnded)), 1, f"main modes ended at {host.name}")
        stage.equal(len(stage.events(host, QuickModeEnded)), 0, f"pairs ended at {host.name}")
    return first, second


def _short(policy: Policy) -> Policy:
    short = replace(policy, profile=Profile.WINDOWS_2003)
    return with_main_mode(short, lifetime_s=100)


@scenario("after our delete of a main mode SA the next need makes another one")
def after_our_delete(stage: Stage) -> None:
    there, here = ports(1, 2), replace(ports(1, 2, here=False), profile=Profile.WINDOWS_2003)
    alice, bob = _outlived(stage, _short(there), here)
    number = alice.say(stage.flow(alice, bob, 2), awaited=True)
    stage.run(0.5)
    stage.require(stage.protected(number), "the packet arrives")
    stage.equal(len(stage.events(alice, MainModeEstablished)), 2, "main modes")


@scenario("so it is after the peer's delete")
def after_their_delete(stage: Stage) -> None:
    there, here = replace(ports(1, 2), profile=Profile.WINDOWS_2003), ports(1, 2, here=False)
    alice, bob = _outlived(stage, there, _short(here))
    number = alice.say(stage.flow(alice, bob, 2), awaited=True)
    stage.run(0.5)
    stage.require(stage.protected(number), "the packet arrives")
    stage.equal(len(stage.events(alice, MainModeEstablished)), 2, "main modes")


# --- time-outs of quick mode ----------------------------------------------------------------------


@scenario("a first quick mode that nobody answers fails and is not tried again")
def first_quick_mode_times_out(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.lose("quick mode message 1")
    alice.connect(bob)
    stage.run(150.0)
    stage.equal(len(stage.failures(alice, Reason.TIMED_OUT)), 1, "failures")
    stage.equal(len(stage.times(alice, "quick mode message 1")), 6, "message 1 sent")
    stage.equal(len(stage.messages("main mode message 1")), 1, "main modes begun")


@scenario("a second one that nobody answers is tried again under another main mode, once")
def second_quick_mode_times_out(stage: Stage) -> None:
    alice, bob = stage.two(ports(1, 2), ports(1, 2, here=False))
    alice.say(stage.flow(alice, bob, 1))
    stage.run(1.0)
    stage.lose("quick mode message 1")
    alice.say(stage.flow(alice, bob, 2))
    stage.run(150.0)
    stage.equal(len(stage.failures(alice, Reason.TIMED_OUT)), 2, "failures")
    stage.equal(len(stage.messages("main mode message 1")), 2, "main modes begun")


@scenario("a main mode SA at its limit of quick modes is not used again, and not deleted")
def used_up_main_mode_stays(stage: Stage) -> None:
    alice, bob = stage.two(ports(1, 2, quick_modes_max=1), ports(1, 2, here=False))
    for number in (1, 2):
        alice.say(stage.flow(alice, bob, number))
        stage.run(1.0)
    stage.equal(len(stage.events(alice, MainModeEnded)), 0, "main modes ended")
    stage.main_modes(alice, 2)
    stage.main_modes(bob, 2)


# --- clear traffic --------------------------------------------------------------------------------


@scenario("the brief interval is policy's: half a second if it says so")
def brief_interval(stage: Stage) -> None:
    alice, bob = stage.two(with_main_mode(SOFT, fallback_after_s=0.5), NOTHING)
    alice.say(stage.flow(alice, bob))
    stage.run(2.0)
    begun = [at for at, _ in stage.events(alice, SoftSaEstablished)]
    stage.equal(begun, [0.5], "soft SAs at")


@scenario("under a soft SA main mode is tried on to the end of its cycle")
def soft_sa_goes_on_asking(stage: Stage) -> None:
    alice, bob = stage.two(SOFT, NOTHING)
    alice.say(stage.flow(alice, bob))
    stage.run(100.0)
    asked = stage.times(alice, "main mode message 1")
    stage.equal(asked, [0.0, 1.0, 3.0, 7.0, 15.0, 31.0], "message 1 at")
    stage.equal(stage.failures(alice, Reason.TIMED_OUT), [47.0], "failed at")


@scenario("a soft SA that a refusal brought about is reported as founded on nothing authentic")
def refusal_is_unauthenticated(stage: Stage) -> None:
    eager = secure(fallback=True, fallback_on_mismatch=True)
    alice, bob = stage.two(eager, secure(main_mode="3des-sha1-group1"))
    alice.say(stage.flow(alice, bob))
    stage.run(1.0)
    [(_, event)] = stage.events(alice, SoftSaEstablished)
    stage.require("unauthenticated" in event.why, event.sentence)


@scenario("a refusal under other cookies, or from another address, brings none about")
def refusal_of_others(stage: Stage) -> None:
    eager = secure(fallback=True, fallback_on_mismatch=True)
    alice, bob = stage.two(eager, NOTHING)
    alice.say(stage.flow(alice, bob))
    stage.run(0.5)
    [first] = stage.messages("main mode message 1")
    refused = notification_in_clear(first.octets, NotifyType.NO_PROPOSAL_CHOSEN)
    path = alice.path_to(bob.address)
    alice.hear(path, b"\1" * 8 + refused[8:])
    elsewhere = Endpoint(stage.flow(bob, alice).local, 4000)
    alice.hear(Path(path.local, elsewhere), refused)
    stage.run(1.0)
    stage.equal(len(stage.events(alice, SoftSaEstablished)), 0, "soft SAs")
    alice.hear(path, refused)
    stage.equal(len(stage.events(alice, SoftSaEstablished)), 1, "soft SAs by the true one")


@scenario("no soft SA while a main mode SA with the peer lives")
def no_soft_sa_beside_main_mode(stage: Stage) -> None:
    """Port 2 wants another key, hence a main mode of its own, which nobody answers."""
    plain = ports(1, 2)
    first, second = (
        replace(rule, filter_action=replace(rule.filter_action, allow_fallback=True))
        for rule in plain.rules
    )
    second = replace(second, authentication=(authentication("another"),))
    keys = type(CREDENTIALS)(
        {SECRET: CREDENTIALS.preshared_key(SECRET), "another": b"something else"}
    )
    alice, bob = stage.two(NOTHING, ports(1, 2, here=False))
    alice.assign(Terms(replace(plain, rules=(first, second)), keys))
    alice.say(stage.flow(alice, bob, 1))
    stage.run(1.0)
    stage.pairs(alice, 1)
    stage.lose("main mode message 1")
    number = alice.say(stage.flow(alice, bob, 2), awaited=True)
    stage.run(60.0)
    stage.equal(len(stage.events(alice, SoftSaEstablished)), 0, "soft SAs")
    stage.equal(stage.lost(number), [number], "lost")


@scenario("a first message that somebody has forged stops no traffic under a soft SA")
def forged_first_message(stage: Stage) -> None:
    alice, bob, carol = stage.hosts(SOFT, NOTHING, SOFT)
    flow = stage.flow(alice, bob)
    stage.talk(alice, flow, 5.0)
    carol.connect(alice)
    [first] = [said for said in stage.messages("main mode message 1") if said.sender is carol]
    alice.hear(alice.path_to(bob.address), first.octets)
    numbers = stage.talk(alice, flow, 20.0)
    stage.require(stage.in_clear(*numbers), "all arrive in clear")
    stage.require(len(stage.events(alice, SoftSaEnded)) == 0, "the soft SA stands")


@scenario("a peer that begins to negotiate secures the traffic once its pair is installed")
def secured_by_the_peer(stage: Stage) -> None:
    alice, bob = stage.two(SOFT, NOTHING)
    flow = stage.flow(alice, bob)
    stage.talk(alice, flow, 5.0)
    bob.assign(Terms(secure(accept_unsecured=True), CREDENTIALS))
    bob.connect(alice)
    numbers = stage.talk(alice, flow, 2.0, every_s=0.2)
    stage.equal(stage.lost(*numbers), [], "lost")
    stage.require(stage.protected(numbers[-1]), "the last arrives protected")
    stage.equal(len(stage.events(alice, SoftSaEnded)), 1, "soft SAs ended")


@scenario("soft SAs are counted and can be looked at")
def soft_sas_are_visible(stage: Stage) -> None:
    alice, bob = stage.two(SOFT, NOTHING)
    alice.say(stage.flow(alice, bob))
    stage.run(5.0)
    [standing] = alice.engine.soft_sas() or [None]
    stage.require(standing is not None, "it is shown")
    stage.equal(alice.engine.statistics.soft_associations, 1, "counted")


# --- restarts -------------------------------------------------------------------------------------


@scenario("INITIAL-CONTACT comes from the responder too, when it is asked after its restart")
def initial_contact_of_the_responder(stage: Stage) -> None:
    alice, bob = stage.two(ports(1, 2), ports(1, 2, here=False))
    alice.say(stage.flow(alice, bob, 1))
    stage.run(1.0)
    bob.crash()
    bob.start()
    stage.talk(alice, stage.flow(alice, bob, 2), 50.0)
    stage.equal(len(stage.ended(alice, "the peer has started anew")), 1, "pairs forgotten")
    stage.pairs(alice, 1)


@scenario("Vid-Initial-Contact goes out while no main mode SA with the peer stands, and only then")
def first_contact(stage: Stage) -> None:
    alice, bob = stage.two(
        replace(ports(1, 2, quick_modes_max=1), profile=Profile.WINDOWS_2003),
        replace(ports(1, 2, here=False), profile=Profile.WINDOWS_2003),
    )
    for number in (1, 2):
        alice.say(stage.flow(alice, bob, number))
        stage.run(1.0)
    first = [VID_INITIAL_CONTACT in said.octets for said in stage.messages("main mode message 1")]
    stage.equal(first, [True, False], "said in messages 1")
