"""Netsh commands on a policy store: everything that a run changes is saved at its end, at once.

Talks to: `store` (the documents and their keys), `policy.netsh` (the commands).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from mainmode.cli.stores import service_of, write_out
from mainmode.errors import PersonError
from mainmode.policy.document import Document
from mainmode.policy.netsh.commands import Command
from mainmode.policy.netsh.parsing import HELP_WORDS
from mainmode.policy.netsh.script import BrokenLine, ScriptCommand
from mainmode.policy.netsh.work import Work
from mainmode.policy.reading import read_export
from mainmode.policy.writing import exported
from mainmode.store.place import Location
from mainmode.store.store import Draft, Store
from mainmode.store.transfer import take_in

_READING = ("show", "dump", "exportpolicy", *HELP_WORDS)
"""Verbs that change nothing."""


class StoreOutside:
    """What commands need beyond the documents, from the store and its drafts (none: to read)."""

    def __init__(self, store: Store, drafts: Mapping[Location, Draft], control: str | None) -> None:
        self._store = store
        self._drafts = drafts
        self._control = control
        self._served = False

    def keep_secret(self, key: bytes, hint: str) -> str:
        return self._drafts[Location.LOCAL].keep_secret(key, hint)  # one place for all drafts

    def require_service(self) -> None:
        if self._served or service_of(self._store, self._control) is not None:
            self._served = True
            return
        raise PersonError(
            f"no service runs from {self._store.folder}; dynamic policy lives in one",
            fix=f"start `mainmode run --store {self._store.folder}`, or use netsh ipsec static",
        )

    def export(self, document: Document, file: Path) -> None:
        write_out(file, exported(document, {}))

    def add_file(self, location: str, document: Document, file: Path) -> Document:
        try:
            read, secrets = read_export(file.read_bytes(), file)
        except OSError as error:
            raise PersonError(f"{file}: {error.strerror}", fix="name a policy file") from None
        draft = self._drafts[Location(location)]
        draft.document = document
        for note in take_in(draft, read.document, secrets, file.resolve().parent):
            click.echo(f"{file}: note: {note}", err=True)
        return draft.document


@contextmanager
def work_on(
    store: Store,
    commands: Iterable[ScriptCommand | BrokenLine],
    show: Callable[[Command, Work], None],
    control: str | None = None,
) -> Iterator[Work]:
    """The documents for these commands; what they have become is saved when the block ends without
    an exception.

    Raises: PolicyError when a document in the store is broken, PersonError when it cannot be saved.
    """
    if all(map(_only_reads, commands)):
        documents = {each.value: store.read(each) for each in Location}
        yield Work(documents, StoreOutside(store, {}, control), click.echo, show)
        return
    with ExitStack() as stack:
        drafts = {each: stack.enter_context(store.edit(each)) for each in Location}
        documents = {each.value: draft.document for each, draft in drafts.items()}
        work = Work(documents, StoreOutside(store, drafts, control), click.echo, show)
        yield work
        for location, draft in drafts.items():
            draft.document = work.documents[location.value]


def _only_reads(command: ScriptCommand | BrokenLine) -> bool:
    if isinstance(command, BrokenLine):
        return True
    verb = command.words[0].text.lower() if command.words else ""
    return any(each.startswith(verb) for each in _READING)
