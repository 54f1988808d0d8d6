"""What is offered, what is chosen, what a refusal says."""

from dataclasses import replace

import pytest

from mainmode.engine.events import NotificationReceived, Suspicion
from mainmode.failures import Reason, Side
from mainmode.model import Mode
from mainmode.numbers import IpsecAttribute, LifeType, NotifyType, PayloadType, Phase1Attribute
from mainmode.policy.model import Policy, Rule
from mainmode.policy.offers import describe_sa
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, policy, rule
from mainmode.wire.attributes import Attribute
from mainmode.wire.payloads import Nonce, Notification, SaPayload, UnknownPayload, VendorId
from mainmode.wire.proposals import Transform
from tests.engine.scene import RETRY_CYCLE_S, Scene, failure, failures, header, payloads

MANDATORY = {
    Phase1Attribute.ENCRYPTION: "encryption",
    Phase1Attribute.HASH: "hash",
    Phase1Attribute.GROUP_DESCRIPTION: "Diffie-Hellman group",
    Phase1Attribute.AUTHENTICATION_METHOD: "authentication method",
}
PADDING = VendorId(bytes(range(200)))
"""Makes message 1 long, so that room is no concern."""


# --- as responder in main mode --------------------------------------------------------------------


@pytest.mark.parametrize("kind", MANDATORY)
def test_a_transform_without_a_mandatory_parameter_is_refused_for_that(
    kind: Phase1Attribute,
) -> None:
    puppet, host = offering()
    [reply] = puppet.hears(puppet.clear([without(puppet.proposal(), kind), PADDING]))
    assert failure(host).reason is Reason.OFFER_INCOMPLETE
    assert f"it lacks {MANDATORY[kind]}" in failure(host).sentence
    assert notification(reply).notify == NotifyType.BAD_PROPOSAL_SYNTAX
    assert not host.engine._half_open


@pytest.mark.parametrize("kind", MANDATORY)
def test_another_transform_of_the_same_offer_can_be_chosen(kind: int) -> None:
    puppet, _ = offering()
    [proposal] = puppet.proposal("des-sha1-group2", "3des-sha1-group2").proposals
    broken = without_attribute(proposal.transforms[0], kind)
    sa = puppet.proposal()
    sa = replace(sa, proposals=(replace(proposal, transforms=(broken, proposal.transforms[1])),))
    [reply] = puppet.hears(puppet.clear([sa]))
    chosen = payloads(reply)[0]
    assert isinstance(chosen, SaPayload)
    assert chosen.proposals[0].transforms == (proposal.transforms[1],)


def test_the_answer_repeats_the_chosen_transform_octet_for_octet() -> None:
    """With an attribute nobody knows, in an order nobody else uses, and a lifetime of its own."""
    puppet, _ = offering()
    sa = puppet.proposal()
    transform = sa.proposals[0].transforms[0]
    odd = replace(
        transform,
        number=7,
        attributes=(
            *reversed(transform.attributes[:4]),
            Attribute(Phase1Attribute.LIFE_TYPE, int(LifeType.SECONDS)),
            Attribute(Phase1Attribute.LIFE_DURATION, b"\0\0\0\0\x12\x34"),
            Attribute(20_000, b"what is this"),
        ),
    )
    sa = with_transform(sa, odd)
    [reply] = puppet.hears(puppet.clear([sa]))
    answer = payloads(reply)[0]
    assert isinstance(answer, SaPayload)
    assert answer.proposals[0].transforms == (odd,)


def test_nothing_in_common_is_refused_with_both_sides_said() -> None:
    puppet, host = offering(offer="des-md5-group1")
    [reply] = puppet.hears(puppet.clear([puppet.proposal(), PADDING]))
    refusal = failure(host)
    assert refusal.reason is Reason.NO_COMMON_PROPOSAL
    assert refusal.decided_by is Side.ME
    assert refusal.step == "waiting for an offer"
    assert "des-md5-group1 psk 8h" in refusal.offered[0]
    assert refusal.wanted == ("3des-sha1-group2 psk",)
    said = notification(reply)
    assert said.notify == NotifyType.NO_PROPOSAL_CHOSEN
    assert (header(reply).cky_i, header(reply).cky_r) == (puppet.cky_i, bytes(8))
    assert said.data == b"", "no alternatives toward addresses that no rule names for it"


def test_alternatives_are_said_in_clear_where_a_rule_says_so() -> None:
    puppet, _ = offering(rule(explain_refusals=True), offer="des-md5-group1")
    [reply] = puppet.hears(puppet.clear([puppet.proposal(), PADDING]))
    assert alternatives(reply) == ("3des-sha1-group2 psk 8h",)


