"""Who the two sides say they are, and who is believed."""

import pytest

from mainmode.auth.credentials import Credentials
from mainmode.engine.events import MainModeEstablished
from mainmode.failures import Reason, Side
from mainmode.model import AddressRange
from mainmode.numbers import IdType
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, authentication, policy, rule
from mainmode.wire.payloads import Identification
from tests.engine.scene import Scene, failure, failures

ADDRESS = "192.0.2.66"


@pytest.mark.parametrize("alice", ["address", "fqdn:alice.example", "user_fqdn:alice@example.org"])
@pytest.mark.parametrize("bob", ["address", "fqdn:bob.example", "user_fqdn:bob@example.org"])
def test_every_documented_kind_of_identity_works_both_ways(alice: str, bob: str) -> None:
    expected_bob = bob if bob != "address" else ""
    expected_alice = alice if alice != "address" else ""
    scene = Scene(
        policy(rule(authentications=[authentication(here=alice, there=expected_bob)])),
        policy(rule(authentications=[authentication(here=bob, there=expected_alice)])),
    ).connect()
    scene.require_agreement()
    [event] = scene.alice.of(MainModeEstablished)
    assert event.local_identity == (alice.partition(":")[2] or "192.0.2.1")
    assert event.peer_identity == (bob.partition(":")[2] or "192.0.2.2")


def test_an_identity_is_sent_with_protocol_and_port_0() -> None:
    _, puppet = expecting("")
    puppet.establish()
    said = puppet.theirs.one(Identification)
    assert (said.protocol, said.port) == (0, 0)
    assert said.id_type == IdType.IPV4_ADDR
    assert said.data == puppet.host.address.packed


def test_an_ipv6_host_says_its_ipv6_address() -> None:
    host = Host("2001:db8::1", policy(), CREDENTIALS)
    puppet = Puppet(Network(host), host, address="2001:db8::66").establish()
    assert puppet.theirs.one(Identification).id_type == IdType.IPV6_ADDR


@pytest.mark.parametrize(("protocol", "port"), [(0, 0), (17, 500)])
def test_the_two_usual_forms_of_protocol_and_port_are_taken(protocol: int, port: int) -> None:
    host, puppet = expecting("")
    prove(puppet, Identification(IdType.IPV4_ADDR, protocol, port, puppet.address.packed))
    assert host.engine.main_mode_sas()


@pytest.mark.parametrize(
    ("protocol", "port"), [(17, 4500), (17, 0), (0, 500), (6, 80), (255, 65535)]
)
def test_other_protocols_and_ports_are_taken_and_shown(protocol: int, port: int) -> None:
    host, puppet = expecting("")
    prove(puppet, Identification(IdType.IPV4_ADDR, protocol, port, puppet.address.packed))
    [event] = host.of(MainModeEstablished)
    assert event.peer_identity != ADDRESS
    assert event.peer_identity.startswith(f"{ADDRESS} ")


@pytest.mark.parametrize(
    "identification",
    [
        Identification.of_addresses(AddressRange.parse("192.0.2.0/24")),
        Identification.of_addresses(AddressRange.parse("192.0.2.60-192.0.2.70")),
        Identification.of_addresses(AddressRange.parse("2001:db8::/32")),
        Identification(IdType.DER_ASN1_DN, 0, 0, bytes.fromhex("3000")),
        Identification(IdType.DER_ASN1_GN, 0, 0, bytes.fromhex("8600")),
        Identification(IdType.KEY_ID, 0, 0, b"\x00\xffkey"),
        Identification(IdType.FQDN, 0, 0, b"anybody.example"),
        Identification(99, 0, 0, b"of a type nobody knows"),
        Identification(IdType.IPV4_ADDR_SUBNET, 0, 0, bytes.fromhex("c0000200ff00ff00")),
    ],
    ids=lambda each: str(each.id_type),
)
def test_the_rest_is_taken_where_no_identity_is_expected(identification: Identification) -> None:
    host, puppet = expecting("")
    prove(puppet, identification)
    [sa] = host.engine.main_mode_sas()
    assert sa.peer.identification.body() == identification.body()


def test_an_address_must_be_the_one_the_peer_speaks_from() -> None:
    host, puppet = expecting("")
    prove(puppet, Identification.of_addresses(AddressRange.parse("192.0.2.67")))
    refusal = failure(host)
    assert refusal.reason is Reason.IDENTITY_MISMATCH
    assert refusal.decided_by is Side.ME
    assert refusal.offered == ("192.0.2.67",)
    assert refusal.wanted == (ADDRESS,)
    assert refusal.step == "waiting for the initiator's proof of identity"
    assert not host.engine.main_mode_sas()
    assert host.engine.statistics.authentication_failures == 1


