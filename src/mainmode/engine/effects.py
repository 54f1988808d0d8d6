"""What the engine wants done: the closed set of effects.

The service executes them; simulation and tests do the same with their own hands.
"""

from dataclasses import dataclass

from mainmode.engine.events import Event
from mainmode.model import Direction, IpAddress, Path, SaPair, SoftSa
from mainmode.numbers import ProtocolId


@dataclass(frozen=True, slots=True)
class Send:
    """Send this datagram along the path. Losing it is no error."""

    path: Path
    datagram: bytes


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Send one 0xff octet along the path, so that the NAT keeps its mapping (RFC 3948 2.3)."""

    path: Path


@dataclass(frozen=True, slots=True)
class AllocateSpi:
    """Job: an inbound SPI from the driver. Its result is an int."""

    protocol: ProtocolId
    local: IpAddress
    peer: IpAddress

    @property
    def waiting(self) -> str:
        """The waiting point, as monitor, log and failures show it."""
        return "waiting for an SPI from the IPSec driver"


@dataclass(frozen=True, slots=True)
class InstallPair:
    """Job: give one direction of a pair to the driver. Its result is None."""

    pair: SaPair
    direction: Direction
    replaces: int | None = None
    """With the outbound half: the inbound SPI of the pair that sends nothing from now on, and
    goes on receiving until it is removed."""
    once_used: bool = False
    """Whether that one goes on sending until something has come in through the new one: the peer
    may not be ready before (or until `limits.SWITCH_S` have passed)."""

    @property
    def waiting(self) -> str:
        """The waiting point, as monitor, log and failures show it."""
        return f"waiting for the IPSec driver to take the {self.direction.value} SA"


Job = AllocateSpi | InstallPair


@dataclass(frozen=True, slots=True)
class JobFailed:
    """The result of a job that could not be done."""

    why: str


@dataclass(frozen=True, slots=True)
class Run:
    """Do this job and bring its result to `Engine.resume` under the same id."""

    job_id: int
    job: Job


@dataclass(frozen=True, slots=True)
class RemovePair:
    """Take a pair (or a promised SPI) away from the driver."""

    spi: int


@dataclass(frozen=True, slots=True)
class PermitClear:
    """Let this traffic pass in clear, both ways."""

    soft: SoftSa


@dataclass(frozen=True, slots=True)
class EndClear:
    """Let it pass in clear no more. A number that is unknown is no error."""

    number: int


@dataclass(frozen=True, slots=True)
class Record:
    """Something worth remembering happened."""

    event: Event


Effect = Send | KeepAlive | Run | RemovePair | PermitClear | EndClear | Record
