"""Notifications: evidence in clear, facts under protection."""

from dataclasses import replace

import pytest

from mainmode.engine import informational
from mainmode.engine.events import InvalidCookies, NotificationReceived, Suspicion
from mainmode.failures import Reason, Side
from mainmode.numbers import Doi, NotifyType, ProtocolId
from mainmode.policy.offers import main_mode_proposal
from mainmode.policy.words import parse_main_mode_offer
from mainmode.testing.faults import lose_from, notification_in_clear
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import (
    CREDENTIALS,
    PRESHARED_KEY,
    WRONG_CREDENTIALS,
    authentication,
    policy,
    rule,
)
from mainmode.wire.payloads import Notification, SaPayload
from tests.engine.rungs import RUNGS, asked_for, asked_quickly, facing, rung
from tests.engine.scene import (
    LONG_ENOUGH_S,
    RETRY_CYCLE_S,
    Scene,
    failure,
    failures,
    header,
    numbers,
    port_scene,
    state,
)

ERRORS = [*range(1, 31), 100, 8192, 16383]
STATUS = [16384, 24576, 24577, 24578, 36136, 40003, 40004, 65535]
EVERY_TYPE = [*ERRORS, *STATUS]
ALTERNATIVES = main_mode_proposal(
    [parse_main_mode_offer("des-md5-group1")], [PRESHARED_KEY], 3600
).body()


# --- in clear -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RUNGS)
def test_no_notification_in_clear_ends_or_changes_anything(name: str) -> None:
    """Of any type, with or without data, whatever its message ID and protocol say. (Those that
    make us doubt an SA: test_doubts.py.)"""
    standing = rung(name)
    host, datagram = standing.host, standing.datagram
    before = state(host)
    for kind in EVERY_TYPE:
        if kind in (NotifyType.INVALID_SPI, NotifyType.INVALID_COOKIE):
            continue
        for data in (b"", bytes(4), ALTERNATIVES):
            for message_id in (0, 1, header(datagram).message_id):
                forged = notification_in_clear(datagram, kind, data, message_id=message_id)
                assert standing.puppet.hears(forged) == []
                assert state(host) == before, kind
    assert failures(host) == []
    replies = standing.puppet.hears(datagram)
    standing.finish(replies)
    assert failures(host) == []
    assert host.engine.main_mode_sas()


@pytest.mark.parametrize("name", [name for name in RUNGS if name != "main_mode_1"])
def test_garbage_in_clear_is_no_evidence(name: str) -> None:
    standing = rung(name)
    forged = notification_in_clear(standing.datagram, 14)
    before = state(standing.host)
    for octets in range(len(forged)):
        standing.puppet.hears(forged[:24] + octets.to_bytes(4) + forged[28:octets])
    assert state(standing.host) == before
    assert standing.host.of(Suspicion) == []


def test_an_error_in_clear_is_reported_at_once_and_named_when_the_retries_end() -> None:
    scene = Scene(fault=lose_from(0))
    scene.network.connect(scene.alice, scene.bob)
    forged = notification_in_clear(scene.datagrams[0], NotifyType.NO_PROPOSAL_CHOSEN)
    scene.network.inject(scene.bob, scene.alice, forged)
    [suspicion] = scene.alice.of(Suspicion)
    assert "NO-PROPOSAL-CHOSEN" in suspicion.sentence
    assert "waiting on" in suspicion.sentence
    scene.network.run(RETRY_CYCLE_S)
    refusal = failure(scene.alice)
    assert refusal.reason is Reason.NO_COMMON_PROPOSAL
    assert refusal.decided_by is Side.PEER
    assert refusal.evidence == ("the peer says NO-PROPOSAL-CHOSEN",)
    assert "(unauthenticated)" in refusal.sentence
    assert refusal.offered == ("3des-sha1-group2 psk 8h",), "what was on the table"


