"""NAT traversal: a NAT is found, main mode goes to other ports, packets go in UDP."""

import hashlib
from collections.abc import Iterable
from ipaddress import ip_address

import pytest

from mainmode import limits
from mainmode.crypto.algorithms import HASHES
from mainmode.engine.effects import Send
from mainmode.engine.events import (
    DatagramDropped,
    MainModeEstablished,
    MessageSent,
    NegotiationFailed,
)
from mainmode.engine.nat import discovery, found, original_addresses, peer_original
from mainmode.engine.vendor_ids import NAT_DRAFT_02, NAT_RFC_3947
from mainmode.failures import Reason
from mainmode.model import Endpoint, Flow, Mode, NatRevision, Path, SaPair, UdpEncapsulation
from mainmode.numbers import PayloadType, ProtocolId
from mainmode.policy.model import Policy, Profile
from mainmode.testing.network import Arrival, Fault, Host, Nat, faithful
from mainmode.testing.samples import authentication, policy, rule
from mainmode.wire.nat import NatDiscovery
from tests.engine.scene import ALICE, BOB, Scene, header, payloads

OUTSIDE = "203.0.113.1"
"""Alice behind her NAT, as Bob sees her."""
FIRST_PORT = 40_000

REVISIONS = {Profile.MODERN: NatRevision.RFC_3947, Profile.WINDOWS_2003: NatRevision.DRAFT_02}


def alice_behind(alice: Host, _bob: Host) -> Iterable[Nat]:
    return (Nat(OUTSIDE, alice),)


def behind_nat(
    alice_policy: Policy | None = None,
    bob_policy: Policy | None = None,
    *,
    fault: Fault = faithful,
) -> Scene:
    return Scene(alice_policy, bob_policy, nats=alice_behind, fault=fault)


def tunnels(profile: Profile = Profile.MODERN) -> tuple[Policy, Policy]:
    """Tunnel mode between a host behind Alice and one behind Bob."""
    here, there = "198.51.100.1", "198.51.100.200"
    return (
        policy(rule(here, there, tunnel=BOB), profile=profile),
        policy(rule(there, here, tunnel=OUTSIDE), profile=profile),
    )


def only_pair(host: Host) -> SaPair:
    [pair] = host.outbound.values()
    return pair


def kinds(scene: Scene, number: int) -> list[int]:
    return [payload.kind for payload in payloads(scene.datagrams[number])]


# --- detection ----------------------------------------------------------------------------------


HERE, THERE = Endpoint(ip_address(ALICE), 500), Endpoint(ip_address(BOB), 500)
COOKIES = (b"initiate", b"responds")


def test_the_hash_covers_cookies_address_and_port() -> None:
    """Over the cookies of a published negotiation (tests/vectors/negotiation-nist.json)."""
    cookies = (bytes.fromhex("83d374c30b3b5082"), bytes.fromhex("5afc0da06c728029"))
    [first, second] = discovery(NatRevision.RFC_3947, HASHES["sha1"], cookies, Path(HERE, THERE))
    octets = b"".join(cookies) + bytes([192, 0, 2, 2]) + b"\x01\xf4"
    assert first.digest == hashlib.sha1(octets).digest()
    assert second.digest.hex() == "e28afdd938d2e38c1e3128a4873f1db95d0671c0"


@pytest.mark.parametrize("revision", NatRevision)
@pytest.mark.parametrize("moved_here", [False, True])
@pytest.mark.parametrize("moved_there", [False, True])
def test_each_end_is_judged_by_its_own_hash(
    revision: NatRevision, moved_here: bool, moved_there: bool
) -> None:
    """The peer sends its hashes; a NAT at either end changes what it sees or what we see."""
    elsewhere = Endpoint(ip_address(OUTSIDE), FIRST_PORT)
    peers_view = Path(THERE, elsewhere if moved_here else HERE)
    ours = Path(HERE, elsewhere if moved_there else THERE)
    said = discovery(revision, HASHES["sha1"], COOKIES, peers_view)
    nat = found(revision, HASHES["sha1"], COOKIES, ours, said)
    if moved_here or moved_there:
        assert nat is not None
        assert (nat.here, nat.there) == (moved_here, moved_there)
    else:
        assert nat is None


