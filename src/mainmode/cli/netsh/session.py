"""Netsh commands on a policy store: everything that a run changes is saved at its end, at once.

Talks to: `store` (the documents and their keys), `policy.netsh` (the commands).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from mainmode.auth.credentials import read_secret_file
from mainmode.errors import PersonError
from mainmode.policy.document import Document
from mainmode.policy.edit import put_filter_action, put_filter_list, put_policy
from mainmode.policy.model import CREDENTIAL_PREFIX, Authentication, Policy
from mainmode.policy.netsh.commands import Command
from mainmode.policy.netsh.script import BrokenLine, ScriptCommand
from mainmode.policy.netsh.work import Work
from mainmode.policy.reading import read_document_file
from mainmode.policy.writing import written
from mainmode.store.place import Location
from mainmode.store.store import Draft, Store

_READING = ("show", "dump", "exportpolicy", "help", "?", "/?", "-?")
"""Verbs that change nothing."""


class Drafts:
    """What commands need beyond the documents, from drafts of every location."""

    def __init__(self, store: Store, drafts: Iterable[Draft]) -> None:
        self._store = store
        self._drafts = tuple(drafts)

    def keep_secret(self, key: bytes, hint: str) -> str:
        """Each draft learns of each key, so that all give it the same name; the keys that a saved
        document names are saved with it."""
        (name,) = {draft.keep_secret(key, hint) for draft in self._drafts}
        return name

    def read_secret(self, name: str) -> bytes:
        if self._drafts:
            return self._drafts[0].read_secret(name)
        return read_secret_file(self._store.folder / name, self._store.folder)

    def export(self, document: Document, file: Path) -> None:
        try:
            file.write_text(written(_with_secrets_of(document, self._store.folder)), "utf-8")
        except OSError as error:
            raise PersonError(f"{file}: {error.strerror}", fix="name another file") from None

    def add_file(self, document: Document, file: Path) -> Document:
        """What is there already, and the same, stays."""
        new = _with_secrets_of(read_document_file(file).document, file.parent)
        for filter_list in new.filter_lists:
            if filter_list not in document.filter_lists:
                document = put_filter_list(document, filter_list)
        for action in new.filter_actions:
            if action not in document.filter_actions:
                document = put_filter_action(document, action)
        for policy in new.policies:
            if policy not in document.policies:
                document = put_policy(document, policy)
        return document


@contextmanager
def work_on(
    store: Store,
    commands: Iterable[ScriptCommand | BrokenLine],
    say: Callable[[str], None],
    show: Callable[[Command, Work], None],
) -> Iterator[Work]:
    """The documents for these commands; what they have become is saved when the block ends without
    an exception.

    Raises: PolicyError when a document in the store is broken, PersonError when it cannot be saved.
    """
    if all(map(_only_reads, commands)):
        documents = {each.value: store.read(each) for each in Location}
        yield Work(documents, Drafts(store, ()), say, show)
        return
    with ExitStack() as stack:
        drafts = {each: stack.enter_context(store.edit(each)) for each in Location}
        documents = {each.value: draft.document for each, draft in drafts.items()}
        work = Work(documents, Drafts(store, drafts.values()), say, show)
        yield work
        for location, draft in drafts.items():
            draft.document = work.documents[location.value]


def _only_reads(command: ScriptCommand | BrokenLine) -> bool:
    if isinstance(command, BrokenLine):
        return True
    verb = command.words[0].text.lower() if command.words else ""
    return any(each.startswith(verb) for each in _READING)


# --- where keys are ---------------------------------------------------------------------------


def _with_secrets_of(document: Document, folder: Path) -> Document:
    """The document with whole paths of its keys, which stand in `folder`."""

    def whole(methods: tuple[Authentication, ...]) -> tuple[Authentication, ...]:
        return tuple(
            replace(each, secret=str(folder.resolve() / each.secret)) if _is_file(each) else each
            for each in methods
        )

    def moved(policy: Policy) -> Policy:
        response = policy.default_response
        return replace(
            policy,
            rules=tuple(
                replace(rule, authentication=whole(rule.authentication)) for rule in policy.rules
            ),
            default_response=replace(response, authentication=whole(response.authentication)),
        )

    return replace(document, policies=tuple(map(moved, document.policies)))


def _is_file(each: Authentication) -> bool:
    return bool(each.secret) and not each.secret.startswith(CREDENTIAL_PREFIX)
