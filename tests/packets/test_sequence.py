"""Sequence numbers of an outbound SA."""

import pytest

from mainmode.packets.refusal import PacketRefused, Refusal
from mainmode.packets.sequence import SEQUENCE_MAX, SequenceNumbers


def test_they_begin_with_one() -> None:
    numbers = SequenceNumbers()
    assert [numbers.take() for _ in range(3)] == [1, 2, 3]
    assert numbers.last == 3


def test_they_end_and_never_wrap() -> None:
    numbers = SequenceNumbers()
    numbers.last = SEQUENCE_MAX - 1
    assert numbers.take() == 0xFFFF_FFFF
    for _ in range(2):
        with pytest.raises(PacketRefused) as refused:
            numbers.take()
        assert refused.value.reason is Refusal.EXPIRED
