"""The documents name files that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
SOURCE = ROOT / "src" / "mainmode"
ROOMS = (ROOT, ROOT / "docs", SOURCE, ROOT / "tests")
"""Where a name in a document may be rooted; in the source also further down."""

_NAMED = re.compile(r"`([\w./-]+(?:\.(?:py|md|toml|json|lock)|/))`|\]\(([\w./-]+)\)")


def names_in(document: Path) -> list[str]:
    """Every file or folder that is named in code type or linked."""
    found = _NAMED.findall(document.read_text(encoding="utf-8"))
    return [quoted or linked for quoted, linked in found]


def is_there(name: str) -> bool:
    return any((room / name).exists() for room in ROOMS) or any(SOURCE.rglob(name.rstrip("/")))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.name))
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    ours = [name for name in names_in(document) if not name.startswith("/")]
    assert [name for name in ours if not is_there(name)] == []


def test_the_documented_service_is_gone_through_completely() -> None:
    rows = re.findall(r"^\| (\d+) \|", (ROOT / "docs" / "service.md").read_text("utf-8"), re.M)
    assert [int(row) for row in rows] == list(range(1, 33))
