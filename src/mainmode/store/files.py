"""Writing files so that nobody ever sees half of one."""

import os
from pathlib import Path


def replace_file(file: Path, text: str) -> None:
    """Put a new file in the place of the old one, with its permissions. Raises: OSError."""
    place = file.resolve()  # a symbolic link stays one
    new = place.with_name(f".{place.name}.new")
    with new.open("w", encoding="utf-8", newline="") as opened:
        if place.exists():
            os.fchmod(opened.fileno(), place.stat().st_mode)
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(place)


def write_secret(file: Path, content: bytes) -> None:
    """A file that only its owner can read. Raises: OSError."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(descriptor)
    new.replace(file)
