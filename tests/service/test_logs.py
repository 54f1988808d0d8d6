"""Logs to the journal or to a terminal."""

import logging
import os
import sys

import pytest

from mainmode.errors import PersonError
from mainmode.service import logs


def record(level: int, text: str) -> logging.LogRecord:
    return logging.LogRecord("mainmode", level, "file", 1, text, None, None)


def test_the_journal_gets_a_priority_on_every_line() -> None:
    said = logs.JournalFormatter().format(record(logging.WARNING, "one\ntwo"))
    assert said == "<4>one\n<4>two"
    assert logs.JournalFormatter().format(record(logging.ERROR, "")) == "<3>"
    assert logs.JournalFormatter().format(record(logging.DEBUG, "x")) == "<7>x"


def test_a_terminal_gets_time_and_level() -> None:
    said = logs.TerminalFormatter().format(record(logging.INFO, "one\ntwo"))
    assert said[19:] == " INFO    one\n    two"


def test_the_journal_is_recognised_by_device_and_inode(
    capfd: pytest.CaptureFixture[str],
) -> None:
    status = os.fstat(sys.stderr.fileno())
    same = f"{status.st_dev}:{status.st_ino}"
    other = f"{status.st_dev}:{status.st_ino + 1}"
    assert logs.stderr_is_journal({"JOURNAL_STREAM": same})
    for stream in (other, "", "nonsense", "1:2:3"):
        assert not logs.stderr_is_journal({"JOURNAL_STREAM": stream})
    assert not logs.stderr_is_journal({})


def test_the_level_changes_at_run_time() -> None:
    before = logs.current_level()
    try:
        for level in logs.LEVELS:
            logs.set_level(level)
            assert logs.current_level() == level
    finally:
        logging.getLogger("mainmode").setLevel(logging.NOTSET)
    assert logs.current_level() == before


def test_a_level_that_does_not_exist_is_the_persons_mistake() -> None:
    with pytest.raises(PersonError, match="'loud' is no log level"):
        logs.set_level("loud")
