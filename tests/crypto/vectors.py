"""Finds the published and captured values in tests/vectors (its README has the formats)."""

import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent.parent / "vectors"

KINDS = {"hmac", "cbc", "primes", "dh", "negotiation"}

Case = dict[str, Any]


def documents() -> dict[str, Case]:
    """Every vector file of the crypto layer, by its name."""
    files = {path.name: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
    return {name: file for name, file in files.items() if file.get("kind") in KINDS}


def cases(kind: str) -> list[Any]:
    """The cases of all files of a kind, as parameters of a test."""
    return [
        pytest.param(case, id=f"{file}: {case['name']}")
        for file, document in documents().items()
        if document["kind"] == kind
        for case in document["cases"]
    ]


def octets(case: Case, *names: str) -> tuple[bytes, ...]:
    """The named hex values of a case."""
    return tuple(bytes.fromhex(case[name]) for name in names)
