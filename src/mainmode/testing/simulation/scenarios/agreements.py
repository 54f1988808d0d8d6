"""What two policies come to: perfect forward secrecy, lifetimes, weak hosts, retry intervals."""

from dataclasses import replace

from mainmode.engine.events import (
    MainModeEstablished,
    MessageSent,
    NegotiationFailed,
    QuickModeEstablished,
)
from mainmode.engine.vendor_ids import MICROSOFT
from mainmode.failures import Reason
from mainmode.ladder import MM4
from mainmode.policy.model import Policy
from mainmode.policy.words import parse_group
from mainmode.testing.simulation.foreign import announces
from mainmode.testing.simulation.host import Host
from mainmode.testing.simulation.scenarios.registry import scenario
from mainmode.testing.simulation.stage import Stage, offer, secure, with_main_mode

_TRIPLE_DES = "3des-sha1-group1"
_WINDOWS_2000 = (2).to_bytes(4)
"""Its release number behind Microsoft's vendor ID (MS-IKEE <6>)."""


# --- keys -----------------------------------------------------------------------------------------


def _with_pfs(group: str = "") -> Policy:
    """Session key PFS with this group, or with main mode's."""
    plain = secure()
    [rule] = plain.rules
    named = parse_group(group) if group else None
    action = replace(rule.filter_action, session_pfs=True, session_pfs_group=named)
    return replace(plain, rules=(replace(rule, filter_action=action),))


def _require_group(stage: Stage, host: Host, group: str) -> None:
    """Its one pair was made with this group (empty: none), by a KE payload in its message 1."""
    [(_, established)] = stage.events(host, QuickModeEstablished)
    stage.equal(established.pfs, group, "group of session key PFS")
    [message] = [
        event
        for _, event in stage.events(host, MessageSent)
        if event.step == "quick mode message 1"
    ]
    stage.equal("KE" in message.payloads, bool(group), "KE in message 1")


@scenario("without session key PFS keys are refreshed from main mode's Diffie-Hellman result")
def key_refresh(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.connect(alice, bob)
    _require_group(stage, alice, "")


@scenario("session key PFS: a new Diffie-Hellman exchange in quick mode, with main mode's group")
def session_key_pfs(stage: Stage) -> None:
    alice, bob = stage.two(_with_pfs())
    stage.connect(alice, bob)
    _require_group(stage, alice, "group1")


@scenario("or with the group that policy names")
def session_key_pfs_group(stage: Stage) -> None:
    alice, bob = stage.two(_with_pfs("group2"))
    stage.connect(alice, bob)
    _require_group(stage, alice, "group2")


@scenario("who wants session key PFS takes no pair without")
def session_key_pfs_wanted(stage: Stage) -> None:
    alice, bob = stage.two(secure(), _with_pfs())
    number = alice.say(stage.flow(alice, bob), awaited=True)
    stage.run(5.0)
    stage.equal(stage.lost(number), [number], "lost")
    stage.pairs(bob, 0)


# --- lifetimes ------------------------------------------------------------------------------------


def _lifetimes(stage: Stage, alice_s: int, bob_s: int) -> list[int]:
    alice, bob = stage.two(secure(offer(seconds=alice_s)), secure(offer(seconds=bob_s)))
    stage.connect(alice, bob)
    return [host.driver.pairs()[0].pair.lifetime.seconds for host in (alice, bob)]


@scenario("RESPONDER-LIFETIME: the initiator hears of the responder's shorter lifetime")
def responder_lifetime(stage: Stage) -> None:
    stage.equal(_lifetimes(stage, 600, 100)[0], 100, "lifetime at alice")


@scenario("a longer lifetime of the responder's raises nothing")
def longer_lifetime(stage: Stage) -> None:
    stage.equal(_lifetimes(stage, 100, 600), [100, 100], "lifetimes at alice and bob")


@scenario("a pair whose lifetime is over at one side alone is deleted")
def lifetime_at_one_side(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.connect(alice, bob)
    [pair] = alice.engine.quick_mode_sas()
    alice.enter(lambda now: alice.engine.expired(pair.pair.spi, now, hard=True))
    stage.run(1.0)
    stage.pairs(alice, 0)
    stage.pairs(bob, 0)


# --- retries --------------------------------------------------------------------------------------


@scenario("the intervals of the retry cycle are policy's")
def retry_intervals(stage: Stage) -> None:
    plain = secure()
    quick = with_main_mode(plain, retry_intervals_s=(0.5, 1.0, 2.0))
    alice, bob = stage.two(quick)
    stage.lose("main mode message 1")
    alice.connect(bob)
    stage.run(60.0)
    stage.equal(stage.times(alice, "main mode message 1"), [0.0, 0.5, 1.5], "sent at")
    stage.equal(stage.failures(alice, Reason.TIMED_OUT), [3.5], "failed at")


@scenario("a failure says who was waited for, and for what")
def failure_says_where(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.lose("main mode message 4")
    alice.connect(bob)
    stage.run(60.0)
    failed = [
        (event.path.peer.address, event.failure.step)
        for _, event in stage.events(alice, NegotiationFailed)
    ]
    stage.equal(failed, [(bob.address, MM4.waiting)], "failures")


# --- computers without strong encryption ----------------------------------------------------------


def _triple_des(*, windows_2000_peer: bool = False, weak_host: bool = False) -> Policy:
    strong = secure(offer("esp:3des-sha1"), main_mode=_TRIPLE_DES)
    [rule] = strong.rules
    rules = (replace(rule, windows_2000_peer=windows_2000_peer),)
    return replace(strong, rules=rules, weak_host=weak_host)


def _agreed(stage: Stage, host: Host) -> tuple[list[str], list[str]]:
    """What its main modes and quick modes came to."""
    return (
        [event.offer for _, event in stage.events(host, MainModeEstablished)],
        [event.suite for _, event in stage.events(host, QuickModeEstablished)],
    )


@scenario("a peer that a rule calls a Windows 2000 gets DES, when it has nothing better")
def windows_2000_peer(stage: Stage) -> None:
    weak = _triple_des(weak_host=True)
    alice, bob = stage.two(_triple_des(windows_2000_peer=True), weak)
    stage.connect(alice, bob)
    stage.equal(_agreed(stage, alice), (["des-sha1-group1"], ["esp des-sha1"]), "agreed")


@scenario("and 3DES when it has that")
def windows_2000_peer_with_strong_encryption(stage: Stage) -> None:
    alice, bob = stage.two(_triple_des(windows_2000_peer=True), _triple_des())
    stage.connect(alice, bob)
    stage.equal(_agreed(stage, alice), ([_TRIPLE_DES], ["esp 3des-sha1"]), "agreed")


@scenario("no vendor ID weakens an offer or an answer")
def vendor_ids_weaken_nothing(stage: Stage) -> None:
    alice, bob = stage.two(_triple_des(), _triple_des(weak_host=True))
    announces(stage, bob, MICROSOFT + _WINDOWS_2000)
    number = bob.say(stage.flow(bob, alice), awaited=True)
    stage.run(60.0)
    stage.equal(stage.lost(number), [number], "lost")
    stage.equal(_agreed(stage, alice), ([], []), "agreed")


@scenario("without that flag a host that has DES alone gets nothing")
def weak_host(stage: Stage) -> None:
    alice, bob = stage.two(_triple_des(), _triple_des(weak_host=True))
    number = alice.say(stage.flow(alice, bob), awaited=True)
    stage.run(60.0)
    stage.equal(stage.lost(number), [number], "lost")
    stage.equal(_agreed(stage, alice), ([], []), "agreed")
