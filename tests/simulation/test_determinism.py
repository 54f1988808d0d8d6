"""The same seed is the same life, octet for octet, in any process."""

import os
import subprocess
import sys

import pytest

from mainmode.testing.simulation.plan import Settings
from mainmode.testing.simulation.run import Simulation


def trace(seed: int) -> list[str]:
    lines: list[str] = []
    Simulation(seed, Settings(), lines.append).run()
    return lines


def test_the_same_seed_twice() -> None:
    for seed in range(2):
        first = trace(seed)
        assert first == trace(seed)
        assert len(first) > 500


def test_another_seed_is_another_life() -> None:
    assert trace(1) != trace(2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [4, 5])
def test_the_same_seed_in_two_processes(seed: int) -> None:
    """Python hashes text and octets otherwise in each."""
    said = set()
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "mainmode", "simulate", "--seed", f"{seed}", "--trace"],
            capture_output=True,
            check=False,
            timeout=120,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        assert done.returncode == 0, done.stderr
        said.add(done.stdout)
    assert len(said) == 1


def test_tracing_changes_nothing() -> None:
    silent = Simulation(6, Settings()).run()
    traced = Simulation(6, Settings(), lambda _line: None).run()
    assert (silent.actions, silent.virtual_s) == (traced.actions, traced.virtual_s)
