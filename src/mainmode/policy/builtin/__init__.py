"""Policies that come with mainmode: the three of Windows, and templates to begin with."""

from importlib.resources import files
from pathlib import Path

from mainmode.policy.document import Document
from mainmode.policy.reading import read_document

TEMPLATES = {
    "medium": "the defaults of Windows Server 2003",
    "high": "its strictest settings",
    "modern": "algorithms of today",
    "windows2003": "the three policies that Windows Server 2003 comes with",
}
"""Name to what it is."""


def template_text(name: str) -> str:
    """The file, with its comments."""
    return (files(__name__) / f"{name}.toml").read_text("utf-8")


def template(name: str) -> Document:
    """What it says."""
    return read_document(template_text(name).encode(), Path(f"{name}.toml")).document
