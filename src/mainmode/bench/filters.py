"""What it costs to find the pair that carries a packet, among few filters and among many.

The data plane is asked as it is for every packet that the host wants protected, without sealing:

    a new flow     the filter that decides, by the index, then the pair
    a known one    the pair, from the flow cache

Everything else that policy decides, the kernel's packet filter does: `rules` says how many rules a
packet passes at most there.
"""

from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv4Address
from time import perf_counter, process_time

from mainmode import limits
from mainmode.bench.figures import machine
from mainmode.driver.user import ruleset
from mainmode.driver.user.plane import DataPlane
from mainmode.driver.user.process import this_process
from mainmode.driver.user.table import Json
from mainmode.model import AddressRange, Direction, IpsecSa, Lifetime, Mode, SaPair, Selector
from mainmode.numbers import IpProtocol, ProtocolId
from mainmode.packets import ip
from mainmode.policy.model import (
    ANY,
    DEFAULT_QUICK_MODE_OFFERS,
    ME,
    Action,
    Filter,
    FilterAction,
    FilterList,
    Place,
    PlaceKind,
    Policy,
    Rule,
)
from mainmode.policy.selection import Selection

FEW, MANY = 10, 10_000
FLOWS = limits.FLOWS_KEPT_MAX
"""At once: as many as the data plane remembers."""
ROUNDS = 5
_HERE = IPv4Address("192.0.2.1")
_HOSTS = IPv4Address("10.0.0.0")
_NETWORKS = IPv4Address("172.16.0.0")
_PEERS = 4
"""Hosts with a pair, spread over all that have a filter."""


@dataclass(frozen=True, slots=True)
class FilterFigures:
    """Of a policy with so many filters; processor time in microseconds."""

    filters: int
    new_us: float
    known_us: float
    assign_ms: float
    """To compile the policy and to make the packet filter's table; loading it comes on top."""
    rules: int
    """Of the packet filter's longest chain."""


def compared() -> tuple[FilterFigures, FilterFigures]:
    """Few filters and many, measured in turns, the best of ROUNDS."""
    benches = [_Bench(FEW), _Bench(MANY)]
    rounds = [[bench.measure() for bench in benches] for _ in range(ROUNDS)]
    few, many = (
        bench.figures(min(each[at][0] for each in rounds), min(each[at][1] for each in rounds))
        for at, bench in enumerate(benches)
    )
    return few, many


def as_json(few: FilterFigures, many: FilterFigures) -> dict[str, object]:
    """For programs."""
    return {
        "filters": [few.filters, many.filters],
        "new_flow_us": [round(few.new_us, 3), round(many.new_us, 3)],
        "known_flow_us": [round(few.known_us, 3), round(many.known_us, 3)],
        "ratio_new": round(many.new_us / few.new_us, 3),
        "ratio_known": round(many.known_us / few.known_us, 3),
        "rules": [few.rules, many.rules],
        "assign_ms": [round(few.assign_ms, 1), round(many.assign_ms, 1)],
    }


def text(few: FilterFigures, many: FilterFigures) -> str:
    """For people."""
    lines = [
        f"processor time to find the pair of a packet, {FLOWS} flows, the best of {ROUNDS} rounds:"
    ]
    for name, one, other in (
        ("a new flow", few.new_us, many.new_us),
        ("a known flow", few.known_us, many.known_us),
    ):
        lines.append(
            f"  {name}: {one:.2f} us among {few.filters} filters, "
            f"{other:.2f} us among {many.filters} filters: ratio {other / one:.2f}"
        )
    lines.append(
        f"a packet passes at most {few.rules} and {many.rules} rules of the packet filter; "
        f"compiling takes {few.assign_ms:.1f} and {many.assign_ms:.0f} ms"
    )
    return "\n".join((*lines, machine()))


