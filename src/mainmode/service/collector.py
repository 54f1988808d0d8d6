"""Python's cyclic garbage collector, kept from looking at every SA again and again.

A negotiation leaves no cycles behind: what it has made is freed when the last name of it goes. The
collector still looks through everything that stands each time it runs in full, and with 50,000 SAs
that takes longer than a peer waits. So what a full run has found in use is set aside for good; the
next one looks at what has come since. (What is set aside is still freed when nobody names it.)
"""

import gc

_THRESHOLDS = (1_000, 5, 4)
"""New objects before the young are looked through; that many times, before the older; and all."""


def tame_collector() -> None:
    """Collect now, set aside what stands, and go on like that."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    if _set_aside not in gc.callbacks:
        gc.callbacks.append(_set_aside)


def _set_aside(phase: str, info: dict[str, int]) -> None:
    """After a full run, what it has left is in use."""
    if phase == "stop" and info["generation"] == len(_THRESHOLDS) - 1:
        gc.freeze()
