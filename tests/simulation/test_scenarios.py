"""Every scenario passes, and fails when its rule is taken out."""

import pytest

from mainmode.testing.simulation.scenarios import SCENARIOS, play
from tests.simulation.sabotage import SABOTAGES

EVERY_SCENARIO = pytest.mark.parametrize("name", SCENARIOS)


@EVERY_SCENARIO
def test_as_it_should_be(name: str) -> None:
    assert play(SCENARIOS[name]) == ""


@EVERY_SCENARIO
def test_not_without_its_rule(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    SABOTAGES[name](monkeypatch)
    assert play(SCENARIOS[name]) != ""


def test_names_and_rules_are_said() -> None:
    assert SABOTAGES.keys() == SCENARIOS.keys()
    for each in SCENARIOS.values():
        assert each.rule
        assert each.rule[-1] != "."


def test_the_same_scenario_is_the_same_life() -> None:
    for each in SCENARIOS.values():
        first: list[str] = []
        second: list[str] = []
        play(each, first.append)
        play(each, second.append)
        assert first == second
        assert first
