"""Pytest plugin (`-p tests.engine_coverage`): how many of the engine's branches the run has tried.

Fails the run below `REQUIRED_PERCENT`.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from coverage import Coverage

REQUIRED_PERCENT = 95.0

measured = pytest.StashKey[float]()

# Started with the plugin's import, before any test module imports the engine.
_coverage = Coverage(data_file=None, branch=True, source=["mainmode.engine"])
_coverage.start()


def pytest_sessionfinish(session: pytest.Session) -> None:
    _coverage.stop()
    with TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        _coverage.json_report(outfile=str(report))
        totals = json.loads(report.read_text())["totals"]
    percent = 100.0 * totals["covered_branches"] / totals["num_branches"]
    session.config.stash[measured] = percent
    if percent < REQUIRED_PERCENT and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    percent = config.stash[measured]
    verdict = "" if percent >= REQUIRED_PERCENT else f": too little, {REQUIRED_PERCENT} % is needed"
    terminalreporter.section(f"branches of the engine tried: {percent:.1f} %{verdict}")
    _coverage.report(file=terminalreporter._tw._file, show_missing=True, skip_covered=True)
