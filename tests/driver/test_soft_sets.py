"""The sets of the packet filter that hold soft SAs."""

from ipaddress import ip_address

from mainmode.driver.user import soft_sets
from mainmode.driver.user.soft_sets import Kind, Passed
from mainmode.model import Selector, SoftSa
from mainmode.policy.model import Action
from mainmode.policy.selection import Selection
from tests.driver.pairs import addresses, policy, rule

A, B, A6, B6 = "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"
LOCAL = [ip_address(A), ip_address(A6)]
WEB = Kind(4, 6, 0, 80)
SSH = Kind(4, 6, 22, 0)


def soft(local: str, peer: str, protocol: int = 0, remote_port: int = 0) -> SoftSa:
    selector = Selector(addresses(local), addresses(peer), protocol, 0, remote_port)
    return SoftSa(1, selector, ip_address(peer))


def test_only_what_may_fall_back_has_sets() -> None:
    rules = [
        rule(Action.NEGOTIATE, "me", "192.0.2.0/24", protocol=6, destination_port=80),
        rule(Action.NEGOTIATE, "me", "any", protocol=6, destination_port=443, allow_fallback=True),
        rule(Action.BLOCK, "me", "any", protocol=6, destination_port=23, allow_fallback=True),
        rule(Action.NEGOTIATE, A, "10.2.0.0/16", tunnel_endpoint=B, allow_fallback=True),
    ]
    kinds = soft_sets.kinds(Selection(policy(*rules), LOCAL))
    assert kinds == {Kind(4, 6, 0, 443), Kind(6, 6, 0, 443)}


def test_declarations_name_every_set() -> None:
    text = soft_sets.declarations([WEB, Kind(6, 0, 0, 0)])
    lines = text.splitlines()
    assert [line.split("{")[0].split()[-1] for line in lines] == [
        "mainmode",
        "permitted_ipv4_6_0_80",
        "passed_ipv4_6_0_80",
        "permitted_ipv6_0_0_0",
        "passed_ipv6_0_0_0",
    ]
    assert "ipv6_addr . ipv6_addr; flags timeout;" in lines[3]


def test_permit_replaces_whatever_stood() -> None:
    commands = list(soft_sets.permit([WEB, SSH], [soft(A, B, 6, 80), soft(A6, B6)]))
    assert [next(iter(each)) for each in commands] == ["flush", "add", "flush"]
    (element,) = commands[1]["add"]["element"]["elem"]
    assert element["elem"]["val"] == {"concat": [A, B]}


def test_what_has_passed_is_read_from_nfts_list() -> None:
    """As nft 1.0.6 writes it."""
    element = {"elem": {"val": {"concat": [A, B]}, "timeout": 300, "expires": 298}}
    listed = {
        "nftables": [
            {"metainfo": {"version": "1.0.6"}},
            {"set": {"name": WEB.permitted, "elem": [element]}},
            {"set": {"name": WEB.passed, "elem": [element]}},
            {"set": {"name": SSH.passed}},
        ]
    }
    passed = soft_sets.read_passed(listed)
    assert passed == {Passed(WEB.passed, ip_address(A), ip_address(B))}
    assert soft_sets.has_passed(soft(A, B, 6, 80), passed)
    assert not soft_sets.has_passed(soft(A, B), passed)
    assert not soft_sets.has_passed(soft(A, "192.0.2.3", 6, 80), passed)
