"""The policy store: a folder with one TOML file for each location.

    local.toml  persistent.toml  dynamic.toml  keys/

A file is only ever replaced whole, by renaming, so a reader sees the old document or the new one,
and a script that fails half-way leaves the old one. Editors wait for each other.

Talks to: `policy.reading` and `policy.writing` (the files), `policy.edit` (what editors use).
Does not: tell a running service; the command line does.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from mainmode.errors import PersonError, PolicyError
from mainmode.policy.document import Document, in_force
from mainmode.policy.edit import assign
from mainmode.policy.load import PolicyFile, policy_file
from mainmode.policy.model import Policy
from mainmode.policy.reading import DocumentFile, read_document, read_document_file
from mainmode.policy.settings import Settings
from mainmode.policy.writing import written
from mainmode.store.files import replace_file
from mainmode.store.place import Location
from mainmode.store.secrets import SecretFiles


class Draft:
    """A document while it is edited: put the changed one into `document`.

    with store.edit(Location.LOCAL) as draft:
        draft.document = put_filter_list(draft.document, FilterList("web", ()))
    """

    def __init__(self, document: Document, secrets: SecretFiles) -> None:
        self.document = document
        self._secrets = secrets

    def keep_secret(self, key: bytes, hint: str) -> str:
        """Keep a preshared key in a file of its own when the draft is saved; the name that
        `Authentication.secret` has to have.

        hint: what it is for, such as the rule's name; the file is named after it.
        Raises: PersonError when the key is empty or too long.
        """
        return self._secrets.keep(key, hint)

    def read_secret(self, name: str) -> bytes:
        """The preshared key of that name, also one kept in this draft. Raises: PersonError."""
        return self._secrets.read(name)


class Assigned(NamedTuple):
    """What a store puts in force."""

    files: list[PolicyFile]
    """The assigned policies, of all locations."""
    settings: Settings
    """The general settings, which hold whichever policy is assigned."""

    @property
    def policy(self) -> Policy:
        """All of them together."""
        return in_force(each.policy for each in self.files)


class Store:
    """The store in one folder, which need not be there before something is saved."""

    def __init__(self, folder: Path, *, patient: bool = True) -> None:
        """patient: wait while somebody else edits; otherwise that is a mistake."""
        self.folder = folder
        self._patient = patient
        self._depth = 0
        self._secrets = SecretFiles(folder)
        """Of all that is edited at once, so that no two keys get one name."""

    def file(self, location: Location) -> Path:
        return self.folder / f"{location.value}.toml"

    def read(self, location: Location = Location.LOCAL) -> Document:
        """An empty document where there is no file. Raises: PolicyError."""
        return self.read_file(location).document

    def read_file(self, location: Location = Location.LOCAL) -> DocumentFile:
        """The document with the places of its parts in the file. Raises: PolicyError."""
        file = self.file(location)
        return read_document_file(file) if file.exists() else DocumentFile(file, Document())

    def assigned(self, instead: str | None = None, *, dynamic: bool = True) -> Assigned:
        """The policies that are assigned, of all locations, and the settings beside them.

        instead: stands in for the local document's own choice; empty: none.
        dynamic: whether what is dynamic counts.
        Raises: PolicyError; PersonError when there is no such policy.
        """
        local, persistent = self.read_file(Location.LOCAL), self.read_file(Location.PERSISTENT)
        if instead is not None:
            local = replace(local, document=assign(local.document, instead))
        chosen = [policy_file(each) for each in (local, persistent) if each.document.assigned]
        if dynamic:
            read = self.read_file(Location.DYNAMIC)
            chosen += [policy_file(read, each.name) for each in read.document.policies]
        return Assigned(chosen, local.document.settings)

    def in_force(self, instead: str | None = None) -> Policy:
        """What is to be enforced. Raises: PolicyError, PersonError."""
        return self.assigned(instead).policy

    @contextmanager
    def edit(self, location: Location = Location.LOCAL) -> Iterator[Draft]:
        """A draft of the document, saved when the block ends without an exception. Comments in the
        file stay.

        Raises: PolicyError when the file is broken, PersonError when the store cannot be written.
        """
        with self._locked():
            file = self.file(location)
            source = self._source(file)
            read = read_document(source, file)
            before = read.document
            draft = Draft(before, self._secrets)
            yield draft
            if draft.document == before:
                return
            if self._source(file) != source:
                raise PersonError("the file was changed meanwhile", fix="try again", file=str(file))
            text = written(draft.document, source.decode("utf-8"), old=read)
            self._save(file, text, draft.document.secret_names)
            after = draft.document.secret_names
            self._sweep([name for name in before.secret_names if name not in after])

    def remove(self, location: Location) -> None:
        """Forget a whole location; the preshared keys of one that cannot be read stay.

        Raises: PersonError.
        """
        if not self.file(location).exists():
            return
        with self._locked():
            try:
                names = self.read(location).secret_names
            except PolicyError:
                names = ()
            with self._explained():
                self.file(location).unlink()
            self._sweep(names)

    # --- files ----------------------------------------------------------------------------

    def _source(self, file: Path) -> bytes:
        with self._explained():
            return file.read_bytes() if file.exists() else b""

    def _save(self, file: Path, text: str, secrets: tuple[str, ...]) -> None:
        """Secrets first: no document ever names one that is not there."""
        with self._explained():
            self._secrets.save(secrets)
            replace_file(file, text)

    def _sweep(self, names: Sequence[str]) -> None:
        """Remove the preshared keys among these that no location names any more."""
        if not names:
            return
        named = {name for each in Location for name in self.read(each).secret_names}
        with self._explained():
            self._secrets.remove(name for name in names if name not in named)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One editor at a time; the same store may edit two locations at once."""
        if self._depth == 0:
            with self._explained():
                self.folder.mkdir(parents=True, exist_ok=True)
                self._lock = self._claimed()
            self._secrets = SecretFiles(self.folder)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                os.close(self._lock)

    def _claimed(self) -> int:
        """The folder, locked. Raises: PersonError, OSError."""
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX if self._patient else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(folder)
            problem = "somebody else is changing the store"
            raise PersonError(problem, fix="try again", file=str(self.folder)) from None
        return folder

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            place = error.filename or self.folder
            fix = "use sudo, or --store for a store of your own"
            raise PersonError(f"{place}: {error.strerror}", fix=fix) from None
