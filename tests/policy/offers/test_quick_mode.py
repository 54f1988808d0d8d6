"""Quick mode's SA: proposals, choice and check of the answer."""

from dataclasses import replace

import pytest

from mainmode import limits
from mainmode.crypto.algorithms import CIPHERS, GROUPS, Group
from mainmode.failures import Failure, Reason, Refused
from mainmode.model import Lifetime, Mode
from mainmode.numbers import ProtocolId
from mainmode.policy.model import Action, FilterAction
from mainmode.policy.offers import (
    QuickModeChoice,
    check_quick_mode_answer,
    choose_quick_mode,
    describe_sa,
    offered_mode,
    pfs_group,
    quick_mode_proposal,
    read_alternatives_untrusted,
)
from mainmode.policy.offers.quick_mode import offer_as_proposals
from mainmode.policy.offers.suite import bounded_lifetime
from mainmode.policy.words import parse_quick_mode_offer
from mainmode.wire.payloads import SaPayload
from mainmode.wire.proposals import Proposal
from tests.policy.offers.proposals import (
    ESP_SHA1_TRANSPORT,
    SPI,
    Values,
    esp,
    instead,
    sa,
    transform,
    without,
)

GROUP_2 = GROUPS["group2"]
SPIS = {ProtocolId.ESP: 0x1000, ProtocolId.AH: 0x2000}
TRIPLE_DES, DES, NULL, AES = 3, 2, 11, 12
HMAC = ESP_SHA1_TRANSPORT


def action(*offers: str, session_pfs: bool = False, group: Group | None = None) -> FilterAction:
    parsed = tuple(parse_quick_mode_offer(each) for each in offers)
    return FilterAction("test", Action.NEGOTIATE, parsed, False, False, session_pfs, group)


PLAIN = action("esp:3des-sha1")


def choose(
    offered: SaPayload, policy: FilterAction = PLAIN, mode: Mode = Mode.TRANSPORT
) -> QuickModeChoice:
    return choose_quick_mode(offered, policy, mode, GROUP_2)


def refused(
    offered: SaPayload, policy: FilterAction = PLAIN, mode: Mode = Mode.TRANSPORT
) -> Failure:
    with pytest.raises(Refused) as caught:
        choose(offered, policy, mode)
    return caught.value.failure


# --- proposal -----------------------------------------------------------------------------------


def test_the_default_proposal_octet_for_octet() -> None:
    proposal = quick_mode_proposal(PLAIN.offers, Mode.TRANSPORT, None, SPIS)
    head = "00000001 00000001 0000 0030 01 03 04 01 00001000 0000 0024 01 03 0000"
    lifetimes = "80010001 80020e10 80010002 0002 0004 000186a0"
    body = lifetimes + "80040002 80050002"
    assert proposal.body() == bytes.fromhex(head + body)


def test_each_offer_is_a_proposal_with_a_number_of_its_own() -> None:
    offers = action("esp:aes256-sha2-256", "ah:md5", "esp:null-sha1").offers
    proposal = quick_mode_proposal(offers, Mode.TUNNEL, GROUPS["group14"], SPIS)
    assert [(each.number, each.protocol, each.spi.hex()) for each in proposal.proposals] == [
        (1, ProtocolId.ESP, "00001000"),
        (2, ProtocolId.AH, "00002000"),
        (3, ProtocolId.ESP, "00001000"),
    ]
    assert describe_sa(proposal) == (
        "esp:aes256-sha2-256 tunnel 1h 100MB group14",
        "ah:md5 tunnel 1h 100MB group14",
        "esp:null-sha1 tunnel 1h 100MB group14",
    )


def test_ah_says_its_algorithm_twice() -> None:
    [proposal] = quick_mode_proposal(action("ah:sha1").offers, Mode.TUNNEL, None, SPIS).proposals
    [only] = proposal.transforms
    assert only.transform_id == 3
    assert {each.kind: each.number for each in only.attributes}[5] == 2


