"""What looking filters up costs. That it does not grow is counted in `policy/test_index.py` and
`driver/test_bundles.py`; time is measured here, and only roughly judged: machines are busy."""

import json
import subprocess
import sys

import pytest

from mainmode.bench.filters import FEW, MANY, policy_of

BENCH = (sys.executable, "-m", "mainmode", "bench", "filters")
RATIO_MAX = 5.0
"""A plain list would be some hundred times slower."""


@pytest.mark.parametrize("count", [FEW, MANY])
def test_the_policies_have_as_many_filters_as_they_say(count: int) -> None:
    assert sum(len(rule.filter_list.filters) for rule in policy_of(count).rules) == count


@pytest.mark.slow
def test_both_policies_are_measured() -> None:
    done = subprocess.run(
        [*BENCH, "--json"], capture_output=True, text=True, check=False, timeout=120
    )
    figures = json.loads(done.stdout)
    assert figures["filters"] == [FEW, MANY]
    for kind in ("new", "known"):
        few, many = figures[f"{kind}_flow_us"]
        assert few > 0
        assert figures[f"ratio_{kind}"] == pytest.approx(many / few, rel=0.05)
        assert many / few < RATIO_MAX
    few, many = figures["rules"]
    assert few == many


@pytest.mark.slow
def test_people_read_sentences() -> None:
    done = subprocess.run(BENCH, capture_output=True, text=True, check=False, timeout=120)
    assert "a known flow: " in done.stdout
    assert "among 10000 filters: ratio " in done.stdout
    assert done.returncode == 0
