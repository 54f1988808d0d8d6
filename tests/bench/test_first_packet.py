"""The first packet is measured on a real wire, or a reason is given."""

import pytest

from mainmode.bench import first_packet
from mainmode.bench.first_packet import first_packet_ms, with_first_packet
from mainmode.bench.hosts import PATIENCE_S
from mainmode.cli.outcome import Failed
from tests.bench.test_figures import FIGURES

OFFER = "aes128-sha1-group2"


def no_rights() -> list[str]:
    return ["no rights", "no device"]


def with_rights() -> list[str]:
    return []


def failing(offer: str) -> float:
    raise Failed(f"{offer}: no answer")


@pytest.mark.network
def test_it_comes_after_a_negotiation() -> None:
    milliseconds = first_packet_ms(OFFER)
    assert 0.1 < milliseconds < PATIENCE_S * 1000


def test_without_rights_the_others_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_packet, "missing_for_hosts", no_rights)
    figures = with_first_packet(FIGURES, OFFER)
    assert figures.as_json() == FIGURES.as_json()
    assert figures.why_no_first_packet == "no rights; no device"


def test_a_failure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_packet, "missing_for_hosts", with_rights)
    monkeypatch.setattr(first_packet, "first_packet_ms", failing)
    figures = with_first_packet(FIGURES, OFFER)
    assert figures.first_packet_ms is None
    assert figures.why_no_first_packet == f"{OFFER}: no answer"