def test_ah_joined_with_esp_has_one_number_but_is_left_out_for_now() -> None:
    joined, plain = action("ah:md5+esp:3des-sha1", "esp:3des-sha1").offers
    spis = {protocol: spi.to_bytes(4, "big") for protocol, spi in SPIS.items()}
    both = list(offer_as_proposals(5, joined, (Mode.TRANSPORT, None), None, spis))
    assert [(each.number, each.protocol) for each in both] == [(5, 2), (5, 3)]
    proposal = quick_mode_proposal((joined, plain), Mode.TRANSPORT, None, SPIS)
    assert describe_sa(proposal) == ("esp:3des-sha1 transport 1h 100MB",)
    with pytest.raises(Refused, match="no offer that can be made here"):
        quick_mode_proposal((joined,), Mode.TRANSPORT, None, SPIS)


def test_the_group_of_perfect_forward_secrecy() -> None:
    assert pfs_group(PLAIN, GROUP_2) is None
    assert pfs_group(action(session_pfs=True), GROUP_2) == GROUP_2
    own = action(session_pfs=True, group=GROUPS["group14"])
    assert pfs_group(own, GROUP_2) == GROUPS["group14"]


# --- choice -------------------------------------------------------------------------------------


def test_the_initiators_order_decides() -> None:
    one, other = esp((TRIPLE_DES, HMAC)), esp((NULL, HMAC), number=2)
    policy = action("esp:null-sha1", "esp:3des-sha1")
    assert choose(sa(one, other), policy).offer.name == "esp:3des-sha1"
    assert choose(sa(other, one), policy).offer.name == "esp:null-sha1"


def test_the_answer_repeats_the_chosen_transform_with_our_spi() -> None:
    chosen = transform((*HMAC, (30_000, b"mine")), 9, TRIPLE_DES)
    offered = sa(Proposal(4, ProtocolId.ESP, SPI, (transform(HMAC, 8, 99), chosen)))
    choice = choose(offered)
    assert choice.peer_spi == 0x1000
    answer = choice.answer(0xABCDEF01)
    [proposal] = answer.proposals
    assert (proposal.number, proposal.protocol, proposal.spi.hex()) == (4, 3, "abcdef01")
    assert [each.encode(last=True) for each in proposal.transforms] == [chosen.encode(last=True)]


@pytest.mark.parametrize(
    ("number", "values", "offer"),
    [
        (TRIPLE_DES, HMAC, "esp:3des-sha1"),
        (DES, instead(HMAC, 5, 1), "esp:des-md5"),
        (TRIPLE_DES, without(HMAC, 5), "esp:3des"),
        (NULL, HMAC, "esp:null-sha1"),
        (AES, (*HMAC, (6, 256)), "esp:aes256-sha1"),
        (AES, (*HMAC, (6, 128)), "esp:aes128-sha1"),
        (AES, HMAC, "esp:aes128-sha1"),
        (TRIPLE_DES, (*HMAC, (10, 1)), "esp:3des-sha1"),
        (TRIPLE_DES, (*HMAC, (20_000, b"x")), "esp:3des-sha1"),
    ],
)
def test_suites_of_esp(number: int, values: Values, offer: str) -> None:
    assert choose(sa(esp((number, values))), action(offer)).offer.name == offer


@pytest.mark.parametrize(("number", "algorithm", "offer"), [(2, 1, "ah:md5"), (3, 2, "ah:sha1")])
def test_suites_of_ah(number: int, algorithm: int, offer: str) -> None:
    offered = sa(esp((number, instead(HMAC, 5, algorithm)), protocol=ProtocolId.AH))
    choice = choose(offered, action(offer))
    assert (choice.offer.name, choice.protocol) == (offer, ProtocolId.AH)


@pytest.mark.parametrize(
    ("own", "enforced"),
    [
        ("esp:3des-sha1 15m 20MB", Lifetime(900, 20_000)),
        ("esp:3des-sha1 2h 1GB", Lifetime(3_600, 50_000)),
    ],
)
def test_the_shorter_lifetime_is_enforced(own: str, enforced: Lifetime) -> None:
    assert choose(sa(esp((TRIPLE_DES, HMAC))), action(own)).lifetime == enforced


