"""What an event costs does not depend on how many SAs stand."""

import json
import subprocess
import sys
from types import FrameType

import pytest

from mainmode.bench.crowd import Costs, Crowd

MAINMODE = (sys.executable, "-m", "mainmode", "bench", "crowd")


def calls(crowd: Crowd, number: int) -> int:
    """How many functions one visit takes."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(note)
    try:
        crowd.visit(number)
    finally:
        sys.setprofile(None)
    return count


def test_among_many_no_event_does_more_than_among_few() -> None:
    """Time would depend on the machine; what is done does not."""
    few, many = Crowd(10), Crowd(2_000)
    for crowd in (few, many):
        crowd.visit(0)
    assert calls(many, 1) == pytest.approx(calls(few, 1), rel=0.02)


@pytest.mark.slow
def test_every_kind_of_event_is_measured() -> None:
    words = ["--few", "10", "--many", "100", "--rounds", "3", "--json"]
    done = subprocess.run([*MAINMODE, *words], capture_output=True, check=True, timeout=120)
    measured = json.loads(done.stdout)
    assert (measured["few"], measured["many"]) == (10, 100)
    assert len(measured["events"]) == 5
    for costs in measured["events"].values():
        assert costs["few_us"] > 0
        assert costs["ratio"] == pytest.approx(costs["many_us"] / costs["few_us"], abs=0.01)


def test_costs_read_well() -> None:
    costs = Costs(1_000, 50_000, {"a timer": (20e-6, 30e-6)})
    heading, line, _ = costs.text.splitlines()
    assert heading.split()[-5:] == ["1,000", "SAs", "50,000", "SAs", "ratio"]
    assert line.split()[-5:] == ["20.0", "us", "30.0", "us", "1.50"]
