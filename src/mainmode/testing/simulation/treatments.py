"""What two hosts' policies say of each other, in all its kinds, and what must come of it.

A treatment has rules for both sides, the traffic between them, and the fate of that traffic once
everything has settled. Its flows are written as the first host sees them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from random import Random

from mainmode.model import AddressRange, Flow, IpAddress, Lifetime
from mainmode.numbers import IpProtocol
from mainmode.policy.model import (
    ME,
    Action,
    Authentication,
    Filter,
    FilterAction,
    FilterList,
    Method,
    Place,
    PlaceKind,
    QuickModeOffer,
    Rule,
)
from mainmode.policy.words import parse_group, parse_quick_mode_offer

SHARED, PRIVATE = "shared", "private"
"""Names of preshared keys: one that all hosts have, one under which each has another."""

_SUITES = ("esp:aes128-sha1", "esp:3des-sha1", "esp:des-md5", "esp:aes256-sha2-256", "ah:sha1")
_GROUP = "group1"


class Fate(Enum):
    """What becomes of a flow's packets in the end."""

    PROTECTED = "arrives protected"
    CLEAR = "arrives in clear"
    EITHER = "arrives"
    NOTHING = "does not arrive"


@dataclass(frozen=True)
class Side:
    """One host, as far as others' policies name it."""

    address: IpAddress
    network: AddressRange
    """What it is the gateway of."""


@dataclass(frozen=True)
class Treatment:
    """What two hosts' policies say of each other, and what comes of it."""

    rules: tuple[tuple[Rule, ...], ...]
    """The first host's and the second's."""
    flows: list[Flow]
    """From the first host to the second; the second may speak too."""
    fate: Fate


@dataclass(frozen=True)
class Drawing:
    """What treatments are drawn from."""

    chance: Random
    first: Side
    second: Side
    lifetime_s: tuple[int, int]
    """Of quick mode SAs, from and to."""
    kilobytes: tuple[int, int]

    @property
    def flows(self) -> list[Flow]:
        """What passes between the two themselves."""
        return [_tcp(self.first.address, self.second.address, 80)]

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.first, self.second

    def offer(self, suite: str) -> QuickModeOffer:
        """With a lifetime of its own: the two sides need not agree about that."""
        chance = self.chance
        kilobytes = chance.randint(*self.kilobytes) if chance.random() < 0.3 else 0
        lifetime = Lifetime(chance.randint(*self.lifetime_s), kilobytes)
        return replace(parse_quick_mode_offer(suite), lifetime=lifetime)

    def action(
        self, suites: list[str], *, pfs: bool = False, can_do_without: bool = False
    ) -> FilterAction:
        """Negotiate; can_do_without: clear comes in, and goes out to who does not negotiate."""
        group = parse_group(_GROUP) if pfs and self.chance.random() < 0.5 else None
        offers = tuple(self.offer(suite) for suite in suites)
        return FilterAction(
            "negotiate",
            Action.NEGOTIATE,
            offers,
            accept_unsecured=can_do_without,
            allow_fallback=can_do_without,
            session_pfs=pfs,
            session_pfs_group=group,
        )


def _rule(
    name: str,
    action: FilterAction,
    *filters: Filter,
    secret: str = SHARED,
    tunnel: IpAddress | None = None,
) -> Rule:
    methods = (Authentication(Method.PRESHARED_KEY, secret),)
    authentication = methods if action.action is Action.NEGOTIATE else ()
    return Rule(name, FilterList(name, filters), action, authentication, tunnel_endpoint=tunnel)


def _toward(peer: Side) -> Filter:
    return Filter(ME, _place(AddressRange.host(peer.address)))


def _place(addresses: AddressRange) -> Place:
    return Place(PlaceKind.ADDRESSES, addresses)


def _tcp(local: IpAddress, remote: IpAddress, port: int) -> Flow:
    return Flow(local, remote, IpProtocol.TCP, 40_000 + port, port)


# --- the kinds ------------------------------------------------------------------------------------


def protect(drawing: Drawing) -> Treatment:
    """Both want protection for everything between them."""
    chance, (first, second) = drawing.chance, drawing.sides
    suites = chance.sample(_SUITES, chance.randint(1, 2))
    pfs = chance.random() < 0.3
    rules = tuple(
        (_rule(f"protect {peer.address}", drawing.action(suites, pfs=pfs), _toward(peer)),)
        for peer in (second, first)
    )
    return Treatment(rules, drawing.flows, Fate.PROTECTED)


