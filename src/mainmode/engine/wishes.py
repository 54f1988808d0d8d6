"""Wishes: quick modes that somebody asked for, and the turns they take under a main mode SA."""

from collections import deque
from dataclasses import dataclass, field

from mainmode.model import Path, Selector
from mainmode.policy.model import Authentication
from mainmode.policy.selection import Decision


@dataclass(slots=True)
class Wish:
    """A quick mode that somebody asked for."""

    path: Path
    decision: Decision
    weak_keys: int = 0
    """How often its keys came out weak so far."""
    passes_in_clear: bool = False
    """Whether it is for what a soft SA lets pass: then no other soft SA comes of it."""
    tried_again: bool = False
    """Whether it has had another main mode made already, after silence under the first or a NAT
    that may be none."""

    @property
    def authentications(self) -> tuple[Authentication, ...]:
        return self.decision.rule.authentication if self.decision.rule is not None else ()

    @property
    def key(self) -> tuple[Path, Selector | None]:
        return (self.path, self.decision.selector)


@dataclass(slots=True)
class Turns:
    """The quick modes we began under one main mode SA: how many run, which wait."""

    running: int = 0
    waiting: deque[Wish] = field(default_factory=deque)
