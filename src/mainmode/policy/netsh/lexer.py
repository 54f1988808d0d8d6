"""The words of one netsh command, and the tags before them.

Quotes keep blanks together and may stand anywhere in a word. Before a quote backslashes count as in
every Windows program: two stand for one, and one makes the quote a letter (`\\"`); elsewhere a
backslash is itself. `tag=value` may have blanks around its equals sign.

Ours: `\\u000a` and the like stand for control characters, which a line cannot have, and
`\\u005c` for a backslash that would begin such a word.

Source: docs/netsh.md.
Does not: know any tag or command (`parsing`), or batch files (`batch`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mainmode.policy.mistakes import WordError

_BACKSLASHES = re.compile(r"(\\+)(?=\")")
_CONTROL = re.compile(r"\\u(00[01][0-9a-f]|005c)")


@dataclass(frozen=True, slots=True)
class Word:
    """One word, its quotes removed."""

    text: str
    equals: int = -1
    """Where in `text` the first equals sign outside quotes stands; -1: there is none."""
    quoted: bool = False
    """Something in it was quoted: `tag=""` has an empty value, `tag=` may wait for one."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a command: `tag=value`, or a value alone, whose tag is empty."""

    value: str
    tag: str = ""

    def __str__(self) -> str:
        return f"{self.tag}={self.value}" if self.tag else self.value


def words_of_arguments(arguments: Iterable[str]) -> list[Word]:
    """Words that a shell has taken apart already."""
    return [Word(each, each.find("=")) for each in arguments]


def words_of_line(line: str) -> list[Word]:
    """Raises: WordError, if a quote is not closed."""
    words: list[Word] = []
    at = 0
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        word, at = _word(line, at)
        words.append(word)
    return words


def _word(line: str, at: int) -> tuple[Word, int]:
    """The word that begins at `at`, and where it ends."""
    letters: list[str] = []
    equals, quoted, inside = -1, False, False
    while at < len(line) and (inside or not line[at].isspace()):
        slashes = _BACKSLASHES.match(line, at)
        if slashes is not None:
            count = len(slashes[1])
            letters.append("\\" * (count // 2))
            at += count
            if count % 2:
                letters.append('"')
                at += 1
            continue
        control = _CONTROL.match(line, at)
        if control is not None:
            letters.append(chr(int(control[1], 16)))
            at = control.end()
            continue
        if line[at] == '"':
            inside, quoted = not inside, True
        else:
            if line[at] == "=" and equals < 0 and not inside:
                equals = sum(map(len, letters))
            letters.append(line[at])
        at += 1
    if inside:
        raise WordError("a quote is not closed", 'add the missing "')
    return Word("".join(letters), equals, quoted), at


def tokens_of(words: Iterable[Word]) -> list[Token]:
    """Tags joined with their values. Raises: WordError, where an equals sign has no tag."""
    rest = list(words)[::-1]
    tokens: list[Token] = []
    while rest:
        word = rest.pop()
        if word.equals == 0:
            raise WordError(f"no tag stands before {word.text!r}", "write tag=value")
        if word.equals < 0 and rest and rest[-1].equals == 0:  # name ="x", name = "x"
            sign = rest.pop()
            word = Word(word.text + sign.text, len(word.text), sign.quoted)
        tokens.append(_token(word, rest))
    return tokens


def _token(word: Word, rest: list[Word]) -> Token:
    """`rest`: the words to come, last first. One is taken where a value is still missing."""
    if word.equals < 0:
        return Token(word.text)
    tag, value = word.text[: word.equals], word.text[word.equals + 1 :]
    if not value and not word.quoted and rest and rest[-1].equals < 0:  # name= "x"
        follows_a_tag = len(rest) > 1 and rest[-2].equals == 0
        if not follows_a_tag:
            value = rest.pop().text
    return Token(value, tag)


def quote(value: str) -> str:
    """The value as `words_of_line` reads it back, in quotes where it needs them."""
    plain = re.sub(_CONTROL, r"\\u005cu\1", value)
    plain = re.sub("[\0-\x1f]", lambda sign: f"\\u{ord(sign[0]):04x}", plain)
    if plain and not re.search(r'[\s"=^&|<>()%!,;\'#]', plain):
        return plain
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', plain)
    return '"' + re.sub(r"(\\+)$", r"\1\1", escaped) + '"'