def test_no_refusal_in_clear_is_longer_than_the_offer() -> None:
    """Whatever its length: fewer alternatives, then none."""
    offers = ["3des-sha1-group2", "3des-sha1-group14", "aes128-sha1-group2", "aes256-sha1-group2"]
    counts = set()
    for length in range(0, 220, 3):
        assigned = policy(rule(explain_refusals=True), main_mode=offers)
        host = Host("192.0.2.1", assigned, CREDENTIALS)
        puppet = Puppet(Network(host), host, offer="des-md5-group1")
        message_1 = puppet.clear([puppet.proposal(), VendorId(bytes(length))])
        for reply in puppet.hears(message_1):
            assert len(reply) <= len(message_1)
            counts.add(len(alternatives(reply)))
    assert counts == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("explain", [False, True])
def test_a_refusal_that_does_not_fit_is_not_sent(explain: bool) -> None:
    """An SA of another domain can be shorter than any notification."""
    puppet, host = offering(rule(explain_refusals=explain))
    for surplus in range(8):
        sa = UnknownPayload(PayloadType.SA, b"\0\0\0\7" + bytes(surplus))
        message_1 = puppet.clear([sa])
        replies = puppet.hears(message_1)
        assert len(message_1) == 36 + surplus
        assert [len(reply) for reply in replies] == ([40] if surplus >= 4 else [])
        puppet.cky_i = bytes(7) + bytes((surplus + 1,))
    assert len(failures(host)) == 8


def test_weak_algorithms_are_taken_only_where_a_policy_names_them() -> None:
    for offer in ("des-sha1-group2", "3des-md5-group2", "3des-sha1-group1"):
        puppet, host = offering(assigned=Policy("plain", (rule(),)), offer=offer)
        puppet.offers()
        assert failure(host).reason is Reason.NO_COMMON_PROPOSAL
        puppet, host = offering(assigned=policy(main_mode=offer), offer=offer)
        puppet.offers()
        assert failures(host) == []


@pytest.mark.parametrize(
    ("doi", "situation"), [(0, 1), (2, 1), (1, 0), (1, 2), (1, 4), (1, 7), (1, 0xFFFFFFFF)]
)
def test_another_domain_or_situation_is_refused(doi: int, situation: int) -> None:
    puppet, host = offering()
    sa = replace(puppet.proposal(), doi=doi, situation=situation)
    puppet.hears(puppet.clear([sa, PADDING]))
    assert host.engine.main_mode_sas() == ()
    assert host.events, "said or dropped, never raised"
    assert len(host.engine._half_open) == 0


def test_a_quick_mode_without_proposals_or_transforms_is_survived() -> None:
    puppet, host = offering()
    puppet.establish()
    for empty in range(2):
        talk = puppet.talk()
        sa = talk.proposal()
        proposals = (replace(sa.proposals[0], transforms=()),) if empty else ()
        puppet.hears(talk.first(replace(sa, proposals=proposals), Nonce(talk.nonce_b)))
    assert not host.promised
    assert puppet.talk().establish()
    assert len(host.inbound) == 1


def test_a_policy_without_offers_has_3des_sha1_with_group_14_then_2() -> None:
    scene = Scene(Policy("plain", (rule(),))).connect(0.0)
    offered = payloads(scene.datagrams[0])[0]
    assert isinstance(offered, SaPayload)
    assert describe_sa(offered) == ("3des-sha1-group14 psk 8h", "3des-sha1-group2 psk 8h")


# --- as initiator in main mode --------------------------------------------------------------------


def modified(sa: SaPayload) -> list[SaPayload]:
    """Answers that are none of ours, in every way."""
    [proposal] = sa.proposals
    transform = proposal.transforms[0]
    changed = [
        with_attribute(transform, Attribute(kind, value))
        for kind, value in (
            (Phase1Attribute.ENCRYPTION, 1),
            (Phase1Attribute.HASH, 1),
            (Phase1Attribute.GROUP_DESCRIPTION, 1),
            (Phase1Attribute.AUTHENTICATION_METHOD, 3),
            (Phase1Attribute.LIFE_DURATION, 60),
        )
    ]
    changed += [without_attribute(transform, kind) for kind in MANDATORY]
    changed += [
        replace(transform, attributes=(*transform.attributes, Attribute(20_000, 1))),
        replace(transform, number=9),
        replace(transform, transform_id=2),
    ]
    return [with_transform(sa, each) for each in changed] + [
        replace(sa, proposals=(replace(proposal, number=2),)),
        replace(sa, proposals=(replace(proposal, transforms=(transform, transform)),)),
        replace(sa, proposals=(proposal, proposal)),
    ]


