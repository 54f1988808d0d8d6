"""Logs: to the journal with its priorities when stderr is the journal, to stderr otherwise.

Source: sd-daemon(3) (`<N>` in front of a line), systemd.exec(5) (JOURNAL_STREAM).
"""

import logging
import os
import sys
from collections.abc import Mapping

from mainmode.errors import PersonError

LEVELS = ("debug", "info", "warning", "error")
"""What `mainmode log-level` takes."""

_ROOT = logging.getLogger("mainmode")
_SERVER = logging.getLogger("uvicorn")
_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.DEBUG, 7))
"""Level and syslog priority (RFC 5424 6.2.1), heaviest first."""


class JournalFormatter(logging.Formatter):
    """Every line begins with its priority; the journal adds time and name itself."""

    def format(self, record: logging.LogRecord) -> str:
        priority = next((n for level, n in _PRIORITIES if record.levelno >= level), 7)
        lines = super().format(record).splitlines() or [""]
        return "\n".join(f"<{priority}>{line}" for line in lines)


class TerminalFormatter(logging.Formatter):
    """Time and level in front; further lines of one record are indented."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", "\n    ")


def stderr_is_journal(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether what we write to stderr goes to the journal: JOURNAL_STREAM is device:inode."""
    try:
        device, inode = environment.get("JOURNAL_STREAM", "").split(":")
        status = os.fstat(sys.stderr.fileno())
        return (int(device), int(inode)) == (status.st_dev, status.st_ino)
    except (ValueError, OSError):
        return False


def start_logging(level: str) -> None:
    """Send what the service says to stderr or the journal."""
    handler = logging.StreamHandler()
    handler.setFormatter(JournalFormatter() if stderr_is_journal() else TerminalFormatter())
    for logger in (_ROOT, _SERVER):
        logger.handlers = [handler]
        logger.propagate = False
    _SERVER.setLevel(logging.WARNING)
    set_level(level)


def set_level(level: str) -> None:
    """Say more or less from now on. Raises PersonError for a level that does not exist."""
    if level not in LEVELS:
        raise PersonError(f"{level!r} is no log level", fix="one of " + ", ".join(LEVELS))
    _ROOT.setLevel(level.upper())


def current_level() -> str:
    return logging.getLevelName(_ROOT.getEffectiveLevel()).lower()
