"""Steps: which payloads each message of an exchange has, and who resends it."""

import pytest

from mainmode import ladder
from mainmode.ladder import MM1, MM2, MM3, MM5, MM6, QM1, QM2, QM3, QM4, Step
from mainmode.numbers import ExchangeType, PayloadType

SA, KE, NONCE = PayloadType.SA, PayloadType.KE, PayloadType.NONCE
ID, HASH, CERT = PayloadType.ID, PayloadType.HASH, PayloadType.CERT
VID, N, D = PayloadType.VENDOR_ID, PayloadType.NOTIFICATION, PayloadType.DELETE

STEPS = [each for each in vars(ladder).values() if isinstance(each, Step)]


@pytest.mark.parametrize(
    ("step", "kinds"),
    [
        (MM1, (SA,)),
        (MM1, (SA, VID, VID, VID)),
        (MM2, (SA, VID)),
        (MM3, (KE, NONCE)),
        (MM3, (NONCE, KE)),
        (MM3, (VID, NONCE, KE, PayloadType.NAT_D, PayloadType.NAT_D)),
        (MM5, (ID, HASH)),
        (MM5, (ID, CERT, CERT, HASH, N)),
        (MM6, (HASH, ID)),
        (QM1, (HASH, SA, NONCE)),
        (QM1, (HASH, SA, NONCE, KE, ID, ID)),
        (QM1, (HASH, NONCE, ID, ID, SA, N)),
        (QM2, (HASH, SA, NONCE, ID, ID)),
        (QM3, (HASH,)),
        (QM4, (HASH, N)),
    ],
)
def test_what_fits(step: Step, kinds: tuple[int, ...]) -> None:
    assert step.misfit(kinds) == ""


@pytest.mark.parametrize(
    ("step", "kinds", "why"),
    [
        (MM1, (), "0 SA payloads instead of one"),
        (MM1, (SA, SA), "2 SA payloads instead of one"),
        (MM1, (VID, SA), "SA is not the first payload"),
        (MM1, (SA, KE), "a KE payload has no place in it"),
        (MM1, (SA, HASH), "a HASH payload has no place in it"),
        (MM3, (KE,), "0 NONCE payloads instead of one"),
        (MM3, (KE, NONCE, SA), "a SA payload has no place in it"),
        (MM5, (ID, ID, HASH), "2 ID payloads instead of one"),
        (MM5, (ID, HASH, D), "a DELETE payload has no place in it"),
        (QM1, (HASH, SA, NONCE, ID), "1 ID payloads instead of two or none"),
        (QM1, (HASH, SA, NONCE, ID, ID, ID), "3 ID payloads instead of two or none"),
        (QM1, (SA, HASH, NONCE), "HASH is not the first payload"),
        (QM1, (HASH, NONCE), "0 SA payloads instead of one"),
        (QM3, (HASH, SA), "a SA payload has no place in it"),
        (QM3, (N, HASH), "HASH is not the first payload"),
        (QM4, (N,), "0 HASH payloads instead of one"),
        (MM1, (SA, 15), "a 15 payload has no place in it"),
    ],
)
def test_what_does_not_fit_and_why(step: Step, kinds: tuple[int, ...], why: str) -> None:
    assert step.misfit(kinds) == why


def test_exactly_one_side_resends_at_any_time() -> None:
    """Main mode: the initiator. Quick mode: whoever has spoken last, up to message 3."""
    resent = {each.name: each.resent for each in STEPS}
    assert [resent[f"main mode message {number}"] for number in range(1, 7)] == [
        True,
        False,
        True,
        False,
        True,
        False,
    ]
    assert all(resent[f"quick mode message {number}"] for number in range(1, 5))


def test_main_mode_is_encrypted_from_message_5_and_quick_mode_all_through() -> None:
    for step in STEPS:
        later = step.name in ("main mode message 5", "main mode message 6")
        assert step.encrypted is (later or step.exchange is ExchangeType.QUICK)


def test_every_waiting_point_has_a_sentence_of_its_own() -> None:
    assert len(STEPS) == 10
    assert len({step.waiting for step in STEPS}) == len(STEPS)
    assert all(step.waiting.startswith("waiting for ") for step in STEPS)
