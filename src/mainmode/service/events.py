"""What the service itself reports, beside the engine's events."""

import traceback
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, ClassVar

from mainmode.engine.events import Event, Level
from mainmode.model import Endpoint, Path

_NOWHERE = Path(Endpoint(IPv4Address(0), 0), Endpoint(IPv4Address(0), 0))


@dataclass(frozen=True, slots=True)
class ServiceEvent(Event):
    """Base of the events that need not be about a peer."""

    path: Path = _NOWHERE

    def as_json(self) -> dict[str, Any]:
        """As `Event`, without `local` and `peer` where there is none."""
        plain = Event.as_json(self)
        if self.path == _NOWHERE:
            del plain["local"], plain["peer"]
        return plain


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStarted(ServiceEvent):
    policy: str
    driver: str
    listening: tuple[str, ...]

    @property
    def sentence(self) -> str:
        return (
            f"service started with policy {self.policy!r} and the {self.driver} driver, "
            f"listening on {', '.join(self.listening)}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStopping(ServiceEvent):
    why: str

    @property
    def sentence(self) -> str:
        return f"service stops: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAssigned(ServiceEvent):
    policy: str
    why: str

    @property
    def sentence(self) -> str:
        return f"policy {self.policy!r} assigned: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyConfirmed(ServiceEvent):
    """A policy on trial is in force for good."""

    policy: str

    @property
    def sentence(self) -> str:
        return f"policy {self.policy!r} confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEnded(ServiceEvent):
    """Nobody has confirmed a policy on trial."""

    level: ClassVar[Level] = Level.WARNING

    policy: str

    @property
    def sentence(self) -> str:
        return f"policy {self.policy!r} was not confirmed in time: the one before comes back"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRefused(ServiceEvent):
    """A new policy was broken; the one before stays in force."""

    level: ClassVar[Level] = Level.ERROR

    problem: str

    @property
    def sentence(self) -> str:
        return f"the new policy is not used, the one before stays in force:\n{self.problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NameChanged(ServiceEvent):
    """A DNS name in the policy has other addresses than before."""

    name: str
    addresses: tuple[str, ...]

    @property
    def sentence(self) -> str:
        return f"the name {self.name!r} stands for {', '.join(self.addresses)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NameUnknown(ServiceEvent):
    """A DNS name in the policy has no answer; told once until there is one."""

    level: ClassVar[Level] = Level.WARNING

    name: str
    why: str
    kept: tuple[str, ...]
    """The addresses it had last."""

    @property
    def sentence(self) -> str:
        meanwhile = ", ".join(self.kept)
        meanwhile = (
            f"it goes on to stand for {meanwhile}" if self.kept else "it matches nothing yet"
        )
        return f"no address of the name {self.name!r} ({self.why}): {meanwhile}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcquireIgnored(ServiceEvent):
    """The driver asked for an SA that cannot be negotiated."""

    level: ClassVar[Level] = Level.WARNING

    flow: str
    why: str

    @property
    def sentence(self) -> str:
        return f"no negotiation for {self.flow}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalError(ServiceEvent):
    """A mistake in mainmode itself: what it was doing, and everything needed to do it again."""

    level: ClassVar[Level] = Level.ERROR

    doing: str
    error: str
    where: tuple[str, ...]
    """The traceback, a line each."""
    datagram: bytes = b""

    @property
    def sentence(self) -> str:
        octets = f", datagram {self.datagram.hex()}" if self.datagram else ""
        return (
            f"internal error while {self.doing}: {self.error} "
            f"(please report it with this event{octets})\n" + "\n".join(self.where)
        )

    @classmethod
    def of(
        cls, error: Exception, doing: str, *, path: Path = _NOWHERE, datagram: bytes = b""
    ) -> "InternalError":
        lines = "".join(traceback.format_tb(error.__traceback__)).splitlines()
        said = f"{type(error).__name__}: {error}"
        return cls(path=path, doing=doing, error=said, where=tuple(lines), datagram=datagram)
