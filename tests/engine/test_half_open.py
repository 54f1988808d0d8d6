"""Before an initiator has returned our cookie: the attack surface."""

import gc
import tracemalloc
from ipaddress import ip_address

import pytest

from mainmode import limits
from mainmode.engine.events import DatagramDropped, FloodSuspected, InvalidCookies
from mainmode.policy.model import Policy, Profile
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, policy, rule
from mainmode.wire.payloads import SaPayload, VendorId
from tests.engine.scene import Scene, failures, header, path, payloads, tables

SUITES = ["3des-sha1-group1", "3des-sha1-group2", "aes256-sha2-512-group15", "des-md5-group19"]


def host_and_network(assigned: Policy | None = None) -> tuple[Host, Network]:
    host = Host("192.0.2.1", assigned or policy(), CREDENTIALS)
    return host, Network(host)


# --- what it costs --------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", SUITES)
def test_message_1_costs_a_cookie_and_no_private_value(suite: str) -> None:
    host, network = host_and_network(policy(main_mode=suite))
    puppet = Puppet(network, host, offer=suite)
    assert puppet.offers()
    assert host.drawn == [limits.COOKIE_OCTETS]
    puppet.exchanges_keys()
    assert puppet.offer.group.private_octets in host.drawn[1:]


def test_an_offer_that_is_refused_costs_no_private_value_either() -> None:
    host, network = host_and_network()
    Puppet(network, host, offer="des-md5-group1").offers()
    assert limits.NONCE_OCTETS not in host.drawn


def test_a_record_is_small() -> None:
    host, network = host_and_network()
    offers = [
        (puppet.clear([puppet.proposal()]), puppet.path)
        for puppet in (
            Puppet(network, host, address=str(ip_address("10.0.0.0") + number), seed=number)
            for number in range(300)
        )
    ]
    host.engine.receive(*offers[0], 0.0)
    gc.collect()
    tracemalloc.start()
    for datagram, from_whom in offers[1:]:
        host.engine.receive(datagram, from_whom, 0.0)
    gc.collect()
    octets, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert octets / len(offers) < 1_536


def test_a_message_1_beyond_all_measure_is_dropped() -> None:
    """It would have to be kept for the HASHes."""
    host, network = host_and_network()
    puppet = Puppet(network, host)
    filling = VendorId(bytes(limits.MESSAGE_1_OCTETS_MAX))
    assert puppet.hears(puppet.clear([puppet.proposal(), filling])) == []
    assert "too long" in host.of(DatagramDropped)[0].why
    assert len(host.engine._half_open) == 0
    assert puppet.establish()


def test_an_offer_of_255_transforms_is_no_problem() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host)
    offered = puppet.proposal(*(["aes256-sha1-group2"] * 254), "3des-sha1-group2")
    [reply] = puppet.offers(offered)
    [chosen, *_] = payloads(reply)
    assert isinstance(chosen, SaPayload)
    assert chosen.proposals[0].transforms[0].number == 255
    puppet.exchanges_keys()
    puppet.proves()
    puppet.require_proof()


# --- what goes back -------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("suite", SUITES)
def test_no_answer_is_longer_than_the_offer(profile: Profile, suite: str) -> None:
    """Vendor IDs go first, the last of them first."""
    counts = []
    for octets in range(60):
        host, network = host_and_network(policy(main_mode=suite, profile=profile))
        puppet = Puppet(network, host, offer=suite)
        offer = puppet.clear([puppet.proposal(), VendorId(bytes(octets))])
        [reply] = puppet.hears(offer)
        assert len(reply) <= len(offer)
        counts.append(len(payloads(reply)) - 1)
    assert counts == sorted(counts), "more room, more vendor IDs"
    assert counts[0] == 0
    assert counts[-1] == 2


def test_an_initiator_without_vendor_ids_gets_none_and_is_answered_all_the_same() -> None:
    host, network = host_and_network()
    [reply] = Puppet(network, host).offers()
    assert [type(each) for each in payloads(reply)] == [SaPayload]


def test_nothing_goes_back_to_an_address_without_policy() -> None:
    host, network = host_and_network(policy(rule(destination="192.0.2.2")))
    assert Puppet(network, host, address="192.0.2.3").offers() == []
    assert tables(host)["half-open"] == 0


def test_refusals_in_clear_are_rationed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "UNPROTECTED_NOTIFICATIONS_PER_S", 3)
    host, network = host_and_network()
    for second in (0.0, 1.0):
        network.now = second
        answered = [
            bool(Puppet(network, host, offer="des-md5-group1", seed=seed).offers())
            for seed in range(10)
        ]
        assert answered == [True] * 3 + [False] * 7


# --- how many -------------------------------------------------------------------------------------


