"""What passes from the start of the computer until the service has put a policy in force.

Linux has nothing in place before the service, so a command sets it up (`mainmode driver boot`, to
be run before the network comes up), in the very table that the service replaces in one
transaction. Should the service never come, it stays so.

    block      nothing but DHCP, neighbour discovery, the boot exemptions and what answers to them
    stateful   what this computer begins and the answers to it as well
    permit     everything: there is no table

Source: Linux nft(8); TechNet on the startup modes of Windows' IPSec driver.
Talks to: nobody; `netfilter` carries the commands to the kernel.
"""

from collections.abc import Iterator

from mainmode.driver.user.ruleset import CHAINS, PRIORITY
from mainmode.driver.user.table import TABLE
from mainmode.model import Direction
from mainmode.numbers import DHCP_PORTS, DHCPV6_PORTS
from mainmode.policy.settings import BootExemption, BootMode, Settings

_NAME = f"{TABLE['family']} {TABLE['name']}"
_KEEPS = (
    "ct state established,related accept",
    "icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } "
    "accept",
)


def commands(settings: Settings) -> str:
    """For nft, in its own language; nothing for `permit`."""
    if settings.boot_mode is BootMode.PERMIT:
        return ""
    lines = [f"add table {_NAME}"]
    for name in ("output", "input", "forward"):
        kind, hook = CHAINS[name]
        form = f"type {kind} hook {hook} priority {PRIORITY}; policy accept;"
        lines.append(f"add chain {_NAME} {name} {{ {form} }}")
    lines += [f"add rule {_NAME} input {rule}" for rule in _input(settings)]
    lines += [f"add rule {_NAME} output {rule}" for rule in _output(settings)]
    lines.append(f"add rule {_NAME} forward drop")
    return "\n".join(lines) + "\n"


def _input(settings: Settings) -> Iterator[str]:
    yield 'iifname "lo" accept'
    yield from _KEEPS
    for server, client in (DHCP_PORTS, DHCPV6_PORTS):
        yield f"udp sport {server} udp dport {client} accept"
    yield from _exemptions(settings, Direction.INBOUND)
    yield "drop"


def _output(settings: Settings) -> Iterator[str]:
    if settings.boot_mode is BootMode.STATEFUL:
        return
    yield 'oifname "lo" accept'
    yield from _KEEPS
    for server, client in (DHCP_PORTS, DHCPV6_PORTS):
        yield f"udp sport {client} udp dport {server} accept"
    yield from _exemptions(settings, Direction.OUTBOUND)
    yield "drop"


def _exemptions(settings: Settings, direction: Direction) -> Iterator[str]:
    for each in settings.boot_exemptions:
        if each.direction is direction:
            yield _exemption(each)


def _exemption(each: BootExemption) -> str:
    words = [f"meta l4proto {each.protocol}"] if each.protocol else []
    if each.source_port:
        words.append(f"th sport {each.source_port}")
    if each.destination_port:
        words.append(f"th dport {each.destination_port}")
    return " ".join((*words, "accept"))
