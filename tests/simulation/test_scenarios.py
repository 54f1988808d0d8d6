"""Every scenario passes, and fails when its rule is taken out."""

import re
from pathlib import Path

import pytest

from mainmode.testing.simulation.scenarios import SCENARIOS, play
from tests.simulation.sabotage import SABOTAGES
from tests.simulation.sabotage_of_terms import SABOTAGES_OF_TERMS

EVERY_SABOTAGE = SABOTAGES | SABOTAGES_OF_TERMS
EVERY_SCENARIO = pytest.mark.parametrize("name", SCENARIOS)


@EVERY_SCENARIO
def test_as_it_should_be(name: str) -> None:
    assert play(SCENARIOS[name]) == ""


@EVERY_SCENARIO
def test_not_without_its_rule(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    EVERY_SABOTAGE[name](monkeypatch)
    assert play(SCENARIOS[name]) != ""


def test_names_and_rules_are_said() -> None:
    assert EVERY_SABOTAGE.keys() == SCENARIOS.keys()
    assert not SABOTAGES.keys() & SABOTAGES_OF_TERMS.keys()
    for each in SCENARIOS.values():
        assert each.rule
        assert each.rule[-1] != "."


def test_the_document_names_scenarios_that_exist() -> None:
    document = Path(__file__).parents[2] / "docs" / "simulation.md"
    said = document.read_text("utf-8")
    table = said[said.index("| what | told by |") : said.index("## How it is built")]
    assert set(re.findall(r"`([a-z0-9-]+)`", table)) <= SCENARIOS.keys()


@pytest.mark.slow
def test_the_same_scenario_is_the_same_life() -> None:
    for each in SCENARIOS.values():
        first: list[str] = []
        second: list[str] = []
        play(each, first.append)
        play(each, second.append)
        assert first == second
        assert first
