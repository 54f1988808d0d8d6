"""Many seeds on all processors, and what came of them together."""

import gc
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context

from mainmode.testing.simulation.ether import Weather
from mainmode.testing.simulation.plan import Settings
from mainmode.testing.simulation.rules import ALL_RULES
from mainmode.testing.simulation.run import Outcome, Simulation
from mainmode.testing.simulation.tally import Tally
from mainmode.testing.simulation.troubles import TROUBLES

_SEEDS_AT_ONCE = 5
"""In one task: what a process does before it reports."""

FAULTS = (*Weather.__dataclass_fields__, "partition", "driver refusal", *TROUBLES)


@dataclass
class Summary:
    """Of all seeds of a run."""

    seeds: int = 0
    broken: list[Outcome] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    virtual_s: float = 0.0
    negotiations: int = 0
    negotiations_min: int = 0
    actions: int = 0
    slowest: tuple[float, str] = (0.0, "")
    """The slowest recovery, and of which seed and flow."""

    def add(self, outcome: Outcome) -> None:
        self.seeds += 1
        if outcome.broken:
            self.broken.append(outcome)
        self.tally.add(outcome.tally)
        self.virtual_s += outcome.virtual_s
        self.negotiations += outcome.negotiations
        if not outcome.broken:
            fewest = self.negotiations_min or outcome.negotiations
            self.negotiations_min = min(fewest, outcome.negotiations)
        self.actions += outcome.actions
        recovery = (outcome.recovery_s, f"seed {outcome.seed}: {outcome.slowest}")
        self.slowest = max(self.slowest, recovery)

    def never(self, settings: Settings) -> list[str]:
        """Faults that never struck, though they may, and rules that never were at work."""
        off = {name for name, value in (settings.weather | settings.troubles).items() if not value}
        if "way cut" in off:
            off.add("partition")
        if "driver that refuses" in off:
            off.add("driver refusal")
        return self.tally.never([each for each in FAULTS if each not in off], ALL_RULES)


def one(seed: int, settings: Settings, trace: Callable[[str], None] | None = None) -> Outcome:
    """A single seed, in this process."""
    return Simulation(seed, settings, trace).run()


def many(seeds: Sequence[int], settings: Settings, progress: Callable[[int], object]) -> Summary:
    """All of these, on all processors; progress is told how many more are done."""
    summary = Summary()
    outcomes: list[Outcome] = []
    tasks = [
        seeds[start : start + _SEEDS_AT_ONCE] for start in range(0, len(seeds), _SEEDS_AT_ONCE)
    ]
    workers = min(len(tasks), len(os.sched_getaffinity(0)))
    fresh = get_context("spawn")
    with ProcessPoolExecutor(workers, fresh, initializer=_collect_rarely) as pool:
        for done in as_completed(pool.submit(_several, task, settings) for task in tasks):
            outcomes += done.result()
            progress(len(done.result()))
    for outcome in sorted(outcomes, key=lambda each: each.seed):
        summary.add(outcome)
    return summary


def _collect_rarely() -> None:
    """Garbage comes a seed at a time; what was imported is none."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _several(seeds: Iterable[int], settings: Settings) -> list[Outcome]:
    return [one(seed, settings) for seed in seeds]
