"""Main mode's SA: proposal, choice and check of the answer."""

from dataclasses import replace

import pytest

from mainmode.crypto.algorithms import CIPHERS
from mainmode.failures import Failure, Reason, Refused
from mainmode.numbers import AuthenticationMethod, ProtocolId
from mainmode.policy.model import DEFAULT_MAIN_MODE_OFFERS, Authentication, MainModeOffer, Method
from mainmode.policy.offers import (
    MainModeChoice,
    check_main_mode_answer,
    choose_main_mode,
    describe_sa,
    main_mode_proposal,
    read_alternatives_untrusted,
)
from mainmode.policy.words import parse_main_mode_offer
from mainmode.wire.attributes import Attribute
from mainmode.wire.payloads import SaPayload
from mainmode.wire.proposals import Proposal
from tests.policy.offers.proposals import (
    TRIPLE_DES_SHA1_PSK_GROUP2,
    Values,
    instead,
    main_mode,
    sa,
    transform,
    without,
)

KEY = Authentication(Method.PRESHARED_KEY, "peer.psk")
HOUR_S = 3_600
OFFERED = TRIPLE_DES_SHA1_PSK_GROUP2


def offers(*names: str) -> tuple[MainModeOffer, ...]:
    return tuple(parse_main_mode_offer(name) for name in names)


def choose(
    offered: SaPayload, *names: str, lifetime_s: int = HOUR_S, authentication: Authentication = KEY
) -> MainModeChoice:
    accepted = offers(*names) or DEFAULT_MAIN_MODE_OFFERS
    return choose_main_mode(offered, accepted, (authentication,), lifetime_s)


def refused(offered: SaPayload, *names: str) -> Failure:
    with pytest.raises(Refused) as caught:
        choose(offered, *names)
    return caught.value.failure


# --- proposal -----------------------------------------------------------------------------------


def test_the_default_proposal_octet_for_octet() -> None:
    proposal = main_mode_proposal(DEFAULT_MAIN_MODE_OFFERS, (KEY,), 28_800)
    group_14 = "0300 0020 01 01 0000 80010005 80020002 80030001 8004000e 800b0001 800c7080"
    group_2 = "0000 0020 02 01 0000 80010005 80020002 80030001 80040002 800b0001 800c7080"
    head = "00000001 00000001 0000 0048 01 01 00 02"
    assert proposal.body() == bytes.fromhex(head + group_14 + group_2)


def test_the_key_length_follows_the_cipher_and_long_lifetimes_take_four_octets() -> None:
    proposal = main_mode_proposal(offers("aes256-sha2-256-group19"), (KEY,), 86_400)
    [only] = proposal.proposals[0].transforms
    assert [(each.kind, each.value) for each in only.attributes] == [
        (1, 7),
        (14, 256),
        (2, 4),
        (3, 1),
        (4, 19),
        (11, 1),
        (12, b"\x00\x01\x51\x80"),
    ]


@pytest.mark.parametrize(("seconds", "value"), [(65_535, 65_535), (65_536, b"\x00\x01\x00\x00")])
def test_a_lifetime_is_basic_as_long_as_it_fits(seconds: int, value: int | bytes) -> None:
    proposal = main_mode_proposal(offers("3des-sha1-group2"), (KEY,), seconds)
    assert proposal.proposals[0].transforms[0].attributes[-1] == Attribute(12, value)


def test_two_preshared_keys_are_one_method_and_methods_to_come_are_left_out() -> None:
    methods = (Authentication(Method.KERBEROS), KEY, replace(KEY, secret="other.psk"))
    proposal = main_mode_proposal(offers("3des-sha1-group2"), methods, HOUR_S)
    assert describe_sa(proposal) == ("3des-sha1-group2 psk 1h",)


def test_null_encryption_is_not_for_main_mode() -> None:
    [offer] = offers("3des-sha1-group2")
    with pytest.raises(ValueError, match="null has no number"):
        main_mode_proposal([replace(offer, cipher=CIPHERS["null"])], (KEY,), HOUR_S)