def test_the_same_evidence_is_kept_once_and_there_is_a_bound() -> None:
    scene = Scene(fault=lose_from(0))
    scene.network.connect(scene.alice, scene.bob)
    for kind in (14, 14, *range(1, 31)):
        forged = notification_in_clear(scene.datagrams[0], kind)
        scene.network.inject(scene.bob, scene.alice, forged)
    assert len(scene.alice.of(Suspicion)) == 8
    scene.network.run(RETRY_CYCLE_S)
    assert len(failure(scene.alice).evidence) == 8


def test_evidence_about_an_answered_message_does_not_explain_a_later_silence() -> None:
    """The forger speaks before message 2; the peer dies after it."""
    step = numbers()["main mode message 4"]
    scene = Scene(fault=lose_from(step))
    scene.network.connect(scene.alice, scene.bob)
    forged = notification_in_clear(scene.datagrams[0], NotifyType.NO_PROPOSAL_CHOSEN)
    scene.network.inject(scene.bob, scene.alice, forged)
    scene.network.run(LONG_ENOUGH_S)
    [refusal] = failures(scene.alice)
    assert refusal.reason is Reason.TIMED_OUT
    assert refusal.step == "waiting for the peer's key exchange"
    assert refusal.evidence == ("the peer says NO-PROPOSAL-CHOSEN",), "still named"


def test_only_the_peers_own_address_and_port_count_as_evidence() -> None:
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    network = Network(host)
    puppet, other = Puppet(network, host), Puppet(network, host, port=4500)
    network.do(host, host.engine.connect(puppet.path, 0.0))
    other.hears(notification_in_clear(network.sent[0].datagram, 14))
    assert host.of(Suspicion) == []
    assert [event.authenticated for event in host.of(NotificationReceived)] == [False]


def test_a_stranger_who_notifies_is_noted() -> None:
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    puppet = Puppet(Network(host), host)
    assert puppet.hears(notification_in_clear(bytes(range(16)), 14)) == []
    [event] = host.of(NotificationReceived)
    assert "unauthenticated" in event.sentence


def test_a_status_in_clear_is_noted_and_is_no_evidence() -> None:
    scene = Scene(fault=lose_from(0))
    scene.network.connect(scene.alice, scene.bob)
    forged = notification_in_clear(scene.datagrams[0], NotifyType.INITIAL_CONTACT)
    scene.network.inject(scene.bob, scene.alice, forged)
    assert scene.alice.of(Suspicion) == []
    assert len(scene.alice.of(NotificationReceived)) == 1


def test_an_error_in_clear_about_a_quick_mode_is_evidence_too() -> None:
    """A peer that has lost its main mode SA can say so in no other way."""
    puppet = facing()
    host, message_1 = puppet.host, asked_quickly(puppet)
    forged = notification_in_clear(message_1, NotifyType.INVALID_COOKIE, message_id=77)
    [another] = puppet.hears(forged)
    assert not any(header(another).cky_r), "at most a main mode is tried"
    assert failures(host) == []
    puppet.network.run(RETRY_CYCLE_S - 0.1)
    assert failures(host) == []
    puppet.network.run(RETRY_CYCLE_S)
    refusal = failures(host)[0]
    assert refusal.evidence == ("the peer says INVALID-COOKIE",)
    assert "(unauthenticated)" in refusal.sentence


# --- a wrong key ----------------------------------------------------------------------------------


def test_a_wrong_key_is_suspected_at_once_on_both_sides() -> None:
    scene = Scene(bob_credentials=WRONG_CREDENTIALS).connect()
    [bob], [alice] = scene.bob.of(Suspicion), scene.alice.of(Suspicion)
    assert bob.failure.reason is alice.failure.reason is Reason.WRONG_KEY
    assert bob.audit == 545
    assert "message 5 decrypts to noise" in bob.sentence
    assert "INVALID-HASH-INFORMATION" in alice.sentence
    assert failures(scene.alice) == failures(scene.bob) == [], "a forger could say as much"


def test_and_is_the_failure_when_the_retries_end() -> None:
    scene = Scene(bob_credentials=WRONG_CREDENTIALS).connect(LONG_ENOUGH_S)
    for host, decided_by in ((scene.alice, Side.PEER), (scene.bob, Side.ME)):
        refusal = failure(host)
        assert refusal.reason is Reason.WRONG_KEY
        assert refusal.decided_by is decided_by
        assert "different preshared keys" in refusal.sentence
        assert host.engine.statistics.authentication_failures == 1
        assert not host.engine.main_mode_sas()


