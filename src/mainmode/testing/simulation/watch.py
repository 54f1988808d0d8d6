"""What watches a simulation: hooks into hosts and network, and how a broken rule is reported."""

from typing import TYPE_CHECKING

from mainmode.driver.model_packets import Packet, Sealed
from mainmode.engine.events import Event
from mainmode.model import Direction, Path, SaPair, SoftSa

if TYPE_CHECKING:
    from mainmode.testing.simulation.host import Host
    from mainmode.testing.simulation.messages import Message
    from mainmode.testing.simulation.world import World


class Broken(BaseException):
    """An invariant does not hold, or a scenario did not come out as its rule says.

    No `Exception`: those that isolate programming errors from the service must not catch it.
    """

    def __init__(self, what: str, why: str, at: float) -> None:
        super().__init__(f"{what}: {why} (at {at:.3f} s)")
        self.what = what


class Watcher:
    """Base of all watchers; each overrides the hooks that it needs. `name` is the invariant's."""

    name = "unnamed"

    def __init__(self, world: "World") -> None:
        self.world = world

    def broken(self, why: str) -> Broken:
        """To be raised."""
        return Broken(self.name, why, self.world.now)

    # --- hooks ------------------------------------------------------------------------------

    def started(self, host: "Host") -> None:
        """A host has begun anew, with empty tables."""

    def received(self, host: "Host", path: Path, datagram: bytes) -> None:
        """An IKE message is about to reach the engine."""

    def said(self, host: "Host", message: "Message", datagram: bytes) -> None:
        """A host has sent an IKE message."""

    def recorded(self, host: "Host", event: Event) -> None:
        """The engine or the executor has recorded an event."""

    def installed(self, host: "Host", pair: SaPair, direction: Direction) -> None:
        """The driver has taken one half of a pair."""

    def removed(self, host: "Host", spi: int) -> None:
        """The driver has forgotten a pair or a promised SPI."""

    def permitted(self, host: "Host", soft: SoftSa) -> None:
        """A soft association begins."""

    def forbidden(self, host: "Host", number: int) -> None:
        """A soft association ends."""

    def left(self, host: "Host", packet: Packet | Sealed) -> None:
        """The driver puts a packet on the network."""

    def accepted(self, host: "Host", packet: Packet, spi: int) -> None:
        """A packet has come in to the host; spi: of the pair it came under, 0 in clear."""

    def stepped(self, host: "Host") -> None:
        """A host has dealt with one input."""

    def quiet(self) -> None:
        """No fault has struck for so long that everything must be in order."""

    def unsettled(self) -> str:
        """What is not yet as it must become when no fault strikes any more, or empty."""
        return ""

    def over(self) -> None:
        """All traffic has ended, and every lifetime."""


class Watchers:
    """All watchers of a world, and under each hook's name those that have a use for it: most hooks
    are called for every event, and most watchers look at one or two kinds."""

    def __init__(self) -> None:
        self.all: list[Watcher] = []
        self.started: list[Watcher] = []
        self.received: list[Watcher] = []
        self.said: list[Watcher] = []
        self.recorded: list[Watcher] = []
        self.installed: list[Watcher] = []
        self.removed: list[Watcher] = []
        self.permitted: list[Watcher] = []
        self.forbidden: list[Watcher] = []
        self.left: list[Watcher] = []
        self.accepted: list[Watcher] = []
        self.stepped: list[Watcher] = []

    def add(self, watcher: Watcher) -> None:
        self.all.append(watcher)
        for hook, those in vars(self).items():
            if hook != "all" and getattr(type(watcher), hook) is not getattr(Watcher, hook):
                those.append(watcher)
