"""Vendor IDs: what they tell us about peers, and what we promise by profile."""

import hashlib
from ipaddress import ip_address

import pytest

from mainmode import limits
from mainmode.engine.vendor_ids import (
    DEAD_PEER_DETECTION,
    KNOWN,
    MAINMODE,
    MICROSOFT,
    NAT_DRAFT_02,
    NAT_RFC_3947,
    NLBS_PRESENT,
    NO_CAPABILITIES,
    SERVER_2003,
    VID_INITIAL_CONTACT,
    announced,
    answered,
    nat_revisions,
    read_untrusted,
)
from mainmode.model import Endpoint, Path
from mainmode.policy.model import Profile
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, policy
from mainmode.wire.payloads import VendorId
from tests.engine.rungs import asked_quickly, facing
from tests.engine.scene import Scene, payloads

IPV6 = Path(Endpoint(ip_address("2001:db8::1"), 500), Endpoint(ip_address("2001:db8::2"), 500))
PATH = Path(Endpoint(ip_address("192.0.2.1"), 500), Endpoint(ip_address("192.0.2.2"), 500))
WINDOWS = MICROSOFT + SERVER_2003
DRAFT_02_BARE = hashlib.md5(b"draft-ietf-ipsec-nat-t-ike-02").digest()
DRAFT_03 = hashlib.md5(b"draft-ietf-ipsec-nat-t-ike-03").digest()
COMMON_NAT = [
    ([], Profile.MODERN, b""),
    ([NAT_DRAFT_02, NAT_RFC_3947], Profile.MODERN, NAT_RFC_3947),
    ([NAT_DRAFT_02, NAT_RFC_3947], Profile.WINDOWS_2003, NAT_DRAFT_02),
    ([NAT_RFC_3947], Profile.WINDOWS_2003, b""),
    ([DRAFT_03], Profile.MODERN, DRAFT_03),
    ([DRAFT_02_BARE, DRAFT_03], Profile.WINDOWS_2003, DRAFT_02_BARE),
]


def is_nat(vendor_id: bytes) -> bool:
    return "NAT-T" in KNOWN.get(vendor_id, "")


def test_the_values_are_the_hashes_they_are_said_to_be() -> None:
    assert hashlib.md5(b"MS NT5 ISAKMPOAKLEY").digest() == MICROSOFT
    assert hashlib.md5(b"mainmode: any number of quick modes at once").digest() == MAINMODE
    by_name = {name: value for value, name in KNOWN.items()}
    assert hashlib.md5(b"RFC 3947").digest() == NAT_RFC_3947
    assert hashlib.md5(b"draft-ietf-ipsec-nat-t-ike-02\n").digest() == NAT_DRAFT_02
    assert by_name["NAT-T draft-02"] == DRAFT_02_BARE
    assert by_name["NAT-T draft-03"] == DRAFT_03
    assert by_name["GSSAPI"] == hashlib.md5(b"GSSAPI").digest()
    assert by_name["fragmentation"] == hashlib.md5(b"FRAGMENTATION").digest()


@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("suffix", [b"", b"\0\0\0\5", b"and more"])
def test_a_known_vendor_id_is_known_with_anything_appended(known: bytes, suffix: bytes) -> None:
    capabilities = read_untrusted([VendorId(known + suffix)])
    assert capabilities.names == (KNOWN[known],)
    assert capabilities.microsoft is (known == MICROSOFT)
    assert capabilities.many_quick_modes is (known in (MICROSOFT, MAINMODE))


@pytest.mark.parametrize("known", KNOWN)
def test_a_shorter_one_is_not(known: bytes) -> None:
    for octets in range(len(known)):
        assert read_untrusted([VendorId(known[:octets])]) is NO_CAPABILITIES


def test_unknown_ones_count_for_nothing_beside_known_ones() -> None:
    several = [VendorId(b""), VendorId(b"somebody"), VendorId(DEAD_PEER_DETECTION)]
    assert read_untrusted(several).names == ("dead peer detection",)
    assert read_untrusted([]) is NO_CAPABILITIES


def test_the_windows_profile_says_initial_contact_where_it_is_true() -> None:
    first = announced(Profile.WINDOWS_2003, PATH, first_contact=True)
    assert [each.data for each in first] == [NAT_DRAFT_02, WINDOWS, VID_INITIAL_CONTACT]
    later = announced(Profile.WINDOWS_2003, PATH, first_contact=False)
    assert [each.data for each in later] == [NAT_DRAFT_02, WINDOWS]