def test_two_hosts_with_different_keys_make_no_war_of_notifications() -> None:
    scene = Scene(bob_credentials=WRONG_CREDENTIALS).connect(LONG_ENOUGH_S)
    notifications = [each for each in scene.datagrams if header(each).exchange == 5]
    assert len(notifications) == 1
    assert len(scene.sent_by(scene.alice)) == 1 + 1 + 6


def test_the_right_key_after_a_forged_proof_still_counts() -> None:
    """A forger sends noise as message 5 first."""
    standing = rung("main_mode_5")
    noise = standing.datagram[:28] + bytes(len(standing.datagram) - 28)
    complaint = standing.puppet.hears(noise)
    assert len(complaint) == 1
    assert len(complaint[0]) <= len(noise)
    assert standing.puppet.hears(noise) == [], "said once"
    standing.finish(standing.puppet.hears(standing.datagram))
    assert standing.host.engine.main_mode_sas()


@pytest.mark.parametrize("octets", [8, 16, 24])
def test_no_complaint_is_longer_than_what_it_is_about(octets: int) -> None:
    standing = rung("main_mode_5")
    noise = standing.datagram[:24] + (28 + octets).to_bytes(4) + bytes(range(octets))
    replies = standing.puppet.hears(noise)
    assert all(0 < len(reply) <= len(noise) for reply in replies)
    assert len(replies) == (1 if octets >= 16 else 0)


@pytest.mark.parametrize("name", ["quick_mode_1", "quick_mode_2", "quick_mode_3"])
def test_noise_in_quick_mode_is_no_sign_of_a_wrong_key(name: str) -> None:
    """Main mode has settled that the keys are equal."""
    standing = rung(name)
    datagram = standing.datagram
    assert standing.puppet.hears(datagram[:28] + bytes(len(datagram) - 28)) == []
    assert standing.host.of(Suspicion) == []
    standing.puppet.network.run(LONG_ENOUGH_S)
    assert Reason.WRONG_KEY not in [each.reason for each in failures(standing.host)]


def test_an_unexpected_identity_is_told_to_the_initiator() -> None:
    scene = Scene(
        policy(),
        policy(rule(authentications=[authentication(there="fqdn:alice.example")])),
    ).connect(LONG_ENOUGH_S)
    assert failure(scene.bob).reason is Reason.IDENTITY_MISMATCH
    refusal = failure(scene.alice)
    assert refusal.reason is Reason.IDENTITY_MISMATCH
    assert refusal.decided_by is Side.PEER
    assert "INVALID-ID-INFORMATION" in refusal.sentence


# --- under protection -----------------------------------------------------------------------------


def test_a_protected_error_ends_the_quick_mode_whose_spi_it_names() -> None:
    puppet, host, begun = three_quick_modes()
    talks = [puppet.talk(header(each).message_id) for each in begun]
    spi = talks[1].read(begun[1]).one(SaPayload).proposals[0].spi
    puppet.hears(puppet.inform(error(NotifyType.NO_PROPOSAL_CHOSEN, spi)))
    [ended] = failures(host)
    assert ended.decided_by is Side.PEER
    left = {each.message_id for each in host.engine._negotiations.exchanges.under_way()}
    assert left == {talks[0].message_id, talks[2].message_id}


def test_or_whose_message_id_stands_first_in_its_data() -> None:
    puppet, host, begun = three_quick_modes()
    named = header(begun[2]).message_id
    puppet.hears(puppet.inform(error(NotifyType.NO_PROPOSAL_CHOSEN, b"", named.to_bytes(4))))
    left = {each.message_id for each in host.engine._negotiations.exchanges.under_way()}
    assert left == {header(each).message_id for each in begun[:2]}


