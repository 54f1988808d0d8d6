"""Which filter decides for a packet, a selector or a peer.

A stub of the interface, to be written.
"""

from dataclasses import dataclass

from mainmode.model import IpAddress, Mode, Selector
from mainmode.policy.model import Action, Rule


@dataclass(frozen=True, slots=True)
class Decision:
    """What policy says about some traffic, and why."""

    action: Action
    rule: Rule | None
    """None: no filter matched; the traffic is permitted."""
    selector: Selector | None
    """What a quick mode for it negotiates (action negotiate only)."""
    peer: IpAddress | None
    """Whom to negotiate with: the other host, or the tunnel endpoint."""
    mode: Mode
    because: tuple[str, ...]
    """One sentence for each filter that was compared: which matched, which lost and why."""