def test_a_peer_may_have_several_addresses() -> None:
    several = [NatDiscovery(b"another address")]
    said = discovery(NatRevision.RFC_3947, HASHES["sha1"], COOKIES, Path(THERE, HERE))
    received = [said[0], *several, said[1]]
    path = Path(HERE, THERE)
    assert found(NatRevision.RFC_3947, HASHES["sha1"], COOKIES, path, received) is None


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_hashes_tell_nothing(count: int) -> None:
    received = [NatDiscovery(b"something else")] * count
    path = Path(HERE, THERE)
    assert found(NatRevision.RFC_3947, HASHES["sha1"], COOKIES, path, received) is None


def test_hashes_under_the_number_of_the_other_revision_do_not_count() -> None:
    said = [NatDiscovery(b"false", draft=True)] * 2
    said += discovery(NatRevision.RFC_3947, HASHES["sha1"], COOKIES, Path(THERE, HERE))
    path = Path(HERE, THERE)
    assert found(NatRevision.RFC_3947, HASHES["sha1"], COOKIES, path, said) is None


# --- main mode ----------------------------------------------------------------------------------


def test_without_a_nat_nothing_moves() -> None:
    scene = Scene().connect()
    ports = {(sent.path.local.port, sent.path.peer.port) for sent in scene.network.sent}
    assert ports == {(500, 500)}
    for host in (scene.alice, scene.bob):
        assert only_pair(host).udp is None
        [event] = host.of(MainModeEstablished)
        assert event.nat == ""
    scene.network.run(100.0)
    assert scene.alice.kept_alive == scene.bob.kept_alive == []


@pytest.mark.parametrize("profile", Profile)
def test_behind_a_nat_main_mode_goes_to_the_other_ports(profile: Profile) -> None:
    scene = behind_nat(policy(profile=profile)).connect()
    scene.require_agreement()
    draft = REVISIONS[profile] is NatRevision.DRAFT_02
    kind = PayloadType.NAT_D_DRAFT if draft else PayloadType.NAT_D
    for number in (2, 3):
        assert kinds(scene, number) == [PayloadType.KE, PayloadType.NONCE, kind, kind]
    sent = scene.network.sent
    from_alice = [each.path for each in sent if each.path.local.address == scene.alice.address]
    assert {(each.local.port, each.peer.port) for each in from_alice[:2]} == {(500, 500)}
    assert {(each.local.port, each.peer.port) for each in from_alice[2:]} == {(4500, 4500)}
    from_bob = [each.path for each in sent if each.path.local.address == scene.bob.address]
    seen = [(each.local.port, each.peer.port) for each in from_bob]
    assert seen[:2] == [(500, FIRST_PORT)] * 2
    assert set(seen[2:]) == {(4500, FIRST_PORT + 1)}


@pytest.mark.parametrize("profile", Profile)
def test_both_sides_say_where_the_nat_is(profile: Profile) -> None:
    scene = behind_nat(policy(profile=profile)).connect()
    revision = REVISIONS[profile].value
    for host, where in ((scene.alice, "here"), (scene.bob, "there")):
        [event] = host.of(MainModeEstablished)
        assert event.nat == f"NAT {where} ({revision})"
        assert event.nat in event.sentence


def test_with_a_peer_that_cannot_traverse_it_nothing_moves() -> None:
    """Bob never hears that Alice can."""

    def deaf(sent: Send, number: int) -> Iterable[Arrival]:
        datagram = sent.datagram
        for known in (NAT_RFC_3947, NAT_DRAFT_02) if number == 0 else ():
            datagram = datagram.replace(known, bytes(len(known)))
        return (Arrival(datagram),)

    named = policy(rule(authentications=[authentication(here="fqdn:host.example")]))
    scene = behind_nat(named, fault=deaf).connect()
    assert kinds(scene, 2) == [PayloadType.KE, PayloadType.NONCE]
    for host in (scene.alice, scene.bob):
        [sa] = host.engine.main_mode_sas()
        assert sa.nat is None
        assert sa.path.local.port == 500


def test_an_identity_behind_a_nat_is_not_the_address_outside() -> None:
    scene = behind_nat().connect()
    [sa] = scene.bob.engine.main_mode_sas()
    assert str(sa.peer) == ALICE
    assert str(sa.path.peer.address) == OUTSIDE


