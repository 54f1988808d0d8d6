"""Peers whose SAs are in a kernel with ESP and AH: strongSwan and libreswan in a virtual machine.

One machine tries all cases that were asked for, and each test judges one of them. That pings come
back proves little, for a packet can pass beside the SAs; that both sides have counted the same
packets on the same SAs proves that they were protected. Figures of speed mean nothing there.
"""

from collections.abc import Iterator

import pytest

from tests.peers.guest.cases import CASES, Case, Outcome
from tests.peers.guest.machine import Machine
from tests.peers.xfrm import KernelSa

pytestmark = pytest.mark.guest

KERNEL_NAMES = {
    "": "",
    "des": "cbc(des)",
    "3des": "cbc(des3_ede)",
    "md5": "hmac(md5)",
    "sha1": "hmac(sha1)",
}
"""mainmode's names of algorithms to the kernel's."""


@pytest.fixture(scope="session")
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    cases = [item.callspec.params.get("case") for item in items if hasattr(item, "callspec")]
    asked = {case for case in cases if isinstance(case, Case)}
    with Machine([case for case in CASES if case in asked]) as started:
        yield started


@pytest.mark.parametrize("case", CASES, ids=str)
def test_both_sides_count_the_same_packets(machine: Machine, case: Case) -> None:
    outcome = machine.outcome(case)
    print(outcome.log)
    assert outcome.failure == ""
    require_agreement(case, outcome)
    for sa in outcome.kernel_sas:
        require_same(case, outcome, sa)
    assert all(outcome.pings.values()), outcome.pings
    assert outcome.transferred


def require_agreement(case: Case, outcome: Outcome) -> None:
    """mainmode has what the case asks for, and the kernel has the two SAs of it."""
    pair = outcome.pair
    assert (pair["mode"], pair["role"]) == (case.mode, case.role)
    assert bool(pair["pfs"]) == case.pfs
    assert suite_of(outcome) == case.protection
    spis = {sa.spi for sa in outcome.kernel_sas}
    assert spis == {pair["inbound_spi"], pair["outbound_spi"]}
    assert len(outcome.kernel_sas) == 2


def suite_of(outcome: Outcome) -> str:
    """As policy files write it."""
    pair = outcome.pair
    if pair["ah_integrity"]:
        return f"ah:{pair['ah_integrity']}"
    return f"esp:{pair['esp_confidentiality']}-{pair['esp_integrity']}"


def require_same(case: Case, outcome: Outcome, sa: KernelSa) -> None:
    """One SA in the kernel is what mainmode takes it for, and has carried as many packets."""
    pair = outcome.pair
    assert (sa.protocol, sa.mode) == (case.protection.partition(":")[0], case.mode)
    assert sa.encryption == KERNEL_NAMES[pair["esp_confidentiality"]]
    assert sa.integrity == KERNEL_NAMES[pair["esp_integrity"] or pair["ah_integrity"]]
    assert sa.in_udp == case.in_udp
    way = "sent" if sa.spi == pair["outbound_spi"] else "received"
    assert sa.packets == pair[f"packets_{way}"]
    assert sa.packets > len(outcome.pings)
