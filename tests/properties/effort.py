"""How much property tests try: all that they say, or in a quick run a part of it."""

from hypothesis import HealthCheck, settings

_QUICK_SHARE = 0.05
_share = 1.0


def be_quick() -> None:
    """From now on; before the tests are collected."""
    global _share
    _share = _QUICK_SHARE


def examples(count: int, *, slow: bool = False) -> settings:
    """So many, or a part of them. slow: what makes them may take its time."""
    suppressed = [HealthCheck.too_slow] if slow else []
    return settings(max_examples=share_of(count), suppress_health_check=suppressed)


def share_of(count: int) -> int:
    return max(1, round(count * _share))