def test_an_identity_that_policy_names_is_insisted_on() -> None:
    strict = policy(rule(authentications=[authentication(there="address:192.0.2.77")]))
    scene = behind_nat(bob_policy=strict).connect(60.0)
    [failed] = scene.bob.of(NegotiationFailed)
    assert failed.failure.reason is Reason.IDENTITY_MISMATCH


def test_a_closed_port_is_a_possible_explanation() -> None:
    def closed(sent: Send, _number: int) -> Iterable[Arrival]:
        return () if sent.path.peer.port == 4500 else (Arrival(sent.datagram),)

    scene = behind_nat(fault=closed)
    scene.connect(60.0)
    [failed] = scene.alice.of(NegotiationFailed)
    assert failed.failure.reason is Reason.WRONG_KEY
    assert "UDP port 4500 is closed on the way" in failed.sentence


# --- who may move a main mode -------------------------------------------------------------------


def test_a_message_that_is_not_verified_moves_nothing() -> None:
    """Somebody sends noise under the cookies from another port before Alice's message 5 comes."""
    scene = behind_nat()
    scene.network.connect(scene.alice, scene.bob)
    scene.network.run(0.035)
    fourth = scene.datagrams[3]
    noise = fourth[:16] + bytes([5, 0x10, 2, 1]) + bytes(4) + (68).to_bytes(4) + bytes(40)
    stranger = Path(Endpoint(scene.bob.address, 4500), Endpoint(ip_address(OUTSIDE), 12_345))
    answers = scene.network.deliver(scene.bob, noise, stranger)
    assert all(header(each).exchange == 5 for each in answers), "at most a word about noise"
    scene.network.run(1.0)
    scene.require_agreement()
    [sa] = scene.bob.engine.main_mode_sas()
    assert sa.path.peer.port == FIRST_PORT + 1


@pytest.mark.parametrize(
    "peer", [Endpoint(ip_address("203.0.113.9"), 4500), Endpoint(ip_address(OUTSIDE), 1)]
)
def test_an_established_sa_does_not_move(peer: Endpoint) -> None:
    """Not by a replay of what was authentic once, and not by anything else."""
    scene = behind_nat().connect()
    [before] = scene.bob.engine.main_mode_sas()
    path = before.path
    for datagram in scene.sent_by(scene.alice):
        scene.network.deliver(scene.bob, datagram, Path(Endpoint(scene.bob.address, 4500), peer))
    [after] = scene.bob.engine.main_mode_sas()
    assert after.path == path
    assert scene.bob.of(DatagramDropped)
    scene.require_agreement()


def test_only_the_nat_port_is_open_for_a_move() -> None:
    """A message 5 from a strange port to the IKE port is not heard."""
    lost: list[bytes] = []

    def hold_fifth(sent: Send, _number: int) -> Iterable[Arrival]:
        if sent.path.local.port == 4500 and not lost:
            lost.append(sent.datagram)
            return ()
        return (Arrival(sent.datagram),)

    scene = behind_nat(fault=hold_fifth)
    scene.network.connect(scene.alice, scene.bob)
    scene.network.run(0.5)
    elsewhere = Path(Endpoint(scene.bob.address, 500), Endpoint(ip_address(OUTSIDE), 777))
    assert scene.network.deliver(scene.bob, lost[0], elsewhere) == []
    assert scene.bob.engine.main_mode_sas() == ()


def test_a_main_mode_may_begin_at_the_nat_port() -> None:
    scene = behind_nat()
    path = Path(
        Endpoint(scene.alice.address, limits.NAT_PORT), Endpoint(scene.bob.address, limits.NAT_PORT)
    )
    scene.network.do(scene.alice, scene.alice.engine.connect(path, 0.0))
    scene.network.run(1.0)
    scene.require_agreement()
    for host in (scene.alice, scene.bob):
        assert only_pair(host).udp is not None


def test_the_host_outside_may_begin_where_it_has_heard_the_other_one() -> None:
    """Toward a host behind a NAT only the port that the NAT has opened leads there."""
    scene = behind_nat().connect()
    [sa] = scene.bob.engine.main_mode_sas()
    path = sa.path
    network = scene.network
    network.do(scene.bob, scene.bob.engine.disconnect(path.peer.address, network.now))
    network.run(2.0)
    before = len(network.sent)
    network.do(scene.bob, scene.bob.engine.connect(path, network.now))
    network.run(3.0)
    scene.require_agreement()
    assert {sent.path.peer.port for sent in network.sent[before:]} == {4500, path.peer.port}


