"""A simulation: hosts, the network between them, one clock, one source of chance, and watchers.

    world = World(seed=1)
    alice = world.add("alice", "192.0.2.1", Terms(policy, credentials))
    ...
    world.run(60.0)

The same seed gives the same run: the same trace, octet for octet.
"""

from collections.abc import Callable
from random import Random

from mainmode.driver.model_packets import Packet
from mainmode.model import AddressRange, IpAddress
from mainmode.testing.simulation.agenda import Agenda
from mainmode.testing.simulation.ether import Ether
from mainmode.testing.simulation.host import Host, Terms
from mainmode.testing.simulation.messages import Ledger
from mainmode.testing.simulation.tally import Tally
from mainmode.testing.simulation.watch import Watcher, Watchers

WatcherKind = Callable[["World"], Watcher]


class World:
    """See the module."""

    def __init__(
        self,
        seed: int,
        watchers: tuple[WatcherKind, ...] = (),
        trace: Callable[[str], None] | None = None,
    ) -> None:
        """trace: told everything that happens, a line each."""
        self.chance = Random(f"simulation {seed}")
        self.agenda = Agenda()
        self.tally = Tally()
        self.ledger = Ledger()
        self.ether = Ether(self)
        self.hosts: list[Host] = []
        self.watchers = Watchers()
        for kind in watchers:
            self.watchers.add(kind(self))
        self.awaited: dict[int, int | None] = {}
        """Numbers of packets whose fate counts: the SPI they came under, 0 in clear, None: not
        arrived yet."""
        self._trace = trace
        self._by_address: dict[IpAddress, Host] = {}
        self._behind: list[tuple[AddressRange, Host]] = []
        self._packets = 0

    # --- hosts ------------------------------------------------------------------------------

    def add(
        self, name: str, address: str, terms: Terms, behind: AddressRange | None = None
    ) -> Host:
        """A computer that is not started yet. behind: the network that it is the gateway of."""
        host = Host(self, name, address, terms)
        self.hosts.append(host)
        self._by_address[host.address] = host
        if behind is not None:
            self._behind.append((behind, host))
        return host

    def host_at(self, address: IpAddress) -> Host | None:
        """The host with this address, or the gateway of the network it belongs to."""
        host = self._by_address.get(address)
        if host is None:
            host = next((host for network, host in self._behind if address in network), None)
        return host

    # --- time -------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        return self.agenda.now

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        self.agenda.run(self.now + seconds)

    def require_quiet(self, settle_s: float = 60.0) -> None:
        """No fault has struck for some time: have all watchers look at everything, and give what
        takes time the time. Raises Broken."""
        for watcher in self.watchers.all:
            watcher.quiet()
        until = self.now + settle_s
        for watcher in self.watchers.all:
            while why := watcher.unsettled():
                if self.now >= until:
                    raise watcher.broken(why)
                self.run(1.0)

    def require_nothing_left(self) -> None:
        """Traffic and lifetimes are over."""
        for watcher in self.watchers.all:
            watcher.over()

    # --- packets ----------------------------------------------------------------------------

    def next_number(self, *, awaited: bool = False) -> int:
        """Of a packet that nobody else has. awaited: its fate counts."""
        self._packets += 1
        if awaited:
            self.awaited[self._packets] = None
        return self._packets

    def arrived(self, packet: Packet, spi: int) -> None:
        """A host has accepted a packet."""
        if packet.number in self.awaited:
            self.awaited[packet.number] = spi

    # --- trace ------------------------------------------------------------------------------

    @property
    def is_traced(self) -> bool:
        return self._trace is not None

    def note(self, host: Host, what: str) -> None:
        """A line of the trace."""
        if self._trace is not None:
            self._trace(f"{self.now:12.6f}  {host.name:<8} {what}")
