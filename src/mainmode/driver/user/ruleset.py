"""Policy as a table of nftables: which packets pass, which are dropped, which need protection.

    hook         for                              a negotiate filter there
    output       packets made here                marks: `routing` leads them into the device
    prerouting   packets passing through          marks for a tunnel, drops for transport mode
                 packets out of the device        (marked for the reverse path test)
    postrouting  everything that leaves           drops what is marked but takes another way
    input        packets for this host            drops what did not come out of the device
    forward      packets passing through          drops what did not come out of the device

Filters stand in deciding order, each ending in a verdict, so the first that matches decides. Those
that can be judged together share a rule and a set (`bundles`).
Above them stand the exemptions of `policy.selection`, what the driver itself sends, ESP, AH and
IPv6 neighbour discovery. The driver's packets are known by their mark: later fragments of ESP in
UDP have no ports.

A negotiate filter that allows fallback lets pass, before all else, what soft SAs permit
(`soft_sets`).

Below all filters stand those of the default response rule, in two chains of their own, which
change while a policy stands (`answers`).

The table outlives the process, hence required protection stays closed when it is killed: the
marks go on, and the device's route is gone.

Source: Linux nft(8), libnftables-json(5).
Talks to: nobody; `netfilter` loads what this makes.
"""

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter

from mainmode import limits
from mainmode.driver.user import soft_sets
from mainmode.driver.user.bundles import Bundle, Field, bundled
from mainmode.driver.user.routing import ARRIVED, DEPARTING, SENT
from mainmode.driver.user.table import TABLE, Json, in_table, is_equal
from mainmode.model import AddressRange, Direction, Mode, Selector, SoftSa
from mainmode.numbers import KERBEROS_PORT, RSVP, IpProtocol
from mainmode.packets.ip import WITH_PORTS
from mainmode.policy.filters import CompiledFilter
from mainmode.policy.model import ME, Action, Rule
from mainmode.policy.selection import Selection

COUNTERS = {
    "escaped": "marked for protection, but routed past the driver",
    "clear_in": "arrived in clear where policy requires protection",
    "blocked_in": "blocked by policy on arrival",
    "blocked_out": "blocked by policy on departure",
    "fragments": "a later fragment that a filter with ports cannot judge",
    "not_local": "transport mode cannot protect what passes through",
    "unknown_address": "to or from an address that this computer got after policy was assigned",
    "ipv6": "IPv6 where policy requires protection, which this driver cannot give",
}
"""Named counters of dropped packets, each with its sentence."""

_Statements = list[Json]

_WAYS = (Direction.OUTBOUND, Direction.INBOUND)
CHAINS = {
    "output": ("route", "output"),
    "prerouting": ("filter", "prerouting"),
    "postrouting": ("filter", "postrouting"),
    "input": ("filter", "input"),
    "forward": ("filter", "forward"),
}
"""Base chains: kind and hook of each."""
_ANSWERS_OUT = "answers_out"
_ANSWERS_IN = "answers_in"
PRIORITY = -150
_ACCEPT: Json = {"accept": None}
_DROP: Json = {"drop": None}
_NEIGHBOUR_DISCOVERY = [133, 134, 135, 136, 137]
"""ICMPv6 types (RFC 4861 4)."""
_OFFSET_MASK = 0x1FFF
_SYN = 0x02


def build(
    selection: Selection, *, device: str, ike_ports: Iterable[int], soft: Iterable[SoftSa] = ()
) -> Json:
    """One transaction: the whole table, in place of whatever a predecessor left in it.

    Counters and the chains themselves stay over a reload; only rules are replaced, and the soft
    SAs. The sets for those have to be there (`soft_sets.declarations`).
    """
    rules = _rules(selection, device, sorted(ike_ports))
    commands: list[Json] = [{"add": {"table": TABLE}}]
    commands += [{"add": {"chain": _chain(name)}} for name in CHAINS]
    commands += [{"add": {"chain": in_table(name=name)}} for name in (_ANSWERS_OUT, _ANSWERS_IN)]
    commands += [{"flush": {"table": TABLE}}]
    commands += [{"add": {"counter": in_table(name=name)}} for name in COUNTERS]
    commands += soft_sets.permit(soft_sets.kinds(selection), soft)
    commands += [_add_rule(chain, expr) for chain, expr in rules]
    return {"nftables": commands}