def test_without_any_method_that_works_there_is_no_proposal() -> None:
    with pytest.raises(Refused) as caught:
        main_mode_proposal(DEFAULT_MAIN_MODE_OFFERS, (Authentication(Method.CERTIFICATE),), HOUR_S)
    assert caught.value.failure.reason is Reason.UNSUPPORTED_AUTHENTICATION


# --- choice -------------------------------------------------------------------------------------


def test_the_initiators_order_decides() -> None:
    group_14 = instead(OFFERED, 4, 14)
    assert choose(main_mode(OFFERED, group_14)).offer.name == "3des-sha1-group2"
    assert choose(main_mode(group_14, OFFERED)).offer.name == "3des-sha1-group14"


def test_the_answer_repeats_the_chosen_transform_octet_for_octet() -> None:
    values = (*reversed(OFFERED[:4]), (11, 1), (12, b"\0\0\0\0\x70\x80"), (30_000, b"mine"))
    chosen = replace(transform(values, number=7), reserved2=5)
    offered = sa(Proposal(3, ProtocolId.ISAKMP, b"\1" * 8, (transform(((1, 1),), 6), chosen)))
    choice = choose(offered)
    [proposal] = choice.answer.proposals
    assert (proposal.number, proposal.protocol, proposal.spi) == (3, ProtocolId.ISAKMP, b"")
    assert [each.encode(last=True) for each in proposal.transforms] == [chosen.encode(last=True)]


@pytest.mark.parametrize(
    ("offered_s", "own_s", "enforced_s"), [(60, 3_600, 60), (86_400, 3_600, 3_600)]
)
def test_any_lifetime_is_taken_and_the_shorter_one_enforced(
    offered_s: int, own_s: int, enforced_s: int
) -> None:
    offered = main_mode((*OFFERED[:-1], (12, offered_s.to_bytes(4, "big"))))
    choice = choose(offered, lifetime_s=own_s)
    assert choice.lifetime_s == enforced_s
    assert choice.answer.proposals[0].transforms == offered.proposals[0].transforms


def test_an_offer_without_lifetime_lasts_eight_hours_at_most() -> None:
    offered = main_mode(OFFERED[:4])
    assert choose(offered, lifetime_s=86_400).lifetime_s == 28_800


def test_aes_without_key_length_is_aes_with_128_bits() -> None:
    offered = main_mode(instead(OFFERED, 1, 7))
    assert choose(offered, "aes128-sha1-group2").offer.name == "aes128-sha1-group2"


@pytest.mark.parametrize("spi", [b"", b"\0" * 8, b"\xff" * 16])
def test_the_spi_of_a_proposal_means_nothing(spi: bytes) -> None:
    assert choose(main_mode(OFFERED, spi=spi)).offer.name == "3des-sha1-group2"


@pytest.mark.parametrize("number", [0, 1, 7])
def test_a_proposal_may_have_any_number(number: int) -> None:
    assert choose(main_mode(OFFERED, number=number)).answer.proposals[0].number == number


def test_several_proposals_are_alternatives() -> None:
    first = main_mode(instead(OFFERED, 1, 6)).proposals
    second = main_mode(OFFERED, number=2).proposals
    assert choose(sa(*first, *second)).answer.proposals[0].number == 2


def test_an_unsuitable_transform_does_not_stop_the_next_one() -> None:
    broken: tuple[Values, ...] = (
        without(OFFERED, 4),
        (*OFFERED, (1, 5)),
        (*OFFERED, (14, 192)),
        instead(OFFERED, 2, b"\0\2"),
        (*OFFERED, (13, 1)),
        instead(OFFERED, 3, 4),
        instead(OFFERED, 1, 99),
        (),
    )
    assert choose(main_mode(*broken, OFFERED)).answer.proposals[0].transforms[0].number == 9


# --- refusal ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (1, "encryption"),
        (2, "hash"),
        (3, "authentication method"),
        (4, "Diffie-Hellman group"),
    ],
)
def test_a_transform_without_a_mandatory_parameter_is_refused_for_that(
    kind: int, name: str
) -> None:
    failure = refused(main_mode(without(OFFERED, kind)))
    assert failure.reason is Reason.OFFER_INCOMPLETE
    assert f"(it lacks {name})" in failure.offered[0]


