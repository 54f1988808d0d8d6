"""Seeds: every invariant holds, every fault strikes, every rule is at work."""

import pytest

from mainmode.testing.simulation.plan import Settings
from mainmode.testing.simulation.run import Simulation
from mainmode.testing.simulation.swarm import Summary, many

SEEDS = 2_000
FEW = 4


def live(count: int) -> Summary:
    summary = many(range(count), Settings(), lambda _done: None)
    assert [f"seed {each.seed}: {each.broken}" for each in summary.broken] == []
    assert summary.seeds == count
    assert summary.negotiations_min >= 20
    return summary


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_seeds() -> None:
    summary = live(SEEDS)
    assert summary.never(Settings()) == []


def test_a_few_seeds() -> None:
    live(FEW)


def test_what_a_seed_stands_for() -> None:
    for seed in range(40):
        plan = Simulation(seed, Settings()).plan
        assert plan.count >= 4
        assert min(vars(plan.weather).values()) > 0


def test_a_person_may_fix_what_is_drawn() -> None:
    settings = Settings(hosts=5, weather={"loss": 0.0, "forgery": 0.5}, troubles={"crash": 3})
    simulation = Simulation(1, settings)
    outcome = simulation.run()
    assert len(simulation.world.hosts) == 5
    assert outcome.tally.faults["loss"] == 0
    assert outcome.tally.faults["crash"] == 3
    assert outcome.tally.faults["forgery"] > outcome.tally.faults["replay"]


def test_hours_go_through_storm_after_storm() -> None:
    outcome = Simulation(3, Settings(hours=0.5)).run()
    assert outcome.broken == ""
    assert outcome.virtual_s >= 1800
    assert outcome.tally.faults["crash"] >= 3


def test_what_never_happened_is_named() -> None:
    summary = Summary()
    assert "loss" in summary.never(Settings())
    assert "loss" not in summary.never(Settings(weather={"loss": 0.0}))
    assert "main mode as initiator" in summary.never(Settings())