def answers(selection: Selection, *, device: str) -> Json:
    """One transaction: the filters of the default response rule, in place of those before."""
    commands: list[Json] = [
        {"flush": {"chain": in_table(name=name)}} for name in (_ANSWERS_OUT, _ANSWERS_IN)
    ]
    commands += [_add_rule(chain, expr) for chain, expr in _answers(selection, device)]
    return {"nftables": commands}


def _add_rule(chain: str, expr: _Statements) -> Json:
    return {"add": {"rule": in_table(chain=chain, expr=expr)}}


def _rules(
    selection: Selection, device: str, ike_ports: list[int]
) -> Iterator[tuple[str, _Statements]]:
    """(chain, statements) of every rule, each chain's in order."""
    departing, arriving = (list(bundled(selection.ordered, direction)) for direction in _WAYS)
    yield from (("output", rule) for rule in _output(selection, departing, ike_ports))
    yield from (("prerouting", rule) for rule in _prerouting(departing, device))
    yield (
        "postrouting",
        [is_equal(_meta("mark"), DEPARTING), _not(_meta("oifname"), device), *_drop("escaped")],
    )
    yield "postrouting", _small_segments("oifname", device)
    yield from (("input", rule) for rule in _input(selection, arriving, device, ike_ports))
    yield from (("forward", rule) for rule in _forward(arriving, device))
    if selection.response is not None:
        yield "output", [{"jump": {"target": _ANSWERS_OUT}}]
        yield "input", [{"jump": {"target": _ANSWERS_IN}}]
        yield from _answers(selection, device)


def _answers(selection: Selection, device: str) -> Iterator[tuple[str, _Statements]]:
    departing, arriving = (bundled(selection.answered, direction) for direction in _WAYS)
    yield from ((_ANSWERS_OUT, rule) for rule in _departures(departing, passing=False))
    arrivals = _arrivals(arriving, device, passing=False)
    yield from ((_ANSWERS_IN, rule) for rule in arrivals)


def _output(
    selection: Selection, departing: Iterable[Bundle], ike_ports: list[int]
) -> Iterator[_Statements]:
    yield [is_equal(_meta("oifname"), "lo"), _ACCEPT]
    yield [is_equal(_meta("mark"), SENT), _ACCEPT]
    yield from _always_clear("sport", ike_ports)
    yield from _exempt(selection)
    yield from _unknown_addresses("saddr", selection)
    yield from _departures(departing, passing=False)


def _prerouting(departing: Iterable[Bundle], device: str) -> Iterator[_Statements]:
    """Packets out of the device too: what came through one tunnel may have to leave by another."""
    yield [is_equal(_meta("iifname"), device), _mark(ARRIVED)]
    yield _small_segments("iifname", device)
    yield [_not(_fib_type("daddr"), "unicast"), _ACCEPT]
    yield from _departures(departing, passing=True)


def _input(
    selection: Selection, arriving: Iterable[Bundle], device: str, ike_ports: list[int]
) -> Iterator[_Statements]:
    yield [is_equal(_meta("iifname"), "lo"), _ACCEPT]
    yield from _always_clear("dport", ike_ports)
    yield from _exempt(selection)
    yield from _unknown_addresses("daddr", selection)
    yield from _arrivals(arriving, device, passing=False)


def _forward(arriving: Iterable[Bundle], device: str) -> Iterator[_Statements]:
    yield [is_equal(_meta("mark"), DEPARTING), _ACCEPT]  # on its way into the device
    yield from _arrivals(arriving, device, passing=True)


def _always_clear(port: str, ike_ports: list[int]) -> Iterator[_Statements]:
    yield [is_equal(_ip("protocol"), {"set": [int(IpProtocol.ESP), int(IpProtocol.AH)]}), _ACCEPT]
    ike = {"payload": {"protocol": "udp", "field": port}}
    yield [is_equal(ike, {"set": ike_ports}), _ACCEPT]
    discovery = {"payload": {"protocol": "icmpv6", "field": "type"}}
    yield [is_equal(discovery, {"set": _NEIGHBOUR_DISCOVERY}), _ACCEPT]