def test_all_that_is_missing_is_named() -> None:
    failure = refused(main_mode(((11, 1), (12, 60))))
    assert failure.offered == (
        "?-?-? ? 1m (it lacks encryption and hash and Diffie-Hellman group and "
        "authentication method)",
    )


def test_a_refusal_says_for_each_transform_why_and_what_would_have_been_taken() -> None:
    failure = refused(
        main_mode(
            instead(OFFERED, 2, 1),
            without(OFFERED, 3),
            instead(OFFERED, 1, 6),
            (*OFFERED, (14, 192)),
            instead(OFFERED, 3, 3),
        )
    )
    assert failure.reason is Reason.NO_COMMON_PROPOSAL
    assert failure.offered == (
        "3des-md5-group2 psk 8h (policy has no such offer)",
        "3des-sha1-group2 ? 8h (it lacks authentication method)",
        "cast-cbc-sha1-group2 psk 8h (encryption CAST-CBC not known here)",
        "triple-des-cbc/192-sha1-group2 psk 8h (it gives a cipher of fixed key size a key length)",
        "3des-sha1-group2 rsa-signatures 8h (no rule lists the method rsa-signatures)",
    )
    assert failure.wanted == ("3des-sha1-group14 psk", "3des-sha1-group2 psk")


def test_a_refusal_carries_what_would_have_been_taken_for_the_peer() -> None:
    failure = refused(main_mode(instead(OFFERED, 2, 1)))
    assert read_alternatives_untrusted(failure.alternatives) == (
        "3des-sha1-group14 psk 1h",
        "3des-sha1-group2 psk 1h",
    )


@pytest.mark.parametrize(
    ("method", "why"),
    [
        (AuthenticationMethod.RSA_ENCRYPTION, "public key encryption is refused"),
        (AuthenticationMethod.REVISED_RSA_ENCRYPTION, "public key encryption is refused"),
        (AuthenticationMethod.HYBRID_INIT_RSA, "hybrid authentication is refused"),
        (AuthenticationMethod.GSS_KERBEROS, "Kerberos (or XAUTH"),
        (AuthenticationMethod.XAUTH_RESP_PRESHARED, "XAUTH is refused"),
        (AuthenticationMethod.XAUTH_RESP_RSA_REVISED, "XAUTH is refused"),
    ],
)
def test_methods_that_are_refused_each_have_their_reason(method: int, why: str) -> None:
    failure = refused(main_mode(instead(OFFERED, 3, int(method))))
    assert failure.reason is Reason.UNSUPPORTED_AUTHENTICATION
    assert why in failure.offered[0]


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        (1, 7, "policy has no such offer"),
        (1, 99, "encryption 99 not known here"),
        (2, 3, "hash TIGER not known here"),
        (4, 3, "group EC2N-155 not known here"),
    ],
)
def test_algorithms_nobody_knows_here(kind: int, value: int, why: str) -> None:
    failure = refused(main_mode(instead(OFFERED, kind, value)))
    assert failure.reason is Reason.NO_COMMON_PROPOSAL
    assert why in failure.offered[0]


def test_other_protocols_and_transforms_in_main_mode() -> None:
    esp = Proposal(1, ProtocolId.ESP, b"\0\0\1\0", (transform(OFFERED),))
    assert refused(sa(esp)).reason is Reason.BAD_PROPOSAL
    other = Proposal(1, ProtocolId.ISAKMP, b"", (transform(OFFERED, transform_id=2),))
    assert "transform 2 is not KEY_IKE" in refused(sa(other)).offered[0]


def test_another_domain_or_situation() -> None:
    for strange in (replace(sa(), doi=0), replace(sa(), situation=2)):
        failure = refused(strange)
        assert failure.reason is Reason.BAD_PROPOSAL
        assert "instead of 1 and 1" in failure.detail


