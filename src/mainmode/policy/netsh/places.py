"""The ends of filters in netsh's words: an address and its mask, a protocol, a port.

Windows keeps `me` as 0.0.0.0 with mask 255.255.255.255 and `any` as 0.0.0.0 with mask 0.0.0.0;
written so they are read so.
"""

from ipaddress import IPv4Address, ip_network

from mainmode.model import AddressRange
from mainmode.numbers import IpProtocol
from mainmode.policy.mistakes import WordError, nearest
from mainmode.policy.model import ANY, ME, Place, PlaceKind
from mainmode.policy.netsh.kinds import Kind, whole_number
from mainmode.policy.words import PORT_MAX, parse_place

_NETSH_PROTOCOLS = {"any": 0, "icmp": 1, "tcp": 6, "udp": 17, "raw": 255}
_PROTOCOLS = {**{each.name.lower(): int(each) for each in IpProtocol}, **_NETSH_PROTOCOLS}
"""Netsh's five, and those the service has a name for."""
_WRITTEN = {number: word for word, number in _NETSH_PROTOCOLS.items()}
_PREFIX_MAX = 128


def _protocol(text: str) -> int:
    word = text.strip().lower()
    number = whole_number(word, 0xFF)
    if number is not None:
        return number
    if word in _PROTOCOLS:
        return _PROTOCOLS[word]
    fitting = [each for each in _NETSH_PROTOCOLS if word and each.startswith(word)]
    if len(fitting) == 1:
        return _NETSH_PROTOCOLS[fitting[0]]
    fix = f"{nearest(word, _NETSH_PROTOCOLS)} Or a number from 0 to 255."
    raise WordError(f"{text!r} is no protocol", fix)


def _port(text: str) -> int:
    word = text.strip()
    if word.lower() == "any":
        return 0
    number = whole_number(word, PORT_MAX)
    if number is not None:
        return number
    raise WordError(f"{text!r} is no port", f"write a number from 0 (any) to {PORT_MAX}")


def _mask(text: str) -> int:
    """The length of the prefix: 255.255.255.0 is 24."""
    word = text.strip()
    number = whole_number(word, _PREFIX_MAX)
    if number is not None:
        return number
    try:
        bits = int(IPv4Address(word))
    except ValueError:
        fix = "write it as 255.255.255.0, or its number of ones: 24"
        raise WordError(f"{text!r} is no mask", fix) from None
    length = bits.bit_count()
    if bits != (0xFFFF_FFFF << (32 - length)) & 0xFFFF_FFFF:
        raise WordError(f"the mask {text!r} has a gap", "write ones, then zeros: 255.255.255.0")
    return length


_UNSPECIFIED = Place(PlaceKind.ADDRESSES, AddressRange.parse("0.0.0.0"), name="0.0.0.0")
"""0.0.0.0 by itself: what it means its mask says."""


def _place(text: str) -> Place:
    return _UNSPECIFIED if text.strip() == _UNSPECIFIED.name else parse_place(text)


def _place_word(place: Place) -> str:
    """As netsh has it: a range of everything, not 0.0.0.0/0."""
    addresses = place.addresses
    if place == _UNSPECIFIED:
        return place.name
    if addresses is None or (addresses.is_host and int(addresses.first)):
        return str(place)
    return f"{addresses.first}-{addresses.last}"


PLACE = Kind(
    "<address, first-last, name, me, any, dns, wins, dhcp or gateway>", _place, _place_word
)
PROTOCOL = Kind(
    "(any | icmp | tcp | udp | raw | <0-255>)",
    _protocol,
    lambda number: _WRITTEN.get(number, str(number)),
)
PORT = Kind("<port>", _port, str)
MASK = Kind("<mask or prefix>", _mask, str)


def with_mask(place: Place, mask: int | None, tag: str) -> Place:
    """What an address comes to together with its mask. Raises: WordError.

    tag: the parameter that gave the mask.
    """
    if place.addresses is None:
        _require_no_mask(place, mask, tag)
        return place
    if not place.addresses.is_host:
        if mask is not None and mask != _prefix_of(place.addresses):
            raise WordError(f"{tag} contradicts {place}", f"leave out {tag}")
        return place
    address = place.addresses.first
    if mask is not None and mask > address.max_prefixlen:
        raise WordError(f"a mask of {mask} bits is too long for {address}", f"correct {tag}")
    if place == _UNSPECIFIED and mask is None:
        raise WordError(f"{address} is no computer's address", "write me or any")
    if place == _UNSPECIFIED and mask in (0, 32):
        return ANY if mask == 0 else ME
    if mask is None:
        return place
    network = ip_network((address, mask), strict=False)
    return Place(PlaceKind.ADDRESSES, AddressRange.network(network))


def _require_no_mask(place: Place, mask: int | None, tag: str) -> None:
    """Scripts give `me` a host's mask and `any` none; more would mean something else."""
    fitting = {PlaceKind.ME: 32, PlaceKind.ANY: 0, PlaceKind.DNS_NAME: 32}.get(place.kind)
    if mask is not None and mask != fitting:
        raise WordError(f"{place} has no mask", f"leave out {tag}")


def _prefix_of(addresses: AddressRange) -> int | None:
    network = addresses.as_network
    return network.prefixlen if network is not None else None


def apart(place: Place) -> tuple[Place, int | None]:
    """An address and its mask, which `with_mask` puts together again."""
    network = place.addresses.as_network if place.addresses is not None else None
    if network is None or network.prefixlen in (0, network.max_prefixlen):
        return place, None
    address = Place(PlaceKind.ADDRESSES, AddressRange.host(network.network_address))
    is_zero = address.addresses == _UNSPECIFIED.addresses
    return _UNSPECIFIED if is_zero else address, network.prefixlen
