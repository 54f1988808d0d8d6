"""Where a scenario plays: two hosts or more, and a record of all that they say and report.

    alice, bob = stage.two()
    stage.lose("quick mode message 3", 1)
    number = alice.say(stage.flow(alice, bob), awaited=True)
    stage.run(1.0)
    stage.require(stage.protected(number), "the packet arrives")

The invariants watch as in every simulation.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from mainmode import limits
from mainmode.engine.events import Event, NegotiationFailed, QuickModeEnded
from mainmode.failures import Reason
from mainmode.model import AddressRange, Flow, Lifetime
from mainmode.numbers import IpProtocol
from mainmode.policy.model import Policy, Profile, QuickModeOffer, Rule
from mainmode.policy.words import parse_quick_mode_offer
from mainmode.testing.samples import CREDENTIALS, policy, rule
from mainmode.testing.simulation.host import Host, Terms
from mainmode.testing.simulation.invariants import ALL
from mainmode.testing.simulation.watch import Broken, Watcher
from mainmode.testing.simulation.world import World

if TYPE_CHECKING:
    from mainmode.testing.simulation.messages import Message

E = TypeVar("E", bound=Event)

MAIN_MODE = "aes128-sha1-group1"
_NAMES = ("alice", "bob", "carol", "dave", "erin")
_NETWORK = "192.0.2."
_ALL = "192.0.2.0/24"
_BEHIND = "10.0.{}.0/24"


class Said(NamedTuple):
    """One sending of a message."""

    at: float
    sender: Host
    name: str
    times: int
    octets: bytes


class Happened(NamedTuple):
    at: float
    host: Host
    event: Event


class Recorder(Watcher):
    """Keeps everything."""

    name = "recorder"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.messages: list[Said] = []
        self.events: list[Happened] = []

    def said(self, host: Host, message: "Message", datagram: bytes) -> None:
        said = Said(self.world.now, host, message.name, message.said.times, datagram)
        self.messages.append(said)

    def recorded(self, host: Host, event: Event) -> None:
        self.events.append(Happened(self.world.now, host, event))


class Stage:
    """One scenario's world."""

    def __init__(self, name: str, trace: Callable[[str], None] | None = None) -> None:
        self.name = name
        self.world = World(0, trace=trace)
        self._kept = Recorder(self.world)
        for watcher in (self._kept, *(kind(self.world) for kind in ALL)):
            self.world.watchers.add(watcher)
        self._ports = count(1000)

    # --- hosts ------------------------------------------------------------------------------

    def two(self, alice: Policy | None = None, bob: Policy | None = None) -> tuple[Host, Host]:
        """Alice and Bob, who both require protection if nothing else is said; without a word for
        Bob he has Alice's policy."""
        alice = alice or secure()
        hosts = self.hosts(alice, bob or alice)
        return hosts[0], hosts[1]

    def hosts(self, *policies: Policy) -> list[Host]:
        return [
            self.host(name, number, each)
            for number, (name, each) in enumerate(zip(_NAMES, policies, strict=False), 1)
        ]

    def host(self, name: str, number: int, assigned: Policy) -> Host:
        """Started, at 192.0.2.number, with 10.0.number.0/24 behind it."""
        behind = AddressRange.parse(_BEHIND.format(number))
        host = self.world.add(name, f"{_NETWORK}{number}", Terms(assigned, CREDENTIALS), behind)
        host.start()
        return host

    def flow(self, host: Host, peer: Host, port: int = 80) -> Flow:
        """From a new port of one host to this TCP port of the other."""
        return Flow(host.address, peer.address, IpProtocol.TCP, next(self._ports), port)

    # --- acts -------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        self.world.run(seconds)

    def until(self, moment: float) -> None:
        self.world.run(moment - self.world.now)

    def talk(self, host: Host, flow: Flow, seconds: float, every_s: float = 1.0) -> list[int]:
        """So long a packet now and then; the numbers of all."""
        numbers = []
        until = self.world.now + seconds
        while self.world.now < until:
            numbers.append(host.say(flow, awaited=True))
            self.run(every_s)
        return numbers

    def connect(self, host: Host, peer: Host) -> int:
        """A packet that is answered by a negotiation; its number."""
        number = host.say(self.flow(host, peer), awaited=True)
        self.run(1.0)
        self.require(self.protected(number), "the first packet arrives protected")
        return number

    def let_go(self, host: Host) -> None:
        """Its only pair, as if it had been idle: the peer is told, unless that is lost."""
        [pair] = host.engine.quick_mode_sas()
        host.enter(lambda now: host.engine.idle(pair.pair.spi, now))

    def lose(self, name: str, times: int = 1_000_000, sender: Host | None = None) -> None:
        """Sendings of this message are lost, so many; `all`: of every message."""
        left = [times]

        def loses(host: Host, message: "Message") -> bool:
            if (name not in ("all", message.name)) or sender not in (None, host) or not left[0]:
                return False
            left[0] -= 1
            return True

        self.world.ether.loses = loses

    def lose_nothing(self) -> None:
        self.world.ether.loses = None

    # --- what has happened ------------------------------------------------------------------

    def times(self, host: Host, name: str) -> list[float]:
        """When a host has said a message."""
        return [
            round(said.at, 3)
            for said in self._kept.messages
            if said.sender is host and said.name == name
        ]

    def messages(self, name: str = "") -> list[Said]:
        """All sendings, or those of one message."""
        return [said for said in self._kept.messages if name in ("", said.name)]

    def events(self, host: Host, kind: type[E]) -> list[tuple[float, E]]:
        """When a host has reported what."""
        return [
            (round(each.at, 3), each.event)
            for each in self._kept.events
            if each.host is host and isinstance(each.event, kind)
        ]

    def failures(self, host: Host, reason: Reason | None = None) -> list[float]:
        """When negotiations of a host have failed, for this reason."""
        return [
            at
            for at, event in self.events(host, NegotiationFailed)
            if reason in (None, event.failure.reason)
        ]

    def ended(self, host: Host, why: str) -> list[float]:
        """When pairs of a host have ended like this."""
        return [at for at, event in self.events(host, QuickModeEnded) if event.why == why]

    def protected(self, *numbers: int) -> bool:
        """Whether these packets have all arrived protected."""
        return all(self.world.awaited.get(number) for number in numbers)

    def in_clear(self, *numbers: int) -> bool:
        """Whether they have all arrived in clear."""
        return all(self.world.awaited.get(number) == 0 for number in numbers)

    def lost(self, *numbers: int) -> list[int]:
        """Those of them that have not arrived."""
        return [number for number in numbers if self.world.awaited.get(number) is None]

    # --- verdicts ---------------------------------------------------------------------------

    def require(self, holds: object, what: str) -> None:
        """Raises Broken."""
        if not holds:
            raise Broken(self.name, f"not so: {what}", self.world.now)

    def equal(self, found: object, expected: object, what: str) -> None:
        """Raises Broken."""
        if found != expected:
            raise Broken(self.name, f"{what}: {found}, not {expected}", self.world.now)

    def pairs(self, host: Host, count: int, what: str = "pairs stand") -> None:
        """The host has so many pairs, in engine and driver."""
        found = (len(host.engine.quick_mode_sas()), len(host.driver.pairs()))
        self.equal(found, (count, count), f"{what} at {host.name}")

    def main_modes(self, host: Host, count: int) -> None:
        self.equal(len(host.engine.main_mode_sas()), count, f"main mode SAs at {host.name}")


