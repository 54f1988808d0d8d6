"""Stories of their own: one for each rule of the engine, which it fails without that rule.

Talks to: `stage`, where they play.
"""

import traceback
from collections.abc import Callable
from importlib import import_module

from mainmode.testing.simulation.scenarios.registry import SCENARIOS, Scenario
from mainmode.testing.simulation.stage import Stage
from mainmode.testing.simulation.watch import Broken

for _subject in (
    "retransmission",
    "half_open",
    "negotiating",
    "restarts",
    "endings",
    "rekeying",
    "clear",
    "driver",
    "forgery",
    "clocks",
    "agreements",
    "others",
    "trust",
):
    import_module(f"{__name__}.{_subject}")

__all__ = ["SCENARIOS", "Scenario", "play"]


def play(scenario: Scenario, trace: Callable[[str], None] | None = None) -> str:
    """What is broken, or empty."""
    stage = Stage(scenario.name, trace)
    try:
        scenario.run(stage)
        stage.world.require_quiet()
    except Broken as broken:
        return str(broken)
    except Exception:
        return f"{scenario.name}: {traceback.format_exc()}"
    return ""
