"""The keyed hash against published values, and comparing digests."""

import pytest

from mainmode.crypto.algorithms import HASHES
from mainmode.crypto.prf import Prf, digest, digests_equal
from tests.crypto.vectors import Case, cases, octets


@pytest.mark.parametrize("case", cases("hmac"))
def test_published_hmac_values(case: Case) -> None:
    key, data, expected = octets(case, "key", "data", "digest")
    prf = Prf(HASHES[case["hash"]], key)

    assert prf(data) == expected
    assert prf(data) == expected, "a kept state must not move"


def test_one_prf_serves_many_messages() -> None:
    prf = Prf(HASHES["sha1"], b"key")
    first = prf(b"first")

    prf(b"second")

    assert prf(b"first") == first
    assert prf(b"first") != prf(b"second")


@pytest.mark.parametrize("name", HASHES)
def test_lengths_are_those_of_the_registry(name: str) -> None:
    prf = Prf(HASHES[name], b"key")

    assert prf.octets == HASHES[name].octets == len(prf(b""))
    assert len(digest(HASHES[name], b"")) == HASHES[name].octets


def test_unkeyed_digest() -> None:
    # FIPS 180-4's example message and RFC 1321's test suite
    assert digest(HASHES["sha1"], b"abc").hex() == "a9993e364706816aba3e25717850c26c9cd0d89d"
    assert digest(HASHES["md5"], b"abc").hex() == "900150983cd24fb0d6963f7d28e17f72"


def test_repr_keeps_the_key() -> None:
    assert "topsecret" not in repr(Prf(HASHES["sha1"], b"topsecret"))


@pytest.mark.parametrize(
    ("received", "equal"),
    [
        (b"0123456789", True),
        (b"0123456788", False),
        (b"012345678", False),
        (b"0123456789a", False),
        (b"", False),
    ],
)
def test_digests_equal(received: bytes, equal: bool) -> None:
    assert digests_equal(b"0123456789", received) is equal
