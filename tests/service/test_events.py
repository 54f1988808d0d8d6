"""What the service itself reports."""

from mainmode.service.events import InternalError, PolicyRefused, ServiceStarted
from tests.service.fakes import PATH


def test_an_event_about_nobody_names_nobody() -> None:
    event = ServiceStarted(policy="p", driver="null", listening=("127.0.0.1:500",))
    assert event.as_json() == {
        "event": "ServiceStarted",
        "level": "info",
        "audit": None,
        "sentence": "service started with policy 'p' and the null driver, "
        "listening on 127.0.0.1:500",
        "policy": "p",
        "driver": "null",
        "listening": ["127.0.0.1:500"],
    }


def test_a_refused_policy_is_explained_in_full() -> None:
    sentence = PolicyRefused(problem="a.toml:1: one\na.toml:2: two").sentence
    assert sentence.splitlines()[1:] == ["a.toml:1: one", "a.toml:2: two"]


def test_a_mistake_of_ours_says_what_is_needed_to_repeat_it() -> None:
    try:
        raise ValueError("what went wrong")
    except ValueError as error:
        event = InternalError.of(error, "reading a message", path=PATH, datagram=b"\x01\xff")
    assert event.as_json()["peer"] == "192.0.2.2:500"
    assert "while reading a message: ValueError: what went wrong" in event.sentence
    assert "datagram 01ff" in event.sentence
    assert any("test_events.py" in line for line in event.where)
