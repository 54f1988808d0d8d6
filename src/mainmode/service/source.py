"""Where the service takes its policy from: one policy file, or the assigned policies of a store."""

import os
from pathlib import Path
from typing import NamedTuple, Protocol

from mainmode.auth.credentials import Credentials, read_credentials
from mainmode.errors import PersonError
from mainmode.policy.edit import assign
from mainmode.policy.load import PolicyFile, policy_file
from mainmode.policy.model import Policy
from mainmode.policy.reading import read_document_file
from mainmode.policy.settings import Settings
from mainmode.store.place import Location
from mainmode.store.store import Store


class Wanted(NamedTuple):
    """What is to be in force."""

    policy: Policy
    credentials: Credentials
    """The secrets that it names."""
    settings: Settings
    """The general settings, which hold whichever policy is assigned."""


class PolicySource(Protocol):
    """Every method raises PersonError."""

    @property
    def file(self) -> str:
        """The policy file; empty: it is a store."""

    @property
    def store(self) -> str:
        """The folder of the store; empty: it is a file."""

    def read(self, instead: str | None = None) -> Wanted:
        """instead: a policy of the store in place of the assigned one; empty: none."""

    def assign(self, name: str) -> None:
        """Let this policy of the store be the assigned one; empty: none."""

    def started(self) -> None:
        """The service is the one that serves this source."""

    def stopped(self) -> None:
        """... and is no more."""


class FileSource:
    """One policy file."""

    store = ""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.file = str(file)

    def read(self, instead: str | None = None) -> Wanted:
        if instead is not None:
            raise self._no_store()
        read = read_document_file(self._file)
        assigned = policy_file(read)
        credentials = _credentials(assigned.policy, self._file.resolve().parent, [assigned])
        return Wanted(assigned.policy, credentials, read.document.settings)

    def assign(self, name: str) -> None:
        raise self._no_store()

    def started(self) -> None:
        pass

    def stopped(self) -> None:
        pass

    def _no_store(self) -> PersonError:
        problem = f"the service takes its policy from {self.file}, not from a store"
        return PersonError(problem, fix="change that file and reload, or run without --policy")


class StoreSource:
    """The store; what is dynamic in it lives as long as the service."""

    file = ""

    def __init__(self, store: Store) -> None:
        self._store = Store(store.folder, patient=False)  # the service never stands still
        self.store = str(store.folder)
        self._serves = False

    def read(self, instead: str | None = None) -> Wanted:
        assigned = self._store.assigned(instead, dynamic=self._serves)
        policy = assigned.policy
        credentials = _credentials(policy, self._store.folder, assigned.files)
        return Wanted(policy, credentials, assigned.settings)

    def assign(self, name: str) -> None:
        with self._store.edit() as draft:
            draft.document = assign(draft.document, name)

    def started(self) -> None:
        self._store.remove(Location.DYNAMIC)
        self._serves = True

    def stopped(self) -> None:
        self._store.remove(Location.DYNAMIC)


def _credentials(policy: Policy, base: Path, files: list[PolicyFile]) -> Credentials:
    """The secrets of a policy, and mistakes about them where a file names them."""

    def locate(name: str, mistake: PersonError) -> PersonError:
        naming = (each for each in files if name in each.policy.secret_names)
        return next(naming).where_named(name, mistake)

    given = os.environ.get("CREDENTIALS_DIRECTORY")
    return read_credentials(policy, base, Path(given) if given else None, locate=locate)
