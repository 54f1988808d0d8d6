"""The transforms that would have been taken, as the data of a notification that refuses.

The documented service may reply to an offer with alternatives, in a form nobody describes. Ours
(`Failure.alternatives`) is the body of an SA payload (RFC 2408 3.4: DOI, situation, proposals)
with SPIs of zero, which any decoder of SA payloads reads. It is advice for a person who reads a
log: whoever receives it explains with it and never offers more because of it.
"""

from collections.abc import Iterator
from dataclasses import replace

from mainmode.errors import Malformed
from mainmode.policy.offers.description import describe_sa
from mainmode.wire.payloads import SaPayload


def fit_alternatives(data: bytes, octets_max: int) -> bytes:
    """As many of the transforms as `octets_max` holds, preferred first; empty when none fits.

    A refusal in clear must not be longer than what it answers. data: ours, so it parses; or none.
    """
    if not data or len(data) <= octets_max:
        return data
    sa = SaPayload.parse_untrusted(data, 0, len(data), 0)
    bodies = (fewer.body() for fewer in _ever_fewer(sa))
    return next((body for body in bodies if len(body) <= octets_max), b"")


def _ever_fewer(sa: SaPayload) -> Iterator[SaPayload]:
    """The SA without its last transform, without its last two, and so on to the first alone."""
    proposals = list(sa.proposals)
    while proposals:
        last = proposals.pop()
        for count in range(len(last.transforms) - 1, 0, -1):
            yield replace(
                sa, proposals=(*proposals, replace(last, transforms=last.transforms[:count]))
            )
        if proposals:
            yield replace(sa, proposals=tuple(proposals))


def read_alternatives_untrusted(data: bytes) -> tuple[str, ...]:
    """What a refusal says would have been taken, a line each; empty when it says nothing that can
    be read. Nothing in it is proven: it may come from anybody."""
    try:
        return describe_sa(SaPayload.parse_untrusted(data, 0, len(data), 0))
    except Malformed:
        return ()