def test_a_small_block_cipher_ends_at_a_gigabyte_whatever_policy_says() -> None:
    endless: Values = instead(without(HMAC, 1, 2), 5, 2)
    for name, number in (("des", DES), ("3des", TRIPLE_DES)):
        choice = choose(sa(esp((number, endless))), action(f"esp:{name}-sha1 1h 9GB"))
        assert choice.lifetime == Lifetime(3_600, limits.SMALL_BLOCK_LIFETIME_KIB)
        [line] = describe_sa(
            quick_mode_proposal(action(f"esp:{name}-sha1 1h 9GB").offers, Mode.TUNNEL, None, SPIS)
        )
        assert f"{limits.SMALL_BLOCK_LIFETIME_KIB}kB" in line
    large = Lifetime(3_600, 9_000_000)
    assert bounded_lifetime(large, CIPHERS["aes128"]) == large
    assert bounded_lifetime(large, CIPHERS["null"]) == large
    assert bounded_lifetime(large, None) == large


def test_without_encapsulation_mode_it_is_tunnel_mode() -> None:
    offered = sa(esp((TRIPLE_DES, without(HMAC, 4))))
    assert offered_mode(offered) is Mode.TUNNEL
    assert choose(offered, mode=Mode.TUNNEL).mode is Mode.TUNNEL


def test_the_mode_that_authorisation_asks_for() -> None:
    assert offered_mode(sa(esp((TRIPLE_DES, HMAC)))) is Mode.TRANSPORT
    assert offered_mode(sa(esp((TRIPLE_DES, instead(HMAC, 4, 1))))) is Mode.TUNNEL
    mixed = esp((TRIPLE_DES, instead(HMAC, 4, 61_444)), (TRIPLE_DES, HMAC))
    assert offered_mode(sa(mixed)) is Mode.TRANSPORT
    assert offered_mode(sa()) is Mode.TUNNEL


def test_without_perfect_forward_secrecy_of_our_own_any_known_group_is_taken() -> None:
    for number, group in ((14, GROUPS["group14"]), (1, GROUPS["group1"])):
        assert choose(sa(esp((TRIPLE_DES, (*HMAC, (3, number)))))).group == group
    assert choose(sa(esp((TRIPLE_DES, HMAC)))).group is None


def test_perfect_forward_secrecy_with_the_group_policy_wants() -> None:
    offered = sa(esp((TRIPLE_DES, (*HMAC, (3, 2)))))
    assert choose(offered, action("esp:3des-sha1", session_pfs=True)).group == GROUP_2


# --- refusal ------------------------------------------------------------------------------------


def test_the_mode_is_the_reason_when_nothing_else_is_wrong() -> None:
    failure = refused(sa(esp((TRIPLE_DES, HMAC))), mode=Mode.TUNNEL)
    assert failure.reason is Reason.MODE_MISMATCH
    assert failure.offered == (
        "esp:3des-sha1 transport 1h 50MB (transport mode, policy wants tunnel)",
    )
    assert failure.wanted == ("esp:3des-sha1 tunnel",)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (HMAC, "no perfect forward secrecy, policy wants group2"),
        ((*HMAC, (3, 14)), "group14, policy wants group2"),
        ((*HMAC, (3, 99)), "group 99 is not known here"),
    ],
)
def test_the_group_is_the_reason_when_nothing_else_is_wrong(values: Values, why: str) -> None:
    policy = action("esp:3des-sha1", session_pfs=True)
    failure = refused(sa(esp((TRIPLE_DES, values))), policy)
    assert failure.reason is Reason.PFS_MISMATCH
    assert why in failure.offered[0]
    assert failure.wanted == ("esp:3des-sha1 transport group2",)


def test_a_group_nobody_knows_is_refused_even_without_wanting_one() -> None:
    assert refused(sa(esp((TRIPLE_DES, (*HMAC, (3, 99)))))).reason is Reason.PFS_MISMATCH


def test_the_only_obstacle_of_one_proposal_speaks_for_all() -> None:
    wrong_suite, wrong_mode = esp((NULL, HMAC)), esp((TRIPLE_DES, instead(HMAC, 4, 1)), number=2)
    assert refused(sa(wrong_suite, wrong_mode)).reason is Reason.MODE_MISMATCH


