"""Sample policies, in short words."""

from ipaddress import ip_address

from mainmode.model import Mode
from mainmode.policy.model import Action, Policy, Profile
from mainmode.policy.selection import Selection
from mainmode.testing.samples import CREDENTIALS, KEY, SECRET, authentication, policy, rule

HERE, THERE = ip_address("192.0.2.1"), ip_address("192.0.2.2")


def test_without_a_word_everything_is_protected() -> None:
    decision = Selection(policy(), [HERE]).connection(HERE, THERE)
    assert decision is not None
    assert decision.action is Action.NEGOTIATE
    assert decision.mode is Mode.TRANSPORT
    assert [offer.name for offer in decision.filter_action.offers] == ["esp:3des-sha1"]


def test_every_word_counts() -> None:
    one = rule(
        "10.1.0.0/16",
        "10.2.0.0/16",
        name="branch",
        quick_mode=["ah:sha1", "esp:null-md5"],
        pfs="group14",
        tunnel="192.0.2.2",
        protocol=6,
        port=80,
        authentications=[authentication(here="fqdn:a.example", there="fqdn:b.example")],
        explain_refusals=True,
    )
    made = policy(one, main_mode=["des-md5-group1"], lifetime_s=60, profile=Profile.WINDOWS_2003)
    assert isinstance(made, Policy)
    assert made.main_mode.lifetime_s == 60
    assert [offer.name for offer in made.main_mode.offers] == ["des-md5-group1"]
    assert one.filter_action.session_pfs_group is not None
    assert one.filter_action.session_pfs_group.name == "group14"
    assert (one.tunnel_endpoint, one.explain_refusals) == (THERE, True)
    [each] = one.filter_list.filters
    assert (each.protocol, each.destination_port) == (6, 80)
    [method] = one.authentication
    assert str(method.local_identity) == "fqdn:a.example"
    assert str(method.peer_identity) == "fqdn:b.example"


def test_pfs_with_the_group_of_main_mode() -> None:
    action = rule(pfs="main mode").filter_action
    assert action.session_pfs
    assert action.session_pfs_group is None
    assert not rule().filter_action.session_pfs


def test_the_secret_is_there() -> None:
    assert CREDENTIALS.preshared_key(SECRET) == KEY
    assert policy().secret_names == (SECRET,)
