"""Transforms as people read them."""

import pytest

from mainmode.policy.offers.description import describe_method, describe_sa
from mainmode.wire.payloads import SaPayload
from tests.policy.offers.proposals import (
    ESP_SHA1_TRANSPORT,
    TRIPLE_DES_SHA1_PSK_GROUP2,
    Values,
    esp,
    instead,
    main_mode,
    sa,
)

P1, P2 = TRIPLE_DES_SHA1_PSK_GROUP2, ESP_SHA1_TRANSPORT


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (P1, "3des-sha1-group2 psk 8h"),
        ((*instead(P1, 1, 7), (14, 256)), "aes256-sha1-group2 psk 8h"),
        (instead(P1, 4, 20), "3des-sha1-ecp-384 psk 8h"),
        (instead(P1, 4, 77), "3des-sha1-group77 psk 8h"),
        (instead(P1, 3, 65_001), "3des-sha1-group2 gss-kerberos 8h"),
        (((1, 99), (2, 99), (14, 5)), "99/5-99-? ?"),
        ((), "?-?-? ?"),
        ((*P1, (11, 2), (12, b"\xff" * 12)), "3des-sha1-group2 psk 8h 18446744073709551615kB"),
        (((11, 7), (12, 9)), "?-?-? ?"),
    ],
)
def test_main_mode_transforms(values: Values, text: str) -> None:
    assert describe_sa(main_mode(values)) == (text,)


@pytest.mark.parametrize(
    ("offered", "text"),
    [
        (sa(esp((3, P2))), "esp:3des-sha1 transport 1h 50MB"),
        (sa(esp((12, (*P2, (6, 192), (3, 14))))), "esp:aes192-sha1 transport 1h 50MB group14"),
        (sa(esp((99, ()))), "esp:99"),
        (
            sa(esp((7, ((6, 448), (4, 61_443), (5, 8))))),
            "esp:blowfish/448-integrity 8 udp-tunnel-draft",
        ),
        (sa(esp((2, ()), protocol=2)), "ah:md5"),
        (sa(esp((3, P2), protocol=2)), "ah:sha1 transport 1h 50MB"),
        (sa(esp((2, ()), protocol=4)), "ipcomp:2"),
        (sa(esp((2, ()), protocol=200)), "200:2"),
    ],
)
def test_quick_mode_transforms(offered: SaPayload, text: str) -> None:
    assert describe_sa(offered) == (text,)


def test_methods() -> None:
    assert describe_method(1) == "psk"
    assert describe_method(3) == "rsa-signatures"
    assert describe_method(12_345) == "12345"


def test_long_offers_are_shortened() -> None:
    lines = describe_sa(main_mode(*[P1] * 20))
    assert len(lines) == 17
    assert lines[-1] == "and 4 more"
