"""Two hosts and a network between them, and what tests ask about them."""

from collections.abc import Callable, Iterable
from ipaddress import ip_address

from mainmode.auth.credentials import Credentials
from mainmode.engine.events import NegotiationFailed
from mainmode.engine.timers import TimerKind
from mainmode.failures import Failure
from mainmode.model import Endpoint, Flow, IpsecSa, Mode, Path, SaPair
from mainmode.numbers import ExchangeType
from mainmode.policy.model import Policy
from mainmode.testing.network import Fault, Host, Nat, Network, faithful
from mainmode.testing.samples import CREDENTIALS, policy, rule
from mainmode.wire.header import Header, parse_header_untrusted
from mainmode.wire.message import parse_message_untrusted
from mainmode.wire.payloads import Payload

ALICE, BOB = "192.0.2.1", "192.0.2.2"
RETRY_CYCLE_S = 47.0
STALE_TIMERS = 65
"""So many cancelled timers may still be in the heap."""
LIFETIMES = (TimerKind.MAIN_MODE_LIFETIME, TimerKind.KEEPALIVE)
LONG_ENOUGH_S = 200.0
"""Every retry cycle, half-open record and kept reply is over."""


def no_nats(_alice: Host, _bob: Host) -> Iterable[Nat]:
    return ()


class Scene:
    """Alice, who begins, Bob, and the network between them."""

    def __init__(
        self,
        alice_policy: Policy | None = None,
        bob_policy: Policy | None = None,
        *,
        alice: str = ALICE,
        bob: str = BOB,
        alice_credentials: Credentials = CREDENTIALS,
        bob_credentials: Credentials = CREDENTIALS,
        fault: Fault = faithful,
        seed: int = 0,
        nats: Callable[[Host, Host], Iterable[Nat]] = no_nats,
    ) -> None:
        """nats: those between Alice and Bob."""
        alice_policy = alice_policy or policy()
        self.alice = Host(alice, alice_policy, alice_credentials, seed=seed)
        self.bob = Host(bob, bob_policy or alice_policy, bob_credentials, seed=seed)
        self.network = Network(self.alice, self.bob, fault=fault, nats=nats(self.alice, self.bob))

    def connect(self, until_s: float = 1.0) -> "Scene":
        """Alice connects to Bob, and time passes."""
        self.network.connect(self.alice, self.bob)
        self.network.run(until_s)
        return self

    def acquire(self, host: Host, flow: Flow) -> None:
        """The driver of a host holds a packet."""
        peer = self.bob if host is self.alice else self.alice
        self.network.do(host, host.engine.acquire(flow, host.path_to(peer), self.network.now))

    def flow(self, port: int) -> Flow:
        """From Alice to a TCP port of Bob's."""
        return Flow(self.alice.address, self.bob.address, 6, 50_000, port)

    @property
    def datagrams(self) -> list[bytes]:
        """Everything that was sent, in order."""
        return [sent.datagram for sent in self.network.sent]

    def sent_by(self, host: Host) -> list[bytes]:
        return [
            sent.datagram for sent in self.network.sent if sent.path.local.address == host.address
        ]

    def times(self, datagram: bytes) -> list[float]:
        """When this datagram was sent, in seconds since the first time."""
        network = self.network
        sent = zip(network.sent, network.sent_at, strict=True)
        moments = [at for each, at in sent if each.datagram == datagram]
        return [round(at - moments[0], 3) for at in moments]

    def require_agreement(self, pairs: int = 1) -> None:
        """Both hosts have so many pairs, mirrored, with equal keys; and main mode keys agree."""
        alice, bob = self.alice, self.bob
        for host in (alice, bob):
            assert len(host.inbound) == pairs
            assert host.inbound == host.outbound
            assert host.promised == set(host.inbound)
            assert {sa.pair.spi for sa in host.engine.quick_mode_sas()} == host.promised
        theirs = {pair.outbound.spi: pair for pair in bob.inbound.values()}
        for pair in alice.inbound.values():
            require_mirrored(pair, theirs[pair.inbound.spi])
        main_modes = {sa.cookies: sa.keys for sa in bob.engine.main_mode_sas()}
        for sa in alice.engine.main_mode_sas():
            assert main_modes[sa.cookies] == sa.keys