def by_port(drawing: Drawing) -> Treatment:
    """Each of some TCP ports of the second host has a quick mode of its own; the rest is clear."""
    chance, (first, second) = drawing.chance, drawing.sides
    ports = chance.sample(range(1, 1000), 4)
    suite = chance.choice(_SUITES)
    here, there = (
        tuple(
            _rule(
                f"port {port}",
                drawing.action([suite]),
                Filter(source, destination, protocol=IpProtocol.TCP, destination_port=port),
            )
            for port in ports
        )
        for source, destination in (
            (ME, _place(AddressRange.host(second.address))),
            (_place(AddressRange.host(first.address)), ME),
        )
    )
    flows = [_tcp(first.address, second.address, port) for port in ports]
    return Treatment((here, there), flows, Fate.PROTECTED)


def tunnel(drawing: Drawing) -> Treatment:
    """The networks behind the two are joined."""
    first, second = drawing.sides
    suite = drawing.chance.choice(_SUITES)
    rules = tuple(
        (
            _rule(
                f"tunnel to {far.address}",
                drawing.action([suite]),
                Filter(_place(near.network), _place(far.network)),
                tunnel=far.address,
            ),
        )
        for near, far in ((first, second), (second, first))
    )
    flows = [_tcp(first.network.first + 9, second.network.first + 9, 80)]
    return Treatment(rules, flows, Fate.PROTECTED)


def request(drawing: Drawing) -> Treatment:
    """Both ask for protection and can do without."""
    first, second = drawing.sides
    suite = drawing.chance.choice(_SUITES)
    rules = tuple(
        (
            _rule(
                f"request {peer.address}",
                drawing.action([suite], can_do_without=True),
                _toward(peer),
            ),
        )
        for peer in (second, first)
    )
    return Treatment(rules, drawing.flows, Fate.EITHER)


def one_sided(drawing: Drawing) -> Treatment:
    """The first requires protection, the second knows nothing of it."""
    action = drawing.action([drawing.chance.choice(_SUITES)])
    rules = ((_rule("require", action, _toward(drawing.second)),), ())
    return Treatment(rules, drawing.flows, Fate.NOTHING)


def fallback(drawing: Drawing) -> Treatment:
    """The first wants protection and can do without, the second knows nothing of it."""
    suites = [drawing.chance.choice(_SUITES)]
    rules = (
        (_rule("prefer", drawing.action(suites, can_do_without=True), _toward(drawing.second)),),
        (),
    )
    return Treatment(rules, drawing.flows, Fate.CLEAR)


def wrong_key(drawing: Drawing) -> Treatment:
    """Both want protection and have different keys."""
    first, second = drawing.sides
    suite = drawing.chance.choice(_SUITES)
    rules = tuple(
        (
            _rule(
                f"protect {peer.address}",
                drawing.action([suite]),
                _toward(peer),
                secret=PRIVATE,
            ),
        )
        for peer in (second, first)
    )
    return Treatment(rules, drawing.flows, Fate.NOTHING)


def nothing_in_common(drawing: Drawing) -> Treatment:
    """Both want protection, by different algorithms."""
    first, second = drawing.sides
    suites = drawing.chance.sample(_SUITES, 2)
    rules = tuple(
        (_rule(f"protect {peer.address}", drawing.action([suite]), _toward(peer)),)
        for peer, suite in ((second, suites[0]), (first, suites[1]))
    )
    return Treatment(rules, drawing.flows, Fate.NOTHING)


def clear(drawing: Drawing) -> Treatment:
    """No rule on either side."""
    return Treatment(((), ()), drawing.flows, Fate.CLEAR)


def block(drawing: Drawing) -> Treatment:
    """The first blocks the second."""
    action = FilterAction("block", Action.BLOCK)
    rules = ((_rule(f"block {drawing.second.address}", action, _toward(drawing.second)),), ())
    return Treatment(rules, drawing.flows, Fate.NOTHING)


KINDS: tuple[tuple[Callable[[Drawing], Treatment], int], ...] = (
    (protect, 10),
    (by_port, 4),
    (tunnel, 4),
    (request, 4),
    (fallback, 2),
    (one_sided, 2),
    (wrong_key, 2),
    (clear, 3),
    (block, 3),
    (nothing_in_common, 1),
)
"""Each kind with its weight."""
WORKING = (protect, by_port, tunnel, request)
"""Those that end in SAs."""
