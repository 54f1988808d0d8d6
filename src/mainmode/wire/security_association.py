"""The SA payload: what is offered, or chosen.

Source: RFC 2408 3.4, RFC 2407 4.6.1.
Talks to: `proposals`, which reads what is inside.
"""

from dataclasses import dataclass, field
from struct import Struct
from typing import ClassVar

from mainmode.numbers import Doi, PayloadType, Situation
from mainmode.wire.layout import require_octets
from mainmode.wire.proposals import Proposal, encode_proposals, parse_proposals_untrusted

_IPSEC = int(Doi.IPSEC)
_IDENTITY_ONLY = int(Situation.IDENTITY_ONLY)

_DOI = Struct(">I")
_DOI_AND_SITUATION = Struct(">II")


@dataclass(slots=True)
class SaPayload:
    """| DOI, 4 | situation, 4 | proposals ... |

    With a DOI or a situation that nobody here speaks, `proposals` is empty and `opaque` holds
    what follows the DOI or the situation (which is 0 for another DOI: its form is unknown then).
    """

    kind: ClassVar[PayloadType] = PayloadType.SA

    doi: int
    situation: int
    proposals: tuple[Proposal, ...]
    opaque: bytes = b""
    reserved: int = 0
    raw: bytes = field(default=b"", init=False, compare=False, repr=False)
    """The received body: SAi_b is hashed as it came. `dataclasses.replace` drops it."""

    @classmethod
    def parse_untrusted(cls, data: bytes, at: int, end: int, reserved: int) -> "SaPayload":
        """From the body `data[at:end]`. Raises: Malformed."""
        require_octets("SA", _DOI.size, at, end)
        (doi,) = _DOI.unpack_from(data, at)
        if doi != _IPSEC:
            sa = cls(doi, 0, (), data[at + _DOI.size : end], reserved)
        else:
            require_octets("SA", _DOI_AND_SITUATION.size, at, end)
            doi, situation = _DOI_AND_SITUATION.unpack_from(data, at)
            inside = at + _DOI_AND_SITUATION.size
            if situation == _IDENTITY_ONLY:
                proposals = parse_proposals_untrusted(data, inside, end)
                sa = cls(doi, situation, proposals, b"", reserved)
            else:
                sa = cls(doi, situation, (), data[inside:end], reserved)
        sa.raw = data[at:end]
        return sa

    def body(self) -> bytes:
        if self.raw:
            return self.raw
        if self.doi != _IPSEC:
            return _DOI.pack(self.doi) + self.opaque
        head = _DOI_AND_SITUATION.pack(self.doi, self.situation)
        return head + (encode_proposals(self.proposals) if self.proposals else self.opaque)
