"""What the engine reports: the closed set of events.

Every event can say itself in a sentence, knows its weight and, where Windows has one, the audit
id of its security log that it corresponds to. Events never hold secrets.
"""

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, ClassVar

from mainmode.failures import Failure, Side
from mainmode.model import Path, Selector


class Level(IntEnum):
    """Weight of an event; the values are those of `logging`."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events. `path`: who it is about."""

    level: ClassVar[Level] = Level.INFO
    audit_id: ClassVar[int | None] = None

    path: Path

    @property
    def audit(self) -> int | None:
        """The Windows audit id, or None."""
        return self.audit_id

    @property
    def sentence(self) -> str:
        raise NotImplementedError

    def as_json(self) -> dict[str, Any]:
        """Field names to plain values, with `event`, `level`, `audit` and `sentence` in front."""
        plain: dict[str, Any] = {
            "event": type(self).__name__,
            "level": self.level.name.lower(),
            "audit": self.audit,
            "sentence": self.sentence,
            "local": str(self.path.local),
            "peer": str(self.path.peer),
        }
        for each in fields(self):
            if each.name != "path":
                plain[each.name] = _plain(getattr(self, each.name))
        return plain


def _plain(value: object) -> object:
    """What JSON can carry."""
    if isinstance(value, Failure):
        return {
            "reason": value.reason.name.lower().replace("_", "-"),
            "decided_by": value.decided_by.value,
            "step": value.step,
            "detail": value.detail,
            "offered": list(value.offered),
            "wanted": list(value.wanted),
            "evidence": list(value.evidence),
        }
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, bytes):
        return value.hex()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


@dataclass(frozen=True, slots=True)
class MessageSent(Event):
    """A message of an exchange left."""

    level: ClassVar[Level] = Level.DEBUG

    cky_i: bytes
    step: str
    """For people: "main mode message 1"."""
    payloads: tuple[str, ...]
    """Names in order: ("HDR*", "HASH(1)", "SA", "Ni")."""
    octets: int
    retry: int = 0
    """0: the first sending."""

    @property
    def sentence(self) -> str:
        again = f" again (retry {self.retry})" if self.retry else ""
        return f"{self.step} to {self.path.peer}{again}: {', '.join(self.payloads)}"


@dataclass(frozen=True, slots=True)
class MessageReceived(Event):
    """A message was admitted to an exchange."""

    level: ClassVar[Level] = Level.DEBUG

    cky_i: bytes
    step: str
    payloads: tuple[str, ...]
    octets: int

    @property
    def sentence(self) -> str:
        return f"{self.step} from {self.path.peer}: {', '.join(self.payloads)}"


@dataclass(frozen=True, slots=True)
class DatagramDropped(Event):
    """A datagram changed nothing."""

    level: ClassVar[Level] = Level.DEBUG

    why: str
    octets: int

    @property
    def sentence(self) -> str:
        return f"datagram of {self.octets} octets from {self.path.peer} dropped: {self.why}"


@dataclass(frozen=True, slots=True)
class InvalidCookies(Event):
    """A message whose cookies match no main mode, a quick mode without one included."""

    level: ClassVar[Level] = Level.WARNING

    exchange: str
    octets: int

    @property
    def sentence(self) -> str:
        return (
            f"{self.exchange} message from {self.path.peer} belongs to no established main mode SA"
        )


@dataclass(frozen=True, slots=True)
class Suspicion(Event):
    """Something points to a failure to come, but nothing authentic says so yet."""

    level: ClassVar[Level] = Level.WARNING

    failure: Failure

    @property
    def audit(self) -> int | None:
        return self.failure.reason.audit_id

    @property
    def sentence(self) -> str:
        return f"negotiation with {self.path.peer}: {self.failure.sentence} (waiting on)"