@pytest.mark.parametrize("spi", [b"", bytes(4), bytes(16)])
def test_one_that_names_none_is_about_the_oldest_that_waits(spi: bytes) -> None:
    puppet, host, begun = three_quick_modes()
    puppet.hears(puppet.inform(error(NotifyType.INVALID_ID_INFORMATION, spi)))
    left = {each.message_id for each in host.engine._negotiations.exchanges.under_way()}
    assert left == {header(each).message_id for each in begun[1:]}


def test_one_that_names_something_else_ends_none_of_several() -> None:
    puppet, host, begun = three_quick_modes()
    puppet.hears(puppet.inform(error(NotifyType.INVALID_SPI, b"\1\2\3\4")))
    assert failures(host) == []
    assert len(host.engine._negotiations.exchanges.under_way()) == len(begun)


def test_a_quick_mode_that_has_not_spoken_yet_is_never_meant() -> None:
    puppet = facing()
    host = puppet.host
    asked_quickly(puppet)
    host.slow = True
    puppet.network.run(RETRY_CYCLE_S + 1)
    puppet.network.do(host, host.engine.connect(puppet.path, puppet.network.now))
    before = len(failures(host))
    puppet.hears(puppet.inform(error(NotifyType.NO_PROPOSAL_CHOSEN, b"")))
    assert len(failures(host)) == before


def test_a_refusal_without_alternatives_says_what_else_it_may_be_about() -> None:
    puppet = facing()
    asked_quickly(puppet)
    puppet.hears(puppet.inform(error(NotifyType.NO_PROPOSAL_CHOSEN, b"")))
    refusal = failure(puppet.host)
    assert refusal.reason is Reason.NO_COMMON_PROPOSAL
    assert "mode or perfect forward secrecy" in refusal.sentence


def test_a_peer_that_refuses_what_it_has_offered_itself_has_a_trouble_of_its_own() -> None:
    standing = rung("quick_mode_3")
    standing.puppet.hears(standing.puppet.inform(error(NotifyType.NO_PROPOSAL_CHOSEN, b"")))
    refusal = failure(standing.host)
    assert (refusal.reason, refusal.decided_by) == (Reason.PEER_REFUSED, Side.PEER)
    assert "cannot install" in refusal.sentence


def test_traffic_that_the_peer_does_not_want_is_named_with_its_mode() -> None:
    puppet = facing()
    asked_quickly(puppet)
    puppet.hears(puppet.inform(error(NotifyType.INVALID_ID_INFORMATION, b"")))
    refusal = failure(puppet.host)
    assert refusal.reason is Reason.NOT_AUTHORISED
    assert refusal.offered == (f"192.0.2.1 <-> {puppet.address} any transport mode",)


def test_a_protected_error_about_nothing_is_noted() -> None:
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    puppet = Puppet(Network(host), host).establish()
    puppet.hears(puppet.inform(error(NotifyType.PAYLOAD_MALFORMED, b"")))
    [event] = host.of(NotificationReceived)
    assert event.authenticated
    assert host.engine.main_mode_sas()


@pytest.mark.parametrize("kind", EVERY_TYPE)
def test_every_type_means_something_or_nothing_but_never_an_error_of_ours(kind: int) -> None:
    puppet = facing()
    host, message_1 = puppet.host, asked_quickly(puppet)
    puppet.hears(puppet.inform(error(kind, b"", b"\xff\xff")))
    if kind in ERRORS:
        assert failure(host).decided_by is Side.PEER
        assert failure(host).step == "waiting for the peer's choice of our quick mode offers"
    else:
        assert failures(host) == []
        talk = puppet.talk(header(message_1).message_id)
        puppet.hears(talk.second(message_1))
        assert host.inbound


def test_one_refused_quick_mode_among_several_of_ours_spares_the_others() -> None:
    """Bob's policy lacks one of the ports."""
    scene = port_scene(80, 443, 8080, missing=443)
    for port in (80, 443, 8080):
        scene.acquire(scene.alice, scene.flow(port))
    scene.network.run()
    scene.require_agreement(pairs=2)
    assert failure(scene.bob).reason is Reason.NOT_AUTHORISED
    refusal = failure(scene.alice)
    assert refusal.reason is Reason.NOT_AUTHORISED
    assert refusal.decided_by is Side.PEER
    assert ":443" in refusal.offered[0]
    ports = {pair.selector.remote_port for pair in scene.alice.inbound.values()}
    assert ports == {80, 8080}


