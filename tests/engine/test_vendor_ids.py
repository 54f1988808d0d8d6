"""Vendor IDs: what they tell us about peers, and what we promise by profile."""

import hashlib

import pytest

from mainmode.engine.vendor_ids import (
    DEAD_PEER_DETECTION,
    KNOWN,
    MAINMODE,
    MICROSOFT,
    NO_CAPABILITIES,
    VID_INITIAL_CONTACT,
    ours,
    read_untrusted,
)
from mainmode.policy.model import Profile
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, policy
from mainmode.wire.payloads import VendorId
from tests.engine.rungs import asked_quickly, facing
from tests.engine.scene import Scene, payloads


def test_the_values_are_the_hashes_they_are_said_to_be() -> None:
    assert hashlib.md5(b"MS NT5 ISAKMPOAKLEY").digest() == MICROSOFT
    assert hashlib.md5(b"mainmode: any number of quick modes at once").digest() == MAINMODE
    by_name = {name: value for value, name in KNOWN.items()}
    assert by_name["NAT-T RFC 3947"] == hashlib.md5(b"RFC 3947").digest()
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
    assert ours(Profile.WINDOWS_2003, first_contact=True) == [VendorId(VID_INITIAL_CONTACT)]
    assert ours(Profile.WINDOWS_2003, first_contact=False) == []


def test_the_modern_profile_says_what_works_here() -> None:
    for first in (True, False):
        said = ours(Profile.MODERN, first_contact=first)
        assert said == [VendorId(MAINMODE), VendorId(DEAD_PEER_DETECTION)]


@pytest.mark.parametrize("profile", Profile)
def test_messages_1_and_2_carry_them(profile: Profile) -> None:
    scene = Scene(policy(profile=profile)).connect()
    expected = ours(profile, first_contact=True)
    for datagram in scene.datagrams[:2]:
        assert [each for each in payloads(datagram) if isinstance(each, VendorId)] == expected
    for datagram in scene.datagrams[2:4]:
        assert not any(isinstance(each, VendorId) for each in payloads(datagram))
    scene.require_agreement()


def test_with_a_main_mode_standing_contact_is_not_initial() -> None:
    host = Host("192.0.2.1", policy(profile=Profile.WINDOWS_2003), CREDENTIALS)
    network = Network(host)
    filling = VendorId(bytes(100))
    first, second = Puppet(network, host), Puppet(network, host, seed=1)
    [reply] = first.offers(first.proposal(), filling)
    assert len(payloads(reply)) == 2
    first.exchanges_keys()
    first.proves()
    [reply] = second.offers(second.proposal(), filling)
    assert len(payloads(reply)) == 1


def test_what_is_never_promised() -> None:
    """Fragmentation, NAT traversal, Microsoft's features, XAUTH: none of them works here yet."""
    promised = {each.data for profile in Profile for each in ours(profile, first_contact=True)}
    assert promised == {MAINMODE, DEAD_PEER_DETECTION, VID_INITIAL_CONTACT}


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
