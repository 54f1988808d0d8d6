"""`mainmode simulate`: whole hosts on a simulated network under one virtual clock."""

import shlex
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from mainmode.cli.outcome import Failed
from mainmode.cli.table import table
from mainmode.errors import PersonError

if TYPE_CHECKING:
    from mainmode.testing.simulation.plan import Settings

C = TypeVar("C", bound=Callable[..., object])

_WEATHER = {
    "loss": "loss",
    "duplicate": "duplication",
    "reorder": "lateness",
    "corrupt": "corruption",
    "forge": "forgery",
    "replay": "replay",
}
"""Option to the name of the probability."""
_TROUBLES = {
    "crash": "crash",
    "stop": "stop and start",
    "clock-jump": "clock jump",
    "policy-change": "policy change",
    "refusal": "driver that refuses",
    "partition": "way cut",
    "administrator": "administrator",
}
"""Option to the name of the trouble."""


def _fault_options(command: C) -> C:
    """All of them, in the order above."""
    for option in reversed(_TROUBLES):
        command = click.option(
            f"--{option}", type=click.IntRange(0, 1000), help="How often in a storm."
        )(command)
    for option in reversed(_WEATHER):
        command = click.option(
            f"--{option}", type=click.FloatRange(0, 1), help="Probability for each datagram."
        )(command)
    return command


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="What is drawn from.")
@click.option("--seeds", metavar="A..B", help="All seeds from A to B, on all processors.")
@click.option("--hosts", type=click.IntRange(2, 250), help="How many; drawn if not given.")
@click.option("--hours", type=float, help="Storm after storm, for so long.")
@_fault_options
@click.option("--scenario", metavar="NAME", help="A story of its own instead of a seed; `all`.")
@click.option("--scenarios", "list_scenarios", is_flag=True, help="List them.")
@click.option("--trace", is_flag=True, help="Print everything that happens.")
def simulate(
    seed: int,
    seeds: str | None,
    hosts: int | None,
    hours: float | None,
    scenario: str | None,
    list_scenarios: bool,
    trace: bool,
    **faults: float | None,
) -> None:
    """Let hosts live on a simulated network, in storms of loss, forgery, crashes and new policies.

    Engine, policy, driver and packet filter are whole; clock and network are not real. Invariants
    are checked after every event, and when the storm is over, everything must recover. The same
    seed is the same life, event for event. Exit status 0: every invariant held.
    """
    given = {name.replace("_", "-"): value for name, value in faults.items() if value is not None}
    if list_scenarios:
        _list_scenarios()
    elif scenario is not None:
        _run_scenarios(scenario, trace)
    elif seeds is not None:
        _run_many(_range(seeds), hosts, hours, given)
    else:
        _run_one(seed, hosts, hours, given, trace)


def _range(words: str) -> range:
    """`A..B`, both included."""
    first, dots, last = words.partition("..")
    try:
        chosen = range(int(first), int(last) + 1)
    except ValueError:
        chosen = range(0)
    if not dots or not chosen:
        raise PersonError(f"{words!r} is no range of seeds", fix="write --seeds 0..1999")
    return chosen


def _settings(hosts: int | None, hours: float | None, given: dict[str, float]) -> "Settings":
    from mainmode.testing.simulation.plan import Settings

    weather = {_WEATHER[name]: value for name, value in given.items() if name in _WEATHER}
    troubles = {_TROUBLES[name]: int(value) for name, value in given.items() if name in _TROUBLES}
    return Settings(hosts, hours, weather, troubles)


def _replay(seed: int, hosts: int | None, hours: float | None, given: dict[str, float]) -> str:
    """The command that lives this seed again."""
    words = ["mainmode", "simulate", "--seed", str(seed)]
    for name, value in (("hosts", hosts), ("hours", hours), *given.items()):
        if value is not None:
            words += [f"--{name}", f"{value:g}"]
    return shlex.join([*words, "--trace"])


# --- seeds ----------------------------------------------------------------------------------------


def _run_one(
    seed: int, hosts: int | None, hours: float | None, given: dict[str, float], trace: bool
) -> None:
    from mainmode.testing.simulation.swarm import one

    outcome = one(seed, _settings(hosts, hours, given), click.echo if trace else None)
    if outcome.broken:
        raise Failed(f"{outcome.broken}\nreplay: {_replay(seed, hosts, hours, given)}")
    click.echo(
        f"seed {seed}: {outcome.negotiations} negotiations in {outcome.virtual_s:,.0f} s, "
        f"{outcome.actions} events; every invariant held, the slowest flow recovered within "
        f"{outcome.recovery_s:.0f} s"
    )


def _run_many(
    seeds: range, hosts: int | None, hours: float | None, given: dict[str, float]
) -> None:
    from mainmode.testing.simulation.swarm import many

    settings = _settings(hosts, hours, given)
    began = time.monotonic()
    with click.progressbar(length=len(seeds), label="seeds", file=sys.stderr) as bar:
        summary = many(seeds, settings, bar.update)
    elapsed_s = time.monotonic() - began
    for kind, counts in (("fault", summary.tally.faults), ("rule", summary.tally.rules)):
        click.echo(table(_columns(kind), sorted(counts.items())) + "\n")
    click.echo(
        f"{summary.seeds:,} seeds in {elapsed_s:.0f} s: {summary.negotiations:,} negotiations "
        f"(at least {summary.negotiations_min} each) in {summary.virtual_s / 3600:,.0f} hours of "
        f"virtual time, {summary.actions:,} events"
    )
    recovery_s, flow = summary.slowest
    click.echo(f"slowest recovery: {recovery_s:.0f} s, {flow}")
    problems = [
        f"seed {each.seed}: {each.broken}\n  replay: {_replay(each.seed, hosts, hours, given)}"
        for each in summary.broken
    ]
    problems += [f"never happened: {name}" for name in summary.never(settings)]
    if problems:
        raise Failed("\n".join(problems))
    click.echo("every invariant held, every fault struck, every rule was at work")


def _columns(kind: str) -> dict[str, Callable[[tuple[str, int]], str]]:
    return {kind: lambda row: row[0], "times": lambda row: f"{row[1]:,}"}


# --- scenarios ------------------------------------------------------------------------------------


def _list_scenarios() -> None:
    from mainmode.testing.simulation.scenarios import SCENARIOS

    width = max(map(len, SCENARIOS))
    for each in SCENARIOS.values():
        click.echo(f"{each.name.ljust(width)}  {each.rule}")


def _run_scenarios(name: str, trace: bool) -> None:
    from mainmode.testing.simulation.scenarios import SCENARIOS, play

    if name != "all" and name not in SCENARIOS:
        raise PersonError(f"there is no scenario {name!r}", fix="see mainmode simulate --scenarios")
    broken = []
    for each in SCENARIOS.values() if name == "all" else (SCENARIOS[name],):
        why = play(each, click.echo if trace else None)
        click.echo(f"{each.name}: {'broken' if why else 'as it should be'}")
        if why:
            broken.append(f"{why}\nreplay: mainmode simulate --scenario {each.name} --trace")
    if broken:
        raise Failed("\n".join(broken))
