"""The MODP groups: published primes and secrets, the range of public values, the backends."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator

import gmpy2  # type: ignore[import-untyped]
import pytest

from mainmode.crypto import modp
from mainmode.crypto.algorithms import GROUPS, Group
from mainmode.errors import BadPublicValue
from tests.crypto.vectors import Case, cases, octets

MODP = [group for group in GROUPS.values() if group.modp_constant]
BACKENDS: list[modp.Backend] = [modp.Gmp(), modp.OpenSsl()]

every_group = pytest.mark.parametrize("group", MODP, ids=lambda group: group.name)
every_backend = pytest.mark.parametrize(
    "backend", BACKENDS, ids=lambda backend: type(backend).__name__
)


class Forbidden:
    """A backend that must not be reached."""

    def shared_secret(self, group: Group, x: int, g_x: int, g_y: int) -> bytes:
        raise AssertionError(f"computed with {g_y}")


@pytest.mark.parametrize("case", cases("primes"))
def test_primes_are_the_published_ones(case: Case) -> None:
    group = GROUPS[case["group"]]
    prime = modp.prime_of(group).to_bytes(group.public_octets)
    assert hashlib.sha256(prime).hexdigest() == case["sha256"]


def test_every_group_has_a_published_prime() -> None:
    assert {case.values[0]["group"] for case in cases("primes")} == {group.name for group in MODP}


def test_nothing_is_computed_by_importing() -> None:
    probe = (
        "from mainmode.crypto import dh, modp\n"
        "assert modp.prime_of.cache_info().currsize == 0\n"  # and no table can be without
        "assert modp.backend_for.cache_info().currsize == 0\n"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)


# --- g^x ------------------------------------------------------------------------------------


@every_group
def test_public_value_is_the_power_of_two(group: Group) -> None:
    bits = 8 * group.private_octets
    for x in (
        1,
        63,
        64,
        65,
        1 << (bits - 1),
        (1 << bits) - 1,
        int("5a" * group.private_octets, 16),
    ):
        public = modp.Secret(group, x).public
        assert len(public) == group.public_octets
        assert int.from_bytes(public) == pow(2, x, modp.prime_of(group))


@every_group
def test_a_private_value_longer_than_the_table_is_refused(group: Group) -> None:
    with pytest.raises(ValueError, match="private value"):
        modp.Secret(group, 1 << (8 * group.private_octets))


# --- g^xy -----------------------------------------------------------------------------------


@every_backend
@pytest.mark.parametrize("case", [c for c in cases("dh") if c.values[0]["group"] != "group19"])
def test_published_shared_secrets(backend: modp.Backend, case: Case) -> None:
    group = GROUPS[case["group"]]
    x, g_x, g_y, shared = octets(case, "private", "public", "peer_public", "shared")

    assert pow(2, int.from_bytes(x), modp.prime_of(group)) == int.from_bytes(g_x)
    secret = backend.shared_secret(
        group, int.from_bytes(x), int.from_bytes(g_x), int.from_bytes(g_y)
    )
    assert secret == shared


@every_group
def test_backends_give_the_same_octets(group: Group) -> None:
    prime = modp.prime_of(group)
    x = int("c3" * group.private_octets, 16)
    for peer in (2, 3, prime - 2, pow(2, 0xABCDEF << 200, prime), prime // 3):
        expected = pow(peer, x, prime).to_bytes(group.shared_octets)
        for backend in BACKENDS:
            secret = modp.Secret(group, x, backend)
            assert secret.shared_secret(peer.to_bytes(group.public_octets)) == expected


def peer_for(group: Group, x: int, wanted: int) -> int:
    """The public value with which x gives `wanted`, a square.

    Squares make up the subgroup of prime order q = (p-1)/2, where x has an inverse.
    """
    prime = modp.prime_of(group)
    return pow(wanted, pow(x, -1, (prime - 1) // 2), prime)


@every_group
@every_backend
@pytest.mark.parametrize("zero_octets", [0, 1, 2, 5])
def test_leading_zero_octets_stay(group: Group, backend: modp.Backend, zero_octets: int) -> None:
    x = int("b7" * group.private_octets, 16)
    root = gmpy2.isqrt(modp.prime_of(group) >> (8 * zero_octets)) - 1
    wanted = int(root * root)

    peer = peer_for(group, x, wanted).to_bytes(group.public_octets)
    secret = modp.Secret(group, x, backend).shared_secret(peer)

    assert secret == bytes(zero_octets) + secret[zero_octets:]
    assert secret[zero_octets] != 0
    assert secret == wanted.to_bytes(group.shared_octets)


# --- what a peer may send -------------------------------------------------------------------


@every_group
@pytest.mark.parametrize("offset_from_prime", [None, -1, 0, 1])
def test_values_outside_the_group_are_refused_before_any_power(
    group: Group, offset_from_prime: int | None
) -> None:
    values = [0, 1] if offset_from_prime is None else [modp.prime_of(group) + offset_from_prime]
    secret = modp.Secret(group, 1 << 255, Forbidden())
    for value in values:
        with pytest.raises(BadPublicValue, match=r"outside 2\.\.p-2"):
            secret.shared_secret(value.to_bytes(group.public_octets))


@every_group
def test_values_of_another_length_are_refused_before_any_power(group: Group) -> None:
    secret = modp.Secret(group, 1 << 255, Forbidden())
    good = modp.Secret(group, 1 << 254).public
    for wrong in (b"", b"\2", good[1:], good[:-1], b"\0" + good, good + b"\0", good * 2):
        with pytest.raises(BadPublicValue, match="octets"):
            secret.shared_secret(wrong)


@every_group
def test_the_ends_of_the_range_are_accepted(group: Group) -> None:
    for value in (2, modp.prime_of(group) - 2):
        octets_ = value.to_bytes(group.public_octets)
        assert modp.require_public_value(group, octets_) == value


# --- which backend --------------------------------------------------------------------------


@pytest.fixture
def forget_backends() -> Iterator[None]:
    modp.backend_for.cache_clear()
    yield
    modp.backend_for.cache_clear()


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        ("group1", modp.Gmp),
        ("group2", modp.Gmp),
        ("group5", modp.Gmp),
        ("group14", modp.OpenSsl),
        ("group15", modp.OpenSsl),
    ],
)
def test_each_group_has_its_fastest_backend(name: str, backend: type) -> None:
    """Groups 1 and 2 above all: OpenSSL would spend tens of milliseconds on one message."""
    assert isinstance(modp.backend_for(GROUPS[name]), backend)


@pytest.mark.usefixtures("forget_backends")
@pytest.mark.parametrize("gone", [ImportError, AttributeError])
def test_without_openssls_finite_fields_gmp_does_it(
    gone: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_finite_fields() -> modp.OpenSsl:
        raise gone

    monkeypatch.setattr(modp, "OpenSsl", no_finite_fields)
    group = GROUPS["group14"]

    assert isinstance(modp.backend_for(group), modp.Gmp)
    ours, theirs = modp.Secret(group, 1 << 255), modp.Secret(group, 1 << 254)
    assert ours.shared_secret(theirs.public) == theirs.shared_secret(ours.public)


def test_a_library_without_the_module_raises_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from cryptography.hazmat.primitives import asymmetric

    monkeypatch.delattr(asymmetric, "dh")
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.dh", None)
    with pytest.raises(ImportError):
        modp.OpenSsl()
