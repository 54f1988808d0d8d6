"""The anti-replay window (RFC 2401 appendix C)."""

import pytest

from mainmode.packets.replay import ReplayWindow


def seen(*numbers: int, size: int = 128) -> ReplayWindow:
    window = ReplayWindow(size)
    for number in numbers:
        window.advance(number)
    return window


def test_zero_is_no_number() -> None:
    assert not ReplayWindow().permits(0)
    assert not seen(5).permits(0)


def test_the_first_number_may_be_any() -> None:
    for number in (1, 2, 1_000, 0xFFFF_FFFF):
        assert ReplayWindow().permits(number)


@pytest.mark.parametrize("number", [1, 7, 100])
def test_a_number_passes_once(number: int) -> None:
    assert not seen(number).permits(number)
    assert not seen(number, number + 3).permits(number)


def test_reordering_inside_the_window_passes() -> None:
    window = seen(1, 2, 5)
    assert window.permits(3)
    assert window.permits(4)
    window.advance(3)
    assert not window.permits(3)
    assert window.permits(4)


def test_the_window_is_as_wide_as_it_says() -> None:
    window = seen(200, size=128)
    assert window.permits(200 - 127)
    assert not window.permits(200 - 128)


def test_a_far_jump_forgets_what_lies_behind() -> None:
    window = seen(1, 2, 3, 0xFFFF_FFFF)
    assert not window.permits(3)
    assert window.permits(0xFFFF_FFFE)
    assert not window.permits(0xFFFF_FFFF)


def test_asking_moves_nothing() -> None:
    """A packet whose integrity check fails afterwards must leave no trace."""
    window = seen(10)
    assert window.permits(1_000_000)
    assert window.permits(9)
    assert window.permits(9)
