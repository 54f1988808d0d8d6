"""The text of a script, whatever it was saved as.

Marks at the beginning tell UTF-8 and UTF-16. Without one it is UTF-8 if that fits, then UTF-16 if
every other octet is zero, else a legacy code page, which can only be guessed: the guess is said, so
that a person who sees wrong letters names the right one with --encoding.

Talks to: charset-normalizer, for the guess.
"""

import codecs
from dataclasses import dataclass

from mainmode.errors import PersonError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CODE_PAGES = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257"),
    *("cp850", "cp852", "cp866", "cp437", "cp737"),
    *("cp932", "gbk", "cp949", "big5"),
)
"""What Windows saves scripts in: its ANSI code pages, its OEM ones, and those of East Asia."""
_FIRST = "cp1252"
"""Taken where the guess finds nothing better."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A script's text; `guessed` when nothing in the file says what it was saved as."""

    text: str
    encoding: str
    guessed: bool = False


def decode_script(source: bytes, encoding: str = "", file: str = "") -> Decoded:
    """The text of a script. `encoding`: what a person says it was saved as; empty: find out.

    Raises: PersonError, if it cannot be read so, or no such encoding is known.
    """
    if encoding:
        return _named(source, encoding, file)
    for mark, name in _MARKS:
        if source.startswith(mark):
            return Decoded(_decode(source.removeprefix(mark), name, file), name)
    zeros = source[1::2].count(0), source[0::2].count(0)
    if max(zeros) * 4 > len(source):
        name = "utf-16-le" if zeros[0] > zeros[1] else "utf-16-be"
        return Decoded(_decode(source, name, file), name, guessed=True)
    try:
        return Decoded(source.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        name = _guess(source)
    return Decoded(source.decode(name, errors="replace"), name, guessed=True)


def _guess(source: bytes) -> str:
    from charset_normalizer import from_bytes  # slow to import, and seldom needed

    matches = from_bytes(source, cp_isolation=list(_CODE_PAGES))
    best = matches.best()
    return best.encoding if best is not None else _FIRST


def _named(source: bytes, encoding: str, file: str) -> Decoded:
    try:
        known = codecs.lookup(encoding).name
        text = _decode(source, encoding, file)
    except LookupError:  # also of codecs that make no text
        fix = "name one that Python knows, such as utf-8, utf-16, cp1252 or cp850"
        raise PersonError(f"{encoding!r} is no encoding", fix=fix) from None
    return Decoded(text.removeprefix("\ufeff"), known)


def _decode(source: bytes, encoding: str, file: str) -> str:
    try:
        return source.decode(encoding)
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        fix = "name what it was saved as with --encoding"
        raise PersonError(
            f"the script is not {encoding} text", fix=fix, file=file, line=line
        ) from None
