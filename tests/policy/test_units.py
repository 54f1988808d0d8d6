"""Durations and volumes with units."""

import pytest

from mainmode.policy.mistakes import WordError
from mainmode.policy.units import (
    format_duration,
    format_interval,
    format_volume,
    parse_duration,
    parse_volume,
    parse_whole_duration,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("8h", 28_800), ("3600s", 3_600), ("90m", 5_400), ("2d", 172_800), (" 1 h ", 3_600)],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_whole_duration(text) == seconds


def test_a_duration_may_have_a_fraction_where_a_wait_is_meant() -> None:
    assert parse_duration("0.5s") == 0.5
    assert parse_whole_duration("1.5h") == 5_400
    with pytest.raises(WordError, match="whole number of seconds"):
        parse_whole_duration("0.5s")


@pytest.mark.parametrize(
    ("text", "kilobytes"),
    [("100MB", 100_000), ("100000kB", 100_000), ("100000KB", 100_000), ("2GB", 2_000_000)],
)
def test_volumes_count_a_thousand_kilobytes_to_the_megabyte(text: str, kilobytes: int) -> None:
    assert parse_volume(text) == kilobytes


@pytest.mark.parametrize("text", ["", "8", "8 hours", "h", "-1h", "1h30m", "8H", "1e3s", "٣s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(WordError) as caught:
        parse_duration(text)
    assert "8h" in caught.value.fix


@pytest.mark.parametrize("text", ["", "100", "100mb", "1.5MB", "100 MiB"])
def test_what_is_no_volume(text: str) -> None:
    with pytest.raises(WordError) as caught:
        parse_volume(text)
    assert "100MB" in caught.value.fix


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(28_800, "8h"), (5_400, "90m"), (3_601, "3601s"), (86_400, "1d"), (0, "0s")],
)
def test_a_duration_is_shown_in_the_largest_unit_that_is_exact(seconds: int, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.0, "3s"), (0.5, "0.5s"), (90.0, "90s"), (1e-5, "0.00001s")]
)
def test_parts_of_a_second_are_shown_too(seconds: float, text: str) -> None:
    assert format_interval(seconds) == text
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("kilobytes", "text"), [(100_000, "100MB"), (4_608, "4608kB"), (3_000_000, "3GB"), (0, "0kB")]
)
def test_a_volume_is_shown_in_the_largest_unit_that_is_exact(kilobytes: int, text: str) -> None:
    assert format_volume(kilobytes) == text
