"""Random and spoiled datagrams at an engine with live SAs, for a few seconds or as long as asked.

`pytest tests/fuzz --fuzz-seconds 600` is the long run.
"""

import time

import pytest

from tests.fuzz.siege import Siege

QUICK_S = 1
ROUND = 2_000
"""Datagrams until citizens are asked and everything begins anew."""


@pytest.mark.timeout(0)
def test_an_engine_under_siege_raises_nothing_and_serves_on(
    request: pytest.FixtureRequest,
) -> None:
    seconds = request.config.getoption("--fuzz-seconds")
    if request.config.getoption("--quick"):
        seconds = min(seconds, QUICK_S)
    deadline, seed, datagrams = time.monotonic() + seconds, 0, 0
    while time.monotonic() < deadline or not datagrams:
        siege = Siege(seed)
        try:
            for _ in range(ROUND):
                siege.attack()
            siege.require_peace()
        except BaseException:
            print(f"seed {seed}, datagram {siege.count}")
            raise
        datagrams += siege.count
        seed += 1
    print(f"{datagrams} datagrams in {seconds} s: {datagrams / seconds:.0f} each second")
