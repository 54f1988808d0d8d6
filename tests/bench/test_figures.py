"""What is reported follows from what was measured, and nothing else is."""

import time
from dataclasses import replace

import pytest

from mainmode.bench.cryptography import Sampler
from mainmode.bench.figures import Figures, octets_per_pair, share_of_cryptography
from mainmode.bench.terms import NEGOTIATIONS, pairs_before_memory
from mainmode.bench.usage import Usage
from mainmode.crypto.algorithms import GROUPS
from mainmode.crypto.dh import generate

FIGURES = Figures(
    what="a test",
    negotiations=500,
    elapsed_s=2.0,
    initiator_cpu_s=0.25,
    responder_cpu_s=0.5,
    crypto_share=None,
    octets_per_pair=None,
    grown_pairs=375,
)
USAGE = Usage(
    cpu_s=1.0, grown_octets=3_000_000, grown_pairs=1_500, samples=300, cryptography_samples=100
)


def test_each_figure_is_a_quotient_of_measurements() -> None:
    assert FIGURES.as_json() == {
        "negotiations": 500,
        "rate_per_s": 250.0,
        "initiator_cpu_ms": 0.5,
        "responder_cpu_ms": 1.0,
        "bytes_per_sa_pair": None,
        "crypto_share": None,
        "first_packet_ms": None,
    }


def test_what_was_measured_as_well_is_there() -> None:
    figures = replace(FIGURES, crypto_share=0.25, octets_per_pair=2_000.4, first_packet_ms=4.567)
    assert figures.as_json()["crypto_share"] == 0.25
    assert figures.as_json()["bytes_per_sa_pair"] == 2_000
    assert figures.as_json()["first_packet_ms"] == 4.57


def test_people_learn_what_was_measured_and_how_busy_the_machine_was() -> None:
    text = replace(FIGURES, crypto_share=0.25, octets_per_pair=2_000.4, first_packet_ms=4.567).text
    assert "a test" in text
    assert "250 per second" in text
    assert "25%" in text
    assert "2,000 octets, over 375 pairs" in text
    assert "4.6 ms" in text
    assert "load" in text


def test_people_learn_why_the_first_packet_was_not_measured() -> None:
    assert "ESP packet" not in FIGURES.text
    assert "not measured, no rights" in replace(FIGURES, why_no_first_packet="no rights").text


def test_memory_is_watched_over_two_thousand_pairs_unless_there_are_fewer() -> None:
    assert NEGOTIATIONS - pairs_before_memory(NEGOTIATIONS) == 2_000
    assert pairs_before_memory(100) == 25


def test_memory_is_the_mean_of_both_sides() -> None:
    assert octets_per_pair([USAGE, replace(USAGE, grown_octets=6_000_000)]) == 3_000


def test_a_short_run_says_nothing_of_memory() -> None:
    assert octets_per_pair([USAGE, replace(USAGE, grown_pairs=30)]) is None


def test_the_share_of_cryptography_is_that_of_all_samples() -> None:
    assert share_of_cryptography([USAGE, replace(USAGE, samples=100)]) == 0.5
    assert share_of_cryptography([replace(USAGE, samples=0)]) is None


@pytest.mark.parametrize("cryptography", [True, False])
def test_samples_tell_cryptography_from_other_work(cryptography: bool) -> None:
    sampler = Sampler()
    sampler.start()
    began = time.process_time()
    while time.process_time() - began < 0.3:
        if cryptography:
            generate(GROUPS["group14"], bytes)
        else:
            sum(range(2_000))
    sampler.stop()
    assert sampler.samples > 10
    assert (sampler.cryptography > sampler.samples / 2) is cryptography
