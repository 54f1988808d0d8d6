"""The SAs in a host's kernel and what they have carried, as iproute2 shows them."""

import re
from dataclasses import dataclass

from tests.peers.network import Host


@dataclass(frozen=True, slots=True)
class KernelSa:
    """One direction. Algorithms bear the kernel's names; `encryption` is empty with AH."""

    spi: str
    """Eight hexadecimal digits."""
    protocol: str
    mode: str
    encryption: str
    integrity: str
    in_udp: bool
    packets: int


def kernel_sas(host: Host) -> list[KernelSa]:
    """Without keys, so what is returned may be shown."""
    printed = host.run(["ip", "-s", "xfrm", "state", "list", "nokeys"])
    return [_read(each) for each in re.split(r"^(?=src )", printed, flags=re.MULTILINE) if each]


def _read(text: str) -> KernelSa:
    def find(pattern: str) -> str:
        found = re.search(pattern, text)
        return found[1] if found else ""

    return KernelSa(
        spi=find(r"spi 0x([0-9a-f]{8})"),
        protocol=find(r"proto (\w+)"),
        mode=find(r" mode (\w+)"),
        encryption=find(r"enc (\S+)"),
        integrity=find(r"auth(?:-trunc)? (\S+)"),
        in_udp="encap type espinudp" in text,
        packets=int(find(r"lifetime current:\s+\d+\(bytes\), (\d+)\(packets\)")),
    )
