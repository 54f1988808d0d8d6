"""Peers that are not mainmode: what they promise, and what they want."""

from mainmode.engine import informational
from mainmode.engine.events import (
    MainModeEstablished,
    NotificationReceived,
    QuickModeEstablished,
)
from mainmode.engine.vendor_ids import MAINMODE, NLBS_PRESENT
from mainmode.failures import Reason
from mainmode.numbers import Doi, NotifyType, ProtocolId
from mainmode.policy.model import Profile
from mainmode.testing.simulation.foreign import announces, say, say_connected, sets_commit_bit
from mainmode.testing.simulation.scenarios.registry import scenario
from mainmode.testing.simulation.stage import Stage, ports, secure, with_main_mode
from mainmode.wire.payloads import Delete, Notification

MICROSOFT = secure(profile=Profile.WINDOWS_2003)
CONNECTED = Notification(Doi.IPSEC, ProtocolId.ESP, NotifyType.CONNECTED, b"", b"")


@scenario("toward a peer that may keep no more, three quick modes run at once, the rest in turn")
def three_at_once(stage: Stage) -> None:
    numbers = range(1, 11)
    alice, bob = stage.two(ports(*numbers), ports(*numbers, here=False))
    announces(stage, bob)
    said = [alice.say(stage.flow(alice, bob, number), awaited=True) for number in numbers]
    stage.run(0.065)
    stage.equal(len(stage.times(alice, "quick mode message 1")), 3, "begun at once")
    stage.run(2.0)
    stage.require(stage.protected(*said), "all arrive in the end")


@scenario("Microsoft's peers that set the Commit bit are waited for until they say CONNECTED")
def commit_bit(stage: Stage) -> None:
    alice, bob = stage.two(MICROSOFT)
    sets_commit_bit(stage, bob)
    alice.connect(bob)
    stage.run(4.0)
    stage.equal(stage.times(alice, "quick mode message 3"), [0.08, 1.08, 3.08], "message 3 at")
    stage.equal(len(stage.events(alice, QuickModeEstablished)), 0, "pairs before CONNECTED")
    say_connected(bob, alice, stage.messages("quick mode message 3")[0].octets, CONNECTED)
    stage.run(60.0)
    stage.equal(len(stage.events(alice, QuickModeEstablished)), 1, "pairs after CONNECTED")
    stage.equal(len(stage.times(alice, "quick mode message 3")), 3, "message 3 sent")


@scenario("without CONNECTED their quick mode fails after the retry cycle")
def commit_bit_and_silence(stage: Stage) -> None:
    alice, bob = stage.two(MICROSOFT)
    sets_commit_bit(stage, bob)
    alice.connect(bob)
    stage.run(60.0)
    failed = [round(at) for at in stage.failures(alice, Reason.TIMED_OUT)]
    stage.equal(failed, [47], "failed after")


@scenario("the Commit bit of others, which anybody can set, is not waited for")
def commit_bit_of_others(stage: Stage) -> None:
    alice, bob = stage.two()
    sets_commit_bit(stage, bob)
    number = alice.say(stage.flow(alice, bob), awaited=True)
    stage.run(4.0)
    stage.require(stage.protected(number), "the packet arrives")
    stage.equal(len(stage.times(alice, "quick mode message 3")), 1, "message 3 sent")


@scenario("pairs with a member of a cluster (NLBS_PRESENT) are let go after a minute's silence")
def fast_failover(stage: Stage) -> None:
    alice, bob = stage.two()
    announces(stage, bob, MAINMODE, NLBS_PRESENT)
    stage.connect(alice, bob)
    stage.until(59.0)
    stage.pairs(alice, 1)
    stage.until(62.0)
    stage.pairs(alice, 0)
    stage.pairs(bob, 0)


@scenario("a member of a cluster that begins says so, and its peer lets pairs go after a minute")
def cluster_member(stage: Stage) -> None:
    plain = secure()
    member = with_main_mode(plain, in_cluster=True)
    alice, bob = stage.two(member, plain)
    stage.connect(alice, bob)
    stage.until(62.0)
    stage.pairs(alice, 0)
    stage.pairs(bob, 0)


@scenario("probes are answered, whatever our own policy says of probing")
def probes_are_answered(stage: Stage) -> None:
    alice, bob = stage.two(MICROSOFT)
    stage.connect(alice, bob)
    stage.run(1.0)
    [sa] = bob.engine.main_mode_sas()
    say(bob, alice, informational.probe(sa, 7))
    stage.run(1.0)
    heard = [event.notification for _, event in stage.events(bob, NotificationReceived)]
    stage.require("R-U-THERE-ACK" in heard, f"bob hears an answer ({heard})")


@scenario("a peer that does not promise to answer probes is not asked")
def probes_need_a_promise(stage: Stage) -> None:
    alice, bob = stage.two(secure(dead_peer_s=20.0), secure())
    announces(stage, bob, MAINMODE)
    stage.connect(alice, bob)
    before = len(stage.times(alice, "informational"))
    stage.until(100.0)
    stage.equal(len(stage.times(alice, "informational")), before, "informational messages")


@scenario("several SPIs in one delete are understood")
def several_spis(stage: Stage) -> None:
    alice, bob = stage.two(ports(1, 2, 3), ports(1, 2, 3, here=False))
    for number in (1, 2, 3):
        alice.say(stage.flow(alice, bob, number))
    stage.run(1.0)
    stage.pairs(alice, 3)
    spis = tuple(sa.pair.spi.to_bytes(4) for sa in bob.engine.quick_mode_sas())
    say(bob, alice, Delete(Doi.IPSEC, ProtocolId.ESP, spis))
    stage.run(1.0)
    stage.pairs(alice, 0)
    stage.main_modes(alice, 1)


@scenario("several payloads in one message are understood; of ours each is a message of its own")
def several_payloads(stage: Stage) -> None:
    alice, bob = stage.two(ports(1, 2, 3), ports(1, 2, 3, here=False))
    for number in (1, 2, 3):
        alice.say(stage.flow(alice, bob, number))
    stage.run(1.0)
    first, second, _ = (sa.pair.spi for sa in bob.engine.quick_mode_sas())
    deletes = [informational.delete_spi(ProtocolId.ESP, spi) for spi in (first, second)]
    say(bob, alice, *deletes)
    stage.run(1.0)
    stage.pairs(alice, 1)
    before = len(stage.times(alice, "informational"))
    alice.disconnect(bob)
    stage.run(1.0)
    said = len(stage.times(alice, "informational")) - before
    stage.equal(said, 2, "messages for a pair and a main mode SA")
    stage.equal(len(stage.events(alice, MainModeEstablished)), 1, "main modes")
