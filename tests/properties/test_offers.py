"""Laws of choosing: both sides agree on the first offer that both have, or say why not."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from mainmode.crypto.algorithms import GROUPS, Group
from mainmode.failures import Failure
from mainmode.model import Lifetime, Mode
from mainmode.numbers import ProtocolId
from mainmode.policy.model import Action, FilterAction, MainModeOffer, QuickModeOffer
from mainmode.policy.offers import (
    check_main_mode_answer,
    check_quick_mode_answer,
    choose_main_mode,
    choose_quick_mode,
    describe_sa,
    fit_alternatives,
    main_mode_proposal,
    offered_mode,
    pfs_group,
    quick_mode_proposal,
    read_alternatives_untrusted,
)
from mainmode.wire.attributes import Attribute
from mainmode.wire.payloads import SaPayload
from mainmode.wire.proposals import Proposal, Transform
from tests.properties.effort import examples
from tests.properties.policies import KEY, groups, main_mode_offers, outcome, quick_mode_offers

_main_mode_lists = st.lists(main_mode_offers, min_size=1, max_size=6)
_quick_mode_lists = st.lists(quick_mode_offers(joined=False), min_size=1, max_size=6)
_SPIS = {ProtocolId.ESP: 0x1000, ProtocolId.AH: 0x2000}


def _shuffled(transform: Transform, random: Random, life: int) -> Transform:
    """The attributes in another order; a duration stays behind its type (class `life`)."""
    pieces: list[list[Attribute]] = []
    for each in transform.attributes:
        if each.kind == life + 1:
            pieces[-1].append(each)
        else:
            pieces.append([each])
    random.shuffle(pieces)
    return replace(transform, attributes=tuple(each for piece in pieces for each in piece))


def _reordered(answer: SaPayload, random: Random, life: int) -> SaPayload:
    [proposal] = answer.proposals
    [transform] = proposal.transforms
    turned = replace(proposal, transforms=(_shuffled(transform, random, life),))
    return replace(answer, proposals=(turned,))


@given(
    _main_mode_lists,
    _main_mode_lists,
    st.integers(1, 1 << 32 - 1),
    st.integers(1, 1 << 32 - 1),
    st.randoms(use_true_random=False),
)
def test_main_mode_takes_the_initiators_first_that_both_have(
    ours: list[MainModeOffer],
    theirs: list[MainModeOffer],
    our_lifetime_s: int,
    their_lifetime_s: int,
    random: Random,
) -> None:
    proposal = main_mode_proposal(ours, (KEY,), our_lifetime_s)
    common = [offer for offer in ours if offer in theirs]
    choice = outcome(lambda: choose_main_mode(proposal, theirs, (KEY,), their_lifetime_s))
    if isinstance(choice, Failure):
        assert not common
        assert len(choice.offered) == len(ours)
        return
    assert choice.offer == common[0]
    assert choice.lifetime_s == min(our_lifetime_s, their_lifetime_s)
    answer = _reordered(choice.answer, random, life=11)
    assert check_main_mode_answer(proposal, answer, ours, (KEY,)).offer == choice.offer


def _suite(offer: QuickModeOffer) -> object:
    return offer.esp_cipher, offer.esp_integrity, offer.ah


@st.composite
def _quick_mode_sides(draw: st.DrawFn) -> tuple[FilterAction, FilterAction]:
    """Two filter actions that often have something in common."""
    ours, theirs = draw(_quick_mode_lists), draw(_quick_mode_lists)
    shared = draw(st.lists(st.sampled_from(ours), max_size=2))
    action = FilterAction("ours", Action.NEGOTIATE, tuple(ours), session_pfs=draw(st.booleans()))
    return action, replace(action, offers=(*shared, *theirs), session_pfs=draw(st.booleans()))


@given(_quick_mode_sides(), st.sampled_from(Mode), groups, st.randoms(use_true_random=False))
def test_quick_mode_takes_the_initiators_first_that_both_have(
    sides: tuple[FilterAction, FilterAction], mode: Mode, group: Group, random: Random
) -> None:
    ours, theirs = sides
    proposal = quick_mode_proposal(ours.offers, mode, pfs_group(ours, group), _SPIS)
    assert offered_mode(proposal) is mode
    wanted = [_suite(offer) for offer in theirs.offers]
    common = [offer for offer in ours.offers if _suite(offer) in wanted]
    choice = outcome(lambda: choose_quick_mode(proposal, theirs, mode, group))
    if isinstance(choice, Failure):
        assert not common or (theirs.session_pfs and not ours.session_pfs)
        return
    assert _suite(choice.offer) == _suite(common[0])
    assert choice.group == pfs_group(ours, group)
    assert choice.peer_spi == _SPIS[choice.protocol]
    answer = _reordered(choice.answer(0x3000), random, life=1)
    agreed = check_quick_mode_answer(proposal, answer, ours, mode, group)
    assert (agreed.peer_spi, agreed.group, agreed.mode) == (0x3000, choice.group, mode)
    assert _suite(agreed.offer) == _suite(choice.offer)
    bound = Lifetime(
        min(common[0].lifetime.seconds, choice.offer.lifetime.seconds),
        min(common[0].lifetime.kilobytes, choice.offer.lifetime.kilobytes),
    )
    assert choice.lifetime.seconds == bound.seconds
    assert choice.lifetime.kilobytes <= bound.kilobytes


# Small numbers meet the algorithms that exist; the rest is anything.
_numbers = st.integers(0, 20) | st.sampled_from((61_443, 65_001, 32_001)) | st.integers(0, 0xFFFF)
_attributes = st.builds(
    Attribute, st.integers(0, 17) | st.integers(0, 0x7FFF), _numbers
) | st.builds(Attribute, st.integers(0, 17), st.binary(max_size=9))
_transforms = st.builds(
    Transform, st.integers(0, 255), st.integers(0, 20), st.lists(_attributes, max_size=9).map(tuple)
)
_proposals = st.builds(
    Proposal,
    st.integers(0, 3),
    st.integers(0, 5),
    st.sampled_from((b"", b"\0\0\1\0", b"\0\0\0\1", b"\xff" * 8)),
    st.lists(_transforms, max_size=4).map(tuple),
)
_anything = st.builds(
    SaPayload, st.just(1), st.just(1), st.lists(_proposals, max_size=4).map(tuple)
)


@examples(300)
@given(_anything, _main_mode_lists, _quick_mode_sides(), st.sampled_from(Mode))
def test_whatever_a_stranger_offers_is_chosen_from_or_refused(
    offered: SaPayload,
    main_mode: list[MainModeOffer],
    sides: tuple[FilterAction, FilterAction],
    mode: Mode,
) -> None:
    action, group = sides[0], GROUPS["group2"]
    describe_sa(offered)
    offered_mode(offered)
    chosen = outcome(lambda: choose_main_mode(offered, main_mode, (KEY,), 60))
    assert chosen.sentence if isinstance(chosen, Failure) else chosen.offer in main_mode
    taken = outcome(lambda: choose_quick_mode(offered, action, mode, group))
    assert taken.sentence if isinstance(taken, Failure) else taken.offer in action.offers


@given(_anything, _main_mode_lists, _quick_mode_sides(), st.sampled_from(Mode))
def test_whatever_a_stranger_answers_is_not_what_we_offered(
    answer: SaPayload,
    main_mode: list[MainModeOffer],
    sides: tuple[FilterAction, FilterAction],
    mode: Mode,
) -> None:
    action = sides[0]
    first = main_mode_proposal(main_mode, (KEY,), 12_345)
    checked = outcome(lambda: check_main_mode_answer(first, answer, main_mode, (KEY,)))
    assert isinstance(checked, Failure)
    second = quick_mode_proposal(action.offers, mode, None, _SPIS)
    agreed = outcome(
        lambda: check_quick_mode_answer(second, answer, action, mode, GROUPS["group2"])
    )
    assert isinstance(agreed, Failure)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_alternatives_of_strangers_are_read_or_passed_over(data: bytes, octets_max: int) -> None:
    lines = read_alternatives_untrusted(data)
    if lines:
        assert len(fit_alternatives(data, octets_max)) <= octets_max
