"""The vector files themselves: the published ones are there, and every file is read by a test."""

from tests.crypto.vectors import FOLDER, documents

PUBLISHED = {
    "hmac.json",
    "cbc.json",
    "modp-primes.json",
    "dh.json",
    "negotiation-nist.json",
    "negotiation-rub.json",
    "negotiation-derived.json",
}


def test_published_vectors_are_there() -> None:
    assert documents().keys() >= PUBLISHED


def test_every_file_names_its_source_and_has_cases() -> None:
    for file, document in documents().items():
        assert document["source"], file
        assert document["cases"], file


def test_what_a_peer_derived_is_read_as_a_negotiation() -> None:
    """Of any other kind, or of none, a capture would lie there untested."""
    read = {file for file, document in documents().items() if document["kind"] == "negotiation"}
    recorded = {path.name for path in FOLDER.glob("strongswan-*.json")}
    recorded |= {path.name for path in FOLDER.glob("mainmode-*.json")}
    assert recorded <= read
