"""The list of scenarios."""

from collections.abc import Callable
from dataclasses import dataclass

from mainmode.testing.simulation.stage import Stage

Story = Callable[[Stage], None]


@dataclass(frozen=True)
class Scenario:
    name: str
    rule: str
    """What it shows, in a sentence."""
    run: Story


SCENARIOS: dict[str, Scenario] = {}
"""By name, in the order of the files."""


def scenario(rule: str) -> Callable[[Story], Story]:
    """Put a story on the list, under its function's name."""

    def register(story: Story) -> Story:
        name = story.__name__.replace("_", "-")
        SCENARIOS[name] = Scenario(name, rule, story)
        return story

    return register
