"""Finds the packets in tests/vectors (its README has the formats)."""

import json
from pathlib import Path
from typing import Any

import pytest

from mainmode.model import IpsecSa
from mainmode.numbers import ProtocolId

FOLDER = Path(__file__).parent.parent / "vectors"

Case = dict[str, Any]


def cases(file: str) -> list[Any]:
    """The cases of one file, as parameters of a test."""
    document = json.loads((FOLDER / file).read_text())
    return [pytest.param(case, id=case["name"]) for case in document["cases"]]


def sa_of(case: Case) -> IpsecSa:
    return IpsecSa(
        spi=case["spi"],
        protocol=ProtocolId[case.get("protocol", "ESP")],
        cipher=case["cipher"],
        integrity=case.get("integrity", ""),
        cipher_key=bytes.fromhex(case["cipher_key"]),
        integrity_key=bytes.fromhex(case.get("integrity_key", "")),
    )