@dataclass(frozen=True, slots=True)
class NegotiationFailed(Event):
    """A main mode or quick mode ended without an SA."""

    level: ClassVar[Level] = Level.ERROR

    mode: str
    """"main mode" or "quick mode"."""
    failure: Failure
    again: bool = False
    """Whether the same is tried once more."""

    @property
    def audit(self) -> int | None:
        return self.failure.reason.audit_id

    @property
    def sentence(self) -> str:
        who = {Side.ME: "decided here", Side.PEER: "decided by the peer", Side.NOBODY: "timed out"}
        return (
            f"{self.mode} with {self.path.peer} failed ({who[self.failure.decided_by]}): "
            f"{self.failure.sentence}{' | trying once more' if self.again else ''}"
        )


@dataclass(frozen=True, slots=True)
class MainModeEstablished(Event):
    audit_id: ClassVar[int | None] = 541

    cky_i: bytes
    cky_r: bytes
    role: str
    offer: str
    authentication: str
    local_identity: str
    peer_identity: str
    nat: str = ""
    """At which end a NAT is and how it is traversed, or empty."""

    @property
    def sentence(self) -> str:
        nat = f", {self.nat}" if self.nat else ""
        return (
            f"main mode with {self.path.peer} ({self.peer_identity}) established as {self.role}: "
            f"{self.offer}, {self.authentication}{nat}"
        )


@dataclass(frozen=True, slots=True)
class MainModeEnded(Event):
    audit_id: ClassVar[int | None] = 543

    cky_i: bytes
    cky_r: bytes
    why: str

    @property
    def sentence(self) -> str:
        return f"main mode with {self.path.peer} ended: {self.why}"


@dataclass(frozen=True, slots=True)
class QuickModeEstablished(Event):
    audit_id: ClassVar[int | None] = 541

    role: str
    suite: str
    mode: str
    selector: Selector
    inbound_spi: int
    outbound_spi: int
    pfs: str
    """Name of the group of session key PFS, or empty."""

    @property
    def sentence(self) -> str:
        pfs = f", PFS {self.pfs}" if self.pfs else ""
        return (
            f"quick mode with {self.path.peer} established as {self.role}: {self.suite} "
            f"{self.mode} for {self.selector}{pfs}, "
            f"SPI in {self.inbound_spi:08x} out {self.outbound_spi:08x}"
        )


@dataclass(frozen=True, slots=True)
class QuickModeEnded(Event):
    audit_id: ClassVar[int | None] = 542

    selector: Selector
    inbound_spi: int
    outbound_spi: int
    why: str

    @property
    def sentence(self) -> str:
        return (
            f"quick mode SA with {self.path.peer} for {self.selector} ended "
            f"(SPI in {self.inbound_spi:08x} out {self.outbound_spi:08x}): {self.why}"
        )


@dataclass(frozen=True, slots=True)
class SoftSaEstablished(Event):
    """Traffic passes in clear, because policy allows that with peers that do not negotiate."""

    level: ClassVar[Level] = Level.WARNING

    selector: Selector
    why: str

    @property
    def sentence(self) -> str:
        return f"soft SA with {self.path.peer}: {self.selector} passes in clear, for {self.why}"


@dataclass(frozen=True, slots=True)
class SoftSaEnded(Event):
    selector: Selector
    why: str

    @property
    def sentence(self) -> str:
        return f"soft SA with {self.path.peer} for {self.selector} ended: {self.why}"


@dataclass(frozen=True, slots=True)
class NotificationReceived(Event):
    level: ClassVar[Level] = Level.INFO

    notification: str
    authenticated: bool
    detail: str = ""

    @property
    def sentence(self) -> str:
        trust = "" if self.authenticated else " (unauthenticated: only noted)"
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.path.peer} says {self.notification}{detail}{trust}"


@dataclass(frozen=True, slots=True)
class FloodSuspected(Event):
    """Half-open main modes reached a bound."""

    level: ClassVar[Level] = Level.WARNING
    audit_id: ClassVar[int | None] = 550

    why: str

    @property
    def sentence(self) -> str:
        return f"possible denial of service from {self.path.peer}: {self.why}"
