"""What the demo plays on: two hosts, their services, a capture of the wire. It goes as it came."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mainmode.demo.hosts import WIRE, two_hosts
from mainmode.demo.service import Service
from mainmode.diagnosis.capture import Capture

RIGHT_KEY = "the key that alice and bob agreed upon"
WRONG_KEY = "a key that only bob believes to be right"


@dataclass(frozen=True)
class Stage:
    """Alice and bob with their services, not started yet, and who watches."""

    alice: Service
    bob: Service
    capture: Capture
    settings: tuple[frozenset[str], frozenset[str]]
    """Network settings of alice and bob before their services start."""

    @property
    def services(self) -> tuple[Service, Service]:
        return self.alice, self.bob


@contextmanager
def raised_stage() -> Iterator[Stage]:
    """Processes, networks and files last to the end of the block. Raises OSError."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mainmode-demo-")))
        left, right = stack.enter_context(two_hosts())
        alice = Service(left, right, folder / left.name)
        bob = Service(right, left, folder / right.name)
        captures: list[Capture] = []
        stack.callback(lambda: [each.stop() for each in captures])
        left.inside(lambda: captures.append(Capture(WIRE)))
        for service in (alice, bob):
            service.set_key(RIGHT_KEY)
            stack.callback(service.end)
        yield Stage(alice, bob, captures[0], (left.settings(), right.settings()))
