"""The same thing is told now and then; memory stays bounded."""

from mainmode.packets.seldom import Seldom


def test_once_in_an_interval() -> None:
    seldom = Seldom[str](1.0, 10)
    told = [at for at in (0.0, 0.5, 0.99, 1.0, 1.5, 2.0, 7.0) if seldom.may_tell("a", at)]
    assert told == [0.0, 1.0, 2.0, 7.0]


def test_each_subject_for_itself() -> None:
    seldom = Seldom[str](1.0, 10)
    assert seldom.may_tell("a", 0.0)
    assert seldom.may_tell("b", 0.5)
    assert seldom.may_tell("a", 1.0)
    assert not seldom.may_tell("b", 1.4)
    assert seldom.may_tell("b", 1.5)


def test_bounded_and_open_again() -> None:
    """Whoever invents subjects silences others for one interval at a time, and costs no memory."""
    seldom = Seldom[int](1.0, 3)
    assert [seldom.may_tell(each, 0.0) for each in range(5)] == [True, True, True, False, False]
    assert len(seldom) == 3
    assert seldom.may_tell(4, 1.0)
    assert len(seldom) == 1
