"""A quick mode is accepted only for traffic that our policy gives to this very peer."""

import pytest

from mainmode.failures import Reason, Side
from mainmode.model import AddressRange, Mode, Selector
from mainmode.numbers import IdType, NotifyType
from mainmode.policy.model import Action, Policy
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, authentication, policy, rule
from mainmode.wire.payloads import Identification, Nonce, Notification
from tests.engine.scene import failure, failures

HOST, PEER, STRANGER = "192.0.2.1", "192.0.2.66", "198.51.100.7"


def test_traffic_between_the_two_hosts_is_given_to_the_peer() -> None:
    host, _ = ask(policy(), Selector(address(PEER), address(HOST)))
    assert failures(host) == []
    assert host.promised


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (STRANGER, HOST),
        (PEER, STRANGER),
        ("192.0.2.0/24", HOST),
        (PEER, "192.0.2.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("192.0.2.66-192.0.2.67", HOST),
        (HOST, PEER),
    ],
)
def test_in_transport_mode_the_addresses_are_those_of_main_mode(theirs: str, ours: str) -> None:
    host, notify = ask(policy(), Selector(address(theirs), address(ours)))
    refusal = failure(host)
    assert refusal.reason is Reason.NOT_AUTHORISED
    assert refusal.decided_by is Side.ME
    assert notify == NotifyType.INVALID_ID_INFORMATION
    assert not host.promised


def test_only_the_protocol_and_port_of_the_filter_are_given() -> None:
    assigned = policy(rule("any", "me", protocol=6, port=80))
    wanted = Selector(address(PEER), address(HOST), 6, 0, 80)
    assert failures(ask(assigned, wanted)[0]) == []
    for protocol, port in ((6, 443), (17, 80), (0, 0), (6, 0)):
        other = Selector(address(PEER), address(HOST), protocol, 0, port)
        assert failure(ask(assigned, other)[0]).reason is Reason.NOT_AUTHORISED


def test_what_policy_permits_or_blocks_is_not_negotiated() -> None:
    for action in (Action.PERMIT, Action.BLOCK):
        assigned = policy(rule(), rule("any", "me", name="web", action=action, protocol=6, port=80))
        web = Selector(address(PEER), address(HOST), 6, 0, 80)
        refusal = failure(ask(assigned, web)[0])
        assert refusal.reason is Reason.NOT_AUTHORISED
        assert action.value in refusal.detail


def test_a_tunnel_carries_the_networks_of_its_rule() -> None:
    assigned = policy(rule("10.1.0.0/16", "10.2.0.0/16", tunnel=PEER))
    right = Selector(address("10.2.0.0/16"), address("10.1.0.0/16"))
    assert failures(ask(assigned, right, Mode.TUNNEL)[0]) == []
    smaller = Selector(address("10.2.3.0/24"), address("10.1.0.4"))
    assert failures(ask(assigned, smaller, Mode.TUNNEL)[0]) == []
    for theirs, ours in (
        ("10.0.0.0/8", "10.1.0.0/16"),
        ("10.2.0.0/16", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("10.1.0.0/16", "10.2.0.0/16"),
    ):
        other = Selector(address(theirs), address(ours))
        refusal = failure(ask(assigned, other, Mode.TUNNEL)[0])
        assert refusal.reason is Reason.NOT_AUTHORISED


def test_a_network_behind_somebody_else_is_not_given() -> None:
    assigned = policy(
        rule("10.1.0.0/16", "10.2.0.0/16", name="ours", tunnel=PEER),
        rule("10.1.0.0/16", "10.3.0.0/16", name="other", tunnel=STRANGER),
    )
    stolen = Selector(address("10.3.0.0/16"), address("10.1.0.0/16"))
    assert failure(ask(assigned, stolen, Mode.TUNNEL)[0]).reason is Reason.NOT_AUTHORISED


def test_a_peer_is_held_to_the_key_that_its_rule_names() -> None:
    """Main mode was authenticated for the rule about web traffic; the other has another key."""
    web_key, all_key = authentication("secret"), authentication("another")
    assigned = policy(
        rule("any", "me", name="web", protocol=6, port=80, authentications=[web_key]),
        rule(name="rest", authentications=[all_key]),
    )
    assert failures(ask(assigned, Selector(address(PEER), address(HOST), 6, 0, 80))[0]) == []
    refusal = failure(ask(assigned, Selector(address(PEER), address(HOST)))[0])
    assert refusal.reason is Reason.NOT_AUTHORISED
    assert "does not list" in refusal.detail


@pytest.mark.parametrize("id_type", [*IdType, 0, 12, 99, 255])
@pytest.mark.parametrize("side", [0, 1])
def test_identities_of_every_type_are_survived(id_type: int, side: int) -> None:
    """As IDci and as IDcr, and of every length that the codec lets through."""
    for data in (b"", b"\0", bytes(4), bytes(8), bytes(16), bytes(32), b"name.example"):
        puppet, host = established(policy())
        talk = puppet.talk()
        ids = talk.identifications()
        ids[side] = Identification(id_type, 0, 0, data)
        puppet.hears(talk.first(talk.proposal(), Nonce(talk.nonce_b), *ids))
        assert not host.inbound
        assert puppet.talk().establish()
        assert len(host.inbound) == 1, "and the main mode SA still serves"


def test_identities_that_disagree_about_the_protocol_name_no_traffic() -> None:
    puppet, host = established(policy())
    talk = puppet.talk()
    theirs, ours = (Identification.of_addresses(address(each), 6) for each in (PEER, HOST))
    ours = Identification(ours.id_type, 17, 0, ours.data)
    puppet.hears(talk.first(talk.proposal(), Nonce(talk.nonce_b), theirs, ours))
    assert "do not name traffic" in failure(host).detail


def test_a_refusal_lists_what_was_asked_and_what_is_given() -> None:
    host, _ = ask(policy(), Selector(address(STRANGER), address(HOST)))
    refusal = failure(host)
    assert refusal.offered == ("192.0.2.1 <-> 198.51.100.7 any transport mode",)
    assert refusal.wanted == ("192.0.2.1 <-> 192.0.2.66 any transport mode (rule 'protect')",)
    assert refusal.step == "waiting for a quick mode offer"


# --- scenes ---------------------------------------------------------------------------------------


def address(text: str) -> AddressRange:
    return AddressRange.parse(text)


def established(assigned: Policy) -> tuple[Puppet, Host]:
    host = Host(HOST, assigned, CREDENTIALS)
    return Puppet(Network(host), host, address=PEER).establish(), host


def ask(
    assigned: Policy, selector: Selector, mode: Mode = Mode.TRANSPORT
) -> tuple[Host, NotifyType | None]:
    """Ask for this traffic, as the puppet sees it; the notification that refuses, if any."""
    puppet, host = established(assigned)
    talk = puppet.talk()
    ids = talk.identifications(selector)
    replies = puppet.hears(talk.first(talk.proposal(mode=mode), Nonce(talk.nonce_b), *ids))
    if not failures(host):
        return host, None
    [reply] = replies
    return host, NotifyType(puppet.reads_informational(reply).one(Notification).notify)
