"""Our responder and another one, measured in one run: the same initiator negotiates with both.

    host: initiator -- wire -- host: responder of ours
    host: initiator -- wire -- host: charon

Both pairs of hosts stand all the time, and small batches of negotiations go to one and the other
by turns, so that whatever else this computer does hits both. The first ones of each warm up and do
not count. Both responders are looked at from outside, in the same way.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from mainmode import limits
from mainmode.auth.authenticator import Role
from mainmode.bench import strongswan
from mainmode.bench.comparison import Comparison, Share
from mainmode.bench.ends import End, started
from mainmode.bench.ground import INITIATORS_NETWORK, RESPONDERS_NETWORK, TUNNELS
from mainmode.bench.station import Ready, Report, Task, serve
from mainmode.bench.usage import cpu_s_of, resident_octets
from mainmode.cli.outcome import Failed
from mainmode.demo.hosts import Host, two_hosts

BATCHES = 20
"""To each responder."""
WARM_UP_BATCHES = 4
"""So many of them do not count."""
_START_S = 30.0
_VERDICT_S = 60.0
"""An initiator gives a silent peer up after 47 s, and says why."""
_NEGOTIATION_S = 0.2
"""A responder that takes longer than this for each negotiation, and VERDICT_S, is stuck."""
_TABLE_LOCAL = 255
"""The kernel's table of what is its own (ip-route(8))."""
_SCOPE_HOST = 254
_PORTS = (limits.IKE_PORT, limits.NAT_PORT)


def against_strongswan(count: int, offer: str) -> Comparison:
    """So many negotiations with each responder. Raises Failed."""
    batch = -(-count // BATCHES)
    with ExitStack() as stack:
        ours = stack.enter_context(_contest(offer, batch, _ours))
        theirs = stack.enter_context(_contest(offer, batch, strongswan.responder))
        for number in range(BATCHES):
            for each in (ours, theirs) if number % 2 else (theirs, ours):
                each.negotiate(counts=number >= WARM_UP_BATCHES)
        return Comparison(offer, theirs.name, ours.share(), theirs.share())


@dataclass(slots=True)
class _Contest:
    """An initiator of ours and a responder."""

    batch: int
    initiator: End
    name: str
    """Of the responder."""
    responder: int
    """Its process."""
    elapsed_s: float = 0.0
    pairs: int = 0
    """That count."""
    _begun: "_Reading" = field(init=False)

    def negotiate(self, *, counts: bool) -> None:
        """One batch; when it is the first that counts, measuring begins before it."""
        if counts and not self.pairs:
            self._begun = _Reading.of(self)
        self.initiator.pipe.send(self.batch)
        report = self.initiator.word(Report, _VERDICT_S + self.batch * _NEGOTIATION_S)
        if report.failure:
            raise Failed(f"the {self.initiator.name}: {report.failure}")
        if counts:
            self.pairs += self.batch
            self.elapsed_s += report.elapsed_s

    def share(self) -> Share:
        now, begun = _Reading.of(self), self._begun
        return Share(
            self.pairs,
            self.elapsed_s,
            now.responder_cpu_s - begun.responder_cpu_s,
            now.initiator_cpu_s - begun.initiator_cpu_s,
            now.resident_octets - begun.resident_octets,
        )


@dataclass(frozen=True, slots=True)
class _Reading:
    """A look at both processes of a contest."""

    responder_cpu_s: float
    initiator_cpu_s: float
    resident_octets: int

    @classmethod
    def of(cls, contest: _Contest) -> "_Reading":
        initiator, responder = contest.initiator.process.pid, contest.responder
        return cls(cpu_s_of(responder), cpu_s_of(initiator or 0), resident_octets(responder))


Responder = Callable[[Host, str], AbstractContextManager[tuple[str, int]]]
"""Starts a responder on a host, with the offer of main mode; its name and its process, once it is
ready."""


@contextmanager
def _contest(offer: str, batch: int, responder: Responder) -> Iterator[_Contest]:
    with ExitStack() as stack:
        try:
            here, there = stack.enter_context(two_hosts())
            _answer_on(here, INITIATORS_NETWORK, there, RESPONDERS_NETWORK)
            _answer_on(there, RESPONDERS_NETWORK, here, INITIATORS_NETWORK)
        except (OSError, NetlinkError) as error:
            raise Failed(f"two hosts could not be joined: {error}") from None
        name, process = stack.enter_context(responder(there, offer))
        initiator = stack.enter_context(_station(Role.INITIATOR, here, offer))
        yield _Contest(batch, initiator, name, process)


def _answer_on(host: Host, network: str, other: Host, others_network: str) -> None:
    """The host has every address of its network, and a route to those of the other."""

    def configure(netlink: IPRoute) -> None:
        (loopback,) = netlink.link_lookup(ifname="lo")
        own = {"type": "local", "table": _TABLE_LOCAL, "scope": _SCOPE_HOST}
        netlink.route("add", dst=network, oif=loopback, **own)
        netlink.route("add", dst=others_network, gateway=other.address)

    host.netlink(configure)


@contextmanager
def _ours(host: Host, offer: str) -> Iterator[tuple[str, int]]:
    with _station(Role.RESPONDER, host, offer) as end:
        yield "mainmode", end.process.pid or 0


@contextmanager
def _station(role: Role, host: Host, offer: str) -> Iterator[End]:
    task = Task(role, 0, offer, _PORTS, limits.IKE_PORT, TUNNELS)
    with started(role.value, serve, task, launch=host.inside) as end:
        end.word(Ready, _START_S)
        yield end