def test_two_obstacles_are_no_mode_mismatch() -> None:
    failure = refused(sa(esp((NULL, instead(HMAC, 4, 1)))))
    assert failure.reason is Reason.NO_COMMON_PROPOSAL
    assert "tunnel mode, policy wants transport; policy has no such offer" in failure.offered[0]


@pytest.mark.parametrize(
    ("proposal", "reason", "why"),
    [
        (esp((NULL, without(HMAC, 5))), Reason.BAD_PROPOSAL, "protects nothing"),
        (esp((TRIPLE_DES, (*HMAC, (6, 192)))), Reason.BAD_PROPOSAL, "fixed key size"),
        (esp((TRIPLE_DES, (*HMAC, (5, 2)))), Reason.BAD_PROPOSAL, "twice"),
        (esp((TRIPLE_DES, HMAC), spi=b"\0\0\0\xff"), Reason.BAD_PROPOSAL, "its SPI is 000000ff"),
        (esp((TRIPLE_DES, HMAC), spi=b""), Reason.BAD_PROPOSAL, "its SPI is missing"),
        (esp((3, without(HMAC, 5)), protocol=2), Reason.BAD_PROPOSAL, "AH must name"),
        (esp((2, HMAC), protocol=2), Reason.BAD_PROPOSAL, "AH transform 2 is not sha1"),
        (esp((99, HMAC)), Reason.NO_COMMON_PROPOSAL, "ESP 99 is not known here"),
        (esp((AES, (*HMAC, (6, 100)))), Reason.NO_COMMON_PROPOSAL, "AES-CBC with 100 bits"),
        (esp((TRIPLE_DES, instead(HMAC, 5, 3))), Reason.NO_COMMON_PROPOSAL, "DES-MAC is not known"),
        (esp((TRIPLE_DES, (*HMAC, (11, 1)))), Reason.NO_COMMON_PROPOSAL, "64 bits"),
        (esp((2, HMAC), protocol=4), Reason.NO_COMMON_PROPOSAL, "IPCOMP is not AH or ESP"),
        (esp((1, HMAC), protocol=1), Reason.NO_COMMON_PROPOSAL, "ISAKMP is not AH or ESP"),
        (esp((TRIPLE_DES, instead(HMAC, 4, 3))), Reason.MODE_MISMATCH, "udp-tunnel mode"),
    ],
)
def test_what_is_refused_and_why(proposal: Proposal, reason: Reason, why: str) -> None:
    failure = refused(sa(proposal))
    assert failure.reason is reason
    assert why in failure.offered[0]


def test_protocols_joined_are_refused_whatever_they_are() -> None:
    ah, tail = esp((3, HMAC), protocol=2), esp((TRIPLE_DES, HMAC))
    policy = action("ah:sha1+esp:3des-sha1", "ah:sha1", "esp:3des-sha1")
    for joined in (sa(ah, tail), sa(tail, esp((2, HMAC), protocol=4)), sa(tail, tail, tail)):
        failure = refused(joined, policy)
        assert failure.reason is Reason.NO_COMMON_PROPOSAL
        assert all("joined is not supported yet" in line for line in failure.offered)
    alternative = replace(tail, number=2)
    assert choose(sa(ah, tail, alternative), policy).proposal_number == 2


def test_several_groups_in_one_sa_are_refused_as_a_whole() -> None:
    offered = sa(esp((TRIPLE_DES, (*HMAC, (3, 2))), (TRIPLE_DES, (*HMAC, (3, 14)))))
    failure = refused(offered)
    assert failure.reason is Reason.BAD_PROPOSAL
    assert "one KE payload" in failure.detail
    assert len(failure.offered) == 2


def test_a_refusal_carries_what_would_have_been_taken_for_the_peer() -> None:
    policy = action("esp:3des-sha1", "ah:sha1 15m 1MB", session_pfs=True)
    failure = refused(sa(esp((NULL, HMAC))), policy)
    assert read_alternatives_untrusted(failure.alternatives) == (
        "esp:3des-sha1 transport 1h 100MB group2",
        "ah:sha1 transport 15m 1MB group2",
    )
    nothing = refused(sa(esp((NULL, HMAC))), action("ah:md5+esp:des"))
    assert (nothing.wanted, nothing.alternatives) == ((), b"")


