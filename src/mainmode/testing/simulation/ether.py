"""What lies between the hosts: it delays, and in bad weather loses, doubles, spoils and forges.

Forgers see everything that passes and have no key.
"""

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from mainmode.driver.model_packets import Packet, Sealed
from mainmode.model import IpAddress, Path
from mainmode.testing.faults import FORGERS
from mainmode.testing.mutations import mutate

if TYPE_CHECKING:
    from collections.abc import Callable

    from mainmode.testing.simulation.host import Host
    from mainmode.testing.simulation.messages import Message
    from mainmode.testing.simulation.world import World

_LATENESS_S = 2.5
"""How late a reordered datagram comes at most: past the first two retries."""
_SEEN_MAX = 300
"""What forgers remember."""


@dataclass(frozen=True)
class Weather:
    """The probability of each fault, for each datagram and packet."""

    loss: float = 0.0
    duplication: float = 0.0
    lateness: float = 0.0
    corruption: float = 0.0
    forgery: float = 0.0
    replay: float = 0.0


CLEAR_SKY = Weather()


class Datagram(NamedTuple):
    """An IKE message under way; path as its receiver sees it."""

    path: Path
    octets: bytes


Cargo = Datagram | Packet | Sealed


class _Seen(NamedTuple):
    goal: "Host"
    cargo: Cargo


class Ether:
    """The network of one world."""

    def __init__(self, world: "World", delay_s: float = 0.01) -> None:
        self._world = world
        self._delay_s = delay_s
        self.weather = CLEAR_SKY
        self.cut: dict[tuple[IpAddress, IpAddress], float] = {}
        """Ways that are interrupted, from here to there, and until when."""
        self.loses: Callable[[Host, Message], bool] | None = None
        """In scenarios: which IKE messages of a host get lost."""
        self.rewrites: Callable[[Host, Message, bytes], bytes] | None = None
        """In scenarios: what other software would have said in a host's place."""
        self._seen: deque[_Seen] = deque(maxlen=_SEEN_MAX)

    def carry_datagram(self, source: "Host", path: Path, octets: bytes) -> None:
        """A host has sent an IKE message; path as the host sees it."""
        world = self._world
        message = world.ledger.enter(source.address, octets, source.engine_time, source.offset_s)
        if world.is_traced:
            again = "" if message.is_first else f" again ({message.said.times})"
            digest = message.said.digest.hex()[:8]
            told = f"{message.name}{again} to {path.peer}: {len(octets)} octets {digest}"
            world.note(source, f"sends {told}")
        for watcher in world.watchers.said:
            watcher.said(source, message, octets)
        goal = world.host_at(path.peer.address)
        if goal is None:
            return
        if self.loses is not None and self.loses(source, message):
            world.note(source, f"loses {message.name}")
            return
        if self.rewrites is not None:
            octets = self.rewrites(source, message, octets)
        self._carry(source, goal, Datagram(path.reversed, octets))

    def carry_packet(self, source: "Host", packet: Packet | Sealed) -> None:
        """A host's driver has sent a packet."""
        address = packet.destination if isinstance(packet, Sealed) else packet.flow.remote
        goal = self._world.host_at(address)
        if goal is not None:
            self._carry(source, goal, packet)

    def interrupt(self, source: "Host", goal: "Host", seconds: float) -> None:
        """Nothing passes from here to there for so long."""
        self.cut[source.address, goal.address] = self._world.now + seconds

    def clear_up(self) -> None:
        """The weather is good again, and every way open."""
        self.weather = CLEAR_SKY
        self.cut.clear()

    # --- faults -----------------------------------------------------------------------------

    def _carry(self, source: "Host", goal: "Host", cargo: Cargo) -> None:
        if self.cut and self._is_cut(source, goal):
            self._struck("partition", goal)
            return
        if self.weather is CLEAR_SKY:
            self._bring(goal, cargo)
            return
        weather, happens = self.weather, self._happens
        self._seen.append(_Seen(goal, cargo))
        if happens(weather.forgery):
            self._forge(source, goal, cargo)
        if happens(weather.replay):
            old = self._world.chance.choice(self._seen)
            self._struck("replay", old.goal)
            self._bring(old.goal, old.cargo)
        copies = 1
        if happens(weather.duplication):
            self._struck("duplication", goal)
            copies = 2
        for _ in range(copies):
            self._expose(goal, cargo)

    def _expose(self, goal: "Host", cargo: Cargo) -> None:
        """One copy to what may happen to it."""
        weather = self.weather
        if self._happens(weather.loss):
            self._struck("loss", goal)
            return
        if self._happens(weather.corruption):
            self._struck("corruption", goal)
            spoiled = self._spoil(cargo)
            if spoiled is None:
                return
            cargo = spoiled
        late_s = 0.0
        if self._happens(weather.lateness):
            self._struck("lateness", goal)
            late_s = self._world.chance.uniform(0, _LATENESS_S)
        self._bring(goal, cargo, late_s)

    def _is_cut(self, source: "Host", goal: "Host") -> bool:
        until = self.cut.get((source.address, goal.address))
        if until is None:
            return False
        if self._world.now >= until:
            del self.cut[source.address, goal.address]
            return False
        return True

    def _happens(self, probability: float) -> bool:
        return self._world.chance.random() < probability

    def _struck(self, fault: str, goal: "Host") -> None:
        self._world.tally.faults[fault] += 1
        self._world.note(goal, f"... {fault}")

    def _bring(self, goal: "Host", cargo: Cargo, late_s: float = 0.0) -> None:
        if isinstance(cargo, Datagram):
            self._world.agenda.after(self._delay_s + late_s, lambda: goal.hear(*cargo))
        else:
            self._world.agenda.after(self._delay_s + late_s, lambda: goal.take(cargo))

    # --- what noise and forgers make --------------------------------------------------------

    def _spoil(self, cargo: Cargo) -> Cargo | None:
        """None: a packet in clear, whose checksum shows it."""
        chance = self._world.chance
        if isinstance(cargo, Datagram):
            return Datagram(cargo.path, mutate(chance, [cargo.octets]))
        if isinstance(cargo, Sealed):
            return cargo._replace(seal=chance.randbytes(len(cargo.seal)))
        return None

    def _forge(self, source: "Host", goal: "Host", cargo: Cargo) -> None:
        """Something arrives that nobody of ours has sent."""
        self._struck("forgery", goal)
        chance = self._world.chance
        if isinstance(cargo, Datagram):
            seen = [each.cargo.octets for each in self._seen if isinstance(each.cargo, Datagram)]
            forged = chance.choice(FORGERS)(chance, cargo.octets, seen)
            self._bring(goal, Datagram(cargo.path, forged))
            return
        packet = cargo.packet if isinstance(cargo, Sealed) else cargo
        if isinstance(cargo, Packet) or chance.random() < 0.5:
            flow = replace(packet.flow, local=source.address, remote=goal.address)
            self._bring(goal, Packet(flow, self._world.next_number(), packet.octets))
        elif chance.random() < 0.5:
            self._bring(goal, cargo._replace(spi=chance.randrange(1, 1 << 32)))
        else:
            self._bring(goal, cargo._replace(sequence=cargo.sequence + chance.randrange(1, 99)))
