"""The IPSec driver's contract: what IKE asks of it and what it tells IKE.

The driver owns packets, octets, seconds and sequence numbers. IKE hands it policy and SA pairs
and learns from it that a packet needs an SA or that a pair is used up (docs/service.md 21, 30).
Everything that crosses is a value of `model` or `policy`, so the driver can live in a process
of its own or in the kernel.

Source: docs/service.md 18 to 21; the statistics of IP Security Monitor in Windows Server 2003.
"""

from dataclasses import dataclass, field, fields
from typing import Protocol

from mainmode.model import Direction, Flow, IpAddress, Path, SaPair, SoftSa
from mainmode.numbers import ProtocolId
from mainmode.policy.selection import Selection


@dataclass(slots=True)
class PairCounters:
    """What went through one pair since it was installed."""

    packets_sent: int = 0
    packets_received: int = 0
    octets_sent: int = 0
    octets_received: int = 0


@dataclass(slots=True)
class DriverStatistics:
    """IPSec statistics of the driver since its start, under the names of IP Security Monitor."""

    active_security_associations: int = field(
        default=0, metadata={"name": "Active Security Associations"}
    )
    offloaded_security_associations: int = field(
        default=0, metadata={"name": "Offloaded Security Associations"}
    )
    pending_key_operations: int = field(default=0, metadata={"name": "Pending Key Operations"})
    key_additions: int = field(default=0, metadata={"name": "Key Additions"})
    key_deletions: int = field(default=0, metadata={"name": "Key Deletions"})
    rekeys: int = field(default=0, metadata={"name": "Rekeys"})
    active_tunnels: int = field(default=0, metadata={"name": "Active Tunnels"})
    bad_spi_packets: int = field(default=0, metadata={"name": "Bad SPI Packets"})
    packets_not_decrypted: int = field(default=0, metadata={"name": "Packets Not Decrypted"})
    packets_not_authenticated: int = field(
        default=0, metadata={"name": "Packets Not Authenticated"}
    )
    packets_with_replay_detection: int = field(
        default=0, metadata={"name": "Packets With Replay Detection"}
    )
    confidential_bytes_sent: int = field(default=0, metadata={"name": "Confidential Bytes Sent"})
    confidential_bytes_received: int = field(
        default=0, metadata={"name": "Confidential Bytes Received"}
    )
    authenticated_bytes_sent: int = field(default=0, metadata={"name": "Authenticated Bytes Sent"})
    authenticated_bytes_received: int = field(
        default=0, metadata={"name": "Authenticated Bytes Received"}
    )
    transport_bytes_sent: int = field(default=0, metadata={"name": "Transport Bytes Sent"})
    transport_bytes_received: int = field(default=0, metadata={"name": "Transport Bytes Received"})
    bytes_sent_in_tunnels: int = field(default=0, metadata={"name": "Bytes Sent In Tunnels"})
    bytes_received_in_tunnels: int = field(
        default=0, metadata={"name": "Bytes Received In Tunnels"}
    )

    def named(self) -> dict[str, int]:
        """The counters under the documented names, in the documented order."""
        return {str(each.metadata["name"]): getattr(self, each.name) for each in fields(self)}


class Upward(Protocol):
    """What the driver tells IKE. Called from the service's loop, never from another thread."""

    def acquire(self, flow: Flow) -> None:
        """A packet needs protection and no pair carries it. The driver holds the packet and
        asks once a second as long as packets of the flow wait."""

    def expired(self, spi: int, *, hard: bool) -> None:
        """The pair with this inbound SPI nears (soft, if it is in use) or has reached (hard) its
        lifetime. After a hard one the driver passes no packet through it."""

    def idle(self, spi: int) -> None:
        """Nothing went through the pair for the idle time."""

    def used(self, spi: int) -> None:
        """The first packet has come in through the pair: the peer sends through it."""

    def soft_idle(self, number: int) -> None:
        """Nothing passed in clear under this soft association for the idle time."""

    def bad_spi(self, local: IpAddress, peer: IpAddress, protocol: ProtocolId, spi: int) -> None:
        """A packet of ESP or AH came from this peer with an SPI that names no pair: one of the two
        has forgotten. Told at most once a second for each peer; anybody can forge such packets."""


class Driver(Protocol):
    """What IKE asks. Errors are `DriverError`; nothing here blocks for long."""

    def start(self, upward: Upward) -> None:
        """Claim devices and close what a killed predecessor left open."""

    def assign(self, selection: Selection) -> None:
        """Enforce this policy from now on, atomically: no packet sees half of it."""

    def allocate_spi(self, protocol: ProtocolId, local: IpAddress, peer: IpAddress) -> int:
        """An inbound SPI, at least 256, that no pair of ours uses or has been promised."""

    def install(self, pair: SaPair, direction: Direction) -> None:
        """Take one direction of a pair into use. Inbound comes first. Installing outbound
        releases the packets that wait for its selector."""

    def replace(self, old_spi: int, pair: SaPair, *, once_used: bool = False) -> None:
        """Send through `pair` (whose inbound half is installed) instead of the old one, whose
        inbound half stays until it is removed. once_used: not before something has come in
        through `pair`, but after `limits.SWITCH_S` all the same."""

    def permit_clear(self, soft: SoftSa) -> None:
        """Let the traffic of its selector pass in clear, both ways, until `end_clear`; packets
        of it that wait leave at once. Where a pair carries the traffic, the pair does."""

    def end_clear(self, number: int) -> None:
        """Apply policy to its traffic again. Unknown numbers are no error."""

    def remove(self, spi: int) -> None:
        """Forget the pair (or the promised SPI). Unknown SPIs are no error."""

    def receive(self, esp: bytes, path: Path) -> None:
        """An ESP packet that came in UDP along this path, to the port that IKE and it share
        (RFC 3948 2). Never raises, whatever it holds."""

    def counters(self, spi: int) -> PairCounters | None:
        """What the pair carried; None when there is no such pair."""

    def statistics(self) -> DriverStatistics: ...

    async def refusals(self) -> dict[str, int]:
        """How many packets went no further since the start, by reason (a sentence). Reasons
        that never applied are left out."""

    def close(self) -> None:
        """Leave no device, route, rule or table behind."""