class _Bench:
    """One policy in a data plane."""

    def __init__(self, count: int) -> None:
        self._count = count
        began = perf_counter()
        self._selection = Selection(policy_of(count), [_HERE])
        table = ruleset.build(self._selection, device="bench", ike_ports=(limits.IKE_PORT,))
        self._assign_ms = (perf_counter() - began) * 1000
        self._rules = _longest_chain(table)
        self._plane = DataPlane(deliver=_nowhere, transmit=_nowhere, process=this_process)
        self._plane.assign(self._selection, 0.0)
        hosts = _hosts_of(count)
        peers = [_HOSTS + hosts * at // _PEERS for at in range(_PEERS)]
        for number, peer in enumerate(peers):
            for direction in (Direction.INBOUND, Direction.OUTBOUND):
                self._plane.install(_pair(number, peer), direction, 0.0)
        self._packets = [
            _packet(peers[number % _PEERS], number // _PEERS) for number in range(FLOWS)
        ]

    def measure(self) -> tuple[float, float]:
        """Microseconds for a new flow, and for a known one."""
        self._plane.follow(self._selection)
        return self._pass(), self._pass()

    def _pass(self) -> float:
        carrier = self._plane.carrier
        began = process_time()
        for packet in self._packets:
            if carrier(packet, 0.0) is None:
                raise RuntimeError("a packet of the benchmark has no pair")
        return (process_time() - began) / len(self._packets) * 1e6

    def figures(self, new_us: float, known_us: float) -> FilterFigures:
        return FilterFigures(self._count, new_us, known_us, self._assign_ms, self._rules)


def policy_of(count: int) -> Policy:
    """So many filters of this computer: four tenths are hosts to be protected, the others networks
    that are blocked, services that are permitted, and services of hosts."""
    fifth = count // 5
    protect = FilterAction("protect", Action.NEGOTIATE, DEFAULT_QUICK_MODE_OFFERS)
    permit, block = (FilterAction(each.value, each) for each in (Action.PERMIT, Action.BLOCK))
    hosts = [AddressRange.host(_HOSTS + at) for at in range(_hosts_of(count))]
    networks = [_network(_NETWORKS + (at << 8)) for at in range(fifth)]
    contents = (
        (protect, [_to(each) for each in hosts]),
        (block, [_to(each) for each in networks]),
        (permit, [Filter(ME, ANY, IpProtocol.TCP, 0, 1 + at) for at in range(fifth)]),
        (block, [_to(hosts[at], IpProtocol.UDP, 40_000 + at) for at in range(fifth)]),
    )
    return Policy(
        f"{count} filters",
        tuple(
            Rule(f"rule {number}", FilterList(f"list {number}", tuple(each)), action)
            for number, (action, each) in enumerate(contents)
        ),
    )


def _hosts_of(count: int) -> int:
    return count - 3 * (count // 5)


def _to(addresses: AddressRange, protocol: int = 0, port: int = 0) -> Filter:
    return Filter(ME, Place(PlaceKind.ADDRESSES, addresses), protocol, 0, port)


def _network(first: IPv4Address) -> AddressRange:
    return AddressRange(first, first + 255)


def _packet(peer: IPv4Address, number: int) -> bytes:
    """UDP to a port that no filter names, from a port for each flow."""
    ports = (1_024 + number).to_bytes(2, "big") + (9).to_bytes(2, "big")
    return ip.build(IpProtocol.UDP, _HERE.packed, peer.packed, ports + bytes(4))


def _pair(number: int, peer: IPv4Address) -> SaPair:
    def direction(spi: int) -> IpsecSa:
        return IpsecSa(spi, ProtocolId.ESP, "aes128", "sha1", bytes(16), bytes(20))

    return SaPair(
        direction(limits.SPI_MIN + 2 * number),
        direction(limits.SPI_MIN + 2 * number + 1),
        Mode.TRANSPORT,
        _HERE,
        peer,
        Selector(AddressRange.host(_HERE), AddressRange.host(peer)),
        Lifetime(3_600, 0),
    )


def _longest_chain(table: Json) -> int:
    rules = (each.get("add", {}).get("rule") for each in table["nftables"])
    return max(Counter(rule["chain"] for rule in rules if rule is not None).values())


def _nowhere(_packet: bytes) -> None:
    pass