# --- quick mode ---------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", Profile)
def test_transport_mode_goes_in_udp_and_names_original_addresses(profile: Profile) -> None:
    scene = behind_nat(policy(profile=profile)).connect()
    alice, bob = only_pair(scene.alice), only_pair(scene.bob)
    assert alice.mode is bob.mode is Mode.TRANSPORT
    assert alice.udp == UdpEncapsulation(4500, 4500, scene.bob.address)
    assert bob.udp == UdpEncapsulation(4500, FIRST_PORT + 1, scene.alice.address)
    assert str(bob.peer) == OUTSIDE
    assert str(bob.selector.remote) == OUTSIDE, "the traffic as Bob sees it"
    assert str(alice.selector.local) == ALICE
    names = [event.payloads for event in scene.alice.of(MessageSent) if "quick" in event.step]
    originals = 1 if profile is Profile.WINDOWS_2003 else 2
    assert names[0].count("NAT-OA") == originals


@pytest.mark.parametrize("profile", Profile)
def test_tunnel_mode_goes_in_udp(profile: Profile) -> None:
    scene = behind_nat(*tunnels(profile)).connect()
    for host in (scene.alice, scene.bob):
        pair = only_pair(host)
        assert pair.mode is Mode.TUNNEL
        assert pair.udp is not None
        assert pair.udp.peer_original is None
    names = [event.payloads for event in scene.alice.of(MessageSent) if "quick" in event.step]
    assert "NAT-OA" not in names[0]


def test_the_responder_may_begin_the_next_quick_mode() -> None:
    scene = behind_nat().connect()
    flow = Flow(scene.bob.address, ip_address(OUTSIDE), 6, 50_000, 80)
    path = Path(Endpoint(scene.bob.address, 500), Endpoint(ip_address(OUTSIDE), 500))
    scene.network.do(scene.bob, scene.bob.engine.acquire(flow, path, scene.network.now))
    scene.network.run(2.0)
    scene.require_agreement(pairs=2)


@pytest.mark.parametrize("role", ["initiator", "responder"])
def test_ah_cannot_pass_a_nat(role: str) -> None:
    ah, esp = policy(rule(quick_mode="ah:sha1")), policy(rule(quick_mode="esp:3des-sha1"))
    both = policy(rule(quick_mode=["ah:sha1", "esp:3des-sha1"]))
    scene = behind_nat(ah if role == "initiator" else esp, both if role == "initiator" else ah)
    scene.connect()
    host = scene.alice if role == "initiator" else scene.bob
    [failed] = host.of(NegotiationFailed)
    assert failed.failure.reason in (Reason.NAT_MISMATCH, Reason.NO_COMMON_PROPOSAL)
    if role == "initiator":
        assert "AH covers the addresses that a NAT changes" in failed.sentence


def test_of_several_offers_those_that_pass_are_made() -> None:
    both = policy(rule(quick_mode=["ah:sha1", "esp:3des-sha1"]))
    scene = behind_nat(both).connect()
    scene.require_agreement()
    assert only_pair(scene.alice).inbound.suite == "esp 3des-sha1"


# --- a NAT that is none ---------------------------------------------------------------------------

AH = policy(rule(quick_mode="ah:sha1"))
BOTH = policy(rule(quick_mode=["ah:sha1", "esp:3des-sha1"]))


def damaged_once(sent: Send, number: int) -> Iterable[Arrival]:
    """A bit of the first NAT-D in message 4 of the first main mode."""
    datagram = bytearray(sent.datagram)
    if number == 3:
        datagram[-30] ^= 1
    return (Arrival(bytes(datagram)),)


