"""A new policy: what it no longer permits ends, the rest stays."""

import pytest

from mainmode.auth.credentials import Credentials
from mainmode.engine.events import MainModeEnded, NegotiationFailed, QuickModeEnded
from mainmode.failures import Reason
from mainmode.policy.model import Authentication, Method, Policy
from mainmode.policy.selection import Selection
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, KEY, SECRET, authentication, policy, rule
from tests.engine.rungs import asked_for, rung
from tests.engine.scene import LONG_ENOUGH_S, Scene, failures, tables

WHY = "no longer permitted by policy"
ELSEWHERE = policy(rule(destination="198.51.100.0/24"))
NAMED = policy(rule(authentications=[authentication(there="fqdn:bob.example")]))
WEB_ONLY = policy(rule("any", "me", protocol=6, port=80), rule(protocol=6, port=80, name="web"))
NEW_KEY = Credentials({SECRET: b"the old one was told to somebody"})


def assign(
    network: Network, host: Host, assigned: Policy, credentials: Credentials = CREDENTIALS
) -> None:
    selection = Selection(assigned, [host.address])
    network.do(host, host.engine.assign(selection, credentials, network.now))


def test_the_same_policy_changes_nothing() -> None:
    scene = Scene().connect()
    before = len(scene.datagrams)
    assign(scene.network, scene.alice, policy())
    assert len(scene.datagrams) == before
    scene.network.run(LONG_ENOUGH_S)
    scene.require_agreement()


@pytest.mark.parametrize("assigned", [ELSEWHERE, NAMED])
def test_what_is_not_permitted_ends_on_both_sides(assigned: Policy) -> None:
    """Another peer altogether, or this one under a name that it has not proved."""
    scene = Scene().connect()
    assign(scene.network, scene.alice, assigned)
    scene.network.run(2.0)
    for host in (scene.alice, scene.bob):
        assert not host.inbound
        assert not host.engine.main_mode_sas()
    assert [event.why for event in scene.alice.of(QuickModeEnded)] == [WHY]
    assert [event.why for event in scene.alice.of(MainModeEnded)] == [WHY]


def test_a_pair_whose_traffic_is_protected_otherwise_ends_and_main_mode_stays() -> None:
    scene = Scene().connect()
    assign(scene.network, scene.alice, WEB_ONLY)
    assert not scene.alice.inbound
    assert scene.alice.engine.main_mode_sas()


def test_who_has_proved_a_key_that_has_changed_must_prove_the_new_one() -> None:
    scene = Scene().connect()
    assign(scene.network, scene.alice, policy(), NEW_KEY)
    scene.network.run(2.0)
    for host in (scene.alice, scene.bob):
        assert not host.inbound
        assert not host.engine.main_mode_sas()
    assign(scene.network, scene.bob, policy(), NEW_KEY)
    scene.connect(3.0)
    scene.require_agreement()


def test_a_secret_that_is_gone_likewise() -> None:
    scene = Scene().connect()
    assign(scene.network, scene.alice, policy(), Credentials({}))
    assert not scene.alice.engine.main_mode_sas()


@pytest.mark.parametrize("assigned", [ELSEWHERE, NAMED])
@pytest.mark.parametrize("at_s", [0.005, 0.025, 0.045, 0.065, 0.075, 0.085, 0.095])
@pytest.mark.parametrize("who", ["alice", "bob"])
def test_what_is_under_way_is_called_off(who: str, at_s: float, assigned: Policy) -> None:
    scene = Scene().connect(at_s)
    host = scene.alice if who == "alice" else scene.bob
    assign(scene.network, host, assigned)
    scene.network.run(at_s + 0.5)
    assert not host.engine.main_mode_sas()
    assert not host.promised
    assert tables(host)["wishes"] == 0
    assert tables(host)["half-open"] == 0
    scene.network.run(at_s + LONG_ENOUGH_S)
    for each in (scene.alice, scene.bob):
        assert not each.inbound
        assert set(tables(each).values()) == {0}


@pytest.mark.parametrize("at_s", [0.005, 0.025, 0.045, 0.065, 0.075, 0.085, 0.095])
def test_what_is_still_permitted_goes_on(at_s: float) -> None:
    scene = Scene().connect(at_s)
    for host in (scene.alice, scene.bob):
        assign(scene.network, host, policy(rule(), rule("any", "me", name="more", port=1)))
    scene.network.run(2.0)
    scene.require_agreement()


def test_methods_without_a_secret_have_none_that_could_change() -> None:
    several = [authentication(), Authentication(Method.KERBEROS)]
    assigned = policy(rule(authentications=several))
    scene = Scene(assigned).connect(0.025)
    assign(scene.network, scene.alice, assigned)
    scene.network.run(2.0)
    scene.require_agreement()


def test_a_half_open_main_mode_that_is_not_permitted_is_forgotten() -> None:
    standing = rung("main_mode_3")
    assign(standing.puppet.network, standing.host, ELSEWHERE)
    assert standing.puppet.hears(standing.datagram) == []
    assert not standing.host.engine._negotiations.exchanges.under_way()


@pytest.mark.parametrize("name", ["quick_mode_2", "quick_mode_3"])
def test_a_quick_mode_under_way_for_other_traffic_is_called_off(name: str) -> None:
    standing = rung(name)
    assign(standing.puppet.network, standing.host, WEB_ONLY)
    assert [each.reason for each in failures(standing.host)] == [Reason.CLOSED]
    assert not standing.host.promised
    standing.puppet.hears(standing.datagram)
    assert not standing.host.engine.quick_mode_sas()
    assert standing.host.engine.main_mode_sas()


def test_those_who_wait_are_judged_by_their_own_rules() -> None:
    """Ten ports, three run, seven wait; the new policy has the last two of them."""
    host, puppet, _ = asked_for(range(1000, 1010))
    keep = [rule(protocol=6, port=port, name=str(port)) for port in (1008, 1009)]
    assign(puppet.network, host, policy(*keep))
    assert len(host.of(NegotiationFailed)) == 3
    assert tables(host)["wishes"] == 2
    assert tables(host)["exchanges under way"] == 2


def test_a_pair_of_algorithms_that_policy_does_not_name_any_more_ends() -> None:
    scene = Scene(policy(rule(quick_mode=("esp:des-md5", "esp:3des-sha1")))).connect()
    assign(scene.network, scene.alice, policy(rule(quick_mode=("esp:3des-sha1", "esp:des-md5"))))
    assert len(scene.alice.inbound) == 1, "another order is no reason"
    assign(scene.network, scene.alice, policy(rule(quick_mode=("ah:sha1", "esp:3des-sha1"))))
    assert not scene.alice.inbound
    assert scene.alice.engine.main_mode_sas()


def test_later_negotiations_follow_the_new_policy() -> None:
    host = Host("192.0.2.1", policy(main_mode="des-md5-group1"), CREDENTIALS)
    network = Network(host)
    Puppet(network, host, offer="des-md5-group1").establish()
    assign(network, host, policy(main_mode=("3des-sha1-group2", "des-md5-group1")))
    assert host.engine.main_mode_sas()
    assign(network, host, policy(main_mode="3des-sha1-group2"))
    assert not host.engine.main_mode_sas()
    assert Puppet(network, host, offer="des-md5-group1", seed=1).offers() != []
    assert failures(host)[-1].reason is Reason.NO_COMMON_PROPOSAL
    Puppet(network, host, offer="3des-sha1-group2", seed=2, key=KEY).establish()