def test_an_offer_of_thousands_is_explained_in_a_few_lines() -> None:
    failure = refused(main_mode(*[instead(OFFERED, 2, 1)] * 200))
    assert len(failure.offered) == 17
    assert failure.offered[-1] == "and 184 more"


# --- answer -------------------------------------------------------------------------------------

PROPOSED = main_mode_proposal(DEFAULT_MAIN_MODE_OFFERS, (KEY,), 28_800)
ANSWER = choose_main_mode(PROPOSED, DEFAULT_MAIN_MODE_OFFERS[1:], (KEY,), 60).answer


def check(answer: SaPayload, authentication: Authentication = KEY) -> MainModeChoice:
    return check_main_mode_answer(PROPOSED, answer, DEFAULT_MAIN_MODE_OFFERS, (authentication,))


def answered(values: Values, number: int = 2, transform_id: int = 1) -> SaPayload:
    return sa(Proposal(1, ProtocolId.ISAKMP, b"", (transform(values, number, transform_id),)))


def test_the_chosen_transform_is_found_again() -> None:
    choice = check(ANSWER)
    assert choice.offer == DEFAULT_MAIN_MODE_OFFERS[1]
    assert (choice.authentication, choice.lifetime_s) == (KEY, 28_800)


def test_an_answer_may_order_and_encode_attributes_otherwise_and_have_an_spi() -> None:
    """strongSwan writes lifetimes first."""
    values: Values = ((11, 1), (12, b"\0\0\x70\x80"), *reversed(OFFERED[:4]))
    [proposal] = answered(values).proposals
    assert check(sa(replace(proposal, spi=b"\1" * 8))).offer == DEFAULT_MAIN_MODE_OFFERS[1]


def test_a_gss_identity_is_the_responders_own() -> None:
    assert check(answered((*OFFERED, (16_384, b"h\0o\0")))).offer.name == "3des-sha1-group2"


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        pytest.param(answered(instead(OFFERED, 12, 3_600)), "transform 2 is not", id="lifetime"),
        pytest.param(answered(instead(OFFERED, 2, 1)), "transform 2 is not", id="hash"),
        pytest.param(answered((*OFFERED, (14, 192))), "transform 2 is not", id="added"),
        pytest.param(answered((*OFFERED, (20_000, 1))), "transform 2 is not", id="unknown added"),
        pytest.param(answered((*OFFERED, (1, 5))), "transform 2 is not", id="twice"),
        pytest.param(answered(without(OFFERED, 11, 12)), "transform 2 is not", id="left out"),
        pytest.param(answered(OFFERED, 1), "transform 1 is not", id="another number"),
        pytest.param(answered(OFFERED, 3), "transform 3 is not", id="no such number"),
        pytest.param(answered(OFFERED, 2, 2), "transform 2 is not", id="transform id"),
        pytest.param(sa(), "not exactly one transform", id="nothing"),
        pytest.param(PROPOSED, "not exactly one transform", id="all of it"),
        pytest.param(sa(*ANSWER.proposals * 2), "not exactly one transform", id="two proposals"),
        pytest.param(
            sa(replace(ANSWER.proposals[0], number=2)), "another proposal number", id="number"
        ),
        pytest.param(
            sa(replace(ANSWER.proposals[0], protocol=3)), "another proposal number", id="protocol"
        ),
    ],
)
def test_a_modified_offer_is_rejected(answer: SaPayload, detail: str) -> None:
    with pytest.raises(Refused) as caught:
        check(answer)
    failure = caught.value.failure
    assert failure.reason is Reason.OFFER_MODIFIED
    assert detail in failure.detail
    assert failure.offered == ("3des-sha1-group14 psk 8h", "3des-sha1-group2 psk 8h")


def test_an_answer_to_an_offer_that_policy_has_withdrawn_meanwhile() -> None:
    with pytest.raises(Refused) as caught:
        check_main_mode_answer(PROPOSED, ANSWER, DEFAULT_MAIN_MODE_OFFERS[:1], (KEY,))
    assert caught.value.failure.reason is Reason.NO_COMMON_PROPOSAL
