"""What a seed stands for: hosts, their policies toward each other, weather, and how long.

Everything here is drawn before the simulation begins; what a policy change brings is drawn then.
"""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address, ip_network
from itertools import combinations
from random import Random

from mainmode import limits
from mainmode.auth.credentials import Credentials
from mainmode.model import AddressRange
from mainmode.policy.model import MainModeSettings, Policy, Profile, Rule
from mainmode.policy.words import parse_main_mode_offer
from mainmode.testing.simulation.ether import Weather
from mainmode.testing.simulation.host import Terms
from mainmode.testing.simulation.treatments import (
    KINDS,
    PRIVATE,
    SHARED,
    WORKING,
    Drawing,
    Side,
    Treatment,
)

_HOSTS = IPv4Address("10.0.0.0")
_NETWORKS = IPv4Address("172.16.0.0")
_KEY = b"Ew8tq2Zs7Lp4Xn9Vb5Rk"
_OFFERS = ("aes128-sha1-group1", "3des-sha1-group1", "des-md5-group1", "aes256-sha2-256-group1")
"""The smallest group: of a negotiation's 1.6 ms, Diffie-Hellman takes 0.3 with it."""
HOSTS_MAX = 250
_LIFETIMES_S = ((50, 300), (400, 900))
"""Of quick mode SAs: shorter and longer than the idle time."""
_SLACK_S = 90.0
"""A clock that was set back stands still for a minute."""

Pair = tuple[int, int]
"""Numbers of two hosts, the smaller first."""


@dataclass(frozen=True)
class Settings:
    """What a person may fix; None: drawn from the seed."""

    hosts: int | None = None
    hours: float | None = None
    weather: dict[str, float] = field(default_factory=dict)
    """Probabilities, by their names in `Weather`."""
    troubles: dict[str, int] = field(default_factory=dict)
    """How often each comes in a storm, by their names in `troubles`."""


@dataclass
class Plan:
    """The draw of one seed."""

    chance: Random
    sides: list[Side]
    treatments: dict[Pair, Treatment]
    main_modes: list[MainModeSettings]
    profiles: list[Profile]
    weather: Weather
    storm_s: float
    lifetime_s: tuple[int, int]
    kilobytes: tuple[int, int]

    @property
    def count(self) -> int:
        return len(self.sides)

    @property
    def lifetimes_s(self) -> float:
        """Every SA that stands now has ended by then, if nobody says anything: a pair that has
        carried something may be renewed once, and main mode SAs as long as pairs stand."""
        return 2 * (self.lifetime_s[1] + max(each.lifetime_s for each in self.main_modes))

    @property
    def recovery_s(self) -> float:
        """Within this time after the last fault every flow must have come to its fate: a quick
        mode and a main mode may each need a retry cycle."""
        return 2 * sum(self.main_modes[0].retry_intervals_s) + _SLACK_S

    def terms(self, number: int, version: int) -> Terms:
        """What this host is told now."""
        rules: list[Rule] = []
        for pair, treatment in self.treatments.items():
            if number in pair:
                rules += treatment.rules[pair.index(number)]
        policy = Policy(
            f"host {number} version {version}",
            tuple(rules),
            self.main_modes[number],
            self.profiles[number],
        )
        return Terms(policy, Credentials({SHARED: _KEY, PRIVATE: _KEY + bytes([number])}))

    def redraw(self, pair: Pair) -> None:
        """Other policies between two hosts."""
        self.treatments[pair] = self.draw(pair)

    def draw(self, pair: Pair, *, working: bool = False) -> Treatment:
        first, second = pair
        drawing = Drawing(
            self.chance, self.sides[first], self.sides[second], self.lifetime_s, self.kilobytes
        )
        kinds = [kind for kind, _ in KINDS if kind in WORKING or not working]
        weights = [weight for kind, weight in KINDS if kind in kinds]
        [kind] = self.chance.choices(kinds, weights)
        return kind(drawing)


def side(number: int) -> Side:
    network = ip_network((int(_NETWORKS) + 256 * number, 24))
    return Side(ip_address(int(_HOSTS) + 1 + number), AddressRange.network(network))


def draw_plan(chance: Random, settings: Settings) -> Plan:
    """Some pair of hosts always has something to negotiate."""
    count = settings.hosts or chance.choice((4, 4, 4, 4, 4, 4, 5, 6))
    weather = Weather(
        **{
            name: settings.weather.get(name, round(chance.uniform(0.01, 0.15), 3))
            for name in Weather.__dataclass_fields__
        }
    )
    plan = Plan(
        chance,
        [side(number) for number in range(count)],
        {},
        [_main_mode(chance) for _ in range(count)],
        [chance.choice(tuple(Profile)) for _ in range(count)],
        weather,
        storm_s=chance.uniform(60, 100),
        lifetime_s=chance.choice(_LIFETIMES_S),
        kilobytes=(50, 2_000),
    )
    for number, pair in enumerate(combinations(range(count), 2)):
        plan.treatments[pair] = plan.draw(pair, working=number % 2 == 0)
    return plan


def _main_mode(chance: Random) -> MainModeSettings:
    """All hosts have the first offer in common."""
    offers = [_OFFERS[0], *chance.sample(_OFFERS[1:], chance.randint(0, 2))]
    chance.shuffle(offers)
    return MainModeSettings(
        tuple(parse_main_mode_offer(offer) for offer in offers),
        chance.randint(120, 1_200),
        quick_modes_max=chance.choice((0, 0, 0, 3)),
        master_pfs=chance.random() < 0.1,
        dead_peer_s=chance.choice((0.0, 0.0, 20.0, 60.0)),
        fallback_after_s=chance.choice((limits.FALLBACK_S, 0.5)),
        fallback_on_mismatch=chance.random() < 0.2,
        in_cluster=chance.random() < 0.1,
        timeout_s=chance.choice((0, 0, 0, 90)),
    )
