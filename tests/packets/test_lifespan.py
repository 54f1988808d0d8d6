"""Soft and hard ends of a pair, by seconds, octets and packets."""

import pytest

from mainmode.model import Lifetime
from mainmode.packets.lifespan import Age, Lifespan, octets_max
from mainmode.packets.sequence import SEQUENCE_MAX
from tests.driver.pairs import pair

GIB = 1 << 30


def lifespan(seconds: int = 100, kilobytes: int = 10, suite: str = "esp:aes128-sha1") -> Lifespan:
    words = pair("192.0.2.1", "192.0.2.2", suite, lifetime=Lifetime(seconds, kilobytes))
    return Lifespan(words, now=1_000.0)


def test_by_seconds() -> None:
    span = lifespan()
    assert span.grow(1_089.9, 1, 0) is None
    assert span.grow(1_090.0, 1, 0) is Age.SOFT
    assert span.grow(1_099.9, 1, 0) is None
    assert span.grow(1_100.0, 1, 0) is Age.HARD
    assert span.grow(9_999.0, 1, 0) is None


def test_a_pair_that_has_carried_nothing_need_not_be_replaced() -> None:
    span = lifespan()
    assert span.grow(1_090.0, 0, 0) is None
    assert span.next_at == 1_100.0
    assert span.grow(1_100.0, 0, 0) is Age.HARD


def test_but_with_its_first_packet() -> None:
    span = lifespan()
    assert span.grow(1_090.0, 0, 0) is None
    assert span.next_octets == 1
    assert span.grow(1_095.0, 1, 0) is Age.SOFT
    assert span.next_octets == 10_240
    assert span.grow(1_100.0, 1, 0) is Age.HARD


def test_when_to_look_again() -> None:
    span = lifespan()
    for moment, age in ((1_090.0, Age.SOFT), (1_100.0, Age.HARD)):
        assert span.next_at == moment
        assert span.grow(moment, 1, 0) is age
    assert span.next_at == float("inf")


def test_by_octets() -> None:
    span = lifespan(kilobytes=10)
    assert span.next_octets == 9_216
    assert span.grow(1_000.0, 9_215, 0) is None
    assert span.grow(1_000.0, 9_216, 0) is Age.SOFT
    assert span.next_octets == 10_240
    assert span.grow(1_000.0, 10_239, 0) is None
    assert span.grow(1_000.0, 10_240, 0) is Age.HARD


def test_by_sequence_numbers() -> None:
    span = lifespan()
    assert span.grow(1_000.0, 0, SEQUENCE_MAX * 9 // 10) is None
    assert span.grow(1_000.0, 0, SEQUENCE_MAX * 9 // 10 + 1) is Age.SOFT
    assert span.grow(1_000.0, 0, SEQUENCE_MAX) is Age.HARD


def test_straight_to_the_end() -> None:
    assert lifespan().grow(1_100.0, 0, 0) is Age.HARD


def test_an_age_never_goes_back() -> None:
    span = lifespan()
    assert span.grow(1_095.0, 1, 0) is Age.SOFT
    assert span.grow(1_000.0, 1, 0) is None
    assert span.age is Age.SOFT


def test_zero_is_no_limit() -> None:
    span = lifespan(seconds=0, kilobytes=0)
    assert span.grow(1e12, 1 << 60, 1) is None


@pytest.mark.parametrize("suite", ["esp:des-md5", "esp:3des-sha1", "esp:3des"])
@pytest.mark.parametrize("kilobytes", [0, 1_048_577, 10_000_000])
def test_small_blocks_end_at_a_gibibyte_whatever_policy_says(suite: str, kilobytes: int) -> None:
    words = pair("192.0.2.1", "192.0.2.2", suite, lifetime=Lifetime(0, kilobytes))
    assert octets_max(words) == GIB


def test_small_blocks_end_earlier_where_policy_says_so() -> None:
    words = pair("192.0.2.1", "192.0.2.2", "esp:3des-sha1", lifetime=Lifetime(0, 7))
    assert octets_max(words) == 7 * 1_024


@pytest.mark.parametrize("suite", ["esp:aes128-sha1", "esp:null-sha1", "ah:sha1"])
def test_others_live_as_long_as_policy_says(suite: str) -> None:
    words = pair("192.0.2.1", "192.0.2.2", suite, lifetime=Lifetime(0, 10_000_000))
    assert octets_max(words) == 10_000_000 * 1_024