def test_the_modern_profile_says_what_works_here() -> None:
    for first in (True, False):
        said = announced(Profile.MODERN, PATH, first_contact=first)
        promised = [NAT_RFC_3947, NAT_DRAFT_02, MAINMODE, DEAD_PEER_DETECTION]
        assert [each.data for each in said] == promised


@pytest.mark.parametrize("profile", Profile)
def test_a_member_of_a_cluster_says_so_and_its_peer_lets_idle_pairs_go_sooner(
    profile: Profile,
) -> None:
    scene = Scene(policy(profile=profile, in_cluster=True), policy()).connect()
    assert VendorId(NLBS_PRESENT) in payloads(scene.datagrams[0])
    assert VendorId(NLBS_PRESENT) not in payloads(scene.datagrams[1])
    [ours], [theirs] = scene.alice.inbound.values(), scene.bob.inbound.values()
    assert (ours.idle_s, theirs.idle_s) == (limits.IDLE_S, limits.FAST_IDLE_S)


def test_there_is_no_nat_traversal_for_ipv6() -> None:
    for profile in Profile:
        said = {each.data for each in announced(profile, IPV6, first_contact=True)}
        assert not said & {NAT_RFC_3947, NAT_DRAFT_02}
        assert nat_revisions(profile, IPV6) == ()


@pytest.mark.parametrize(("given", "profile", "chosen"), COMMON_NAT)
def test_the_best_nat_traversal_that_both_know_is_chosen(
    given: list[bytes], profile: Profile, chosen: bytes
) -> None:
    several = [VendorId(each) for each in given]
    capabilities = read_untrusted(several, nat_revisions(profile, PATH))
    assert capabilities.nat == chosen
    said = [each.data for each in answered(profile, capabilities, first_contact=False)]
    assert [each for each in said if is_nat(each)] == ([chosen] if chosen else [])


@pytest.mark.parametrize("profile", Profile)
def test_messages_1_and_2_carry_them(profile: Profile) -> None:
    scene = Scene(policy(profile=profile)).connect()
    first, second = [
        [each.data for each in payloads(datagram) if isinstance(each, VendorId)]
        for datagram in scene.datagrams[:2]
    ]
    said = announced(profile, PATH, first_contact=True)
    assert first == [each.data for each in said]
    best = NAT_DRAFT_02 if profile is Profile.WINDOWS_2003 else NAT_RFC_3947
    assert second == [each for each in first if each == best or not is_nat(each)]
    for datagram in scene.datagrams[2:4]:
        assert not any(isinstance(each, VendorId) for each in payloads(datagram))
    scene.require_agreement()


def test_with_a_main_mode_standing_contact_is_not_initial() -> None:
    host = Host("192.0.2.1", policy(profile=Profile.WINDOWS_2003), CREDENTIALS)
    network = Network(host)
    filling = VendorId(bytes(100))
    first, second = Puppet(network, host), Puppet(network, host, seed=1)
    [reply] = first.offers(first.proposal(), filling)
    assert VendorId(VID_INITIAL_CONTACT) in payloads(reply)
    first.exchanges_keys()
    first.proves()
    [reply] = second.offers(second.proposal(), filling)
    assert VendorId(VID_INITIAL_CONTACT) not in payloads(reply)


def test_what_is_never_promised() -> None:
    """Fragmentation, Kerberos, XAUTH: none of them works here yet."""
    promised = {
        each.data for profile in Profile for each in announced(profile, PATH, first_contact=True)
    }
    works = {MAINMODE, DEAD_PEER_DETECTION, VID_INITIAL_CONTACT, NAT_RFC_3947, NAT_DRAFT_02}
    assert promised == works | {WINDOWS}


def test_the_capabilities_of_a_responder_are_those_of_its_message_2() -> None:
    puppet = facing()
    asked_quickly(puppet, VendorId(MICROSOFT + bytes(4)))
    host = puppet.host
    [sa] = host.engine.main_mode_sas()
    assert sa.capabilities.microsoft


def test_the_capabilities_of_an_initiator_are_those_of_its_message_1() -> None:
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    puppet = Puppet(Network(host), host)
    puppet.offers(puppet.proposal(), VendorId(MAINMODE))
    puppet.exchanges_keys()
    puppet.proves()
    [sa] = host.engine.main_mode_sas()
    assert sa.capabilities.many_quick_modes
    assert not sa.capabilities.microsoft
