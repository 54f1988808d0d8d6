"""What both ends of a benchmark agree to: one policy, one secret, and a pair of addresses for each
negotiation, so that each is the first between its two hosts."""

from ipaddress import IPv4Address

from mainmode.policy.model import Policy
from mainmode.policy.selection import Selection
from mainmode.testing.samples import CREDENTIALS, policy, rule

__all__ = [
    "CREDENTIALS",
    "CROWD_MAX",
    "INITIATORS",
    "NEGOTIATIONS",
    "NEGOTIATIONS_MAX",
    "RESPONDERS",
    "pairs_before_memory",
    "quick_mode_offer",
    "selection_of",
]

INITIATORS = IPv4Address("127.64.0.0")
RESPONDERS = IPv4Address("127.128.0.0")
"""The first address of either side; the others follow. Linux answers on all of 127.0.0.0/8."""
_WARM_UP_PAIRS = 500
NEGOTIATIONS = 2_000 + _WARM_UP_PAIRS
"""Unless someone asks for another count: memory is measured over 2,000 pairs."""
NEGOTIATIONS_MAX = 1 << 20
"""So many addresses either side has; more would be another test."""
CROWD_MAX = NEGOTIATIONS_MAX // 2
"""So many of them may have SAs already when others come."""


def selection_of(offer: str) -> Selection:
    """The policy of both ends: ESP 3DES-SHA1 after main mode with this one offer."""
    return Selection(_policy_of(offer), ())


def pairs_before_memory(count: int) -> int:
    """After so many of `count` pairs memory begins to be watched."""
    return min(_WARM_UP_PAIRS, count // 4)


def _policy_of(offer: str) -> Policy:
    return policy(rule("127.64.0.0/10", "127.128.0.0/10"), main_mode=offer)


def quick_mode_offer(suite: str) -> str:
    """As policy files write it; ESP goes without saying."""
    return suite if ":" in suite else f"esp:{suite}"
