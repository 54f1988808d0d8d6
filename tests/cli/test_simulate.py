"""`mainmode simulate`: seeds, ranges, scenarios, and what a broken one looks like."""

import pytest
from click.testing import CliRunner, Result

from mainmode.cli.main import main
from mainmode.testing.simulation import scenarios, swarm
from mainmode.testing.simulation.plan import Settings
from mainmode.testing.simulation.run import Outcome
from mainmode.testing.simulation.swarm import Summary


def simulate(*words: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *words])


def test_a_seed() -> None:
    done = simulate("--seed", "3")
    assert done.exit_code == 0
    assert done.stdout.startswith("seed 3: ")
    assert "every invariant held" in done.stdout


def test_the_trace_comes_first() -> None:
    done = simulate("--seed", "3", "--trace")
    lines = done.stdout.splitlines()
    assert "starts" in lines[0]
    assert lines[-1].startswith("seed 3: ")
    assert len(lines) > 500


def test_faults_are_given_to_the_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Settings] = []

    def one(seed: int, settings: Settings, _trace: object) -> Outcome:
        given.append(settings)
        return Outcome(seed)

    monkeypatch.setattr(swarm, "one", one)
    done = simulate(
        *("--hosts", "7", "--hours", "0.5", "--loss", "0.3", "--reorder", "0"),
        *("--partition", "2", "--crash", "0"),
    )
    assert done.exit_code == 0
    [settings] = given
    assert settings == Settings(7, 0.5, {"loss": 0.3, "lateness": 0.0}, {"way cut": 2, "crash": 0})


def test_a_broken_seed_says_how_to_live_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swarm, "one", lambda seed, *_rest: Outcome(seed, "recovery: not so"))
    done = simulate("--seed", "9", "--loss", "0.25", "--hosts", "5")
    assert done.exit_code == 1
    assert "recovery: not so" in done.stderr
    assert "mainmode simulate --seed 9 --hosts 5 --loss 0.25 --trace" in done.stderr


@pytest.mark.slow
def test_a_range_counts_faults_and_rules() -> None:
    done = simulate("--seeds", "0..5")
    assert "main mode as initiator" in done.stdout
    assert "duplication" in done.stdout
    assert "6 seeds in " in done.stdout


def test_a_range_fails_for_what_is_broken_and_for_what_never_happened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def many(*_arguments: object) -> Summary:
        summary = Summary()
        summary.add(Outcome(0))
        summary.add(Outcome(1, "nothing leaks: it does"))
        summary.tally.rules["suspicion"] += 1
        return summary

    monkeypatch.setattr(swarm, "many", many)
    done = simulate("--seeds", "0..1", "--loss", "0")
    assert done.exit_code == 1
    assert "seed 1: nothing leaks: it does" in done.stderr
    assert "mainmode simulate --seed 1 --loss 0 --trace" in done.stderr
    assert "never happened: crash" in done.stderr
    assert "never happened: loss" not in done.stderr
    assert "never happened: suspicion" not in done.stderr


@pytest.mark.parametrize("words", ["5", "7..3", "a..b", ".."])
def test_no_range(words: str) -> None:
    done = simulate("--seeds", words)
    assert done.exit_code == 2
    assert "0..1999" in done.stderr


def test_scenarios() -> None:
    listed = simulate("--scenarios").stdout
    assert "retry-cycle" in listed
    assert "after 47 s" in listed
    done = simulate("--scenario", "retry-cycle")
    assert (done.exit_code, done.stdout) == (0, "retry-cycle: as it should be\n")
    assert len(simulate("--scenario", "retry-cycle", "--trace").stdout.splitlines()) > 5
    assert simulate("--scenario", "no-such-thing").exit_code == 2


def test_a_broken_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenarios, "play", lambda *_: "retry-cycle: not so")
    done = simulate("--scenario", "retry-cycle")
    assert done.exit_code == 1
    assert "mainmode simulate --scenario retry-cycle --trace" in done.stderr