def test_another_domain_or_situation() -> None:
    for strange in (replace(sa(), doi=0), replace(sa(), situation=4)):
        assert refused(strange).reason is Reason.BAD_PROPOSAL


def test_nothing_offered() -> None:
    assert refused(sa()).reason is Reason.NO_COMMON_PROPOSAL


# --- answer -------------------------------------------------------------------------------------

POLICY = action("esp:3des-sha1", "esp:null-sha1", "ah:sha1")
PROPOSED = quick_mode_proposal(POLICY.offers, Mode.TRANSPORT, None, SPIS)
ANSWER = choose(PROPOSED, action("ah:sha1")).answer(0x3000)


def check(answer: SaPayload) -> QuickModeChoice:
    return check_quick_mode_answer(PROPOSED, answer, POLICY, Mode.TRANSPORT, GROUP_2)


def test_the_chosen_proposal_is_found_again_with_the_peers_spi() -> None:
    choice = check(ANSWER)
    assert (choice.offer.name, choice.peer_spi) == ("ah:sha1", 0x3000)
    assert choice.lifetime == Lifetime(3_600, 100_000)


def test_an_answer_may_order_its_attributes_otherwise() -> None:
    [proposal] = ANSWER.proposals
    [only] = proposal.transforms
    turned = (*only.attributes[4:], *only.attributes[2:4], *only.attributes[:2])
    answer = sa(replace(proposal, transforms=(replace(only, attributes=turned),)))
    assert check(answer).offer.name == "ah:sha1"


def _changed(**changes: object) -> SaPayload:
    [proposal] = ANSWER.proposals
    return sa(replace(proposal, **changes))  # type: ignore[arg-type]


def _with(values: Values) -> SaPayload:
    number = PROPOSED.proposals[0].transforms[0]
    return sa(Proposal(1, ProtocolId.ESP, SPI, (transform(values, number.number, TRIPLE_DES),)))


SENT: Values = ((1, 1), (2, 3_600), (1, 2), (2, b"\0\1\x86\xa0"), (4, 2), (5, 2))


def test_the_values_below_are_the_ones_sent() -> None:
    assert check(_with(SENT)).offer.name == "esp:3des-sha1"


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        pytest.param(_with(instead(SENT, 5, 1)), "not as offered", id="integrity"),
        pytest.param(_with(instead(SENT, 4, 1)), "not as offered", id="mode"),
        pytest.param(_with((*SENT, (3, 2))), "not as offered", id="group added"),
        pytest.param(_with(SENT[2:]), "not as offered", id="lifetime left out"),
        pytest.param(_with(((1, 1), (2, 900), *SENT[2:])), "not as offered", id="lifetime"),
        pytest.param(_changed(number=1), "not as offered", id="another proposal's number"),
        pytest.param(_changed(number=9), "not as offered", id="no such number"),
        pytest.param(_changed(protocol=3), "not as offered", id="protocol"),
        pytest.param(_changed(spi=b"\0\0\0\1"), "its SPI is 00000001", id="SPI"),
        pytest.param(_changed(transforms=()), "not exactly one", id="no transform"),
        pytest.param(sa(), "not exactly one", id="nothing"),
        pytest.param(PROPOSED, "not exactly one", id="all of it"),
    ],
)
def test_a_modified_offer_is_rejected(answer: SaPayload, detail: str) -> None:
    with pytest.raises(Refused) as caught:
        check(answer)
    assert caught.value.failure.reason is Reason.OFFER_MODIFIED
    assert detail in caught.value.failure.detail


def test_an_answer_to_an_offer_that_policy_has_withdrawn_meanwhile() -> None:
    with pytest.raises(Refused, match="policy has no such offer"):
        check_quick_mode_answer(PROPOSED, ANSWER, PLAIN, Mode.TRANSPORT, GROUP_2)
