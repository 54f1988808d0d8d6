"""What a refusal carries for the peer."""

import pytest

from mainmode.crypto.algorithms import GROUPS
from mainmode.model import Mode
from mainmode.numbers import ProtocolId
from mainmode.policy.model import DEFAULT_MAIN_MODE_OFFERS, Authentication, Method
from mainmode.policy.offers import (
    fit_alternatives,
    main_mode_proposal,
    quick_mode_proposal,
    read_alternatives_untrusted,
)
from mainmode.policy.words import parse_quick_mode_offer
from mainmode.wire.payloads import SaPayload

KEY = Authentication(Method.PRESHARED_KEY, "peer.psk")
MAIN_MODE = main_mode_proposal(DEFAULT_MAIN_MODE_OFFERS, (KEY,), 28_800).body()
OFFERS = tuple(parse_quick_mode_offer(each) for each in ("esp:3des-sha1", "ah:sha1", "ah:md5"))
NOWHERE = {ProtocolId.ESP: 0, ProtocolId.AH: 0}
QUICK_MODE = quick_mode_proposal(OFFERS, Mode.TRANSPORT, GROUPS["group2"], NOWHERE).body()


def parsed(data: bytes) -> SaPayload:
    return SaPayload.parse_untrusted(data, 0, len(data), 0)


@pytest.mark.parametrize("whole", [MAIN_MODE, QUICK_MODE])
def test_what_fits_is_whole_and_never_too_long(whole: bytes) -> None:
    lines = read_alternatives_untrusted(whole)
    kept_before = len(lines)
    for octets_max in range(len(whole), -1, -1):
        fitting = fit_alternatives(whole, octets_max)
        assert len(fitting) <= octets_max
        kept = read_alternatives_untrusted(fitting)
        assert kept == lines[: len(kept)]
        assert kept_before - len(kept) in (0, 1)
        kept_before = len(kept)
    assert kept_before == 0


def test_one_transform_less_leaves_a_well_formed_payload() -> None:
    fitting = fit_alternatives(MAIN_MODE, len(MAIN_MODE) - 1)
    assert len(parsed(fitting).proposals[0].transforms) == 1


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"no proposal chosen", MAIN_MODE[:-1], b"\0\0\0\1\0\0\0\1", b"\0\0\0\0" + b"x"],
)
def test_what_says_nothing_is_read_as_nothing(data: bytes) -> None:
    assert read_alternatives_untrusted(data) == ()


def test_nothing_fits_even_where_there_is_less_than_no_room() -> None:
    assert fit_alternatives(b"", -4) == b""
