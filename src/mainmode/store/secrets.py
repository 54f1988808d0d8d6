"""Preshared keys that come with commands, scripts and exports: each in a file of its own that only
its owner can read, in the folder `keys` of the store. What else is in the store is not touched.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from mainmode import limits
from mainmode.auth.credentials import read_secret_file
from mainmode.errors import PersonError
from mainmode.policy.model import CREDENTIAL_PREFIX
from mainmode.store.files import write_secret

KEYS = "keys"
"""The folder that belongs to the store alone."""


class SecretFiles:
    """The preshared keys of a store while something is edited: kept in memory until `save`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._new: dict[str, bytes] = {}

    def keep(self, key: bytes, hint: str) -> str:
        """The name under which the key will be; the same for the same key and hint.

        Raises: PersonError.
        """
        if not 0 < len(key) <= limits.PRESHARED_KEY_MAX_OCTETS:
            most = limits.PRESHARED_KEY_MAX_OCTETS
            raise PersonError(f"a preshared key has 1 to {most} octets, not {len(key)}")
        stem = re.sub(r"[^a-z0-9]+", "-", hint.lower()).strip("-")[:40] or "key"
        number = 1
        while True:
            name = f"{KEYS}/{stem}{'' if number == 1 else f'-{number}'}.psk"
            there = self._there(name)
            if there is None or there == key:
                self._new[name] = key
                return name
            number += 1

    def read(self, name: str) -> bytes:
        """Raises: PersonError."""
        if name in self._new:
            return self._new[name]
        if name.startswith(CREDENTIAL_PREFIX):
            credential = name.removeprefix(CREDENTIAL_PREFIX)
            raise PersonError(f"the credential {credential!r} is kept by the service manager")
        return read_secret_file(self._folder / name, self._folder)

    def save(self, named: Iterable[str]) -> None:
        """Write the new keys that are among these names. Raises: OSError."""
        wanted = {name: key for name, key in self._new.items() if name in set(named)}
        if wanted:
            (self._folder / KEYS).mkdir(mode=0o700, exist_ok=True)
        for name, key in wanted.items():
            write_secret(self._folder / name, key)

    def remove(self, names: Iterable[str]) -> None:
        """Those that the store made and nothing names any more."""
        for name in names:
            if name.startswith(f"{KEYS}/") and name.count("/") == 1:
                (self._folder / name).unlink(missing_ok=True)

    def _there(self, name: str) -> bytes | None:
        """The key of that name, None when the name is free; one that cannot be read is taken."""
        if name in self._new:
            return self._new[name]
        file = self._folder / name
        if not file.exists():
            return None
        try:
            return read_secret_file(file, self._folder)
        except PersonError:
            return b""
