"""Every failure knows its step, who decided, what was offered, what was wanted, and a sentence."""

import json
from collections.abc import Callable

import pytest

from mainmode.auth.credentials import Credentials
from mainmode.crypto.modp import prime_of
from mainmode.engine.effects import AllocateSpi
from mainmode.engine.events import NegotiationFailed
from mainmode.failures import Failure, Inadmissible, Reason, Refused, Side
from mainmode.numbers import NotifyType
from mainmode.policy.model import Authentication, Method
from mainmode.testing.faults import lose_from
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import (
    CREDENTIALS,
    WRONG_CREDENTIALS,
    authentication,
    policy,
    rule,
)
from mainmode.wire.payloads import KeyExchange, Nonce
from tests.engine.rungs import rung
from tests.engine.scene import (
    LONG_ENOUGH_S,
    RETRY_CYCLE_S,
    Scene,
    failure,
    failures,
    numbers,
    port_scene,
)


def no_common_proposal() -> Scene:
    return Scene(policy(main_mode="des-md5-group1"), policy())


def wrong_key() -> Scene:
    return Scene(bob_credentials=WRONG_CREDENTIALS)


def no_credential() -> Scene:
    return Scene(bob_credentials=Credentials({}))


def no_credential_here() -> Scene:
    return Scene(alice_credentials=Credentials({}))


def unexpected_identity() -> Scene:
    return Scene(policy(rule(authentications=[authentication(there="fqdn:bob.example")])), policy())


def no_policy_there() -> Scene:
    return Scene(policy(), policy(rule(destination="192.0.2.99")))


def no_common_quick_mode() -> Scene:
    return Scene(policy(rule(quick_mode="ah:md5")), policy())


def other_pfs() -> Scene:
    return Scene(policy(), policy(rule(pfs="group14")))


def other_mode() -> Scene:
    tunnel = rule("192.0.2.1", "192.0.2.2", tunnel="192.0.2.2")
    return Scene(policy(tunnel), policy())


def dead_peer() -> Scene:
    return Scene(fault=lose_from(0))


def dead_after(step: str) -> Scene:
    return Scene(fault=lose_from(numbers()[step]))


def refused_by_the_driver() -> Scene:
    scene = Scene()
    scene.alice.refuse = AllocateSpi
    return scene


def kerberos_only() -> Scene:
    return Scene(policy(rule(authentications=[Authentication(Method.KERBEROS)])), policy())


SCENES = (
    no_common_proposal,
    wrong_key,
    no_credential,
    no_credential_here,
    unexpected_identity,
    no_policy_there,
    no_common_quick_mode,
    other_pfs,
    other_mode,
    dead_peer,
    refused_by_the_driver,
    kerberos_only,
)


@pytest.mark.parametrize("make", SCENES)
def test_every_failure_explains_itself(make: Callable[[], Scene]) -> None:
    scene = make().connect(LONG_ENOUGH_S)
    events = [*scene.alice.of(NegotiationFailed), *scene.bob.of(NegotiationFailed)]
    assert scene.alice.of(NegotiationFailed), "the one who wanted it hears of it"
    for event in events:
        refusal = event.failure
        assert refusal.step, refusal
        assert refusal.reason.sentence in refusal.sentence
        assert refusal.step in refusal.sentence
        assert str(event.path.peer) in event.sentence
        assert "\n" not in event.sentence
        assert event.audit in (545, 546, 547)
        said = event.as_json()
        assert json.loads(json.dumps(said)) == said
        assert said["failure"]["step"] == refusal.step
        assert said["failure"]["decided_by"] in ("me", "peer", "nobody")


@pytest.mark.parametrize(
    ("make", "alice", "bob"),
    [
        (no_common_proposal, Reason.NO_COMMON_PROPOSAL, Reason.NO_COMMON_PROPOSAL),
        (wrong_key, Reason.WRONG_KEY, Reason.WRONG_KEY),
        (no_credential, Reason.TIMED_OUT, Reason.NO_CREDENTIAL),
        (no_policy_there, Reason.TIMED_OUT, Reason.NO_POLICY),
        (no_common_quick_mode, Reason.NO_COMMON_PROPOSAL, Reason.NO_COMMON_PROPOSAL),
        (other_pfs, Reason.NO_COMMON_PROPOSAL, Reason.PFS_MISMATCH),
        (other_mode, Reason.NO_COMMON_PROPOSAL, Reason.MODE_MISMATCH),
    ],
)
def test_both_sides_name_the_right_reason(
    make: Callable[[], Scene], alice: Reason, bob: Reason
) -> None:
    scene = make().connect(LONG_ENOUGH_S)
    assert failures(scene.alice)[-1].reason is alice
    assert failures(scene.bob)[0].reason is bob
    assert failures(scene.bob)[0].decided_by is Side.ME


@pytest.mark.parametrize(
    ("step", "reason", "waiting"),
    [
        ("main mode message 1", Reason.TIMED_OUT, "waiting for the peer's choice of our offers"),
        ("main mode message 2", Reason.TIMED_OUT, "waiting for the peer's choice of our offers"),
        ("main mode message 3", Reason.TIMED_OUT, "waiting for the peer's key exchange"),
        ("main mode message 4", Reason.TIMED_OUT, "waiting for the peer's key exchange"),
        ("main mode message 5", Reason.WRONG_KEY, "waiting for the responder's proof of identity"),
        ("main mode message 6", Reason.WRONG_KEY, "waiting for the responder's proof of identity"),
        (
            "quick mode message 1",
            Reason.TIMED_OUT,
            "waiting for the peer's choice of our quick mode offers",
        ),
        (
            "quick mode message 2",
            Reason.TIMED_OUT,
            "waiting for the peer's choice of our quick mode offers",
        ),
    ],
)
def test_a_peer_that_dies_is_missed_at_the_right_step(
    step: str, reason: Reason, waiting: str
) -> None:
    scene = dead_after(step).connect(LONG_ENOUGH_S)
    refusal = failures(scene.alice)[0]
    assert (refusal.reason, refusal.step, refusal.decided_by) == (reason, waiting, Side.NOBODY)


