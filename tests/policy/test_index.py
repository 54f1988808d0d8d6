"""The index of filters: it finds what a plain list would, at a cost that does not grow with the
number of filters. Work is counted, not timed."""

from collections import Counter
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from random import Random

import pytest

from mainmode.model import AddressRange, Direction, Flow, IpAddress, Selector
from mainmode.policy.filters import CompiledFilter, by_specificity
from mainmode.policy.index import FilterIndex
from mainmode.policy.model import FilterAction, Policy
from mainmode.policy.selection import Selection
from tests.policy.policies import (
    BLOCK,
    HERE,
    NEGOTIATE,
    PERMIT,
    flow,
    rule,
    selector,
    traffic,
)

MANY = 10_000
_NETWORK = int(ip_address("10.0.0.0"))


def compiled(
    selectors: Iterable[Selector], action: FilterAction = NEGOTIATE
) -> list[CompiledFilter]:
    """In deciding order."""
    one = rule("one", action)
    made = (CompiledFilter(one, each, True, True) for each in selectors)
    return sorted(made, key=by_specificity)


def host(number: int) -> AddressRange:
    return AddressRange.host(IPv4Address(_NETWORK + number))


ME = AddressRange.host(HERE)
ANYWHERE = AddressRange.parse("0.0.0.0/0")
SHAPES: dict[str, Callable[[int], Selector]] = {
    "hosts": lambda number: Selector(ME, host(number)),
    "services": lambda number: Selector(ME, ANYWHERE, 6, 0, 1 + number),
    "services of hosts": lambda number: Selector(ME, host(number % 100), 17, 0, 1 + number),
    "networks": lambda number: Selector(
        ME, AddressRange(IPv4Address(number << 8), IPv4Address((number << 8) + 255))
    ),
    "ranges": lambda number: Selector(
        ME, AddressRange(IPv4Address((number << 8) + 3), IPv4Address((number << 8) + 200))
    ),
    "pairs of networks": lambda number: Selector(
        AddressRange.parse("10.1.0.0/16"),
        AddressRange(IPv4Address(number << 8), IPv4Address((number << 8) + 255)),
    ),
}


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a filter was compared with a flow."""
    count = Counter[str]()
    compare = Selector.matches

    def counting(self: Selector, flow: Flow) -> bool:
        count["compared"] += 1
        return compare(self, flow)

    monkeypatch.setattr(Selector, "matches", counting)
    return count


@pytest.mark.parametrize("shape", list(SHAPES))
def test_a_lookup_costs_as_much_among_ten_thousand_as_among_ten(
    shape: str, compared: Counter[str]
) -> None:
    work = {}
    for count in (10, MANY):
        made = [SHAPES[shape](number) for number in range(count)]
        index = FilterIndex(compiled(made))
        for number in (0, 5, count - 1):
            wanted = made[number]
            hit = Flow(
                wanted.local.first,
                wanted.remote.last,
                wanted.protocol or 6,
                wanted.local_port or 1_024,
                wanted.remote_port or 2_048,
            )
            found = index.first(hit)
            assert found is not None
            assert found.selector == wanted
        assert index.first(flow("192.0.2.1", "203.0.113.9", "icmp")) is None
        work[count] = (compared.total(), index.shapes)
        compared.clear()
    assert work[10] == work[MANY] == (3, 1)


def test_a_mixed_policy_costs_one_step_for_each_shape(compared: Counter[str]) -> None:
    everything = [shape(number) for shape in SHAPES.values() for number in range(MANY // 6)]
    index = FilterIndex(compiled(everything))
    assert index.shapes <= len(SHAPES) + 1
    random = Random(7)
    for _ in range(1_000):
        remote = IPv4Address(random.randrange(1 << 32))
        index.first(Flow(HERE, remote, random.choice((1, 6, 17)), 1_024, random.randrange(1 << 16)))
    assert compared.total() <= 1_000 * index.shapes


def test_it_finds_what_a_plain_list_finds() -> None:
    random = Random(11)

    def addresses() -> AddressRange:
        kind = random.randrange(4)
        first = random.randrange(1 << 10)
        if kind == 0:
            return host(first)
        if kind == 1:
            return ANYWHERE
        if kind == 2:
            bits = random.randrange(1, 10)
            start = first >> bits << bits
            return AddressRange(
                IPv4Address(_NETWORK + start), IPv4Address(_NETWORK + start + (1 << bits) - 1)
            )
        return AddressRange(
            IPv4Address(_NETWORK + first), IPv4Address(_NETWORK + first + random.randrange(300))
        )

    def made() -> Selector:
        protocol = random.choice((0, 1, 6, 17))
        ports = (random.choice((0, 0, 80, 443)) if protocol in (6, 17) else 0 for _ in range(2))
        return Selector(addresses(), addresses(), protocol, *ports)

    ordered = compiled((made() for _ in range(150)), BLOCK)
    ordered += compiled((made() for _ in range(150)), PERMIT)
    ordered.sort(key=by_specificity)
    index = FilterIndex(ordered)
    found = 0
    for _ in range(5_000):
        local, remote = (IPv4Address(_NETWORK + random.randrange(1 << 10)) for _ in range(2))
        ports = (random.choice((80, 443, 1_024)) for _ in range(2))
        sought = Flow(local, remote, random.choice((1, 6, 17)), *ports)
        plain = next((each for each in ordered if each.selector.matches(sought)), None)
        assert index.first(sought) is plain
        found += plain is not None and plain.selector.remote is not ANYWHERE
    assert found > 1_000


def test_versions_do_not_meet() -> None:
    """Networks of both have the same numbers here."""
    six = Selector(AddressRange.host(IPv6Address(1)), AddressRange.parse("::/0"))
    four = Selector(AddressRange.host(IPv4Address(1)), ANYWHERE)
    index = FilterIndex(compiled([six, four]))
    ends: list[tuple[IpAddress, IpAddress, Selector]] = [
        (IPv6Address(1), IPv6Address(9), six),
        (IPv4Address(1), IPv4Address(9), four),
    ]
    for local, remote, expected in ends:
        found = index.first(Flow(local, remote, 6))
        assert found is not None
        assert found.selector is expected


def test_a_selection_keeps_an_index_for_each_direction() -> None:
    shut = rule("shut", BLOCK, traffic("10.0.0.9", "me", mirrored=False))
    secure = rule("secure", NEGOTIATE, traffic("me", "10.0.0.0/8"))
    made = Selection(Policy("test", (shut, secure)), [HERE])
    packet = flow("192.0.2.1", "10.0.0.9", "tcp", 1_024, 80)
    assert made.decide(packet).rule is secure
    assert made.decide(packet, Direction.INBOUND).rule is shut
    assert made.decide(packet).selector == selector("192.0.2.1", "10.0.0.9")