# --- policies -------------------------------------------------------------------------------------


def offer(
    suite: str = "esp:aes128-sha1", seconds: int = 3_600, kilobytes: int = 0
) -> QuickModeOffer:
    return replace(parse_quick_mode_offer(suite), lifetime=Lifetime(seconds, kilobytes))


def with_offers(one: Rule, *offers: QuickModeOffer, accept_unsecured: bool = False) -> Rule:
    """The rule with these offers."""
    action = replace(one.filter_action, offers=offers, accept_unsecured=accept_unsecured)
    return replace(one, filter_action=action)


def secure(
    *offers: QuickModeOffer,
    fallback: bool = False,
    accept_unsecured: bool = False,
    lifetime_s: int = limits.MAIN_MODE_LIFETIME_S,
    dead_peer_s: float = 0.0,
    main_mode: str = MAIN_MODE,
    fallback_on_mismatch: bool = False,
    profile: Profile = Profile.MODERN,
) -> Policy:
    """Protection for everything between this host and the others.

    fallback: clear traffic with who does not answer; on_mismatch: or says that it will not do.
    accept_unsecured: clear packets come in. main_mode: the offer.
    lifetime_s: of main mode SAs. dead_peer_s: silence before a peer is asked whether it lives.
    """
    protect = with_offers(
        rule(destination=_ALL, fallback=fallback),
        *(offers or (offer(),)),
        accept_unsecured=accept_unsecured,
    )
    secured = policy(
        protect,
        main_mode=main_mode,
        lifetime_s=lifetime_s,
        fallback_on_mismatch=fallback_on_mismatch,
        profile=profile,
    )
    return with_main_mode(secured, dead_peer_s=dead_peer_s)


def with_main_mode(one: Policy, **settings: Any) -> Policy:  # noqa: ANN401 - fields of the settings
    """The same policy with other settings of main mode."""
    return replace(one, main_mode=replace(one.main_mode, **settings))


def ports(
    *numbers: int, here: bool = True, quick_modes_max: int = 0, master_pfs: bool = False
) -> Policy:
    """Protection for each of these TCP ports apart: of the others, or (not here) ours."""
    ends = ("me", _ALL) if here else (_ALL, "me")
    rules = [
        with_offers(rule(*ends, protocol=IpProtocol.TCP, port=number, name=f"{number}"), offer())
        for number in numbers
    ]
    return policy(
        *rules, main_mode=MAIN_MODE, quick_modes_max=quick_modes_max, master_pfs=master_pfs
    )


NOTHING = Policy("nothing")
"""No rules: everything passes, nobody is answered."""
