"""One seed from beginning to end: storms, recoveries, and everybody's farewell.

storm      bad weather and troubles, among traffic
recovery   nothing bad any more: every flow must come to its fate within a bounded time
farewell   SAs are deleted or left to time out: nothing may be left of them
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from mainmode import limits
from mainmode.driver.model import refuses_nothing
from mainmode.driver.model_packets import reverse
from mainmode.model import Flow
from mainmode.testing.simulation.chatter import Chatter
from mainmode.testing.simulation.host import Host
from mainmode.testing.simulation.invariants import ALL
from mainmode.testing.simulation.plan import Pair, Plan, Settings, draw_plan
from mainmode.testing.simulation.rules import Rules
from mainmode.testing.simulation.tally import Tally
from mainmode.testing.simulation.treatments import Fate
from mainmode.testing.simulation.troubles import TROUBLES
from mainmode.testing.simulation.watch import Broken
from mainmode.testing.simulation.world import World

NEGOTIATIONS_MIN = 20
"""A seed with fewer goes through another storm."""
_CHATTER_S = (8.0, 60.0)
_VAIN_S = (200.0, 500.0)
"""Between packets that come to nothing; each has its host try for half a minute."""
_ONE_WAY_SHARE = 0.25
"""Pairs of hosts of which only the first speaks."""
_PROBE_S = 5.0
_STRICT_S = 3.0
"""So long a packet has to arrive that must not arrive."""
_QUIET_S = 30.0
_LAST_PACKETS_S = limits.HELD_PACKET_S + 50.0
"""Whatever was said last has left or been given up, and what was begun for it is over."""
_GOODBYES_S = (0.0, 5.0, 5.0, 5.0)
"""Within such a time all hosts say goodbye, mostly one after the other: deletes that cross are not
acknowledged, and go out seven times."""
_FORGET_S = 200.0
"""Every retry cycle, half-open record and kept reply is over."""


@dataclass
class Outcome:
    """What became of one seed."""

    seed: int
    broken: str = ""
    """What was broken, or empty."""
    tally: Tally = field(default_factory=Tally)
    virtual_s: float = 0.0
    negotiations: int = 0
    actions: int = 0
    recovery_s: float = 0.0
    """How long the slowest flow took to recover."""
    slowest: str = ""
    """Which one that was."""


class Simulation:
    """One seed."""

    def __init__(
        self, seed: int, settings: Settings, trace: Callable[[str], None] | None = None
    ) -> None:
        self.seed = seed
        self.world = World(seed, (Rules, *ALL), trace)
        self._settings = settings
        self.plan: Plan = draw_plan(self.world.chance, settings)
        self._chatters: dict[Pair, list[Chatter]] = {}
        self._one_way: dict[Pair, bool] = {}
        self._versions = [0] * self.plan.count
        self._slowest = (0.0, "")
        for number, side in enumerate(self.plan.sides):
            terms = self.plan.terms(number, 0)
            self.world.add(f"h{number}", str(side.address), terms, side.network)

    def run(self) -> Outcome:
        outcome = Outcome(self.seed, tally=self.world.tally)
        try:
            self._live()
        except Broken as broken:
            outcome.broken = str(broken)
        except Exception:
            outcome.broken = f"no mistake of ours comes up: {traceback.format_exc()}"
        outcome.virtual_s = self.world.now
        outcome.negotiations = self.world.ledger.negotiations
        outcome.actions = self.world.agenda.count
        outcome.recovery_s, outcome.slowest = self._slowest
        return outcome

    def _live(self) -> None:
        for host in self.world.hosts:
            host.start()
        for pair in self.plan.treatments:
            self.retell(pair)
        hours = self._settings.hours
        while True:
            self._storm()
            self._recover()
            self.world.run(_QUIET_S)
            self.world.require_quiet()
            enough = self.world.ledger.negotiations >= NEGOTIATIONS_MIN
            if enough and self.world.now >= (hours or 0) * 3600:
                break
        self._farewell()

    # --- policies and traffic ---------------------------------------------------------------

    def retell(self, pair: Pair) -> None:
        """The two have something else to say to each other."""
        chance = self.world.chance
        for chatter in self._chatters.get(pair, []):
            chatter.stop()
        self._one_way[pair] = chance.random() < _ONE_WAY_SHARE
        self._chatters[pair] = [
            Chatter(host, flow, chance.uniform(*(_VAIN_S if fate is Fate.NOTHING else _CHATTER_S)))
            for host, flow, fate in self._flows(pair)
        ]

    def _flows(self, pair: Pair) -> list[tuple[Host, Flow, Fate]]:
        """Who speaks, what, and what must become of it."""
        first, second = (self.world.hosts[number] for number in pair)
        treatment = self.plan.treatments[pair]
        fate = treatment.fate
        flows = [(first, flow, fate) for flow in treatment.flows]
        if not self._one_way[pair]:
            flows += [(second, reverse(flow), fate) for flow in treatment.flows]
        return flows

    def assign(self, number: int) -> None:
        """A host gets the policy that is planned for it now."""
        self._versions[number] += 1
        self.world.hosts[number].assign(self.plan.terms(number, self._versions[number]))

    # --- acts -------------------------------------------------------------------------------

    def _storm(self) -> None:
        """Every trouble at least once."""
        world, chance, plan = self.world, self.world.chance, self.plan
        began = world.now
        world.ether.weather = plan.weather
        for name in self._troubles():
            moment = began + chance.uniform(5, plan.storm_s)
            world.agenda.at(moment, partial(self._trouble, name))
        world.run(plan.storm_s)
        world.ether.clear_up()
        for host in world.hosts:
            if not host.is_up:
                host.start()
            host.driver.refuses = refuses_nothing
        for number in range(plan.count):
            self.assign(number)

    def _troubles(self) -> list[str]:
        """Each as often as a person wants it; else each once, and some again."""
        chance, wanted = self.world.chance, self._settings.troubles
        drawn = list(TROUBLES) + chance.choices(list(TROUBLES), k=chance.randint(0, 3))
        names = [name for name in drawn if name not in wanted]
        return names + [name for name, count in wanted.items() for _ in range(count)]

    def _trouble(self, name: str) -> None:
        self.world.tally.faults[name] += 1
        TROUBLES[name](self)

    def _recover(self) -> None:
        """Every flow comes to its fate. Raises Broken when one does not."""
        world, began = self.world, self.world.now
        waiting = [
            _Probe(host, flow, fate)
            for pair in self.plan.treatments
            for host, flow, fate in self._flows(pair)
        ]
        dead = [probe for probe in waiting if probe.fate is Fate.NOTHING]
        waiting = [probe for probe in waiting if probe.fate is not Fate.NOTHING]
        while waiting:
            for probe in waiting:
                probe.send()
            world.run(_PROBE_S)
            waiting = [probe for probe in waiting if not probe.has_arrived()]
            if waiting:
                self._slowest = max(self._slowest, (world.now - began, str(waiting[0])))
            if waiting and world.now - began > self.plan.recovery_s:
                raise Broken(
                    "recovery",
                    f"{waiting[0]} after {world.now - began:.0f} s without a fault",
                    world.now,
                )
        for probe in dead:
            probe.send()
        world.run(_STRICT_S)
        for probe in dead:
            if probe.has_come_through():
                raise Broken("recovery", f"{probe}: it did", world.now)
        world.awaited.clear()

    def _farewell(self) -> None:
        world, chance = self.world, self.world.chance
        for chatters in self._chatters.values():
            for chatter in chatters:
                chatter.stop()
        world.run(_LAST_PACKETS_S)
        way = chance.choice(("close", "disconnect", "wait"))
        if way == "wait":
            world.run(self.plan.lifetimes_s)
        else:
            within_s = chance.choice(_GOODBYES_S)
            for host in world.hosts:
                leave = partial(self._leave, host, way)
                world.agenda.after(chance.uniform(0, within_s), leave)
            world.run(within_s)
        world.run(_FORGET_S)
        world.require_nothing_left()

    def _leave(self, host: Host, way: str) -> None:
        if way == "close":
            host.enter(host.engine.close)
        else:
            for peer in self.world.hosts:
                host.disconnect(peer)


class _Probe:
    """Packets of one flow, until one of them arrives as it should."""

    def __init__(self, host: Host, flow: Flow, fate: Fate) -> None:
        self.host = host
        self.flow = flow
        self.fate = fate
        self._numbers: list[int] = []

    def __str__(self) -> str:
        return f"{self.flow} of {self.host.name} {self.fate.value}"

    def send(self) -> None:
        self._numbers.append(self.host.say(self.flow, awaited=True))

    def has_arrived(self) -> bool:
        awaited = self.host.world.awaited
        spis = [awaited[number] for number in self._numbers]
        if self.fate is Fate.CLEAR:
            return 0 in spis
        return any(spis) or (self.fate is Fate.EITHER and 0 in spis)

    def has_come_through(self) -> bool:
        awaited = self.host.world.awaited
        return any(awaited[number] is not None for number in self._numbers)
