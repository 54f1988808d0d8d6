"""As much of nftables as the driver's table uses: what a chain does with a packet.

The kernel's own reading is tested in namespaces; this one is fast enough for thousands of cases.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from mainmode.model import Flow, IpAddress
from mainmode.packets.ip import WITH_PORTS

Json = dict[str, Any]


@dataclass(frozen=True)
class Packet:
    source: IpAddress
    destination: IpAddress
    protocol: int = 6
    source_port: int = 0
    destination_port: int = 0
    offset: int = 0
    """Of a later fragment."""
    kind: int = 0
    """ICMPv6 type."""
    came_in: str = "wire"
    goes_out: str = "wire"
    mark: int = 0
    local: Collection[IpAddress] = field(default=(), repr=False)
    """Addresses of the computer that looks at the packet."""
    broadcast: Collection[IpAddress] = field(default=(), repr=False)

    @classmethod
    def leaving(cls, flow: Flow, **more: Any) -> "Packet":  # noqa: ANN401
        ports = flow.local_port, flow.remote_port
        return cls(flow.local, flow.remote, flow.protocol, *ports, **more)

    @classmethod
    def arriving(cls, flow: Flow, **more: Any) -> "Packet":  # noqa: ANN401
        ports = flow.remote_port, flow.local_port
        return cls(flow.remote, flow.local, flow.protocol, *ports, **more)


class Fate(NamedTuple):
    """What became of a packet at one hook."""

    passes: bool
    mark: int
    counter: str


class _NoMatch(Exception):
    """The packet has not what a rule asks for: the rule does not apply."""


def fate(table: Json, chain: str, packet: Packet) -> Fate:
    """Walk the rules of a chain in order; its policy is to accept."""
    return _walk(table, chain, packet, _sets(table))


def _walk(
    table: Json, chain: str, packet: Packet, permitted: dict[str, set[tuple[IpAddress, ...]]]
) -> Fate:
    for command in table["nftables"]:
        rule = command.get("add", {}).get("rule")
        if rule is None or rule["chain"] != chain:
            continue
        counter = ""
        try:
            for statement in rule["expr"]:
                match statement:
                    case {"match": condition}:
                        if not _holds(condition, packet, permitted):
                            raise _NoMatch
                    case {"counter": name}:
                        counter = name
                    case {"mangle": {"key": {"meta": {"key": "mark"}}, "value": value}}:
                        packet = replace(packet, mark=value)
                    case {"mangle": {"key": {"tcp option": _}}} | {"set": {"op": "update"}}:
                        pass
                    case {"jump": {"target": target}}:
                        # Jumps stand last here: what comes back with no verdict is accepted.
                        return _walk(table, target, packet, permitted)
                    case {"accept": None}:
                        return Fate(True, packet.mark, "")
                    case {"drop": None}:
                        return Fate(False, packet.mark, counter)
                    case _:
                        raise AssertionError(statement)
        except _NoMatch:
            continue
    return Fate(True, packet.mark, "")


def _sets(table: Json) -> dict[str, set[tuple[IpAddress, ...]]]:
    """Name to what stands in each named set: lists of addresses."""
    found: dict[str, set[tuple[IpAddress, ...]]] = {}
    for command in table["nftables"]:
        added = command.get("add", {}).get("element")
        if added is not None:
            found[f"@{added['name']}"] = {
                tuple(map(ip_address, each["elem"]["val"]["concat"])) for each in added["elem"]
            }
    return found


def _holds(condition: Json, packet: Packet, sets: dict[str, set[tuple[IpAddress, ...]]]) -> bool:
    match condition:
        case {"op": "==", "left": {"concat": parts}, "right": {"set": members}}:
            values = [_value(part, packet) for part in parts]
            return any(all(map(_equals, values, member["concat"])) for member in members)
        case {"op": "==", "left": {"concat": parts}, "right": name}:
            return tuple(_value(part, packet) for part in parts) in sets.get(name, set())
    equal = _equals(_value(condition["left"], packet), condition["right"])
    return equal if condition["op"] == "==" else not equal


def _equals(value: object, wanted: Any) -> bool:  # noqa: ANN401
    match wanted:
        case {"set": members}:
            return any(_equals(value, member) for member in members)
        case {"prefix": {"addr": address, "len": length}}:
            return value in ip_network(f"{address}/{length}")
        case {"range": [first, last]}:
            low, high = int(ip_address(first)), int(ip_address(last))
            assert not isinstance(value, str | int)
            return low <= int(value) <= high  # type: ignore[call-overload, no-any-return]
        case str() if not isinstance(value, str):
            return value == ip_address(wanted)
        case _:
            return bool(value == wanted)


def _value(expression: Json, packet: Packet) -> object:
    match expression:
        case {"meta": {"key": key}}:
            return {
                "iifname": packet.came_in,
                "oifname": packet.goes_out,
                "mark": packet.mark,
                "l4proto": packet.protocol,
                "nfproto": f"ipv{packet.source.version}",
            }[key]
        case {"payload": {"protocol": protocol, "field": name}}:
            return _header_field(protocol, name, packet)
        case {"fib": {"result": "type", "flags": [which]}}:
            return _kind(packet.source if which == "saddr" else packet.destination, packet)
        case {"exthdr": {"name": "frag", "field": "frag-off"}}:
            if packet.source.version == 4 or not packet.offset:
                raise _NoMatch
            return packet.offset
        case {"&": [inner, mask]}:
            value = _value(inner, packet)
            assert isinstance(value, int)
            return value & mask
    raise AssertionError(expression)


def _header_field(protocol: str, name: str, packet: Packet) -> object:
    version = packet.source.version
    if protocol in ("ip", "ip6"):
        if version != (4 if protocol == "ip" else 6):
            raise _NoMatch
        return {
            "saddr": packet.source,
            "daddr": packet.destination,
            "protocol": packet.protocol,
            "frag-off": packet.offset,
        }[name]
    if packet.offset:  # a later fragment has no transport header
        raise _NoMatch
    if protocol == "icmpv6":
        if packet.protocol != 58:
            raise _NoMatch
        return packet.kind
    if protocol == "tcp":
        if packet.protocol != 6:
            raise _NoMatch
        return 0
    if packet.protocol not in ({17} if protocol == "udp" else WITH_PORTS):
        raise _NoMatch
    return {"sport": packet.source_port, "dport": packet.destination_port}[name]


def _kind(address: IpAddress, packet: Packet) -> str:
    if address in packet.local or address.is_loopback:
        return "local"
    if address.is_multicast:
        return "multicast"
    return "broadcast" if address in packet.broadcast else "unicast"
