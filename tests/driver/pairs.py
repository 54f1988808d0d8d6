"""SA pairs and policies for tests of the driver, made without IKE.

Both hosts call `pair` with the same words and get the two views of one pair: keys and SPIs are
derived from the words.
"""

import hashlib
from dataclasses import replace
from ipaddress import ip_address

from mainmode.crypto.algorithms import CIPHERS, HASHES
from mainmode.model import (
    AddressRange,
    IpsecSa,
    Lifetime,
    Mode,
    SaPair,
    Selector,
    UdpEncapsulation,
)
from mainmode.numbers import ProtocolId
from mainmode.policy.model import (
    ANY,
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

LIFETIME = Lifetime(3_600, 10_000_000)


def octets(label: str, count: int) -> bytes:
    """As many as wanted, the same for the same label."""
    return hashlib.shake_256(label.encode()).digest(count)


def sa(label: str, suite: str) -> IpsecSa:
    """One direction. `suite` as policy files write it: esp:3des-sha1, esp:aes128, ah:md5."""
    protocol, _, algorithms = suite.partition(":")
    first, _, second = algorithms.partition("-")
    if first in CIPHERS:
        cipher, integrity = first, second
    else:
        cipher, integrity = "", algorithms
    return IpsecSa(
        spi=int.from_bytes(octets(label + " spi", 4), "big") | 0x1000_0000,
        protocol=ProtocolId[protocol.upper()],
        cipher=cipher,
        integrity=integrity,
        cipher_key=octets(label + " cipher", CIPHERS[cipher].key_octets) if cipher else b"",
        integrity_key=octets(label + " mac", HASHES[integrity].octets) if integrity else b"",
    )


def addresses(text: str) -> AddressRange:
    return AddressRange.parse(text)


def pair(
    local: str,
    peer: str,
    suite: str,
    mode: Mode = Mode.TRANSPORT,
    *,
    selector: Selector | None = None,
    lifetime: Lifetime = LIFETIME,
    label: str = "",
    udp: UdpEncapsulation | None = None,
) -> SaPair:
    """The pair as the host with address `local` sees it."""
    return SaPair(
        inbound=sa(f"{label} {peer} to {local} {suite} {mode.value}", suite),
        outbound=sa(f"{label} {local} to {peer} {suite} {mode.value}", suite),
        mode=mode,
        local=ip_address(local),
        peer=ip_address(peer),
        selector=selector or Selector(addresses(local), addresses(peer)),
        lifetime=lifetime,
        udp=udp,
    )


def other_view(mine: SaPair) -> SaPair:
    """The same pair as the peer sees it."""
    selector = mine.selector
    return replace(
        mine,
        inbound=mine.outbound,
        outbound=mine.inbound,
        local=mine.peer,
        peer=mine.local,
        selector=Selector(
            selector.remote,
            selector.local,
            selector.protocol,
            selector.remote_port,
            selector.local_port,
        ),
        udp=mine.udp and UdpEncapsulation(mine.udp.peer_port, mine.udp.local_port),
    )


def through_nat(mine: SaPair, address: str, port: int) -> SaPair:
    """The same pair as the peer sees it on the other side of a NAT, which gives us this address
    and port. A tunnel's selector stays as it is."""
    theirs = other_view(mine)
    assert theirs.udp is not None
    selector = theirs.selector
    if mine.mode is Mode.TRANSPORT:
        selector = replace(selector, remote=addresses(address))
    return replace(
        theirs,
        peer=ip_address(address),
        selector=selector,
        udp=replace(theirs.udp, peer_port=port),
    )


def place(text: str) -> Place:
    """`me`, `any`, or addresses."""
    words = {"me": ME, "any": ANY}
    return words.get(text) or Place(PlaceKind.ADDRESSES, addresses(text))


def rule(
    action: Action,
    source: str,
    destination: str,
    *,
    protocol: int = 0,
    source_port: int = 0,
    destination_port: int = 0,
    mirrored: bool = True,
    tunnel_endpoint: str = "",
    accept_unsecured: bool = False,
    allow_fallback: bool = False,
) -> Rule:
    """A rule with one filter."""
    name = f"{action.value} {source} {destination}"
    each = Filter(
        place(source), place(destination), protocol, source_port, destination_port, mirrored
    )
    return Rule(
        name,
        FilterList(name, (each,)),
        FilterAction(
            name, action, accept_unsecured=accept_unsecured, allow_fallback=allow_fallback
        ),
        tunnel_endpoint=ip_address(tunnel_endpoint) if tunnel_endpoint else None,
    )


def policy(*rules: Rule) -> Policy:
    return Policy("test", rules)
