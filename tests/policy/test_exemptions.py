"""What no filter applies to, level by level."""

from ipaddress import ip_address

import pytest

from mainmode.model import Direction, Flow
from mainmode.policy.model import Action, Policy
from mainmode.policy.selection import Selection
from mainmode.policy.settings import Settings
from tests.policy.policies import BLOCK, HERE, PEER, flow, rule, traffic

MULTICAST, BROADCAST = ip_address("224.0.0.251"), ip_address("192.0.2.255")
EVERYTHING = Policy("strict", (rule("everything", BLOCK, traffic("any", "any")),))
EXEMPT = {
    "IKE": (0, 1, 2, 3),
    "multicast": (0, 1),
    "broadcast": (0, 1),
    "RSVP": (0, 2),
    "Kerberos": (0, 2),
    "web": (),
}
"""The levels at which each is (docs/protocol-notes.md)."""
FLOWS = {
    "IKE": [flow("192.0.2.1", "192.0.2.2", "udp", 500, 500)],
    "multicast": [Flow(HERE, MULTICAST, 17, 5_353, 5_353), Flow(MULTICAST, PEER, 17, 5_353, 5_353)],
    "broadcast": [Flow(HERE, BROADCAST, 17, 137, 137)],
    "RSVP": [flow("192.0.2.1", "192.0.2.2", "46")],
    "Kerberos": [
        flow("192.0.2.1", "192.0.2.2", "tcp", 40_000, 88),
        flow("192.0.2.1", "192.0.2.2", "udp", 88, 40_000),
    ],
    "web": [flow("192.0.2.1", "192.0.2.2", "tcp", 40_000, 80)],
}


def strict(level: int) -> Selection:
    settings = Settings(exempt=level)
    return Selection(EVERYTHING, [HERE], broadcast_addresses=[BROADCAST], settings=settings)


@pytest.mark.parametrize("level", range(4))
@pytest.mark.parametrize("what", list(EXEMPT))
def test_each_level(what: str, level: int) -> None:
    expected = Action.PERMIT if level in EXEMPT[what] else Action.BLOCK
    for each in FLOWS[what]:
        for direction in Direction:
            decision = strict(level).decide(each, direction)
            assert decision.action is expected
            assert strict(level).decide(each, direction).action is expected
            assert ("exempt" in decision.because[-1]) == (expected is Action.PERMIT)


def test_what_passes_through_is_not_exempt() -> None:
    through = flow("10.0.0.1", "192.0.2.2", "tcp", 40_000, 88)
    assert strict(0).decide(through).action is Action.BLOCK


def test_without_a_word_ike_alone_is_exempt() -> None:
    assert Selection(EVERYTHING, [HERE]).settings.exempt == 3
