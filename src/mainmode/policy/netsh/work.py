"""What netsh commands work on: the documents of a store, where the next command works, what is
shown.

Does not: open files; whoever runs a script reads and saves the documents.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mainmode.errors import PersonError
from mainmode.policy.document import Document
from mainmode.policy.model import Filter, FilterList
from mainmode.policy.netsh.commands import Command

LOCAL, PERSISTENT, DYNAMIC = "local", "persistent", "dynamic"


class NothingThere(PersonError):
    """What is to be deleted is not there. A script goes on: it wanted it gone."""


class Outside(Protocol):
    """What commands need beyond the documents."""

    def keep_secret(self, key: bytes, hint: str) -> str:
        """The name of a preshared key from now on."""

    def require_service(self) -> None:
        """Raises: PersonError, when no service runs for dynamic policy to live in."""

    def export(self, document: Document, file: Path) -> None:
        """Write a policy file. Raises: PersonError."""

    def add_file(self, location: str, document: Document, file: Path) -> Document:
        """The document of a location with what a policy file says. Raises: PersonError."""


@dataclass
class Work:
    """The state that one command leaves to the next."""

    documents: dict[str, Document]
    """By location."""
    outside: Outside
    say: Callable[[str], None]
    show: Callable[[Command, "Work"], None]
    """Does what begins with show."""
    location: str = LOCAL
    """Where static commands work."""
    batch: bool = False
    """Whether commands are done together or not at all."""
    known: tuple[FilterList | None, set[Filter]] = field(default_factory=lambda: (None, set()))
    """The list that grew last, and its filters (`operations.filters`)."""

    @property
    def document(self) -> Document:
        return self.documents[self.location]

    @document.setter
    def document(self, changed: Document) -> None:
        self.documents[self.location] = changed

    @property
    def dynamic(self) -> Document:
        return self.documents[DYNAMIC]

    @dynamic.setter
    def dynamic(self, changed: Document) -> None:
        """Raises: PersonError."""
        self.outside.require_service()
        self.documents[DYNAMIC] = changed