# --- quick mode without a main mode ---------------------------------------------------------------


def test_a_quick_mode_message_without_an_sa_is_dropped_counted_and_nothing_sent() -> None:
    standing = rung("quick_mode_1")
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    network = Network(host)
    assert network.deliver(host, standing.datagram, standing.path) == []
    assert host.engine.statistics.invalid_cookies_received == 1
    assert host.engine.statistics.named()["Invalid Cookies Received"] == 1
    [event] = host.events
    assert isinstance(event, InvalidCookies)
    assert event.exchange == "quick mode"


def test_one_before_main_mode_is_proved_likewise() -> None:
    """Under the cookies of a main mode that waits for message 5."""
    standing = rung("main_mode_5")
    puppet = standing.puppet
    datagram = puppet.sealed(puppet.proof(), puppet.iv(7), 32, message_id=7)
    events = len(standing.host.events)
    assert puppet.hears(datagram) == []
    assert standing.host.engine.statistics.invalid_cookies_received == 1
    assert len(standing.host.events) == events + 1


# --- words ----------------------------------------------------------------------------------------


def error(kind: int, spi: bytes, data: bytes = b"") -> Notification:
    return Notification(Doi.IPSEC, ProtocolId.ESP, kind, spi, data)


def three_quick_modes() -> tuple[Puppet, Host, list[bytes]]:
    """A host that has asked a puppet for three quick modes, and their messages 1."""
    host, puppet, begun = asked_for(range(1000, 1003))
    return puppet, host, begun


# --- protected, before main mode stands -----------------------------------------------------------


def refused_by_bob(notify: NotifyType) -> tuple[Scene, bytes]:
    """Alice waits for message 6; what Bob says instead, under the keys of message 5."""
    scene = Scene(fault=lose_from(5)).connect()
    [sa] = scene.bob.engine.main_mode_sas()
    spoken = replace(sa, last_block=scene.datagrams[4][-8:])
    word = Notification(Doi.IPSEC, ProtocolId.ISAKMP, notify, b"", b"")
    return scene, informational.protected(spoken, word, scene.bob.random.randbytes)


@pytest.mark.parametrize(
    ("notify", "reason"),
    [
        (NotifyType.AUTHENTICATION_FAILED, Reason.IDENTITY_MISMATCH),
        (NotifyType.INVALID_ID_INFORMATION, Reason.IDENTITY_MISMATCH),
        (NotifyType.NO_PROPOSAL_CHOSEN, Reason.PEER_REFUSED),
    ],
)
def test_a_responder_that_refuses_our_proof_under_our_keys_ends_main_mode(
    notify: NotifyType, reason: Reason
) -> None:
    scene, refusal = refused_by_bob(notify)
    scene.network.inject(scene.bob, scene.alice, refusal)
    refused = failure(scene.alice)
    assert (refused.reason, refused.decided_by) == (reason, Side.PEER)
    assert refused.evidence == ()


def test_a_status_under_our_keys_ends_nothing() -> None:
    scene, word = refused_by_bob(NotifyType.INITIAL_CONTACT)
    scene.network.inject(scene.bob, scene.alice, word)
    assert failures(scene.alice) == []


def test_one_that_does_not_open_is_a_sign_of_a_wrong_key_and_changes_nothing() -> None:
    scene, refusal = refused_by_bob(NotifyType.AUTHENTICATION_FAILED)
    before = state(scene.alice)
    scene.network.inject(scene.bob, scene.alice, refusal[:-8] + bytes(8))
    assert state(scene.alice) == before
    [suspicion] = scene.alice.of(Suspicion)
    assert suspicion.failure.reason is Reason.WRONG_KEY
    scene.network.inject(scene.bob, scene.alice, scene.datagrams[5])
    assert scene.alice.engine.main_mode_sas(), "message 6 still counts"
