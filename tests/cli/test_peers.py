"""`mainmode up` and `mainmode down`."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from mainmode.engine.events import (
    Event,
    MessageSent,
    NegotiationFailed,
    QuickModeEstablished,
    Suspicion,
)
from mainmode.errors import PersonError
from mainmode.failures import Failure, Reason, Side
from mainmode.model import Endpoint, Path
from mainmode.service.events import InternalError
from tests.cli.conftest import Shell
from tests.cli.served import Stub
from tests.service.fakes import HERE, PATH
from tests.service.samples import PAIR

V6_PATH = Path(Endpoint(ip_address("2001:db8::1"), 500), Endpoint(ip_address("2001:db8::2"), 500))
SENT = MessageSent(PATH, b"12345678", "main mode message 1", ("HDR", "SA"), 100)


def established(path: Path) -> Event:
    return QuickModeEstablished(
        path, "initiator", "esp 3des-sha1", "transport", PAIR.selector, 0x11, 0x22, ""
    )


def failed(path: Path) -> NegotiationFailed:
    failure = Failure(Reason.TIMED_OUT, Side.NOBODY, "waiting for the peer's choice")
    return NegotiationFailed(path, "main mode", failure)


def test_up_ends_well_when_quick_mode_is_established(service: Shell, stub: Stub) -> None:
    stub.audit.record(failed(PATH))  # an old story
    stub.after_up = [SENT, established(PATH)]
    done = service("up", "192.0.2.2")
    assert (done.stdout, done.status) == (established(PATH).sentence + "\n", 0)


def test_up_ends_badly_with_the_explanation(service: Shell, stub: Stub) -> None:
    stub.after_up = [failed(PATH)]
    done = service("up", "192.0.2.2")
    assert done.status == 1
    assert done.stdout == (
        "main mode with 192.0.2.2:500 failed (timed out): the peer did not answer | "
        "while waiting for the peer's choice\n"
    )


def test_up_says_once_that_a_suspicion_is_not_the_end(service: Shell, stub: Stub) -> None:
    first, second = (
        Suspicion(PATH, Failure(reason, Side.PEER))
        for reason in (Reason.WRONG_KEY, Reason.TIMED_OUT)
    )
    stub.after_up = [first, second, established(PATH)]
    done = service("up", "192.0.2.2")
    assert done.stdout.splitlines() == [
        first.sentence,
        "  the service goes on trying until its retry cycle ends; Ctrl-C only ends the waiting",
        second.sentence,
        established(PATH).sentence,
    ]


def test_up_goes_on_when_the_service_tries_once_more(service: Shell, stub: Stub) -> None:
    """Under another main mode: the peer had lost the first one."""
    silence = replace(failed(PATH), mode="quick mode", again=True)
    stub.after_up = [silence, established(PATH)]
    done = service("up", "192.0.2.2")
    assert done.status == 0
    assert done.stdout.splitlines() == [silence.sentence, established(PATH).sentence]
    assert silence.sentence.endswith("| trying once more")
    stub.after_up = [silence, failed(PATH)]
    assert service("up", "192.0.2.2").status == 1


def test_up_shows_every_message_when_asked(service: Shell, stub: Stub) -> None:
    stub.after_up = [SENT, established(PATH)]
    lines = service("up", "192.0.2.2", "--verbose").stdout.splitlines()
    assert lines[0].endswith("debug   main mode message 1 to 192.0.2.2:500: HDR, SA")
    assert "audit 541: quick mode with 192.0.2.2:500 established" in lines[1]


def test_up_looks_at_this_peer_only(service: Shell, stub: Stub) -> None:
    other = Path(HERE, Endpoint(ip_address("192.0.2.22"), 500))
    stub.after_up = [failed(other), established(V6_PATH)]
    done = service("up", "2001:0db8::2")
    assert (done.stdout, done.status) == (established(V6_PATH).sentence + "\n", 0)


def test_up_ends_badly_when_the_service_makes_a_mistake(service: Shell, stub: Stub) -> None:
    stub.after_up = [InternalError.of(RuntimeError("oops"), "connecting")]
    done = service("up", "192.0.2.2")
    assert done.status == 1
    assert "internal error while connecting: RuntimeError: oops" in done.stdout


@pytest.mark.parametrize("command", ["up", "down"])
def test_a_peer_that_is_no_address(service: Shell, command: str) -> None:
    done = service(command, "host")
    assert (done.stdout, done.status) == ("", 2)
    assert done.stderr == (
        "'host' is no address\n  fix: name the peer by its IPv4 or IPv6 address\n"
    )


def test_no_route(service: Shell, stub: Stub) -> None:
    stub.refusal = PersonError("no route leads to 192.0.2.2", fix="see `ip route get`")
    done = service("up", "192.0.2.2")
    assert (done.stderr, done.status) == (f"{stub.refusal}\n", 2)


def test_down(service: Shell) -> None:
    done = service("down", "192.0.2.2")
    assert (done.stdout, done.status) == (
        "192.0.2.2: ended 0 main mode, 0 quick mode and 0 soft SAs\n",
        0,
    )
