"""Nothing goes wrong without a word, and nothing is a mistake of ours."""

from typing import TYPE_CHECKING

from mainmode.engine.events import Event, NegotiationFailed
from mainmode.service.events import InternalError
from mainmode.testing.simulation.watch import Watcher

if TYPE_CHECKING:
    from mainmode.testing.simulation.host import Host


class Explained(Watcher):
    """Every failure says at which waiting point or why; and no programming error comes up."""

    name = "every failure is explained"

    def recorded(self, host: "Host", event: Event) -> None:
        if isinstance(event, InternalError):
            raise self.broken(f"{host}: {event.sentence}")
        if isinstance(event, NegotiationFailed) and not (
            event.failure.step or event.failure.detail
        ):
            raise self.broken(f"{host}: {event.sentence}")