def test_a_modified_answer_is_dropped_and_the_right_one_still_counts() -> None:
    puppet, host, message_1 = asked()
    offered = offer_of(message_1)
    for wrong in modified(offered):
        assert puppet.chooses(message_1, wrong) == []
    assert puppet.chooses(message_1, offered)
    assert failures(host) == []


@pytest.mark.parametrize("number", range(15))
def test_when_nothing_better_comes_the_modified_answer_is_the_failure(number: int) -> None:
    puppet, host, message_1 = asked()
    puppet.chooses(message_1, modified(offer_of(message_1))[number])
    [suspicion] = host.of(Suspicion)
    assert suspicion.failure.reason is Reason.OFFER_MODIFIED
    puppet.network.run(RETRY_CYCLE_S)
    refusal = failure(host)
    assert refusal.reason is Reason.OFFER_MODIFIED
    assert refusal.offered == ("3des-sha1-group2 psk 8h",)
    assert refusal.step == "waiting for the peer's choice of our offers"


def test_the_order_of_attributes_is_the_responders() -> None:
    puppet, host, message_1 = asked()
    offered = offer_of(message_1)
    transform = offered.proposals[0].transforms[0]
    *four, life_type, duration = transform.attributes
    turned = replace(transform, attributes=(life_type, duration, *reversed(four)))
    assert puppet.chooses(message_1, with_transform(offered, turned))
    assert failures(host) == []


def test_a_gss_identity_in_the_answer_is_the_responders_own() -> None:
    puppet, _, message_1 = asked()
    offered = offer_of(message_1)
    transform = offered.proposals[0].transforms[0]
    named = Attribute(Phase1Attribute.GSS_IDENTITY_NAME, b"b\0o\0b\0")
    added = replace(transform, attributes=(*transform.attributes, named))
    assert puppet.chooses(message_1, with_transform(offered, added))


def test_any_one_of_several_offers_may_be_chosen() -> None:
    for number in range(3):
        offers = ["3des-sha1-group2", "aes128-sha1-group2", "aes256-sha1-group2"]
        host = Host("192.0.2.1", policy(main_mode=offers), CREDENTIALS)
        puppet = Puppet(Network(host), host, offer=offers[number])
        puppet.network.do(host, host.engine.connect(puppet.path, 0.0))
        message_1 = puppet.network.sent[0].datagram
        offered = offer_of(message_1)
        chosen = with_transform(offered, offered.proposals[0].transforms[number])
        puppet.chooses(message_1, chosen)
        puppet.answers_keys()
        puppet.require_proof()
        puppet.say(*puppet.proof(), encrypted=True)
        assert [sa.offer.name for sa in host.engine.main_mode_sas()] == [offers[number]]


def test_alternatives_explain_and_widen_nothing() -> None:
    """Bob would take what Alice has not; she says so, and goes on offering what she has."""
    alice = policy(main_mode="3des-sha1-group2")
    bob = policy(rule(explain_refusals=True), main_mode="aes128-sha1-group14")
    scene = Scene(alice, bob).connect(RETRY_CYCLE_S)
    refusal = failure(scene.alice)
    assert refusal.reason is Reason.NO_COMMON_PROPOSAL
    assert refusal.decided_by is Side.PEER
    assert refusal.wanted == ("aes128-sha1-group14 psk 8h",)
    assert "(unauthenticated)" in refusal.sentence
    assert len(set(scene.sent_by(scene.alice))) == 1, "the very same message 1, resent"
    assert len(scene.sent_by(scene.alice)) == 6


# --- in quick mode --------------------------------------------------------------------------------


def test_a_quick_mode_refusal_names_what_would_have_been_taken() -> None:
    scene = Scene(
        policy(rule(quick_mode=["esp:des-md5", "esp:des-sha1", "ah:md5"])),
        policy(rule(quick_mode="esp:3des-sha1")),
    ).connect()
    refusal = failure(scene.bob)
    assert refusal.reason is Reason.NO_COMMON_PROPOSAL
    assert len(refusal.offered) == 3
    theirs = failure(scene.alice)
    assert theirs.reason is Reason.NO_COMMON_PROPOSAL
    assert theirs.decided_by is Side.PEER
    assert theirs.wanted == ("esp:3des-sha1 transport 1h 100MB",)
    [said] = [event for event in scene.alice.of(NotificationReceived) if event.detail]
    assert said.authenticated