def _exempt(selection: Selection) -> Iterator[_Statements]:
    """What the general settings let pass whatever filters say."""
    if selection.settings.exempts_groups:
        yield [is_equal(_fib_type("daddr"), {"set": ["broadcast", "multicast"]}), _ACCEPT]
    if selection.settings.exempts_kerberos_and_rsvp:
        yield [is_equal(_meta("l4proto"), RSVP), _ACCEPT]
        tcp_or_udp = {"set": [int(IpProtocol.TCP), int(IpProtocol.UDP)]}
        for field in ("sport", "dport"):
            port = {"payload": {"protocol": "th", "field": field}}
            yield [is_equal(_meta("l4proto"), tcp_or_udp), is_equal(port, KERBEROS_PORT), _ACCEPT]


def _unknown_addresses(field: str, selection: Selection) -> Iterator[_Statements]:
    """Where policy speaks of "me", nothing passes under an address that it has not been compiled
    for: until the service has assigned it anew, and for good when the service is dead."""
    if not any(_speaks_of_me(rule) for rule in selection.policy.rules):
        return
    for version in (4, 6):
        known = [str(each) for each in selection.local_addresses if each.version == version]
        match = [is_equal(_fib_type(field), "local"), is_equal(_meta("nfproto"), f"ipv{version}")]
        if known:
            match.append(_not(_ip(field, version), {"set": known}))
        yield [*match, _negotiable(), *_drop("unknown_address")]


def _speaks_of_me(rule: Rule) -> bool:
    return (
        rule.active
        and rule.filter_action.action is not Action.PERMIT
        and any(ME in (each.source, each.destination) for each in rule.filter_list.filters)
    )


# --- filters ------------------------------------------------------------------------------


def _departures(bundles: Iterable[Bundle], *, passing: bool) -> Iterator[_Statements]:
    """The rules for packets that go from local to remote; `passing`: not made here."""
    for bundle in bundles:
        yield from _departure(bundle, passing=passing)


def _departure(bundle: Bundle, *, passing: bool) -> Iterator[_Statements]:
    each = bundle.first
    match = _match(bundle, Direction.OUTBOUND)
    if each.action is Action.PERMIT:
        yield [*match, _ACCEPT]
        return
    if _has_ports(each.selector):
        yield [*_later_fragment(bundle, Direction.OUTBOUND), *_drop("fragments")]
    if each.action is Action.BLOCK:
        yield [*match, *_drop("blocked_out")]
        return
    match.append(_negotiable())
    if not passing:
        yield from _under_soft_sas(each, match, Direction.OUTBOUND)
    if each.selector.local.version == 6:
        yield [*match, *_drop("ipv6")]
    elif passing and each.mode is Mode.TRANSPORT:
        yield [*match, *_drop("not_local")]
    else:
        yield [*match, _mark(DEPARTING), _ACCEPT]


def _arrivals(bundles: Iterable[Bundle], device: str, *, passing: bool) -> Iterator[_Statements]:
    """The rules for packets that go from remote to local; `passing`: not to this computer."""
    for bundle in bundles:
        each = bundle.first
        match = _match(bundle, Direction.INBOUND)
        if each.action is Action.PERMIT or (
            each.action is Action.NEGOTIATE and each.accept_unsecured
        ):
            yield [*match, _ACCEPT]
            continue
        if _has_ports(each.selector):
            yield [*_later_fragment(bundle, Direction.INBOUND), *_drop("fragments")]
        if each.action is Action.BLOCK:
            yield [*match, *_drop("blocked_in")]
            continue
        yield [is_equal(_meta("iifname"), device), *match, _ACCEPT]
        if not passing:
            yield from _under_soft_sas(each, match, Direction.INBOUND)
        yield [*match, _negotiable(), *_drop("clear_in")]


def _under_soft_sas(
    each: CompiledFilter, match: _Statements, direction: Direction
) -> Iterator[_Statements]:
    """What soft SAs permit of the filter's traffic passes, and is noted as having passed."""
    if not soft_sets.allows_fallback(each):
        return
    kind = soft_sets.Kind.of(each.selector)
    local, remote = (_ip(field, kind.version) for field in ("saddr", "daddr"))
    if direction is Direction.INBOUND:
        local, remote = remote, local
    hosts: Json = {"concat": [local, remote]}
    passed = {"elem": {"val": hosts, "timeout": round(limits.IDLE_S)}}
    note = {"set": {"op": "update", "elem": passed, "set": f"@{kind.passed}"}}
    yield [*match, is_equal(hosts, f"@{kind.permitted}"), note, _ACCEPT]