def test_one_address_has_35_at_most() -> None:
    host, network = host_and_network()
    replies = [Puppet(network, host, seed=seed).offers() for seed in range(40)]
    answered = [bool(each) for each in replies]
    assert answered == [True] * limits.HALF_OPEN_PER_ADDRESS_MAX + [False] * 5
    assert len(host.of(FloodSuspected)) == 5
    assert host.of(FloodSuspected)[0].audit == 550
    assert Puppet(network, host, address="192.0.2.67").offers(), "others are not affected"


def test_another_port_of_the_same_address_is_no_way_around() -> None:
    host, network = host_and_network()
    for seed in range(limits.HALF_OPEN_PER_ADDRESS_MAX):
        assert Puppet(network, host, port=1000 + seed, seed=seed).offers()
    assert Puppet(network, host, port=2000, seed=99).offers() == []


def test_all_addresses_together_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HALF_OPEN_MAX", 5)
    host, network = host_and_network()
    answered = [
        bool(Puppet(network, host, address=f"10.0.0.{number}").offers()) for number in range(8)
    ]
    assert answered == [True] * 5 + [False] * 3
    network.run(limits.HALF_OPEN_S + 0.1)
    assert Puppet(network, host, address="10.0.0.9").offers()


def test_they_expire_after_a_minute() -> None:
    host, network = host_and_network()
    puppets = [Puppet(network, host, seed=seed) for seed in range(limits.HALF_OPEN_PER_ADDRESS_MAX)]
    for puppet in puppets:
        puppet.offers()
    network.run(limits.HALF_OPEN_S - 0.1)
    assert len(host.engine._half_open) == limits.HALF_OPEN_PER_ADDRESS_MAX
    network.run(limits.HALF_OPEN_S + 0.1)
    assert set(tables(host).values()) == {0}
    assert puppets[0].exchanges_keys() == [], "its cookie means nothing any more"
    assert len(host.of(InvalidCookies)) == 1
    assert Puppet(network, host, seed=99).offers(), "and there is room again"


def test_keys_without_proof_are_still_half_open() -> None:
    """Whoever can receive at its address and goes no further than message 3 is bounded too."""
    host, network = host_and_network()
    for seed in range(limits.HALF_OPEN_PER_ADDRESS_MAX):
        puppet = Puppet(network, host, seed=seed)
        puppet.offers()
        assert puppet.exchanges_keys()
    assert Puppet(network, host, seed=99).offers() == []
    network.run(2 * limits.HALF_OPEN_S + 1)
    assert set(tables(host).values()) == {0}


def test_established_main_modes_do_not_count() -> None:
    host, network = host_and_network()
    for seed in range(2 * limits.HALF_OPEN_PER_ADDRESS_MAX):
        Puppet(network, host, seed=seed).establish()
    assert len(host.engine.main_mode_sas()) == 2 * limits.HALF_OPEN_PER_ADDRESS_MAX
    assert host.of(FloodSuspected) == []
    assert len(host.engine._half_open) == 0


def test_failed_main_modes_do_not_count() -> None:
    host, network = host_and_network()
    for seed in range(2 * limits.HALF_OPEN_PER_ADDRESS_MAX):
        puppet = Puppet(network, host, seed=seed)
        puppet.offers()
        puppet.exchanges_keys()
        stranger = puppet.identification()
        stranger.data = bytes((10, 0, 0, 1))
        puppet.say(*puppet.proof(stranger), encrypted=True)
    assert host.of(FloodSuspected) == []


# --- cookies --------------------------------------------------------------------------------------


def test_a_message_1_that_was_spoilt_on_its_way_does_not_stand_for_the_true_one() -> None:
    """It came first. Each gets an answer of its own, until the initiator goes on with one."""
    host, network = host_and_network(policy(main_mode=["3des-sha1-group2", "aes128-sha1-group2"]))
    puppet = Puppet(network, host)
    spoilt = puppet.clear([puppet.proposal("aes128-sha1-group2")])
    [false] = puppet.hears(spoilt)
    [true] = puppet.offers()
    assert header(true).cky_r != header(false).cky_r
    assert puppet.hears(spoilt) == [false], "a duplicate gets what its like has got"
    assert len(host.engine._half_open) == 2
    puppet.exchanges_keys()
    assert puppet.hears(spoilt) == []
    other = puppet.clear([puppet.proposal("aes128-sha1-group2", "3des-sha1-group2")])
    assert puppet.hears(other[:8] + bytes(8) + other[16:]) == [], "not any more"
    puppet.proves()
    puppet.require_proof()
    network.run(limits.HALF_OPEN_S + 0.1)
    assert tables(host)["half-open"] == 0
    assert not host.engine._half_open._by_initiator