def test_no_quick_mode_refusal_is_longer_than_the_offer() -> None:
    offers = [f"esp:{cipher}-sha1" for cipher in ("3des", "aes128", "aes192", "aes256")]
    counts = set()
    for length in range(0, 320, 8):
        host = Host("192.0.2.1", policy(rule(quick_mode=offers)), CREDENTIALS)
        puppet = Puppet(Network(host), host).establish()
        talk = puppet.talk()
        offered = talk.proposal("esp:des-md5")
        message_1 = talk.first(offered, Nonce(bytes(8)), VendorId(bytes(length)))
        for reply in puppet.hears(message_1):
            assert len(reply) <= len(message_1)
            said = puppet.reads_informational(reply).one(Notification)
            counts.add(len(describe(said)))
    assert counts == {1, 2, 3, 4}


def test_tunnel_instead_of_transport_is_refused_for_that() -> None:
    puppet, host = offering()
    puppet.establish()
    talk = puppet.talk()
    tunnel = talk.proposal(mode=Mode.TUNNEL)
    puppet.hears(talk.first(tunnel, Nonce(talk.nonce_b), *talk.identifications()))
    assert failure(host).reason is Reason.MODE_MISMATCH


@pytest.mark.parametrize(
    ("alice", "bob"), [("", "group2"), ("group1", "group2"), ("group2", "group14")]
)
def test_another_idea_of_pfs_is_refused_for_that(alice: str, bob: str) -> None:
    scene = Scene(policy(rule(pfs=alice)), policy(rule(pfs=bob))).connect()
    assert failure(scene.bob).reason is Reason.PFS_MISMATCH
    assert failure(scene.alice).decided_by is Side.PEER


def test_pfs_is_taken_where_policy_does_not_ask_for_it() -> None:
    scene = Scene(policy(rule(pfs="group2")), policy(rule())).connect()
    scene.require_agreement()


@pytest.mark.parametrize("kind", [IpsecAttribute.ENCAPSULATION_MODE, IpsecAttribute.LIFE_DURATION])
def test_a_modified_quick_mode_answer_ends_it(kind: IpsecAttribute) -> None:
    """It is authentic, so nothing better will come."""
    puppet, host = offering()
    puppet.establish()
    puppet.network.do(host, host.engine.connect(puppet.path, 0.0))
    message_1 = puppet.network.sent[-1].datagram
    reader, talk = (puppet.talk(header(message_1).message_id) for _ in range(2))
    chosen = talk.chosen(reader.read(message_1).one(SaPayload))
    transform = chosen.proposals[0].transforms[0]
    wrong = with_transform(chosen, with_attribute(transform, Attribute(kind, 1)))
    ids = reader.theirs.items[-2:]
    puppet.hears(talk.second(message_1, wrong, Nonce(talk.nonce_b), *ids))
    assert failure(host).reason is Reason.OFFER_MODIFIED
    assert not host.promised


# --- words ----------------------------------------------------------------------------------------


def offering(
    *rules: Rule, assigned: Policy | None = None, offer: str = "3des-sha1-group2"
) -> tuple[Puppet, Host]:
    """A puppet about to offer this, and its host."""
    assigned = assigned or policy(*rules)
    host = Host("192.0.2.1", assigned, CREDENTIALS)
    return Puppet(Network(host), host, offer=offer), host


def asked() -> tuple[Puppet, Host, bytes]:
    """A puppet that the host has sent a message 1."""
    puppet, host = offering()
    puppet.network.do(host, host.engine.connect(puppet.path, 0.0))
    return puppet, host, puppet.network.sent[0].datagram


def offer_of(message_1: bytes) -> SaPayload:
    offered = payloads(message_1)[0]
    assert isinstance(offered, SaPayload)
    return offered


def with_transform(sa: SaPayload, transform: Transform) -> SaPayload:
    [proposal] = sa.proposals
    return replace(sa, proposals=(replace(proposal, transforms=(transform,)),))


def without(sa: SaPayload, kind: int) -> SaPayload:
    return with_transform(sa, without_attribute(sa.proposals[0].transforms[0], kind))


def without_attribute(transform: Transform, kind: int) -> Transform:
    rest = tuple(each for each in transform.attributes if each.kind != kind)
    return replace(transform, attributes=rest)


def with_attribute(transform: Transform, changed: Attribute) -> Transform:
    """The first attribute of this kind changed."""
    attributes = list(transform.attributes)
    at = next(n for n, each in enumerate(attributes) if each.kind == changed.kind)
    attributes[at] = changed
    return replace(transform, attributes=tuple(attributes))


def notification(datagram: bytes) -> Notification:
    [only] = payloads(datagram)
    assert isinstance(only, Notification)
    return only


def alternatives(datagram: bytes) -> tuple[str, ...]:
    return describe(notification(datagram))


def describe(said: Notification) -> tuple[str, ...]:
    if not said.data:
        return ()
    return describe_sa(SaPayload.parse_untrusted(said.data, 0, len(said.data), 0))
