"""What was said about each transform, joined into the one failure of an SA."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mainmode.failures import Failure, Reason, Refused
from mainmode.numbers import Doi, Situation
from mainmode.policy.offers.description import (
    LINES_MAX,
    describe_sa,
    describe_transform,
    shortened,
)
from mainmode.policy.offers.reading import Unsuitable
from mainmode.wire.payloads import SaPayload
from mainmode.wire.proposals import Proposal, Transform

_ONLY_OBSTACLE = (Reason.MODE_MISMATCH, Reason.NAT_MISMATCH, Reason.PFS_MISMATCH)
"""A transform with one of these would have been taken but for it."""


@dataclass(slots=True)
class Refusals:
    """Every transform that was not taken, in offered order. Described only when all were refused,
    and then only as many as an explanation lists."""

    entries: list[tuple[Proposal, Transform, Unsuitable]] = field(default_factory=list)

    def add(self, proposal: Proposal, transform: Transform, verdict: Unsuitable) -> None:
        self.entries.append((proposal, transform, verdict))

    def refused(self, wanted: list[str], acceptable: SaPayload | None = None) -> Refused:
        """wanted, acceptable: what would have been taken, in words and as an SA."""
        lines = [
            f"{describe_transform(proposal, transform)} ({verdict.why})"
            for proposal, transform, verdict in self.entries[:LINES_MAX]
        ]
        if len(self.entries) > LINES_MAX:
            lines.append(f"and {len(self.entries) - LINES_MAX} more")
        return Refused(
            Failure(
                self._reason(),
                offered=tuple(lines),
                wanted=shortened(wanted),
                alternatives=acceptable.body() if acceptable is not None else b"",
            )
        )

    def _reason(self) -> Reason:
        reasons = list(dict.fromkeys(verdict.reason for _, _, verdict in self.entries))
        if len(reasons) == 1:
            return reasons[0]
        only = (each for each in reasons if each in _ONLY_OBSTACLE)
        return next(only, Reason.NO_COMMON_PROPOSAL)


def refuse_whole(reason: Reason, detail: str, offered: Iterable[str] = ()) -> Refused:
    """An SA that is refused as a whole, before or after its transforms are looked at."""
    return Refused(Failure(reason, detail=detail, offered=shortened(list(offered))))


def modified(detail: str, offered: SaPayload, answer: SaPayload) -> Refused:
    """An answer that is not one of the offers."""
    returned = ", ".join(describe_sa(answer)) or "nothing"
    detail = f"{detail}; the answer says {returned}"
    return refuse_whole(Reason.OFFER_MODIFIED, detail, describe_sa(offered))


def require_identity_only(sa: SaPayload) -> None:
    """The one domain and situation that is spoken here (RFC 2407 4.2.1). Raises: Refused."""
    if sa.doi != Doi.IPSEC or sa.situation != Situation.IDENTITY_ONLY:
        detail = f"DOI {sa.doi} and situation {sa.situation} instead of 1 and 1"
        raise refuse_whole(Reason.BAD_PROPOSAL, detail)
