"""Why a negotiation failed: one typed reason that can explain itself.

Source: the sentences are ours; the audit ids are those of Windows' security log (541 to 547, 550).
"""

from dataclasses import dataclass, replace
from enum import Enum

from mainmode.errors import MainmodeError
from mainmode.numbers import NotifyType


class Side(Enum):
    """Who decided that a negotiation ends."""

    ME = "me"
    PEER = "peer"
    NOBODY = "nobody"
    """Time ran out."""


class Reason(Enum):
    """(sentence, notification to answer with or None, audit id)."""

    NO_COMMON_PROPOSAL = (
        "the two sides have no security offer in common",
        NotifyType.NO_PROPOSAL_CHOSEN,
        546,
    )
    OFFER_INCOMPLETE = (
        "a main mode offer lacks a mandatory parameter "
        "(encryption, hash, Diffie-Hellman group, authentication method)",
        NotifyType.BAD_PROPOSAL_SYNTAX,
        546,
    )
    BAD_PROPOSAL = ("the offer breaks a rule of its form", NotifyType.BAD_PROPOSAL_SYNTAX, 546)
    OFFER_MODIFIED = ("the responder changed what was offered", None, 546)
    UNSUPPORTED_EXCHANGE = (
        "this kind of exchange is refused here",
        NotifyType.UNSUPPORTED_EXCHANGE_TYPE,
        547,
    )
    UNSUPPORTED_AUTHENTICATION = (
        "this authentication method is refused here",
        NotifyType.NO_PROPOSAL_CHOSEN,
        546,
    )
    NO_POLICY = (
        "no rule of the policy here asks for a negotiation with this address",
        NotifyType.NO_PROPOSAL_CHOSEN,
        547,
    )
    NO_CREDENTIAL = ("the credential that the rule names is missing", None, 545)
    WRONG_KEY = (
        "the proof of identity could not be verified: "
        "most likely the two sides have different preshared keys",
        NotifyType.INVALID_HASH_INFORMATION,
        545,
    )
    IDENTITY_MISMATCH = (
        "the identity that was proved is not the one that policy expects",
        NotifyType.INVALID_ID_INFORMATION,
        545,
    )
    BAD_PUBLIC_VALUE = (
        "the Diffie-Hellman public value is not one of the group",
        NotifyType.INVALID_KEY_INFORMATION,
        547,
    )
    WEAK_KEY = ("key derivation gave a weak DES key", None, 547)
    NOT_AUTHORISED = (
        "the two sides do not agree on which traffic to protect",
        NotifyType.INVALID_ID_INFORMATION,
        547,
    )
    PFS_MISMATCH = (
        "one side wants perfect forward secrecy in quick mode, the other does not "
        "or with another group",
        NotifyType.NO_PROPOSAL_CHOSEN,
        546,
    )
    MODE_MISMATCH = (
        "one side wants transport mode, the other tunnel mode",
        NotifyType.NO_PROPOSAL_CHOSEN,
        546,
    )
    NAT_MISMATCH = (
        "the offer does not fit what lies between the two sides: a NAT or none",
        NotifyType.NO_PROPOSAL_CHOSEN,
        546,
    )
    MALFORMED = (
        "a message does not have the form the protocol gives it",
        NotifyType.PAYLOAD_MALFORMED,
        547,
    )
    MAIN_MODE_USED_UP = (
        "no more quick modes are to begin under this main mode SA",
        NotifyType.INVALID_COOKIE,
        547,
    )
    PEER_REFUSED = ("the peer refused", None, 547)
    TIMED_OUT = ("the peer did not answer", None, 547)
    DRIVER_REFUSED = ("the IPSec driver refused the security association", None, 547)
    CLOSED = ("the negotiation was called off", None, 547)

    def __init__(self, sentence: str, notify: NotifyType | None, audit_id: int) -> None:
        self.sentence = sentence
        self.notify = notify
        self.audit_id = audit_id


@dataclass(frozen=True, slots=True)
class Failure:
    """One reason with its evidence."""

    reason: Reason
    decided_by: Side = Side.ME
    step: str = ""
    """The waiting point, as the monitor shows it."""
    detail: str = ""
    offered: tuple[str, ...] = ()
    """What was on the table, a line each."""
    wanted: tuple[str, ...] = ()
    """What the deciding side would have taken, a line each."""
    evidence: tuple[str, ...] = ()
    """What unauthenticated messages claimed meanwhile; any of it may be forged."""
    alternatives: bytes = b""
    """`wanted` as octets for the peer: the data of the notification that refuses."""

    def at(self, step: str) -> "Failure":
        return self if self.step else replace(self, step=step)

    @property
    def sentence(self) -> str:
        """The whole explanation for a person, in one line."""
        hearsay = " (unauthenticated)" if self.detail in self.evidence else ""
        parts = [self.reason.sentence + (f": {self.detail}{hearsay}" if self.detail else "")]
        if self.step:
            parts.append(f"while {self.step}")
        if self.offered:
            parts.append("offered: " + ", ".join(self.offered))
        if self.wanted:
            parts.append("wanted: " + ", ".join(self.wanted))
        others = [each for each in self.evidence if each != self.detail]
        if others:
            parts.append("unauthenticated evidence: " + "; ".join(others))
        return " | ".join(parts)


class Refused(MainmodeError):
    """Ends the negotiation it is raised in: a rung of a ladder says no."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure


class Inadmissible(MainmodeError):
    """This message may not reach the ladder: it is dropped, and the ladder waits on.

    Raised while a message is checked, before any state has changed.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.sentence)
        self.failure = failure