@pytest.mark.parametrize(
    "claimed",
    [
        Identification.of_name(IdType.FQDN, "mallory.example"),
        Identification.of_name(IdType.FQDN, "bob.example."),
        Identification.of_name(IdType.USER_FQDN, "bob.example"),
        Identification(IdType.FQDN, 0, 0, b"bob.example\0"),
        Identification(IdType.FQDN, 0, 0, b""),
        Identification.of_addresses(AddressRange.parse(ADDRESS)),
    ],
    ids=str,
)
def test_who_is_not_expected_is_refused_though_the_key_is_right(claimed: Identification) -> None:
    host, puppet = expecting("fqdn:bob.example")
    prove(puppet, claimed)
    assert failure(host).reason is Reason.IDENTITY_MISMATCH
    assert failure(host).wanted == ("bob.example",)


def test_the_initiator_refuses_a_responder_it_does_not_expect() -> None:
    scene = Scene(
        policy(rule(authentications=[authentication(there="fqdn:bob.example")])),
        policy(rule(authentications=[authentication(here="fqdn:mallory.example")])),
    ).connect()
    refusal = failure(scene.alice)
    assert refusal.reason is Reason.IDENTITY_MISMATCH
    assert refusal.step == "waiting for the responder's proof of identity"
    assert not scene.alice.engine.main_mode_sas()
    assert not scene.alice.inbound


def test_an_address_can_be_expected_from_somewhere_else() -> None:
    """Behind a translator the address in the identity is not the one in the packet."""
    host, puppet = expecting("address:10.0.0.5")
    prove(puppet, Identification.of_addresses(AddressRange.parse("10.0.0.5")))
    assert failures(host) == []
    assert host.engine.main_mode_sas()


def test_the_hash_covers_the_identity_as_it_came() -> None:
    """A name with another case, or an address with another port, under the HASH of the original."""
    host, puppet = expecting("")
    puppet.offers()
    puppet.exchanges_keys()
    honest = Identification.of_name(IdType.FQDN, "bob.example")
    id_payload, digest = puppet.proof(honest)
    forged = Identification.of_name(IdType.FQDN, "Bob.example")
    iv = puppet.last_block
    assert puppet.hears(puppet.sealed([forged, digest], iv)) != []
    assert failures(host) == [], "waits on"
    puppet.proves(id_payload, digest)
    assert str(host.engine.main_mode_sas()[0].peer) == "bob.example"


def test_each_peer_has_the_key_that_its_rule_names() -> None:
    """Chosen by address: main mode knows no identity before the key is in use."""
    credentials = Credentials({"for bob": b"b" * 20, "for carol": b"c" * 20})
    assigned = policy(
        rule(destination="192.0.2.2", name="bob", authentications=[authentication("for bob")]),
        rule(destination="192.0.2.3", name="carol", authentications=[authentication("for carol")]),
    )
    host = Host("192.0.2.1", assigned, credentials)
    network = Network(host)
    Puppet(network, host, address="192.0.2.2", key=b"b" * 20).establish()
    Puppet(network, host, address="192.0.2.3", key=b"c" * 20).establish()
    secrets = [sa.authentication.secret for sa in host.engine.main_mode_sas()]
    assert secrets == ["for bob", "for carol"]


def test_a_key_of_another_peer_opens_nothing() -> None:
    credentials = Credentials({"for bob": b"b" * 20, "for carol": b"c" * 20})
    assigned = policy(
        rule(destination="192.0.2.2", name="bob", authentications=[authentication("for bob")]),
        rule(destination="192.0.2.3", name="carol", authentications=[authentication("for carol")]),
    )
    host = Host("192.0.2.1", assigned, credentials)
    puppet = Puppet(Network(host), host, address="192.0.2.2", key=b"c" * 20)
    puppet.offers()
    puppet.exchanges_keys()
    puppet.say(*puppet.proof(), encrypted=True)
    assert not host.engine.main_mode_sas()


# --- scenes ---------------------------------------------------------------------------------------


def expecting(there: str) -> tuple[Host, Puppet]:
    """A host that expects this identity, and a puppet that has the key."""
    assigned = policy(rule(authentications=[authentication(there=there)]))
    host = Host("192.0.2.1", assigned, CREDENTIALS)
    return host, Puppet(Network(host), host, address=ADDRESS)


def prove(puppet: Puppet, identification: Identification) -> None:
    """Main mode as initiator, under this identity."""
    puppet.offers()
    puppet.exchanges_keys()
    puppet.say(*puppet.proof(identification), encrypted=True)
