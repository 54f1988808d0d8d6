"""Policies in and out of a store, with their preshared keys or without."""

from pathlib import Path

from mainmode.auth.credentials import read_secret_file
from mainmode.policy.document import Document, document_of
from mainmode.policy.edit import find_policy, merged, with_secrets
from mainmode.policy.model import CREDENTIAL_PREFIX
from mainmode.policy.writing import exported
from mainmode.store.place import Location
from mainmode.store.secrets import SecretFiles
from mainmode.store.store import Draft, Store


def take_in(
    draft: Draft, document: Document, secrets: dict[str, bytes], base: Path, *, over: bool = False
) -> list[str]:
    """Add a document to a draft; what a person should know about its preshared keys.

    secrets: the keys that the document brings along, by name.
    base: the folder of its file; keys in files beside it come into the store too.
    over: what has the name of something else takes its place.
    Raises: PersonError, and the draft is as before.
    """
    names: dict[str, str] = {}
    notes = []
    for name in document.secret_names:
        if name.startswith(CREDENTIAL_PREFIX) or (Path(name).is_absolute() and name not in secrets):
            continue
        key = secrets.get(name)
        if key is None and (base / name).exists():
            key = read_secret_file(base / name, base)
        if key is None:
            notes.append(f"the preshared key {name!r} is not here: put it into that file")
        else:
            names[name] = draft.keep_secret(key, Path(name).stem)
    draft.document = merged(draft.document, with_secrets(document, names), over=over)
    return notes


def give_out(store: Store, location: Location, policy: str = "", *, secrets: bool = False) -> str:
    """The text of a whole location, its comments too, or of one policy as a file by itself.

    secrets: bring the preshared keys along; otherwise the text names their files.
    Raises: PersonError.
    """
    document = store.read(location)
    file = store.file(location)
    if not policy and not secrets and file.exists():
        return file.read_text("utf-8")
    if policy:
        document = document_of(find_policy(document, policy))
    keys = {}
    if secrets:
        files = SecretFiles(store.folder)
        names = [each for each in document.secret_names if not each.startswith(CREDENTIAL_PREFIX)]
        keys = {name: files.read(name) for name in names}
    return exported(document, keys, one=bool(policy))
