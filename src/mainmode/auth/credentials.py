"""The secrets that a policy names, read from where they are kept.

A preshared key is a file beside the policy file, or a credential of the service manager (systemd's
`LoadCredential=`, a directory that only the service can read). It stands nowhere else: not in the
policy's text, not in the environment.

Does not: show a secret, whatever fails; errors name files.
"""

import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from mainmode import limits
from mainmode.errors import PersonError, PolicyError
from mainmode.policy.model import CREDENTIAL_PREFIX, Policy

Locate = Callable[[str, PersonError], PersonError]
"""Gives a mistake about the secret of this name its place in the policy."""

_ROOT = 0
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Credentials:
    """Preshared keys by the name that policy gives them."""

    def __init__(self, preshared_keys: Mapping[str, bytes]) -> None:
        self._preshared_keys = dict(preshared_keys)

    def preshared_key(self, name: str) -> bytes:
        """Raises: KeyError."""
        return self._preshared_keys[name]

    def __repr__(self) -> str:
        return f"<Credentials: {len(self._preshared_keys)} secrets>"


def read_credentials(
    policy: Policy,
    base: Path,
    credentials_directory: Path | None = None,
    *,
    owner: int | None = None,
    locate: Locate = lambda _name, mistake: mistake,
) -> Credentials:
    """Every secret that an active rule of `policy` names.

    base: the directory of the policy file; secret files are relative to it.
    credentials_directory: where the service manager keeps ours ($CREDENTIALS_DIRECTORY).
    owner: the user besides root who may own a secret file; None: the owner of `base`.
    locate: tells what is wrong with a secret where the policy names it (`PolicyFile.where_named`).
    Raises: PolicyError, with everything that is wrong.
    """
    keys: dict[str, bytes] = {}
    mistakes: list[PersonError] = []
    for name in policy.secret_names:
        try:
            if name.startswith(CREDENTIAL_PREFIX):
                credential = name.removeprefix(CREDENTIAL_PREFIX)
                keys[name] = _read_credential(credential, credentials_directory)
            else:
                keys[name] = read_secret_file(base / name, base, owner)
        except PersonError as mistake:
            mistakes.append(locate(name, mistake))
    if mistakes:
        raise PolicyError(mistakes)
    return Credentials(keys)


def _read_credential(name: str, directory: Path | None) -> bytes:
    """The directory belongs to the service manager, which sees to its permissions (it may use
    access control lists, which show as permissions of the group)."""
    if directory is None:
        raise PersonError(
            f"the credential {name!r} is asked of a service manager, but none started this",
            fix=f"use secret_file, or start with LoadCredential={name}:FILE",
        )
    path = directory / name
    _owner_and_mode(path, f"give the service LoadCredential={name}:FILE")
    return _content(path)


def read_secret_file(path: Path, base: Path, owner: int | None = None) -> bytes:
    """The preshared key in a file that only `owner` (None: the owner of `base`) or root may have.

    Raises: PersonError.
    """
    fix = f"write the key into it: install -m 600 /dev/stdin {path}"
    file_owner, mode = _owner_and_mode(path, fix)
    if mode & _OTHERS:
        raise PersonError(
            f"others may use this secret: its permissions are {mode:04o}",
            fix=f"chmod 600 {path}",
            file=str(path),
        )
    trusted = base.stat().st_uid if owner is None else owner
    if file_owner not in (_ROOT, trusted):
        raise PersonError(
            f"this secret belongs to user {file_owner}, not to user {trusted} or root",
            fix=f"chown {trusted} {path}",
            file=str(path),
        )
    return _content(path)


def _owner_and_mode(path: Path, fix: str) -> tuple[int, int]:
    """Of a file that must be there. Raises: PersonError."""
    try:
        status = path.stat()
    except OSError as error:
        problem = f"this secret cannot be read: {error.strerror}"
        raise PersonError(problem, fix=fix, file=str(path)) from None
    if not stat.S_ISREG(status.st_mode):
        fix = "name the file that holds the key"
        raise PersonError("this secret is not a file", fix=fix, file=str(path))
    return status.st_uid, stat.S_IMODE(status.st_mode)


def _content(path: Path) -> bytes:
    """The key: the file's octets without one line end at their end."""
    try:
        with path.open("rb") as file:
            content = file.read(limits.PRESHARED_KEY_MAX_OCTETS + 1)
    except OSError as error:
        problem = f"this secret cannot be read: {error.strerror}"
        fix = f"use sudo, or give the file to the user who runs the service: chown USER {path}"
        raise PersonError(problem, fix=fix, file=str(path)) from None
    if len(content) > limits.PRESHARED_KEY_MAX_OCTETS:
        raise PersonError(
            f"this secret has more than {limits.PRESHARED_KEY_MAX_OCTETS} octets",
            fix="name the file that holds the key alone",
            file=str(path),
        )
    key = content.removesuffix(b"\r\n" if content.endswith(b"\r\n") else b"\n")
    if not key:
        raise PersonError("this secret is empty", fix="write the key into it", file=str(path))
    return key