def test_one_cookie_has_no_more_of_them_than_its_address() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host)
    answered = [
        bool(puppet.hears(puppet.clear([puppet.proposal(), VendorId(bytes(octets))])))
        for octets in range(40)
    ]
    assert answered == [True] * limits.HALF_OPEN_PER_ADDRESS_MAX + [False] * 5
    assert len(host.of(FloodSuspected)) == 5


def test_the_same_cookie_from_elsewhere_is_another_initiator() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host)
    offer = puppet.clear([puppet.proposal()])
    cookies = set()
    for port, address in ((500, "192.0.2.66"), (501, "192.0.2.66"), (500, "192.0.2.67")):
        puppet.path = path("192.0.2.1", address, peer_port=port)
        [reply] = puppet.hears(offer)
        cookies.add(header(reply).cky_r)
    assert len(cookies) == 3


def test_message_1_again_after_message_3_or_at_the_end_starts_nothing() -> None:
    """A duplicate that the network has delayed."""
    host, network = host_and_network()
    puppet = Puppet(network, host)
    offer = puppet.clear([puppet.proposal()])
    puppet.offers()
    for step in (puppet.exchanges_keys, puppet.proves):
        step()
        assert puppet.hears(offer) == []
        assert host.of(DatagramDropped)[-1].why == "a duplicate"
    puppet.require_proof()
    assert len(host.engine._half_open) == 0


def test_our_own_message_1_coming_back_is_recognised_as_long_as_main_mode_lasts() -> None:
    scene = Scene()
    scene.network.connect(scene.alice, scene.bob)
    message_1 = scene.datagrams[0]
    for until in (0.005, 0.015, 0.025, 0.035, 0.045):
        scene.network.run(until)
        assert scene.network.inject(scene.bob, scene.alice, message_1) == []
        assert scene.alice.of(DatagramDropped)[-1].why == "our own message 1 comes back"
    scene.network.run(1.0)
    scene.require_agreement()
    assert tables(scene.alice)["half-open"] == 0


def test_a_reflector_gets_nowhere() -> None:
    """Everything that Alice says comes back to her from where she sent it."""
    scene = Scene()
    alice = scene.alice
    scene.network.connect(alice, scene.bob)
    seen = 0
    for _ in range(20):
        for sent in scene.network.sent[seen:]:
            seen += 1
            scene.network.inject(scene.bob, alice, sent.datagram)
    assert len(scene.sent_by(alice)) == 1
    assert not alice.engine.main_mode_sas()


def test_cookies_are_never_zero_nor_those_of_another_main_mode() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host)
    puppet.offers()
    taken = puppet.cky_r
    draws = iter([bytes(8), taken, b"fresh..."])
    host.engine._desk.entropy = lambda _octets: next(draws)
    again = Puppet(network, host, port=501)
    again.offers()
    assert again.cky_r == b"fresh..."
    draws = iter([bytes(8), b"initial."])
    network.do(host, host.engine.connect(path("192.0.2.1", "192.0.2.9"), 0.0))
    assert header(network.sent[-1].datagram).cky_i == b"initial."


@pytest.mark.parametrize("exchange", [2, 5, 32])
@pytest.mark.parametrize("encrypted", [False, True])
def test_invented_responder_cookies_are_counted_and_not_answered(
    exchange: int, encrypted: bool
) -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host)
    puppet.offers()
    puppet.cky_r = bytes(range(8))
    datagram = puppet.clear(puppet.key_exchange(), exchange, message_id=0 if exchange == 2 else 7)
    datagram = datagram[:19] + bytes((int(encrypted),)) + datagram[20:]
    assert puppet.hears(datagram) == []
    if exchange != 5 or encrypted:
        assert host.engine.statistics.invalid_cookies_received == 1
        assert len(host.of(InvalidCookies)) == 1


def test_an_offer_refused_before_is_answered_again_but_no_news() -> None:
    """Its initiator repeats message 1 until the end of its retry cycle."""
    alice, bob = policy(), policy(main_mode=["des-md5-group1"])
    scene = Scene(alice, bob).connect(until_s=100.0)
    asked = sum(sent.path.local.address == scene.alice.address for sent in scene.network.sent)
    said_no = sum(sent.path.local.address == scene.bob.address for sent in scene.network.sent)
    assert asked == said_no == 6
    assert len(failures(scene.bob)) == 1
    assert scene.bob.engine.statistics.negotiation_failures == 1


def test_only_so_many_refusals_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REFUSALS_REMEMBERED_MAX", 2)
    host = Host("192.0.2.1", policy(main_mode=["des-md5-group1"]), CREDENTIALS)
    network = Network(host)
    offers = []
    for number in range(3):
        puppet = Puppet(network, host, address=f"192.0.2.{number + 10}")
        offers.append((puppet, puppet.clear([puppet.proposal()])))
    for puppet, offer in [*offers, offers[2], offers[0]]:
        puppet.hears(offer)
    assert len(failures(host)) == 4, "the first has been forgotten, the third not"
