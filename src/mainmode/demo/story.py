"""What the demo shows, act by act. Every act raises DidNotHappen when it did not come about.

Talks to: the services' control API for what they say, the capture for what the wire says.
"""

import time
from collections.abc import Callable

from mainmode.cli.client import Answer
from mainmode.cli.show import MAIN_MODE, QUICK_MODE
from mainmode.demo import ladder
from mainmode.demo.outcome import DidNotHappen
from mainmode.demo.ping import TEXT, Pinger, Reply
from mainmode.demo.screen import Screen, turned
from mainmode.demo.service import Service
from mainmode.demo.stage import RIGHT_KEY, WRONG_KEY, Stage
from mainmode.demo.verdict import Stream, Verdict, judge

_PINGS = 4
_PING_INTERVAL_S = 0.2
_REPLY_S = 5.0
_NO_REPLY_S = 1.0
_NEGOTIATION_S = 10.0
_SETTLE_S = 2.0
_POLL_S = 0.05


# --- act 1 --------------------------------------------------------------------------------


def introduce(stage: Stage, screen: Screen) -> None:
    """Start the services and draw where they are."""
    for service in stage.services:
        service.start()
    for service in stage.services:
        driver = service.wait_until_ready()["driver"]
        if driver != "user":
            raise DidNotHappen(f"{service.name}'s service runs with the {driver} driver")
    alice, bob = stage.services
    screen.hosts(alice.host, bob.host, (f"mainmode, {alice.pid}", f"mainmode, {bob.pid}"))
    screen.gap()
    screen.line(f"alice's policy  {alice.policy}")
    screen.line(f"bob's policy    {bob.policy}")
    screen.gap()
    screen.say(
        "Each policy says: traffic between me and the other host travels under ESP, or not at "
        "all; who knows our preshared key is the other host."
    )


# --- act 2 --------------------------------------------------------------------------------


def ping_until_protected(stage: Stage, screen: Screen) -> None:
    """The first ping makes the services negotiate; it and more are answered."""
    alice, bob = stage.services
    since, bob_since = alice.last_event(), bob.last_event()
    screen.command("alice", f"ping {bob.host.address}", "the driver holds it and asks for an SA")
    screen.gap()
    with Pinger(alice.host, bob.host.address) as pinger:
        _send(pinger)
        failed = _show_negotiation(alice, screen, since)
        if failed is not None:
            raise DidNotHappen(str(failed["sentence"]))
        for _ in bob.events(bob_since, ("QuickModeEstablished",), _SETTLE_S):
            pass
        screen.gap()
        for number in range(_PINGS):
            if number:
                time.sleep(_PING_INTERVAL_S)
                _send(pinger)
            reply = pinger.reply(_REPLY_S)
            if reply is None:
                raise DidNotHappen(f"ping {number + 1} was not answered in {_REPLY_S:g} s")
            screen.line(_ping_line(bob.host.address, reply))


def _send(pinger: Pinger) -> None:
    try:
        pinger.send()
    except OSError as error:
        raise DidNotHappen(f"alice could not send a ping: {error.strerror}") from error


def _ping_line(address: str, reply: Reply) -> str:
    remark = "   the negotiation included" if reply.sequence == 1 else ""
    return (
        f"{reply.octets} octets from {address}: icmp_seq={reply.sequence} "
        f"time={reply.ms:.1f} ms{remark}"
    )


def _show_negotiation(alice: Service, screen: Screen, since: int) -> Answer | None:
    """Draw a negotiation as it happens; the event that says it failed, or None."""
    screen.ladder_head("alice", "bob")
    began_s: float | None = None
    for event in alice.events(since, ("QuickModeEstablished", "NegotiationFailed"), _NEGOTIATION_S):
        rung = ladder.rung_of(event)
        if rung is not None:
            began_s = began_s or rung.at_s
            screen.rung(rung, began_s)
        match event["event"]:
            case "MainModeEstablished":
                screen.ladder_note(f"main mode: {event['offer']}")
            case "QuickModeEstablished":
                screen.ladder_note(f"quick mode: {event['suite']}")
            case "NotificationReceived":
                trust = "" if event["authenticated"] else " (unauthenticated)"
                screen.ladder_note(f"bob says {event['notification']}{trust}")
            case "NegotiationFailed":
                failed: Answer = event
                return failed
    return None


