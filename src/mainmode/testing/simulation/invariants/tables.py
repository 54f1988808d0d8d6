"""Every timer belongs to a live thing, everything that waits has a timer, and nothing leaks."""

from typing import TYPE_CHECKING

from mainmode.testing.simulation import anatomy
from mainmode.testing.simulation.watch import Watcher

if TYPE_CHECKING:
    from mainmode.testing.simulation.host import Host
    from mainmode.testing.simulation.world import World


class Timers(Watcher):
    """Looked at after every event that has changed something."""

    name = "every timer belongs to a live thing"

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._shapes: dict[Host, tuple[int, ...]] = {}

    def stepped(self, host: "Host") -> None:
        if not host.is_up:
            return
        shape = anatomy.shape(host.engine)
        if self._shapes.get(host) != shape:
            self._shapes[host] = shape
            self._look(host)

    def quiet(self) -> None:
        for host in self.world.hosts:
            if host.is_up:
                self._look(host)

    def _look(self, host: "Host") -> None:
        for why in anatomy.timers_astray(host.engine):
            raise self.broken(f"{host}: {why}")


class NothingLeft(Watcher):
    """Once everything is deleted or has timed out, all tables are empty."""

    name = "nothing leaks"

    def over(self) -> None:
        for host in self.world.hosts:
            if not host.is_up:
                continue
            left = {name: count for name, count in anatomy.tables(host.engine).items() if count}
            driver = host.driver
            left |= {
                name: count
                for name, count in (
                    ("pairs in the driver", len(driver.pairs())),
                    ("promised SPIs", driver.promised),
                    ("soft associations", len(driver.soft_associations())),
                    ("packets that wait", driver.waiting),
                )
                if count
            }
            if left:
                raise self.broken(f"{host} still has {left}")
