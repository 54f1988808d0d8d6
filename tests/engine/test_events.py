"""Every event says itself in a sentence and as JSON."""

import json

import pytest

from mainmode.engine import events
from mainmode.engine.events import (
    DatagramDropped,
    Event,
    FloodSuspected,
    InvalidCookies,
    Level,
    MainModeEnded,
    MainModeEstablished,
    MessageReceived,
    MessageSent,
    NegotiationFailed,
    NotificationReceived,
    QuickModeEnded,
    QuickModeEstablished,
    SoftSaEnded,
    SoftSaEstablished,
    Suspicion,
)
from mainmode.failures import Failure, Reason, Side
from mainmode.model import AddressRange, Selector
from tests.engine.scene import path

PATH = path("192.0.2.1", "192.0.2.2")
COOKIES = (b"cookie-i", b"cookie-r")
SELECTOR = Selector(AddressRange.parse("192.0.2.1"), AddressRange.parse("192.0.2.2"), 6, 0, 80)
FAILURE = Failure(Reason.WRONG_KEY, Side.PEER, "waiting for something", "in detail")
WORDS = ("3des-sha1-group2", "preshared_key", "192.0.2.1", "bob.example")

EXAMPLES: list[tuple[Event, str, int | None]] = [
    (
        MessageSent(PATH, COOKIES[0], "main mode message 1", ("HDR", "SA"), 80),
        "main mode message 1 to 192.0.2.2:500: HDR, SA",
        None,
    ),
    (
        MessageSent(PATH, COOKIES[0], "main mode message 1", ("HDR", "SA"), 80, retry=2),
        "main mode message 1 to 192.0.2.2:500 again (retry 2): HDR, SA",
        None,
    ),
    (
        MessageReceived(PATH, COOKIES[0], "main mode message 2", ("HDR", "SA"), 80),
        "main mode message 2 from 192.0.2.2:500: HDR, SA",
        None,
    ),
    (
        DatagramDropped(PATH, "a duplicate", 80),
        "datagram of 80 octets from 192.0.2.2:500 dropped: a duplicate",
        None,
    ),
    (
        InvalidCookies(PATH, "quick mode", 80),
        "quick mode message from 192.0.2.2:500 belongs to no established main mode SA",
        None,
    ),
    (
        Suspicion(PATH, FAILURE),
        f"negotiation with 192.0.2.2:500: {FAILURE.sentence} (waiting on)",
        545,
    ),
    (
        NegotiationFailed(PATH, "main mode", FAILURE),
        f"main mode with 192.0.2.2:500 failed (decided by the peer): {FAILURE.sentence}",
        545,
    ),
    (
        MainModeEstablished(PATH, *COOKIES, "initiator", *WORDS),
        "main mode with 192.0.2.2:500 (bob.example) established as initiator: "
        "3des-sha1-group2, preshared_key",
        541,
    ),
    (
        MainModeEnded(PATH, *COOKIES, "its lifetime has passed"),
        "main mode with 192.0.2.2:500 ended: its lifetime has passed",
        543,
    ),
    (
        QuickModeEstablished(
            PATH, "responder", "esp 3des-sha1", "transport", SELECTOR, 0x1234, 0x5678, "group2"
        ),
        "quick mode with 192.0.2.2:500 established as responder: esp 3des-sha1 transport for "
        "192.0.2.1 <-> 192.0.2.2:80 tcp, PFS group2, SPI in 00001234 out 00005678",
        541,
    ),
    (
        SoftSaEstablished(PATH, SELECTOR, "the peer does not answer"),
        "soft SA with 192.0.2.2:500: 192.0.2.1 <-> 192.0.2.2:80 tcp passes in clear, for the peer "
        "does not answer",
        None,
    ),
    (
        SoftSaEnded(PATH, SELECTOR, "its traffic is protected now"),
        "soft SA with 192.0.2.2:500 for 192.0.2.1 <-> 192.0.2.2:80 tcp ended: its traffic is "
        "protected now",
        None,
    ),
    (
        QuickModeEnded(PATH, SELECTOR, 0x1234, 0x5678, "deleted by the peer"),
        "quick mode SA with 192.0.2.2:500 for 192.0.2.1 <-> 192.0.2.2:80 tcp ended "
        "(SPI in 00001234 out 00005678): deleted by the peer",
        542,
    ),
    (
        NotificationReceived(PATH, "NO-PROPOSAL-CHOSEN", authenticated=False, detail="this"),
        "192.0.2.2:500 says NO-PROPOSAL-CHOSEN: this (unauthenticated: only noted)",
        None,
    ),
    (
        NotificationReceived(PATH, "INITIAL-CONTACT", authenticated=True),
        "192.0.2.2:500 says INITIAL-CONTACT",
        None,
    ),
    (
        FloodSuspected(PATH, "35 half-open main modes from one address"),
        "possible denial of service from 192.0.2.2:500: 35 half-open main modes from one address",
        550,
    ),
]


@pytest.mark.parametrize(("event", "sentence", "audit"), EXAMPLES)
def test_its_sentence_and_audit_id(event: Event, sentence: str, audit: int | None) -> None:
    assert event.sentence == sentence
    assert event.audit == audit
    assert event.level in Level


@pytest.mark.parametrize("event", [example[0] for example in EXAMPLES])
def test_it_survives_json(event: Event) -> None:
    plain = event.as_json()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["event"] == type(event).__name__
    assert plain["sentence"] == event.sentence
    assert (plain["local"], plain["peer"]) == ("192.0.2.1:500", "192.0.2.2:500")


def test_octets_failures_and_selectors_become_plain_values() -> None:
    plain = MainModeEnded(PATH, *COOKIES, "why").as_json()
    assert plain["cky_i"] == b"cookie-i".hex()
    plain = NegotiationFailed(PATH, "main mode", FAILURE).as_json()
    assert plain["failure"]["reason"] == "wrong-key"
    assert plain["failure"]["decided_by"] == "peer"
    plain = QuickModeEnded(PATH, SELECTOR, 1, 2, "why").as_json()
    assert plain["selector"] == str(SELECTOR)
    plain = MessageSent(PATH, COOKIES[0], "step", ("HDR", "SA"), 80).as_json()
    assert plain["payloads"] == ["HDR", "SA"]


def test_every_kind_of_event_has_an_example() -> None:
    kinds = {
        each
        for each in vars(events).values()
        if isinstance(each, type) and issubclass(each, Event) and each is not Event
    }
    assert kinds == {type(example[0]) for example in EXAMPLES}
    with pytest.raises(NotImplementedError):
        _ = Event(PATH).sentence
