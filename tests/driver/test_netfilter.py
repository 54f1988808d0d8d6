"""The kernel takes every kind of rule that `ruleset` can make."""

import json
import subprocess
from ipaddress import ip_address

import pytest

from mainmode.driver.user import netfilter, ruleset, soft_sets
from mainmode.errors import DriverError
from mainmode.model import Selector, SoftSa
from mainmode.policy.model import Action
from mainmode.policy.selection import Selection
from tests.driver.nft_model import Json
from tests.driver.pairs import addresses, policy, rule
from tests.driver.test_bundles import MANY, build, mixed, rules_of, selection
from tests.peers.network import Host

pytestmark = pytest.mark.network

PLACES = ("me", "any", "192.0.2.0/24", "198.51.100.3-198.51.100.9", "2001:db8::/48", "2001:db8::7")
LOCAL = [ip_address(each) for each in ("192.0.2.1", "2001:db8::1")]
RULES = [
    rule(action, "me", place, protocol=protocol, source_port=port, destination_port=port)
    for action in Action
    for place in PLACES
    for protocol, port in ((0, 0), (0, 53), (1, 0), (6, 80), (17, 53), (47, 0))
]
TUNNEL = rule(Action.NEGOTIATE, "10.1.0.0/16", "10.2.0.0/16", tunnel_endpoint="192.0.2.2")


def built() -> Json:
    selection = Selection(policy(*RULES, TUNNEL), LOCAL)
    return ruleset.build(selection, device="mainmode0", ike_ports=(500, 4500))


def rules_in(host: Host) -> int:
    listed = json.loads(host.run(["nft", "-j", "list", "ruleset"]))["nftables"]
    return sum("rule" in each for each in listed)


def test_the_whole_table_again_and_again(hosts: tuple[Host, Host]) -> None:
    """Loading twice leaves one set of rules."""
    one, _ = hosts
    made = built()
    wanted = json.dumps(made).count('{"add": {"rule"')
    assert wanted > 400
    for _ in range(2):
        one.inside(lambda: netfilter.load(made))
        assert rules_in(one) == wanted
    assert one.inside(netfilter.dropped) == dict.fromkeys(ruleset.COUNTERS, 0)
    one.inside(netfilter.remove)
    assert one.run(["nft", "list", "ruleset"]) == ""


def test_ten_thousand_filters(hosts: tuple[Host, Host]) -> None:
    """They stand in sets of every form, plain, of networks, and concatenated."""
    one, _ = hosts
    made = build(MANY)

    def load() -> None:
        netfilter.declare(soft_sets.declarations(soft_sets.kinds(selection(*mixed(MANY)))))
        netfilter.load(made)

    one.inside(load)
    assert rules_in(one) == rules_of(made)
    one.inside(netfilter.remove)


# --- soft SAs -----------------------------------------------------------------------------

FALLBACK = [
    rule(Action.NEGOTIATE, "me", place, protocol=protocol, source_port=port, allow_fallback=True)
    for place in PLACES
    for protocol, port in ((0, 0), (0, 53), (1, 0), (6, 80), (17, 53), (47, 0))
]


def soft(local: str, peer: str, protocol: int = 0, port: int = 0) -> SoftSa:
    selector = Selector(addresses(local), addresses(peer), protocol, port)
    return SoftSa(1, selector, ip_address(peer))


SOFT = [
    soft("192.0.2.1", "192.0.2.2"),
    soft("192.0.2.1", "192.0.2.3"),
    soft("192.0.2.1", "192.0.2.2", 6, 80),
    soft("2001:db8::1", "2001:db8::7", 17, 53),
]


def test_soft_sas_again_and_again(hosts: tuple[Host, Host]) -> None:
    """The sets stay over a reload; what stands in them is replaced with the rules."""
    one, _ = hosts
    selection = Selection(policy(*FALLBACK), LOCAL)
    kinds = soft_sets.kinds(selection)
    assert len(kinds) == 12
    for wanted in ([], SOFT, SOFT[:1]):
        made = ruleset.build(selection, device="mainmode0", ike_ports=(500,), soft=wanted)
        one.inside(lambda: netfilter.declare(soft_sets.declarations(kinds)))
        one.inside(lambda: netfilter.load(made))  # noqa: B023 - called at once
        assert elements_in(one) == sorted(standing(wanted))
        renewal = {"nftables": list(soft_sets.permit(kinds, wanted))}
        one.inside(lambda: netfilter.load(renewal))  # noqa: B023 - called at once
        assert elements_in(one) == sorted(standing(wanted))
    assert one.inside(netfilter.passed) == frozenset()
    one.inside(lambda: netfilter.load(built()))  # a policy without fallback
    one.inside(lambda: netfilter.load({"nftables": list(soft_sets.permit([], SOFT))}))
    one.inside(netfilter.remove)
    assert one.run(["nft", "list", "ruleset"]) == ""


def standing(wanted: list[SoftSa]) -> list[tuple[str, ...]]:
    return [
        (
            soft_sets.Kind.of(each.selector).permitted,
            str(each.selector.local),
            str(each.selector.remote),
        )
        for each in wanted
    ]


def elements_in(host: Host) -> list[tuple[str, ...]]:
    listed = json.loads(host.run(["nft", "-j", "list", "sets"]))["nftables"]
    return sorted(
        (each["set"]["name"], *element["elem"]["val"]["concat"])
        for each in listed
        for element in each.get("set", {}).get("elem", ())
    )


def test_a_refused_table_changes_nothing(hosts: tuple[Host, Host]) -> None:
    one, _ = hosts
    made = built()
    one.inside(lambda: netfilter.load(made))
    before = rules_in(one)
    broken = {"nftables": [*made["nftables"], {"add": {"rule": {"family": "inet"}}}]}
    with pytest.raises(DriverError, match="nft"):
        one.inside(lambda: netfilter.load(broken))
    assert rules_in(one) == before


def test_another_programs_tables_are_left_alone(hosts: tuple[Host, Host]) -> None:
    one, _ = hosts
    one.run(["nft", "add table inet somebody"])
    one.inside(lambda: netfilter.load(built()))
    one.inside(netfilter.remove)
    assert one.run(["nft", "list", "tables"]) == "table inet somebody\n"


def test_without_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path: None)
    with pytest.raises(DriverError, match="install the package nftables"):
        netfilter.remove()


def test_a_program_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, timeout: float, **__: object) -> None:
        raise subprocess.TimeoutExpired("nft", timeout)

    monkeypatch.setattr("subprocess.run", hang)
    with pytest.raises(DriverError, match="nft gave no answer in 30 s"):
        netfilter.dropped()


def test_a_program_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "Operation not permitted\n")

    monkeypatch.setattr("subprocess.run", fail)
    with pytest.raises(DriverError, match="nft: Operation not permitted"):
        netfilter.remove()
