"""The servers that this computer uses, as its own files tell.

    dns      resolv.conf; where that names a local stub of systemd-resolved, its list of real ones
    gateway  the default routes of the main table
    dhcp     the leases of systemd-networkd, NetworkManager and dhclient
    wins     `wins server` of smb.conf, and what dhclient was told

Source: resolv.conf(5), systemd-resolved(8), proc(5), dhclient.leases(5), smb.conf(5).
Does not: ask the network.
"""

import re
import socket
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from mainmode.model import IpAddress, address_order
from mainmode.policy.model import PlaceKind

_STUB = "etc/resolv.conf"
_UPSTREAM = "run/systemd/resolve/resolv.conf"
_LEASES = ("run/systemd/netif/leases/*", "var/lib/NetworkManager/internal-*.lease")
_DHCLIENT_LEASES = (
    "var/lib/dhcp/dhclient*.lease*",
    "var/lib/dhclient/dhclient*.lease*",
    "var/lib/NetworkManager/dhclient-*.lease",
)
_SAMBA = "etc/samba/smb.conf"
_GATEWAY_FLAG = 0x2
"""RTF_GATEWAY of <linux/route.h>."""


def servers_now(
    kinds: Iterable[PlaceKind], root: Path = Path("/")
) -> dict[PlaceKind, tuple[IpAddress, ...]]:
    """The addresses of each kind, sorted; a file that is missing or broken names none."""
    found = {kind: set(_FINDERS[kind](root)) for kind in kinds}
    return {
        kind: tuple(sorted(addresses, key=address_order))
        for kind, addresses in found.items()
        if addresses
    }


# --- dns ----------------------------------------------------------------------------------


def _dns(root: Path) -> Iterable[IpAddress]:
    named = list(_nameservers(_text(root / _STUB)))
    if all(each.is_loopback for each in named):
        named = list(_nameservers(_text(root / _UPSTREAM))) or named
    return named


def _nameservers(text: str) -> Iterator[IpAddress]:
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            yield from _addresses(words[1:2])


# --- gateway ------------------------------------------------------------------------------


def _gateways(root: Path) -> Iterator[IpAddress]:
    for line in _text(root / "proc/net/route").splitlines()[1:]:
        _, destination, gateway, flags, _, _, _, mask, *_ = line.split()
        if int(flags, 16) & _GATEWAY_FLAG and not int(destination, 16) and not int(mask, 16):
            # Written as a number of this computer's byte order.
            yield IPv4Address(socket.ntohl(int(gateway, 16)))
    for line in _text(root / "proc/net/ipv6_route").splitlines():
        destination, length, _, _, gateway, _, _, _, flags, _ = line.split()
        if int(flags, 16) & _GATEWAY_FLAG and not int(destination, 16) and not int(length, 16):
            yield IPv6Address(int(gateway, 16))


# --- dhcp and wins ------------------------------------------------------------------------


def _dhcp(root: Path) -> Iterator[IpAddress]:
    for pattern in _LEASES:
        for file in root.glob(pattern):
            for line in _text(file).splitlines():
                key, _, value = line.partition("=")
                if key == "SERVER_ADDRESS":
                    yield from _addresses([value])
    yield from _told_to_dhclient(root, "dhcp-server-identifier")


def _wins(root: Path) -> Iterator[IpAddress]:
    for line in _text(root / _SAMBA).splitlines():
        key, _, value = line.partition("=")
        if " ".join(key.lower().split()) == "wins server":
            # Each may stand behind a tag: `wins server = office:192.0.2.5`.
            yield from _addresses(re.sub(r"\b[A-Za-z]\w*:", "", value).replace(",", " ").split())
    yield from _told_to_dhclient(root, "netbios-name-servers")


def _told_to_dhclient(root: Path, option: str) -> Iterator[IpAddress]:
    """By the last lease in each of its files."""
    for pattern in _DHCLIENT_LEASES:
        for file in root.glob(pattern):
            last = _text(file).rpartition("lease {")[2]
            for value in re.findall(rf"option {option} ([^;]*);", last):
                yield from _addresses(value.replace(",", " ").split())


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def _addresses(words: Iterable[str]) -> Iterator[IpAddress]:
    """Those that are addresses, without the zone of a link-local one."""
    for word in words:
        try:
            yield ip_address(word.strip().partition("%")[0])
        except ValueError:
            continue


_FINDERS: dict[PlaceKind, Callable[[Path], Iterable[IpAddress]]] = {
    PlaceKind.DNS_SERVERS: _dns,
    PlaceKind.GATEWAY: _gateways,
    PlaceKind.DHCP_SERVERS: _dhcp,
    PlaceKind.WINS_SERVERS: _wins,
}