# --- act 3 --------------------------------------------------------------------------------


def show_associations(stage: Stage, screen: Screen) -> None:
    """Both ends of the SAs, and what went through them."""
    main_modes = [_one(each, "mmsas") for each in stage.services]
    screen.command("both", "mainmode show mmsas")
    screen.side_by_side(turned(MAIN_MODE, main_modes))
    screen.gap()
    pairs = [_one(each, "qmsas") for each in stage.services]
    if pairs[0]["outbound_spi"] != pairs[1]["inbound_spi"]:
        raise DidNotHappen("alice and bob have different quick mode SAs")
    screen.command("both", "mainmode show qmsas", "what one sends with an SPI, the other receives")
    screen.side_by_side(turned(QUICK_MODE, pairs))
    screen.gap()
    screen.command("both", "mainmode show stats", "without the counters that are 0")
    counters = [each.client.get("/v1/stats")["ipsec"] for each in stage.services]
    screen.side_by_side(
        {
            name: [str(each[name]) for each in counters]
            for name in counters[0]
            if any(each[name] for each in counters)
        }
    )


def _one(service: Service, kind: str) -> Answer:
    found = service.client.get(f"/v1/{kind}")[kind]
    if len(found) != 1:
        raise DidNotHappen(f"{service.name} has {len(found)} {kind}, not one")
    sa: Answer = found[0]
    return sa


# --- act 4 --------------------------------------------------------------------------------


def judge_wire(stage: Stage, screen: Screen) -> None:
    """The capture must agree with what the services count, and show nothing in clear."""
    counted = _counted_streams(stage)
    _wait_until(lambda: _watched(stage).esp_packets >= sum(counted.values()))
    verdict = _watched(stage)
    names = {each.host.address: each.name for each in stage.services}
    screen.count("IKE: main mode, quick mode, notifications", verdict.ike)
    for stream, packets in verdict.esp.items():
        name = names.get(stream.source, stream.source)
        screen.count(
            f"ESP from {name}, SPI {stream.spi}", packets, f"{name} counts {counted.get(stream, 0)}"
        )
    screen.count("ICMP in clear", verdict.icmp_in_clear)
    screen.count("anything else in clear", verdict.others_in_clear)
    screen.count("frames that show the pings' text", verdict.readable, repr(TEXT.decode()))
    screen.count("keeping the link going: ARP, IPv6 discovery", verdict.upkeep)
    screen.gap()
    esp = verdict.first_esp
    parts = ("SPI", esp[:4]), ("sequence", esp[4:8]), ("IV", esp[8:16]), ("ciphertext", esp[16:])
    screen.octets("the first ESP packet as it crossed the wire", *parts)
    screen.gap()
    _object_unless_clean(verdict)
    if verdict.esp != counted:
        raise DidNotHappen(f"the services count {counted}, the wire shows {verdict.esp}")
    if verdict.esp_packets < 2 * _PINGS:
        raise DidNotHappen(f"{_PINGS} pings and their answers make more ESP packets")
    screen.verdict(
        True, f"{verdict.esp_packets} ESP packets, and not one ICMP packet in clear on the wire"
    )


def _counted_streams(stage: Stage) -> dict[Stream, int]:
    """What both services say they have sent, by SPI."""
    return {
        Stream(each.host.address, pair["outbound_spi"]): pair["packets_sent"]
        for each in stage.services
        for pair in each.client.get("/v1/qmsas")["qmsas"]
    }


def _watched(stage: Stage) -> Verdict:
    return judge(list(stage.capture.frames))


def _wait_until(reached: Callable[[], bool]) -> None:
    """The capture runs some milliseconds behind."""
    deadline = time.monotonic() + _SETTLE_S
    while not reached() and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _object_unless_clean(verdict: Verdict) -> None:
    objections = list(verdict.objections())
    if objections:
        raise DidNotHappen("protection: on the wire, " + "; ".join(objections))


