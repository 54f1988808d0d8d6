"""The attributes of one transform."""

import pytest

from mainmode.failures import Reason
from mainmode.model import Lifetime
from mainmode.policy.offers.reading import (
    PHASE_1,
    PHASE_2,
    Form,
    Unsuitable,
    normal_form,
    read_attributes,
)
from tests.policy.offers.proposals import (
    ESP_SHA1_TRANSPORT,
    TRIPLE_DES_SHA1_PSK_GROUP2,
    Values,
    attributes,
    instead,
)


def test_values_and_lifetimes() -> None:
    reading = read_attributes(attributes(ESP_SHA1_TRANSPORT), PHASE_2)
    assert reading.values == {4: 2, 5: 2}
    assert reading.durations == {1: 3_600, 2: 50_000}


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(((14, 128), (1, 7), (2, 2), (3, 1), (4, 2)), id="key length before cipher"),
        pytest.param(((11, 1), (1, 5), (12, 60), (2, 2), (3, 1), (4, 2)), id="inside a lifetime"),
        pytest.param(((1, 5), (2, 2), (3, 1), (4, 2), (16_384, b"\0h\0o")), id="a GSS identity"),
        pytest.param(((1, 5), (2, 2), (3, 1), (4, 2), (20_000, 1), (20_000, 2)), id="unknown"),
        pytest.param(((1, 5), (2, 2), (3, 1), (4, 2), (20_000, b"")), id="unknown and empty"),
        pytest.param(
            ((1, 5), (2, 2), (3, 1), (4, 2), (11, 1), (12, b"\0\0\0\0\0\0\1\0")), id="long"
        ),
    ],
)
def test_what_is_tolerated(values: Values) -> None:
    assert read_attributes(attributes(values), PHASE_1).values[2] == 2


@pytest.mark.parametrize(
    ("extra", "form", "why"),
    [
        (((1, 5),), PHASE_1, "states its encryption twice"),
        (((14, b"\0\x80"),), PHASE_1, "key length is not a basic attribute"),
        (((16_384, b""),), PHASE_1, "has no value"),
        (((12, 60),), PHASE_1, "does not follow a life type"),
        (((11, 1), (12, 60), (12, 61)), PHASE_1, "does not follow a life type"),
        (((11, 1), (12, 60), (11, 1), (12, 61)), PHASE_1, "the same kind of lifetime twice"),
        (((11, 1), (11, 2), (12, 60)), PHASE_1, "is not followed by its life duration"),
        (((11, 1),), PHASE_1, "is not followed by its life duration"),
        (((3, b"\0\2"),), PHASE_2, "group description is not a basic attribute"),
        (((2, b""),), PHASE_2, "has no value"),
    ],
)
def test_what_breaks_the_form(extra: Values, form: Form, why: str) -> None:
    base: Values = ((1, 5), (2, 2)) if form is PHASE_1 else ((4, 2),)
    with pytest.raises(Unsuitable, match=why) as caught:
        read_attributes(attributes((*base, *extra)), form)
    assert caught.value.reason is Reason.BAD_PROPOSAL


@pytest.mark.parametrize(
    ("extra", "form"),
    [
        ((13, 1), PHASE_1),
        ((6, b"\x17"), PHASE_1),
        ((5, 1), PHASE_1),
        ((7, 12), PHASE_2),
        ((11, 1), PHASE_2),
        ((9, b"x"), PHASE_2),
    ],
)
def test_what_changes_the_meaning_and_is_not_supported(
    extra: tuple[int, int | bytes], form: Form
) -> None:
    with pytest.raises(Unsuitable) as caught:
        read_attributes(attributes((extra,)), form)
    assert caught.value.reason is Reason.NO_COMMON_PROPOSAL


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (((11, 1), (12, 60)), 60),
        (((11, 1), (12, 0)), 28_800),
        ((), 28_800),
        (((11, 2), (12, 9)), 28_800),
    ],
)
def test_a_lifetime_that_is_not_stated_is_eight_hours(values: Values, seconds: int) -> None:
    assert read_attributes(attributes(values), PHASE_1).seconds == seconds


@pytest.mark.parametrize(
    ("offered", "enforced"),
    [
        (ESP_SHA1_TRANSPORT, Lifetime(3_600, 50_000)),
        (((1, 1), (2, 60)), Lifetime(60, 100_000)),
        (((1, 2), (2, b"\xff\xff\xff\xff")), Lifetime(7_200, 100_000)),
        (((1, 1), (2, b"\x01\0\0\0\0\0\0\0\0\0")), Lifetime(7_200, 100_000)),
    ],
)
def test_the_shorter_lifetime_is_enforced(offered: Values, enforced: Lifetime) -> None:
    reading = read_attributes(attributes(offered), PHASE_2)
    assert reading.lifetime_within(Lifetime(7_200, 100_000)) == enforced


def test_the_normal_form_forgets_order_and_encoding_but_no_value() -> None:
    one = attributes(TRIPLE_DES_SHA1_PSK_GROUP2)
    again = (*attributes(((11, 1), (12, b"\0\0\x70\x80"))), *reversed(one[:4]))
    assert normal_form(one, PHASE_1) == normal_form(again, PHASE_1)
    for kind, value in TRIPLE_DES_SHA1_PSK_GROUP2:
        other = attributes(instead(TRIPLE_DES_SHA1_PSK_GROUP2, kind, int(value) + 1))
        assert normal_form(one, PHASE_1) != normal_form(other, PHASE_1)


def test_the_normal_form_keeps_each_duration_with_its_type() -> None:
    one = attributes(((1, 1), (2, 3_600), (1, 2), (2, 50_000)))
    swapped = attributes(((1, 1), (2, 50_000), (1, 2), (2, 3_600)))
    assert normal_form(one, PHASE_2) != normal_form(swapped, PHASE_2)
    assert normal_form(one, PHASE_2) != normal_form(one[:3], PHASE_2)
