"""A day in the life of two hundred hosts, each of which talks to five others."""

from itertools import count
from random import Random

import pytest

from mainmode.model import Flow
from mainmode.testing.samples import CREDENTIALS, policy, rule
from mainmode.testing.simulation.host import Host, Terms
from mainmode.testing.simulation.invariants import ALL
from mainmode.testing.simulation.rules import Rules
from mainmode.testing.simulation.stage import MAIN_MODE, offer, with_offers
from mainmode.testing.simulation.world import World

DAY_S = 86_400.0
PAUSE_S = (100.0, 280.0)
"""Between two packets of a flow: shorter than the idle time."""


class Day:
    """Hosts with the lifetimes that are usual: an hour for pairs, eight for main modes."""

    def __init__(self, hosts: int, friends: int) -> None:
        self.world = World(1, (Rules, *ALL))
        secured = policy(with_offers(rule(destination="10.0.0.0/16"), offer()), main_mode=MAIN_MODE)
        self.hosts = [
            self.world.add(f"h{number}", f"10.0.0.{number + 1}", Terms(secured, CREDENTIALS))
            for number in range(hosts)
        ]
        self.chance = Random(1)
        self.numbers: list[int] = []
        self.talks = True
        ports = count(1_000)
        for host in self.hosts:
            host.start()
        for place, host in enumerate(self.hosts):
            for step in range(1, friends + 1):
                friend = self.hosts[(place + step * 7) % hosts]
                there = Flow(host.address, friend.address, 6, next(ports), 80)
                back = Flow(friend.address, host.address, 6, 80, there.local_port)
                self._later(host, friend, there, back)

    def _later(self, host: Host, friend: Host, there: Flow, back: Flow) -> None:
        def speak() -> None:
            if self.talks:
                self.numbers.append(host.say(there, awaited=True))
                self.world.agenda.after(0.5, answer)
                self._later(host, friend, there, back)

        def answer() -> None:
            self.numbers.append(friend.say(back, awaited=True))

        self.world.agenda.after(self.chance.uniform(*PAUSE_S), speak)


def live(hosts: int, friends: int, seconds: float) -> Day:
    day = Day(hosts, friends)
    day.world.run(seconds)
    day.talks = False
    day.world.run(10.0)
    day.world.require_quiet()
    lost = [number for number in day.numbers if not day.world.awaited.get(number)]
    assert lost == []
    return day


def test_an_hour_of_ten() -> None:
    day = live(10, 3, 4_000.0)
    rules = day.world.tally.rules
    assert rules["pair expired soft"] >= 60
    assert rules["pair expired hard"] == 0
    day.world.run(30_000.0)
    day.world.require_nothing_left()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_day_of_two_hundred() -> None:
    """No packet of half a million is lost, and in the end nothing is left."""
    day = live(200, 5, DAY_S)
    rules = day.world.tally.rules
    assert len(day.numbers) > 500_000
    assert rules["quick mode as initiator"] > 200 * 5 * 20
    assert rules["main mode as initiator"] >= 200 * 5 * 3
    assert rules["quick mode timed out"] == rules["main mode timed out"] == 0
    day.world.run(40_000.0)
    day.world.require_nothing_left()