def test_a_responder_misses_a_dead_initiator_too() -> None:
    standing = rung("main_mode_5")
    standing.puppet.network.run(LONG_ENOUGH_S)
    refusal = failure(standing.host)
    assert refusal.reason is Reason.TIMED_OUT
    assert refusal.step == "waiting for the initiator's proof of identity"
    assert refusal.detail == "the initiator never proved its identity"
    standing = rung("quick_mode_3")
    standing.puppet.network.run(LONG_ENOUGH_S)
    assert failure(standing.host).step == "waiting for the initiator's last word"


def test_a_public_value_outside_the_group_is_the_failure_if_nothing_better_comes() -> None:
    standing = rung("main_mode_4")
    puppet, host = standing.puppet, standing.host
    for value in (bytes(128), b"\0" * 127 + b"\1", b"\xff" * 128, b"\2" * 127, b"\2" * 129, b""):
        assert puppet.hears(standing.wrap([KeyExchange(value), Nonce(bytes(20))])) == []
    assert failures(host) == []
    puppet.network.run(RETRY_CYCLE_S)
    assert failure(host).reason is Reason.BAD_PUBLIC_VALUE


def test_no_public_value_outside_the_group_reaches_a_responder() -> None:
    """0, 1, p - 1, p, p + 1, everything above, and other lengths; then the right one."""
    standing = rung("main_mode_3")
    puppet, host = standing.puppet, standing.host
    nonce = standing.payloads[1]
    prime = prime_of(puppet.offer.group)
    octets = puppet.offer.group.public_octets
    for number in (0, 1, prime - 1, prime, prime + 1, 256**octets - 1):
        wrong = [KeyExchange(number.to_bytes(octets)), nonce]
        assert puppet.hears(standing.wrap(wrong)) == [], number
    for length in (0, 1, octets - 1, octets + 1, 2 * octets):
        assert puppet.hears(standing.wrap([KeyExchange(b"\2" * length), nonce])) == []
    standing.finish(puppet.hears(standing.datagram))
    assert host.engine.main_mode_sas()


@pytest.mark.parametrize("value", [bytes(128), b"\0" * 127 + b"\1", b"\2" * 127, b""])
def test_in_quick_mode_it_ends_the_negotiation(value: bytes) -> None:
    """There it is authentic."""
    host = Host("192.0.2.1", policy(rule(pfs="group2")), CREDENTIALS)
    puppet = Puppet(Network(host), host).establish()
    talk = puppet.talk()
    offered = talk.proposal(group="group2")
    ids = talk.identifications()
    puppet.hears(talk.first(offered, Nonce(talk.nonce_b), KeyExchange(value), *ids))
    assert failure(host).reason is Reason.BAD_PUBLIC_VALUE
    assert not host.promised


@pytest.mark.parametrize("with_group", [False, True])
def test_a_group_without_a_public_value_and_the_other_way_round_is_a_pfs_mismatch(
    with_group: bool,
) -> None:
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    puppet = Puppet(Network(host), host).establish()
    talk = puppet.talk()
    offered = talk.proposal(group="group2" if with_group else "")
    public = [] if with_group else [KeyExchange(bytes(range(128)))]
    puppet.hears(talk.first(offered, Nonce(talk.nonce_b), *public, *talk.identifications()))
    assert failure(host).reason is Reason.PFS_MISMATCH


def test_no_policy_for_a_connection_is_said() -> None:
    scene = no_policy_there()
    scene.network.connect(scene.bob, scene.alice)
    refusal = failure(scene.bob)
    assert refusal.reason is Reason.NO_POLICY
    assert str(scene.alice.address) in refusal.sentence


def test_traffic_that_policy_does_not_negotiate_wishes_for_nothing() -> None:
    scene = port_scene(80)
    scene.acquire(scene.alice, scene.flow(443))
    assert scene.datagrams == []
    assert scene.alice.engine.statistics.total_acquire == 0


def test_failures_are_counted_under_their_documented_names() -> None:
    scene = wrong_key().connect(LONG_ENOUGH_S)
    named = scene.alice.engine.statistics.named()
    assert named["Negotiation Failures"] == 1
    assert named["Authentication Failures"] == 1
    assert named["Acquire Failures"] == 1
    assert named["Total Acquire"] == 1
    assert named["Active Acquire"] == 0


def test_each_reason_has_a_sentence_a_weight_and_perhaps_a_notification() -> None:
    for reason in Reason:
        assert reason.sentence[0].islower()
        assert reason.audit_id in (545, 546, 547)
        assert reason.notify is None or isinstance(reason.notify, NotifyType)


def test_the_sentence_of_a_failure_has_all_its_parts() -> None:
    full = Failure(
        Reason.NO_COMMON_PROPOSAL,
        Side.PEER,
        "waiting for something",
        "in detail",
        ("one", "two"),
        ("three",),
        ("in detail", "a rumour"),
    )
    assert full.sentence == (
        "the two sides have no security offer in common: in detail (unauthenticated) | "
        "while waiting for something | offered: one, two | wanted: three | "
        "unauthenticated evidence: a rumour"
    )
    assert full.at("elsewhere") is full, "the first to know the step is right"
    assert Failure(Reason.CLOSED).at("here").step == "here"
    assert Failure(Reason.CLOSED).sentence == "the negotiation was called off"
    for kind in (Refused, Inadmissible):
        assert str(kind(full)) == full.sentence
