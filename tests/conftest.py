"""What every test run shares: which tests can run here, and an honest word about the others.

A test that needs something this machine lacks is not skipped: it is taken out before the run,
named with the reason at the end, and the run fails. `--quick` leaves out, on purpose and without
complaint, what takes long or needs a peer or a network of its own.
"""

import gc
from collections.abc import Callable, Iterator

import pytest

from tests.peers import ike_scan, network, strongswan
from tests.peers.guest import machine

NEEDS: dict[str, Callable[[], str]] = {
    "network": network.missing,
    "peer": strongswan.missing,
    "ike_scan": ike_scan.missing,
    "guest": machine.missing,
}
"""Marker to what its tests lack on this machine: a reason, or nothing."""

NOT_QUICK = (*NEEDS, "slow")

could_not_run = pytest.StashKey[dict[str, list[str]]]()
"""Reason to the tests it stops."""


@pytest.fixture(autouse=True)
def collector_as_before() -> Iterator[None]:
    """A service that runs inside a test tames the garbage collector of the whole process."""
    thresholds, callbacks = gc.get_threshold(), list(gc.callbacks)
    yield
    if gc.callbacks != callbacks or gc.get_threshold() != thresholds:
        gc.set_threshold(*thresholds)
        gc.callbacks[:] = callbacks
        gc.unfreeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick",
        action="store_true",
        help="only what needs no peer, no network of its own, and little time",
    )
    parser.addoption(
        "--fuzz-seconds",
        type=float,
        default=3.0,
        help="how long the engine is under siege (tests/fuzz)",
    )
    parser.addoption(
        "--stores",
        type=int,
        default=500,
        help="how many generated policy stores go through each round trip (tests/properties)",
    )
    parser.addoption(
        "--packets",
        type=int,
        default=3000,
        help="for how many generated packets explanation and drivers must agree (tests/properties)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    lacking = config.stash.setdefault(could_not_run, {})
    quick = config.getoption("--quick")
    reasons = {marker: need() for marker, need in NEEDS.items()} if not quick else {}
    keep: list[pytest.Item] = []
    leave: list[pytest.Item] = []
    for item in items:
        reason = next(
            (why for name, why in reasons.items() if why and item.get_closest_marker(name)), ""
        )
        if reason:
            lacking.setdefault(reason, []).append(item.nodeid)
        unwanted = quick and any(item.get_closest_marker(name) for name in NOT_QUICK)
        (leave if reason or unwanted else keep).append(item)
    items[:] = keep
    config.hook.pytest_deselected(items=leave)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.stash.get(could_not_run, {}) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for reason, tests in config.stash.get(could_not_run, {}).items():
        count = f"{len(tests)} test{'' if len(tests) == 1 else 's'}"
        terminalreporter.section(f"{count} could not run here: {reason}")
        for test in tests:
            terminalreporter.line(test)
