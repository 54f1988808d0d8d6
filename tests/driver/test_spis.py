"""Inbound SPIs."""

import pytest

from mainmode.driver.spis import SpiAllocator
from mainmode.errors import DriverError


def from_numbers(*numbers: int) -> SpiAllocator:
    """An allocator whose entropy gives these numbers, the last one for ever."""
    left = list(numbers)

    def entropy(octets: int) -> bytes:
        assert octets == 4
        return (left.pop(0) if len(left) > 1 else left[0]).to_bytes(4, "big")

    return SpiAllocator(entropy)


def test_reserved_numbers_are_passed_over() -> None:
    assert from_numbers(0, 1, 255, 256).allocate() == 256


def test_no_number_twice() -> None:
    spis = from_numbers(1_000, 1_000, 2_000, 2_000, 1_000, 3_000)
    assert spis.allocate() == 1_000
    spis.take(2_000)
    assert spis.allocate() == 3_000
    assert spis.promised == 2


def test_a_freed_number_may_come_again() -> None:
    spis = from_numbers(1_000)
    assert spis.allocate() == 1_000
    spis.free(1_000)
    spis.free(9_999)
    assert spis.allocate() == 1_000


def test_a_promise_is_kept_when_the_pair_comes() -> None:
    spis = from_numbers(1_000)
    spis.take(spis.allocate())
    assert spis.promised == 0
    with pytest.raises(DriverError):
        spis.allocate()
