"""The lines of a batch file as its command interpreter takes them: variables, carets, operators.

Only what can be known from the file itself is done: `set NAME=constant` and `%NAME%`. Whatever
would be computed (arguments, the environment, `set /a`, `%NAME:a=b%`, `!NAME!`) is `Computed`, and
the caller leaves it out.

Does not: know netsh, or decide which commands count (`script`).
"""

import re
from dataclasses import dataclass, field

_OPERATORS = ("&&", "||", "&", "|")
_SET = re.compile(r"\s*set\s+(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_VARIABLE = re.compile(r"%%|%([^%\s:][^%:]*)%|%([^%\s:][^%:]*):[^%]*%|%([0-9*~]\w*)|%")
_DELAYED = re.compile(r"!\w+!")
_REDIRECTION = re.compile(r'(?:>>|>|<)\s*(?:&[0-9]|"[^"]*"?|[^\s&|<>"]*)')
_NAMED = re.compile(r"\s*set\s+\"?(?P<name>[^=/\"][^=\"]*)=", re.IGNORECASE)


class Computed(Exception):
    """A line depends on what only its running would show; the text says on what."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One command of a line, and the operators on both sides of it (empty: the line's ends)."""

    text: str
    before: str = ""
    after: str = ""


@dataclass(slots=True)
class Variables:
    """What the file has set so far; None: to something computed."""

    values: dict[str, str | None] = field(default_factory=dict)
    delayed: bool = False
    """After `setlocal enabledelayedexpansion`, when `!NAME!` is a variable too."""

    def expand(self, line: str) -> str:
        """Raises: Computed."""
        if self.delayed and (found := _DELAYED.search(line)):
            raise Computed(f"{found[0]} is computed when the line runs")
        return _VARIABLE.sub(self._value, line)

    def assign(self, command: str) -> bool:
        """Does a `set` command; False when it is one that sets nothing.
        Raises: Computed, and from then on the variable is."""
        match = _SET.fullmatch(command)
        rest = match["rest"] if match else ""
        if rest.startswith("/"):
            name = rest[2:].partition("=")[0].strip(' "+-*/')
            self.values[name.lower()] = None
            raise Computed(f"{name} is computed or asked for")
        if rest.startswith('"'):
            rest = rest[1:].rpartition('"')[0] or rest[1:]
        name, equals, value = rest.partition("=")
        if not equals or not name:
            return False
        self.values[name.lower()] = value
        return True

    def spoil(self, line: str) -> None:
        """Remembers that the variable which `line` would set is computed."""
        if match := _NAMED.match(line):
            self.values[match["name"].lower()] = None

    def _value(self, found: re.Match[str]) -> str:
        name, changed, argument = found.groups()
        if found[0] == "%%":
            return "%"
        if argument is not None:
            raise Computed(f"%{argument} is an argument of the script")
        if changed is not None:
            raise Computed(f"{found[0]} is computed")
        if name is None:
            return ""
        if name.lower() not in self.values:
            raise Computed(f"%{name}% is not set in the script")
        value = self.values[name.lower()]
        if value is None:
            raise Computed(f"%{name}% is computed")
        return value


def continues(line: str) -> bool:
    """Whether a caret at the end of a line, outside quotes, joins the next one to it."""
    carets = len(line) - len(line.rstrip("^"))
    return carets % 2 == 1 and line.count('"') % 2 == 0


def pieces(line: str) -> list[Piece]:
    """The commands of an expanded line, redirections and carets removed, quotes kept."""
    texts, operators = [""], [""]
    at, inside = 0, False
    while at < len(line):
        letter = line[at]
        if letter == '"':
            inside = not inside
        elif inside:
            pass
        elif letter == "^":
            texts[-1] += line[at + 1 : at + 2]
            at += 2
            continue
        elif letter in "<>":
            redirection = _REDIRECTION.match(line, at)
            assert redirection is not None
            texts[-1] = _without_handle(texts[-1]) + " "
            at = redirection.end()
            continue
        elif letter in "&|":
            operator = next(each for each in _OPERATORS if line.startswith(each, at))
            texts.append("")
            operators.append(operator)
            at += len(operator)
            continue
        texts[-1] += letter
        at += 1
    after = [*operators[1:], ""]
    return [Piece(*each) for each in zip(texts, operators, after, strict=True)]


def _without_handle(text: str) -> str:
    """`2>nul`: the digit belongs to the redirection when nothing else touches it."""
    return text[:-1] if re.search(r"(?:^|\s)[0-9]$", text) else text


def depth(line: str) -> int:
    """How many parentheses a line leaves open (less than 0: closes), outside quotes."""
    outside = re.sub(r'"[^"]*"?|\^.', "", line)
    return outside.count("(") - outside.count(")")
