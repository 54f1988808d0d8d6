"""The words of a policy file and what they mean: addresses, protocols, offers, identities.

Each parser raises WordError; each `_word` function is the way back.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import TypeVar

from mainmode.crypto.algorithms import CIPHERS, GROUPS, HASHES, Cipher, Group, Hash
from mainmode.model import AddressRange, Direction, IpAddress, Lifetime
from mainmode.numbers import IpProtocol, name_of
from mainmode.policy.mistakes import WordError, nearest
from mainmode.policy.model import (
    ANY,
    DEFAULT_QUICK_MODE_LIFETIME,
    ME,
    Identity,
    MainModeOffer,
    Place,
    PlaceKind,
    QuickModeOffer,
)
from mainmode.policy.settings import BootExemption
from mainmode.policy.units import (
    format_duration,
    format_volume,
    is_volume,
    parse_duration,
    parse_volume,
    parse_whole_duration,
)

T = TypeVar("T")

PORT_MAX = 0xFFFF
WITH_PORTS = (IpProtocol.TCP, IpProtocol.UDP)
LIFETIME_MAX = 0xFFFF_FFFF
"""A life duration goes out with at most four octets."""

SERVER_KINDS = (
    PlaceKind.DNS_SERVERS,
    PlaceKind.WINS_SERVERS,
    PlaceKind.DHCP_SERVERS,
    PlaceKind.GATEWAY,
)
_PLACE_WORDS = {
    "me": ME,
    "any": ANY,
    **{kind.value: Place(kind) for kind in SERVER_KINDS},
}
_DNS_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DNS_NAME = re.compile(rf"(?:{_DNS_LABEL}\.)+(?=[^.]*[A-Za-z]){_DNS_LABEL}\.?")
PLACE_FORM = (
    "write me, any, an address, address/prefix, first-last, a DNS name with a dot, "
    "or one of dns, wins, dhcp, gateway"
)
_MAIN_MODE_CIPHERS = {name: cipher for name, cipher in CIPHERS.items() if cipher.ike is not None}
_MAIN_MODE_FORM = "cipher-hash-group, such as 3des-sha1-group14"
_QUICK_MODE_FORM = "esp:3des-sha1, ah:sha1 or ah:sha1+esp:3des-sha1, then lifetimes as in 1h 100MB"
_BOOT_EXEMPTION_FORM = "protocol:source port:destination port:direction, as in tcp:0:3389:inbound"
_IDENTITY_KINDS = ("address", "fqdn", "user_fqdn")


# --- filters ----------------------------------------------------------------------------------


def parse_place(text: str) -> Place:
    word = text.strip()
    if word.lower() in _PLACE_WORDS:
        return _PLACE_WORDS[word.lower()]
    try:
        return Place(PlaceKind.ADDRESSES, AddressRange.parse(word))
    except ValueError:
        pass
    if _DNS_NAME.fullmatch(word):
        return Place(PlaceKind.DNS_NAME, name=word)
    close = nearest(word, _PLACE_WORDS) if word.isalpha() else ""
    raise WordError(f"{text!r} is no address", close if "mean" in close else PLACE_FORM)


def parse_protocol(text: str) -> int:
    """A name that the service knows, or a number."""
    word = text.strip()
    names = {each.name.lower(): int(each) for each in IpProtocol}
    if word.lower() in names:
        return names[word.lower()]
    if word.isascii() and word.isdigit() and int(word) <= 0xFF:
        return int(word)
    raise WordError(
        f"{text!r} is no protocol", f"{nearest(word, names)} Or a number from 0 to 255."
    )


def protocol_word(protocol: int) -> str:
    """A name that the service knows, or the number."""
    return name_of(IpProtocol, protocol).lower()


def parse_gateway(text: str) -> IpAddress | str:
    """The far end of a tunnel: an address, or a DNS name."""
    place = parse_place(text)
    if place.kind is PlaceKind.DNS_NAME:
        return place.name
    addresses = place.addresses
    if addresses is None or not addresses.is_host:
        raise WordError(f"{text!r} is no computer", "write the gateway's address or DNS name")
    address = addresses.first
    if address.is_unspecified or address.is_multicast:
        raise WordError(f"{text} is no computer's address", "name the gateway's address")
    return address


def parse_boot_exemption(text: str) -> BootExemption:
    """`tcp:0:3389:inbound`: protocol, source port, destination port (0: any), direction."""
    parts = text.strip().lower().split(":")
    if len(parts) != 4 or not (parts[1].isdecimal() and parts[2].isdecimal()):
        raise WordError(f"{text!r} is no boot exemption", f"write {_BOOT_EXEMPTION_FORM}")
    protocol, source, destination = parse_protocol(parts[0]), int(parts[1]), int(parts[2])
    if max(source, destination) > PORT_MAX:
        raise WordError(f"{text!r}: a port is beyond {PORT_MAX}", f"write {_BOOT_EXEMPTION_FORM}")
    if (source or destination) and protocol not in WITH_PORTS:
        raise WordError(f"{text!r}: a port needs a protocol with ports", "write tcp or udp")
    words = {each.value: each for each in Direction}
    if parts[3] not in words:
        raise WordError(f"{parts[3]!r} is no direction", nearest(parts[3], words))
    return BootExemption(protocol, source, destination, words[parts[3]])


def boot_exemption_word(exemption: BootExemption) -> str:
    protocol = protocol_word(exemption.protocol)
    ports = f"{exemption.source_port}:{exemption.destination_port}"
    return f"{protocol}:{ports}:{exemption.direction.value}"


def parse_address(text: str) -> IpAddress:
    try:
        return ip_address(text.strip())
    except ValueError:
        raise WordError(f"{text!r} is no address", "write one address, such as 192.0.2.1") from None


# --- offers -----------------------------------------------------------------------------------


def parse_main_mode_offer(text: str) -> MainModeOffer:
    """3des-sha1-group14; a hash may itself have a dash: aes256-sha2-256-group19."""
    cipher, _, rest = text.strip().partition("-")
    hash_, _, group = rest.rpartition("-")
    if not (cipher and hash_ and group):
        raise WordError(f"{text!r} is no main mode offer", f"write {_MAIN_MODE_FORM}")
    return MainModeOffer(_cipher(cipher, _MAIN_MODE_CIPHERS), _hash(hash_), parse_group(group))


def parse_quick_mode_offer(text: str) -> QuickModeOffer:
    """`esp:3des-sha1`, `ah:md5 15m 100MB`, `ah:sha1+esp:null-sha1 1h`."""
    suite, *lifetimes = text.split() or [""]
    esp_cipher: Cipher | None = None
    esp_integrity: Hash | None = None
    ah: Hash | None = None
    parts = suite.split("+")
    for part in parts:
        protocol, _, algorithms = part.partition(":")
        if protocol == "ah" and ah is None and algorithms:
            ah = _hash(algorithms)
        elif protocol == "esp" and esp_cipher is None and algorithms:
            cipher, _, integrity = algorithms.partition("-")
            esp_cipher = _cipher(cipher, CIPHERS)
            esp_integrity = _hash(integrity) if integrity else None
        else:
            raise WordError(f"{text!r} is no quick mode offer", f"write {_QUICK_MODE_FORM}")
    if esp_cipher == CIPHERS["null"] and esp_integrity is None:
        fix = "name an integrity, as in esp:null-sha1"
        raise WordError(f"{text!r} neither encrypts nor authenticates", fix)
    return QuickModeOffer(esp_cipher, esp_integrity, ah, _lifetime(text, lifetimes))


def quick_mode_offer_word(offer: QuickModeOffer) -> str:
    """With its lifetimes where they are not the default."""
    default = DEFAULT_QUICK_MODE_LIFETIME
    words = [offer.name]
    if offer.lifetime.seconds != default.seconds:
        words.append(format_duration(offer.lifetime.seconds))
    if offer.lifetime.kilobytes != default.kilobytes:
        words.append(format_volume(offer.lifetime.kilobytes))
    return " ".join(words)


def _lifetime(text: str, words: list[str]) -> Lifetime:
    seconds = kilobytes = 0
    for word in words:
        if is_volume(word) and not kilobytes:
            kilobytes = _within(word, parse_volume(word))
        elif not is_volume(word) and not seconds:
            seconds = _within(word, parse_whole_duration(word))
        else:
            raise WordError(
                f"{text!r} says the same kind of lifetime twice", f"write {_QUICK_MODE_FORM}"
            )
    default = DEFAULT_QUICK_MODE_LIFETIME
    return Lifetime(seconds or default.seconds, kilobytes or default.kilobytes)


def parse_interval_s(text: str) -> float:
    """More than no time."""
    seconds = parse_duration(text)
    if not seconds:
        raise WordError("an interval of 0 would never wait", 'write "1s" or more')
    return seconds


def parse_lifetime_s(text: str) -> int:
    return _within(text, parse_whole_duration(text))


def _within(text: str, amount: int) -> int:
    if not 1 <= amount <= LIFETIME_MAX:
        raise WordError(
            f"a lifetime of {text} is out of range", f"write 1 to {LIFETIME_MAX} seconds or kB"
        )
    return amount


def parse_group(text: str) -> Group:
    return _algorithm("Diffie-Hellman group", text, GROUPS)


def _cipher(text: str, ciphers: dict[str, Cipher]) -> Cipher:
    return _algorithm("cipher", text, ciphers)


def _hash(text: str) -> Hash:
    return _algorithm("hash", text, HASHES)


def _algorithm(what: str, text: str, registry: Mapping[str, T]) -> T:
    if text not in registry:
        raise WordError(f"{text!r} is no {what}", nearest(text, registry))
    return registry[text]


# --- identities -------------------------------------------------------------------------------


def parse_identity(text: str) -> Identity:
    """`address`, `address:192.0.2.1`, `fqdn:host.example` or `user_fqdn:joe@example.org`."""
    kind, _, value = text.strip().partition(":")
    if kind not in _IDENTITY_KINDS:
        raise WordError(f"{kind!r} is no kind of identity", nearest(kind, _IDENTITY_KINDS))
    if kind == "address":
        return Identity(kind, str(parse_address(value)) if value else "")
    if not value or not value.isascii():
        raise WordError(f"{text!r} names nobody", f"write {kind}: and the name, in ASCII")
    if kind == "user_fqdn" and "@" not in value:
        raise WordError(f"{value!r} is no user", "write user_fqdn:name@domain")
    return Identity(kind, value)
