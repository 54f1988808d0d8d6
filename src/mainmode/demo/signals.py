"""Ctrl-C and friends end a command like an error, so that everything it made is taken down."""

import signal
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_on_signals() -> None:
    """From now on they raise SystemExit."""

    def end(number: int, _: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    for number in _SIGNALS:
        signal.signal(number, end)


def ignore_signals() -> None:
    """Nobody interrupts the taking down."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
