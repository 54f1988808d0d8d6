"""What a capture of the wire proves, and what speaks against it.

Talks to: `diagnosis.capture`, which tells protected frames from clear ones.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from mainmode.demo.ping import TEXT
from mainmode.diagnosis.capture import Frame, esp_of, in_clear, protocol_of
from mainmode.numbers import IpProtocol

_SOURCE = slice(26, 30)
"""Of an IPv4 packet in an Ethernet frame."""


@dataclass(frozen=True, slots=True)
class Stream:
    """The packets of one outbound SA."""

    source: str
    spi: str
    """As `show` prints it: eight hexadecimal digits."""


@dataclass(frozen=True)
class Verdict:
    """The frames of a capture, sorted."""

    frames: int
    ike: int
    esp: Mapping[Stream, int]
    """Packets of each stream."""
    upkeep: int
    """Address resolution and the like, which says nothing of what hosts tell each other."""
    icmp_in_clear: int
    others_in_clear: int
    readable: int
    """Frames that show the text which the pings carry."""
    first_esp: bytes
    """The first ESP packet, from the SPI on; empty when there is none."""

    @property
    def esp_packets(self) -> int:
        return sum(self.esp.values())

    def objections(self) -> Iterator[str]:
        """Why this does not prove that everything was protected; nothing if it does."""
        if self.icmp_in_clear:
            yield f"{self.icmp_in_clear} ICMP packets went in clear"
        if self.others_in_clear:
            yield f"{self.others_in_clear} other packets went in clear"
        if self.readable:
            yield f"{self.readable} frames show the text that the pings carry"


def judge(frames: Sequence[Frame]) -> Verdict:
    clear = in_clear(frames)
    icmp = sum(protocol_of(each) == IpProtocol.ICMP for each in clear)
    packets = list(_esp_packets(frames))
    esp = Counter(Stream(source, packet[:4].hex()) for source, packet in packets)
    ike = sum(protocol_of(each) == IpProtocol.UDP and esp_of(each) is None for each in frames)
    ike -= sum(protocol_of(each) == IpProtocol.UDP for each in clear)
    return Verdict(
        frames=len(frames),
        ike=ike,
        esp=esp,
        upkeep=len(frames) - len(clear) - ike - len(packets),
        icmp_in_clear=icmp,
        others_in_clear=len(clear) - icmp,
        readable=sum(TEXT in each.octets for each in frames),
        first_esp=packets[0][1] if packets else b"",
    )


def _esp_packets(frames: Iterable[Frame]) -> Iterator[tuple[str, bytes]]:
    """Source address and octets from the SPI on."""
    for each in frames:
        esp = esp_of(each)
        if esp is not None:
            yield str(IPv4Address(each.octets[_SOURCE])), esp
