"""The ladder: events become the lines that RFC 2409 draws."""

from typing import Any

import pytest

from mainmode.demo import ladder
from mainmode.demo.strokes import ASCII, UNICODE, Strokes


def message(step: str, *payloads: str, sent: bool = True, retry: int = 0) -> dict[str, Any]:
    return {
        "event": "MessageSent" if sent else "MessageReceived",
        "time": "2026-01-01T00:00:01.250+00:00",
        "step": step,
        "payloads": list(payloads),
        "octets": 68,
        "retry": retry,
    }


@pytest.mark.parametrize(
    ("step", "payloads", "expected"),
    [
        ("main mode message 1", "HDR SA VID VID", "HDR SA 2_VID"),
        ("main mode message 3", "HDR KE NONCE", "HDR KE Ni"),
        ("main mode message 4", "HDR KE NONCE", "HDR KE Nr"),
        ("main mode message 5", "HDR* ID HASH", "HDR* IDii HASH_I"),
        ("main mode message 6", "HDR* ID HASH", "HDR* IDir HASH_R"),
        ("quick mode message 1", "HDR* HASH SA NONCE ID ID", "HDR* HASH(1) SA Ni IDci IDcr"),
        ("quick mode message 2", "HDR* HASH SA NONCE KE ID ID", "HDR* HASH(2) SA Nr KE IDci IDcr"),
        ("quick mode message 3", "HDR* HASH", "HDR* HASH(3)"),
    ],
)
def test_payloads_have_the_names_of_rfc_2409(step: str, payloads: str, expected: str) -> None:
    rung = ladder.rung_of(message(step, *payloads.split()))
    assert rung is not None
    assert [each.replace(" ", "_") for each in rung.payloads] == expected.split()


def test_other_events_are_no_rungs() -> None:
    assert ladder.rung_of({"event": "MainModeEstablished"}) is None


def test_arrows_go_from_the_sender_to_the_receiver() -> None:
    there = ladder.rung_of(message("main mode message 1", "HDR", "SA"))
    back = ladder.rung_of(message("main mode message 6", "HDR*", "ID", "HASH", sent=False))
    assert there is not None
    assert back is not None
    assert ladder.arrow(there, ASCII) == "|- HDR, SA ------------------------------->|"
    assert ladder.arrow(back, UNICODE) == "│◀════════════════════ HDR*, IDir, HASH_R ═┤"


@pytest.mark.parametrize("strokes", [UNICODE, ASCII])
def test_every_line_ends_at_the_other_host(strokes: Strokes) -> None:
    longest = ("HDR*", "HASH", "SA", "NONCE", "KE", "ID", "ID")
    for sent in (True, False):
        rung = ladder.rung_of(message("quick mode message 1", *longest, sent=sent))
        assert rung is not None
        assert len(ladder.arrow(rung, strokes)) == ladder.WIDTH
    assert len(ladder.note("bob says INITIAL-CONTACT", strokes)) == ladder.WIDTH


def test_the_margin_tells_octets_time_and_retries() -> None:
    first = ladder.rung_of(message("main mode message 5", "HDR*", retry=0))
    again = ladder.rung_of(message("main mode message 5", "HDR*", retry=1))
    assert first is not None
    assert again is not None
    assert ladder.margin(first, first.at_s - 1.25).split() == ["main", "mode", "5", "68", "1250"]
    assert "main mode 5 again" in ladder.margin(again, first.at_s)
    assert len(ladder.margin(again, first.at_s)) == len(ladder.MARGIN_HEAD)