def _match(bundle: Bundle, direction: Direction) -> _Statements:
    """What a packet of the filters looks like when it travels in this direction."""
    selector = bundle.first.selector
    match = [is_equal(_meta("nfproto"), f"ipv{selector.local.version}")]
    if not selector.protocol and _has_ports(selector):
        match.append(is_equal(_meta("l4proto"), {"set": sorted(WITH_PORTS)}))
    return match + bundle.matched([*_addresses(selector, direction), *_upper(selector, direction)])


def _later_fragment(bundle: Bundle, direction: Direction) -> _Statements:
    """A fragment with no ports in it that may belong to the filters' traffic."""
    selector = bundle.first.selector
    in_ipv4: Json = {"&": [_ip("frag-off"), _OFFSET_MASK]}
    in_ipv6: Json = {"exthdr": {"name": "frag", "field": "frag-off"}}
    fields = list(_addresses(selector, direction))
    if selector.protocol and selector.local.version == 4:
        fields.append((_ip("protocol"), attrgetter("protocol")))
    return [
        is_equal(_meta("nfproto"), f"ipv{selector.local.version}"),
        _not(in_ipv4 if selector.local.version == 4 else in_ipv6, 0),
        *bundle.matched(fields),
    ]


def _addresses(selector: Selector, direction: Direction) -> Iterator[Field]:
    """Those that are not any."""
    source, destination = "local", "remote"
    if direction is Direction.INBOUND:
        source, destination = destination, source
    for field, side in (("saddr", source), ("daddr", destination)):
        addresses: AddressRange = getattr(selector, side)
        if addresses.size < 1 << addresses.first.max_prefixlen:
            yield _ip(field, addresses.version), _text_of(side)


def _text_of(side: str) -> Callable[[Selector], str]:
    return lambda selector: str(getattr(selector, side))


def _upper(selector: Selector, direction: Direction) -> Iterator[Field]:
    """Protocol and ports, as far as they are named."""
    if selector.protocol:
        yield _meta("l4proto"), attrgetter("protocol")
    source, destination = "local_port", "remote_port"
    if direction is Direction.INBOUND:
        source, destination = destination, source
    for field, port in (("sport", source), ("dport", destination)):
        if getattr(selector, port):
            yield {"payload": {"protocol": "th", "field": field}}, attrgetter(port)


def _has_ports(selector: Selector) -> bool:
    return bool(selector.local_port or selector.remote_port)


# --- the JSON of nftables -----------------------------------------------------------------


def _chain(name: str) -> Json:
    kind, hook = CHAINS[name]
    return in_table(name=name, type=kind, hook=hook, prio=PRIORITY, policy="accept")


def _meta(key: str) -> Json:
    return {"meta": {"key": key}}


def _ip(field: str, version: int = 4) -> Json:
    return {"payload": {"protocol": "ip" if version == 4 else "ip6", "field": field}}


def _fib_type(field: str) -> Json:
    """What kind of address this is to the kernel: local, unicast, broadcast, multicast."""
    return {"fib": {"result": "type", "flags": [field]}}


def _negotiable() -> Json:
    """Neither multicast nor broadcast, which are never negotiated."""
    return _not(_fib_type("daddr"), {"set": ["broadcast", "multicast"]})


def _not(left: Json, right: object) -> Json:
    return {"match": {"op": "!=", "left": left, "right": right}}


def _mark(value: int) -> Json:
    return {"mangle": {"key": _meta("mark"), "value": value}}


def _drop(counter: str) -> _Statements:
    return [{"counter": counter}, _DROP]


def _small_segments(interface: str, device: str) -> _Statements:
    """Lower the segment size that a SYN announces, so that protected segments need no fragments.
    The kernel never raises it."""
    flags = {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, _SYN]}
    segment = {"tcp option": {"name": "maxseg", "field": "size"}}
    return [
        is_equal(_meta(interface), device),
        is_equal(flags, _SYN),
        {"mangle": {"key": segment, "value": limits.TCP_SEGMENT_OCTETS}},
    ]