@pytest.mark.parametrize(("here", "there"), [(AH, AH), (AH, BOTH), (BOTH, AH)])
def test_a_damaged_hash_keeps_ah_away_for_a_minute_only(here: Policy, there: Policy) -> None:
    scene = Scene(here, there, fault=damaged_once).connect()
    [sa] = scene.alice.engine.main_mode_sas()
    assert sa.nat is not None
    [failed] = scene.alice.of(NegotiationFailed)
    assert failed.failure.reason in (Reason.NAT_MISMATCH, Reason.NO_COMMON_PROPOSAL)
    scene.network.run(62.0)
    scene.network.connect(scene.alice, scene.bob)
    scene.network.run(64.0)
    scene.require_agreement()
    pair = only_pair(scene.alice)
    assert (pair.inbound.protocol, pair.udp) == (ProtocolId.AH, None)
    for host in (scene.alice, scene.bob):
        assert [each.nat for each in host.engine.main_mode_sas()] == [None]


def test_behind_a_real_nat_it_is_looked_for_once_a_minute() -> None:
    scene = behind_nat(AH)
    for second in range(300):
        scene.network.connect(scene.alice, scene.bob)
        scene.network.run(second + 1.0)
    reasons = {event.failure.reason for event in scene.alice.of(NegotiationFailed)}
    assert reasons == {Reason.NAT_MISMATCH}
    assert len(scene.alice.of(MainModeEstablished)) == 5
    assert len(scene.alice.engine.main_mode_sas()) == 1


def test_a_main_mode_sa_that_serves_others_is_not_ended_for_it() -> None:
    """Under it ESP for one port passes the NAT; AH for another makes a main mode of its own."""
    rules = [
        rule(protocol=6, port=port, quick_mode=suite, name=suite)
        for port, suite in ((1, "esp:3des-sha1"), (2, "ah:sha1"))
    ]
    scene = Scene(policy(*rules), policy(rule(quick_mode=["ah:sha1", "esp:3des-sha1"])))
    scene.network.fault = damaged_once
    scene.acquire(scene.alice, scene.flow(1))
    scene.network.run(62.0)
    scene.acquire(scene.alice, scene.flow(2))
    scene.network.run(64.0)
    scene.require_agreement(pairs=2)
    assert [sa.nat is None for sa in scene.alice.engine.main_mode_sas()] == [False, True]


# --- original addresses -------------------------------------------------------------------------


def test_both_original_addresses_the_initiators_first() -> None:
    path = Path(HERE, THERE)
    as_initiator = original_addresses(NatRevision.RFC_3947, path, as_initiator=True)
    as_responder = original_addresses(NatRevision.RFC_3947, path, as_initiator=False)
    assert [str(each.host) for each in as_initiator] == [ALICE, BOB]
    assert [str(each.host) for each in as_responder] == [BOB, ALICE]


def test_the_peers_own_address_is_found_among_them() -> None:
    path = Path(HERE, THERE)
    two = original_addresses(NatRevision.RFC_3947, path, as_initiator=True)
    assert peer_original(two, we_initiate=True) == two[1]
    assert peer_original(two, we_initiate=False) == two[0]
    one = original_addresses(NatRevision.DRAFT_02, path, as_initiator=True)
    assert peer_original(one, we_initiate=False) == one[0]
    assert peer_original([], we_initiate=True) is None


# --- keepalives ---------------------------------------------------------------------------------


def test_the_side_behind_the_nat_keeps_its_mapping() -> None:
    scene = behind_nat().connect(70.0)
    assert scene.bob.kept_alive == []
    moments = [round(at) for at, _ in scene.alice.kept_alive]
    assert moments == [20, 40, 60]
    [sa] = scene.alice.engine.main_mode_sas()
    assert {path for _, path in scene.alice.kept_alive} == {sa.path}


def test_a_pair_that_outlives_its_main_mode_is_kept_too() -> None:
    scene = behind_nat().connect(30.0)
    [sa] = scene.alice.engine.main_mode_sas()
    scene.alice.engine._endings.end_main_mode(sa, "for a test", tell=False)
    scene.network.run(99.0)
    assert scene.alice.engine.main_mode_sas() == ()
    assert [round(at) for at, _ in scene.alice.kept_alive] == [20, 40, 60, 80]


def test_nothing_is_kept_for_an_sa_that_is_gone() -> None:
    scene = behind_nat().connect(30.0)
    network = scene.network
    network.do(scene.alice, scene.alice.engine.disconnect(scene.bob.address, network.now))
    network.run(200.0)
    assert len(scene.alice.kept_alive) == 1
    assert scene.alice.engine.next_wake is None