def port_scene(*ports: int, missing: int = 0, fault: Fault = faithful, seed: int = 0) -> Scene:
    """Policy has a filter for each of these TCP ports of Bob's: a quick mode for each. missing:
    the port that Bob's policy lacks."""
    return Scene(
        policy(*(rule(protocol=6, port=port) for port in ports)),
        policy(*(rule("any", "me", protocol=6, port=port) for port in ports if port != missing)),
        fault=fault,
        seed=seed,
    )


def require_mirrored(ours: SaPair, theirs: SaPair) -> None:
    assert keys(ours.inbound) == keys(theirs.outbound)
    assert keys(ours.outbound) == keys(theirs.inbound)
    assert ours.mode is theirs.mode
    if ours.udp is None or ours.mode is Mode.TUNNEL:  # a NAT changes the addresses of hosts
        here, there = ours.selector, theirs.selector
        assert (here.local, here.remote) == (there.remote, there.local)


def keys(sa: IpsecSa) -> tuple[object, ...]:
    """Everything about one direction; the octets that repr hides included."""
    return (sa.spi, sa.protocol, sa.cipher, sa.integrity, sa.cipher_key, sa.integrity_key)


def numbers() -> dict[str, int]:
    """From each message to its number among all that are sent when nothing goes wrong."""
    steps = [f"main mode message {number}" for number in range(1, 7)]
    quick = [f"quick mode message {number}" for number in range(1, 4)]
    found = {}
    for number, datagram in enumerate(Scene().connect().datagrams):
        exchange = header(datagram).exchange
        if exchange != ExchangeType.INFORMATIONAL:
            found[(steps if exchange == ExchangeType.MAIN else quick).pop(0)] = number
    return found


def failures(host: Host) -> list[Failure]:
    return [event.failure for event in host.of(NegotiationFailed)]


def failure(host: Host) -> Failure:
    """The only one."""
    [only] = failures(host)
    return only


def header(datagram: bytes) -> Header:
    return parse_header_untrusted(datagram)


def payloads(datagram: bytes) -> tuple[Payload, ...]:
    """Of a message in clear."""
    return parse_message_untrusted(datagram).payloads


def tables(host: Host) -> dict[str, int]:
    """How much of each kind the engine still remembers, SAs and their lifetimes aside."""
    engine = host.engine
    negotiations, desk = engine._negotiations, engine._desk
    return {
        "exchanges": len(negotiations.exchanges),
        "exchanges under way": sum(map(len, negotiations.exchanges._under_way.values())),
        "wishes": negotiations.waiting,
        "parked wishes": sum(map(len, negotiations._parked.values())),
        "turns": len(negotiations._turns),
        "half-open": len(engine._half_open),
        "timers": sum(timer.kind not in LIFETIMES for timer in desk.timers._at),
        "too many timers of nothing": max(
            0, len(desk.timers._heap) - 2 * len(desk.timers) - STALE_TIMERS
        ),
        "jobs": len(desk._jobs),
        "SPIs without a pair": len(host.promised - set(host.inbound)),
    }


def state(host: Host) -> dict[str, object]:
    """Everything that a datagram may change once it is admitted, to compare."""
    engine = host.engine
    negotiations, associations = engine._negotiations, engine._associations
    return {
        "exchanges": {
            key: (
                exchange.cky_r,
                exchange.awaits.name if exchange.awaits else None,
                exchange.finished,
                exchange.authentic,
                exchange.last_block,
                exchange._envelope.iv if exchange._envelope else None,
                exchange._received,
                exchange._sent,
                exchange._retries,
                exchange._replies,
            )
            for key, exchange in negotiations.exchanges._by_key.items()
        },
        "half-open": {each.cookies: each.replies for each in engine._half_open},
        "timers": dict(engine._desk.timers._at),
        "jobs": set(engine._desk._jobs),
        "wishes": set(negotiations._wishes),
        "main modes": {
            cookies: (sa.last_block, frozenset(sa.used_message_ids), sa.usable)
            for cookies, sa in associations.main_modes.items()
        },
        "quick modes": set(associations.quick_modes),
        "driver": (set(host.promised), set(host.inbound), set(host.outbound)),
    }


def path(local: str, peer: str, *, local_port: int = 500, peer_port: int = 500) -> Path:
    return Path(Endpoint(ip_address(local), local_port), Endpoint(ip_address(peer), peer_port))
