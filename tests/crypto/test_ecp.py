"""Group 19 against published values, and points that must be refused (RFC 5903)."""

import pytest

from mainmode.crypto import ecp
from mainmode.crypto.algorithms import GROUPS
from mainmode.errors import BadPublicValue
from tests.crypto.vectors import Case, cases, octets

GROUP = GROUPS["group19"]
FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1
"""The prime under the curve (RFC 5903 3.1)."""


@pytest.mark.parametrize("case", [c for c in cases("dh") if c.values[0]["group"] == "group19"])
def test_published_exchange(case: Case) -> None:
    scalar, public, peer_public, shared = octets(case, "private", "public", "peer_public", "shared")
    secret = ecp.Secret(GROUP, int.from_bytes(scalar))

    assert secret.public == public
    assert secret.shared_secret(peer_public) == shared


def test_lengths() -> None:
    ours, theirs = ecp.Secret(GROUP, 5), ecp.Secret(GROUP, ecp.ORDER - 7)

    assert len(ours.public) == GROUP.public_octets == 64
    assert len(ours.shared_secret(theirs.public)) == GROUP.shared_octets == 32


def test_leading_zero_octets_stay() -> None:
    """n times the generator has an x that begins with a zero octet for some small n."""
    base = ecp.Secret(GROUP, 1)
    with_zero = next(n for n in range(2, 5000) if ecp.Secret(GROUP, n).public.startswith(b"\0"))
    secret = ecp.Secret(GROUP, with_zero).shared_secret(base.public)

    assert len(secret) == 32
    assert secret == ecp.Secret(GROUP, with_zero).public[:32]
    assert secret[0] == 0


GOOD = ecp.Secret(GROUP, 3).public
X, Y = GOOD[:32], GOOD[32:]


@pytest.mark.parametrize(
    "public",
    [
        bytes(64),
        X + bytes(32),
        X + (int.from_bytes(Y) ^ 1).to_bytes(32),
        Y + X,
        b"\xff" * 64,
        FIELD.to_bytes(32) + Y,
    ],
    ids=["zero", "y zero", "y changed", "swapped", "all ones", "x not below the field's prime"],
)
def test_points_off_the_curve_are_refused(public: bytes) -> None:
    with pytest.raises(BadPublicValue, match="not on the curve"):
        ecp.Secret(GROUP, 9).shared_secret(public)


def test_a_coordinate_is_not_taken_modulo_the_fields_prime() -> None:
    """x = 5 is on the curve; x = p + 5 names the same residue and must be refused."""
    y_squared = (5**3 - 3 * 5 + CURVE_B) % FIELD
    y = pow(y_squared, (FIELD + 1) // 4, FIELD)
    assert y * y % FIELD == y_squared
    secret = ecp.Secret(GROUP, 9)

    secret.shared_secret((5).to_bytes(32) + y.to_bytes(32))
    with pytest.raises(BadPublicValue):
        secret.shared_secret((FIELD + 5).to_bytes(32) + y.to_bytes(32))


CURVE_B = 0x5AC635D8_AA3A93E7_B3EBBD55_769886BC_651D06B0_CC53B0F6_3BCE3C3E_27D2604B
"""b of y^2 = x^3 - 3x + b (RFC 5903 3.1)."""


@pytest.mark.parametrize("public", [b"", b"\0", GOOD[:-1], GOOD[1:], GOOD + b"\0", b"\4" + GOOD])
def test_other_lengths_are_refused(public: bytes) -> None:
    with pytest.raises(BadPublicValue, match="octets"):
        ecp.Secret(GROUP, 9).shared_secret(public)
