"""What an authentication method brings to main mode: SKEYID, and the proof of identity.

The ladder is the same for all of them; the method says which key the pseudo-random function
starts from and what the encrypted messages 5 and 6 prove.

Source: RFC 2409 5 (SKEYID by method), 5.1 and 5.4 (the proofs).
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from mainmode.crypto.algorithms import Hash
from mainmode.numbers import AuthenticationMethod
from mainmode.wire.message import Payloads
from mainmode.wire.payloads import Identification, Payload


class Role(Enum):
    INITIATOR = "initiator"
    RESPONDER = "responder"

    @property
    def other(self) -> "Role":
        return Role.RESPONDER if self is Role.INITIATOR else Role.INITIATOR


@dataclass(frozen=True, slots=True)
class Transcript:
    """What both sides have said when identities are about to be proved."""

    hash: Hash
    cky_i: bytes
    cky_r: bytes
    sai_b: bytes
    """Body of the initiator's SA payload, octet for octet."""
    g_xi: bytes
    g_xr: bytes
    ni_b: bytes
    nr_b: bytes
    g_xy: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProvenIdentity:
    """Who the peer has proved to be. Made by `Authenticator.verify` alone: whoever holds one
    has had the proof checked."""

    identification: Identification
    method: AuthenticationMethod

    def __str__(self) -> str:
        return str(self.identification)


class Authenticator(Protocol):
    """One authentication method with our credential for it."""

    def skeyid(self, transcript: Transcript) -> bytes:
        """SKEYID, from which all keys come."""

    def prove(
        self, role: Role, skeyid: bytes, transcript: Transcript, identification: Identification
    ) -> list[Payload]:
        """Our ID payload and what proves it."""

    def verify(
        self, role: Role, skeyid: bytes, transcript: Transcript, payloads: Payloads
    ) -> ProvenIdentity:
        """Check the proof of the side with this role. Raises Inadmissible."""