# --- act 5 --------------------------------------------------------------------------------


def fail_with_wrong_key(stage: Stage, screen: Screen) -> None:
    """The same ping when bob has another key: explained by both, and nothing goes in clear."""
    alice, bob = stage.services
    address = bob.host.address
    screen.command("alice", f"mainmode down {address}")
    ended = alice.client.post("/v1/down", peer=address)
    screen.line(f"ended {ended['mmsas']} main mode and {ended['qmsas']} quick mode SAs")
    screen.command("bob", f"echo '{WRONG_KEY}' > psk; mainmode reload")
    bob.set_key(WRONG_KEY)
    screen.line(f"policy {bob.client.post('/v1/reload')['policy']!r} assigned")
    esp_before = _watched(stage).esp_packets
    since, bob_since = alice.last_event(), bob.last_event()
    screen.command("alice", f"ping {address} & mainmode up {address}")
    screen.gap()
    with Pinger(alice.host, address) as pinger:
        _send(pinger)
        alice.client.post("/v1/up", peer=address)
        failed = _show_negotiation(alice, screen, since)
        reply = pinger.reply(_NO_REPLY_S)
    screen.gap()
    if failed is None or reply is not None:
        raise DidNotHappen("two hosts with different keys agreed all the same")
    suspicion = _suspicion(bob, bob_since)
    screen.say("What the operators see:")
    screen.quote("bob", suspicion["sentence"])
    screen.quote("alice", failed["sentence"])
    screen.gap()
    _object_unless_clean(_watched(stage))
    if _watched(stage).esp_packets != esp_before:
        raise DidNotHappen("ESP packets went although there was no SA")
    screen.verdict(True, "no agreement, no answer to the ping, and nothing went in clear")


def _suspicion(bob: Service, since: int) -> Answer:
    """Bob must have found out by himself."""
    for event in bob.events(since, ("Suspicion",), _SETTLE_S):
        if event["event"] == "Suspicion" and event["failure"]["reason"] == "wrong-key":
            return event
    raise DidNotHappen("bob did not notice that alice has another key")


def make_up(stage: Stage, screen: Screen) -> None:
    """Bob gets the right key again."""
    alice, bob = stage.services
    address = bob.host.address
    screen.command("bob", f"echo '{RIGHT_KEY}' > psk; mainmode reload")
    bob.set_key(RIGHT_KEY)
    bob.client.post("/v1/reload")
    screen.command("alice", f"mainmode down {address}; mainmode up {address}")
    alice.client.post("/v1/down", peer=address)  # what still tries with the wrong key
    since = alice.last_event()
    alice.client.post("/v1/up", peer=address)
    ends = ("QuickModeEstablished", "NegotiationFailed")
    last = [*alice.events(since, ends, _NEGOTIATION_S)][-1]
    screen.quote("alice", last["sentence"])
    if last["event"] == "NegotiationFailed":
        raise DidNotHappen("with the right keys again they did not agree")


# --- the end ------------------------------------------------------------------------------


def close_capture(stage: Stage, screen: Screen) -> None:
    """The whole capture, from before the services started to now."""
    verdict = judge(stage.capture.stop())
    if stage.capture.missed:
        raise DidNotHappen(f"the capture missed {stage.capture.missed} frames")
    _object_unless_clean(verdict)
    screen.verdict(
        True,
        f"the whole capture: {verdict.frames} frames, {verdict.esp_packets} ESP, "
        f"{verdict.ike} IKE, none missed, nothing in clear",
    )


def take_down(stage: Stage, screen: Screen) -> None:
    """Stop the services and see that the hosts are as they were."""
    for service in stage.services:
        service.stop()
    for service, before in zip(stage.services, stage.settings, strict=True):
        left = service.host.settings() - before
        if left:
            raise DidNotHappen(f"{service.name}'s service left behind: {', '.join(sorted(left))}")
    screen.verdict(
        True, "both services said goodbye and left no device, route, rule or table behind"
    )
