"""Durations and volumes as people write them: 8h, 3600s, 100MB, 100000kB.

A kB is 1024 octets, as in IKE's lifetimes; an MB is 1000 kB and a GB 1000 MB, as on Windows'
policy pages (100 MB stand there for 100,000 kB).
"""

import re
from decimal import Decimal

from mainmode.policy.mistakes import WordError

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_KILOBYTES = {"GB": 1_000_000, "MB": 1_000, "kB": 1}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([dhms])")
_VOLUME = re.compile(r"([0-9]+)\s*(kB|KB|MB|GB)")

DURATION_FORM = "a number with d, h, m or s, such as 8h or 3600s"
VOLUME_FORM = "a whole number with kB, MB or GB, such as 100MB or 100000kB"


def is_volume(text: str) -> bool:
    return text.upper().endswith("B")


def parse_duration(text: str) -> float:
    """Seconds. Raises: WordError."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise WordError(f"{text!r} is no duration", f"write {DURATION_FORM}")
    return float(match[1]) * _SECONDS[match[2]]


def parse_whole_duration(text: str) -> int:
    """Seconds, of which there must be a whole number. Raises: WordError."""
    seconds = parse_duration(text)
    if not seconds.is_integer():
        raise WordError(f"{text!r} is not a whole number of seconds", f"write {DURATION_FORM}")
    return int(seconds)


def parse_volume(text: str) -> int:
    """Kilobytes of 1024 octets. Raises: WordError."""
    match = _VOLUME.fullmatch(text.strip())
    if match is None:
        raise WordError(f"{text!r} is no volume", f"write {VOLUME_FORM}")
    return int(match[1]) * _KILOBYTES[match[2].replace("K", "k")]


def format_duration(seconds: int) -> str:
    """In the largest unit that gives a whole number: 8h, 90m, 3601s."""
    return _in_largest(seconds, _SECONDS)


def format_interval(seconds: float) -> str:
    """Like `format_duration`, for parts of a second too: 8h, 0.5s."""
    if float(seconds).is_integer():
        return format_duration(int(seconds))
    return f"{Decimal(repr(seconds)):f}s"


def format_volume(kilobytes: int) -> str:
    """In the largest unit that gives a whole number: 100MB, 4608kB."""
    return _in_largest(kilobytes, _KILOBYTES)


def _in_largest(amount: int, units: dict[str, int]) -> str:
    """`units` stand largest first and end with 1."""
    unit = next(name for name, size in units.items() if size == 1 or (amount and not amount % size))
    return f"{amount // units[unit]}{unit}"
