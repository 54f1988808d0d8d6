"""The `netsh ipsec` commands of a script, and the lines that are left out, each with its reason.

Two kinds of script look alike enough to be read by one reader: batch files, whose lines begin with
`netsh`, and netsh's own scripts (`netsh -f`), which enter a context such as `ipsec static` and go
on with `add policy ...`. In a batch file, what depends on conditions, loops, jumps or computed
values is not run but listed; so is every other program.

Source: docs/netsh.md.
Does not: understand the commands (`parsing`) or do them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mainmode.policy.mistakes import WordError
from mainmode.policy.netsh.batch import Computed, Piece, Variables, continues, depth, pieces
from mainmode.policy.netsh.lexer import Word, words_of_line

_PROGRAM = re.compile(
    r'[@\s]*(?:"[^"]*[\\/]netsh(?:\.exe)?"|"netsh(?:\.exe)?"|[^\s"]*[\\/]netsh(?:\.exe)?|'
    r"netsh(?:\.exe)?)(?=\s|$)",
    re.IGNORECASE,
)
"""How a line calls netsh, with or without its folder."""
_FIRST = re.compile(r"[@\s]*([^\s.,;:=/(\\\"]*)")
_QUIET = {
    *("rem", "echo", "pause", "cls", "title", "color", "prompt", "verify", "chcp"),
    *("setlocal", "endlocal"),
}
"""Commands without effect on policy; they are not worth a line in the list."""
_BLOCKS = {"if": "it is under a condition", "for": "it is a loop"}
_ENDS = {"exit", "quit", "bye"}
_SHELL = {"online", "offline", "commit", "abort", "flush"}
"""Commands of the netsh shell itself that change no policy."""
_KEY = re.compile(r'(\bpsk\s*=\s*)("[^"]*"?|\S+)', re.IGNORECASE)
_MODES = ("static", "dynamic")


@dataclass(frozen=True, slots=True)
class ScriptCommand:
    """One `netsh ipsec` command: its mode, and its words from the verb on."""

    line: int
    mode: str
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A `netsh ipsec` command that has no words to speak of: a quote is missing, say."""

    line: int
    mistake: WordError


@dataclass(frozen=True, slots=True)
class LeftOut:
    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Script:
    commands: tuple[ScriptCommand | BrokenLine, ...]
    left_out: tuple[LeftOut, ...]


def read_script(text: str) -> Script:
    """Never raises: what is wrong with a command is told where it stands, as a BrokenLine."""
    reader = _Reader(text)
    reader.read()
    return Script(tuple(reader.commands), tuple(reader.left_out))


def command_of(words: list[Word], line: int = 0) -> ScriptCommand | None:
    """The command that stands in a full line after `netsh`; None: it is not of ipsec's modes."""
    path = [word.text.lower() for word in words[:2]]
    if len(path) < 2 or not _is_short("ipsec", path[0], least=2):
        return None
    mode = next((each for each in _MODES if _is_short(each, path[1])), "")
    return ScriptCommand(line, mode, tuple(words[2:])) if mode else None


def _is_short(word: str, text: str, least: int = 1) -> bool:
    return len(text) >= least and word.startswith(text)


@dataclass
class _Reader:
    text: str
    commands: list[ScriptCommand | BrokenLine] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    _variables: Variables = field(default_factory=Variables)
    _context: list[str] = field(default_factory=list)
    _pushed: list[list[str]] = field(default_factory=list)
    _over: str = ""
    """Why the rest is not run; empty while it is."""
    _label: str = ""
    """The label that a jump leads to, while it has not been reached."""
    _open: int = 0
    """Open parentheses of a block that is left out, and where it began."""
    _opened: int = 0

    def read(self) -> None:
        for line, text in self._logical_lines():
            bare = text.strip()
            if not bare:
                continue
            if self._is_skipped(line, bare):
                continue
            if self._context and not _PROGRAM.match(text):
                self._context_line(line, bare)
            else:
                self._batch_line(line, text)

    def _logical_lines(self) -> Iterator[tuple[int, str]]:
        """Lines with what their carets join to them, and the number of the first."""
        lines = self.text.split("\x1a")[0].replace("\r\n", "\n").replace("\r", "\n").split("\n")
        at = 0
        while at < len(lines):
            number, text = at + 1, lines[at]
            at += 1
            if not _is_comment(text):
                while continues(text) and at < len(lines):
                    text = text[:-1] + lines[at]
                    at += 1
            yield number, text

    # --- what is not run at all -------------------------------------------------------------

    def _leave_out(self, line: int, text: str, reason: str) -> None:
        """Keys stay out of the list."""
        shown = _KEY.sub(r"\1...", text.strip())
        self.left_out.append(LeftOut(line, shown, reason))

    def _is_skipped(self, line: int, text: str) -> bool:
        if _is_comment(text):
            return True
        if self._open:
            self._open = max(0, self._open + depth(text))
            if text.strip(" )"):
                self._leave_out(line, text, f"it is in the block of line {self._opened}")
            return True
        if text.startswith(":") and not self._context:
            if _label(text) == self._label:
                self._label = ""
            return True
        if self._label or self._over:
            self._leave_out(line, text, self._over or "the script jumps over it")
            return True
        return False

    # --- batch files ------------------------------------------------------------------------

    def _batch_line(self, line: int, text: str) -> None:
        first = _first(text)
        if first in _QUIET:
            if first == "setlocal" and "enabledelayedexpansion" in text.lower():
                self._variables.delayed = True
            if "&" not in text:
                return
        if first in _BLOCKS or text.lstrip("@ \t").startswith("("):
            self._open, self._opened = max(0, depth(text)), line
            self._leave_out(line, text, _BLOCKS.get(first, "it is a block"))
            return
        try:
            expanded = self._variables.expand(_without_folder(text))
        except Computed as computed:
            self._variables.spoil(text)
            self._leave_out(line, text, str(computed))
            return
        for piece in pieces(expanded):
            self._piece(line, piece)

    def _piece(self, line: int, piece: Piece) -> None:
        first = _first(piece.text)
        program = _PROGRAM.match(piece.text)
        if not piece.text.strip() or first in _QUIET or _is_comment(piece.text):
            return
        if piece.before == "||":
            self._leave_out(line, piece.text, "it runs only after a failure")
        elif "|" in (piece.before, piece.after):
            self._leave_out(line, piece.text, "it is part of a pipe")
        elif program is not None:
            self._netsh(line, piece.text[program.end() :], piece.text)
        elif first == "set":
            self._set(line, piece.text)
        elif first == "goto":
            self._goto(line, piece.text)
        elif first == "exit":
            self._over = f"the script ends in line {line}"
        else:
            self._shell_line(line, piece.text)

    def _set(self, line: int, text: str) -> None:
        try:
            if self._variables.assign(text):
                return
        except Computed as computed:
            self._leave_out(line, text, str(computed))
            return
        self._leave_out(line, text, "it sets nothing")

    def _goto(self, line: int, text: str) -> None:
        target = re.sub(r"^[@\s]*goto\s*:?", ":", text, flags=re.IGNORECASE)
        label = _label(target)
        if label == "eof":
            self._over = f"the script ends in line {line}"
        elif label and any(_label(each) == label for each in self.text.split("\n")[line:]):
            self._label = label
        else:
            self._leave_out(line, text, "it jumps back, or nowhere")

    def _netsh(self, line: int, rest: str, whole: str) -> None:
        """What follows the program's name."""
        try:
            words = words_of_line(rest)
        except WordError as mistake:
            self.commands.append(BrokenLine(line, mistake))
            return
        if words and words[0].text.lower() == "-c" and len(words) > 1:
            words = [Word(each) for each in words[1].text.split()] + words[2:]
        elif words and words[0].text.startswith("-"):
            self._leave_out(line, whole, f"netsh {words[0].text} is not followed from a script")
            return
        self._command(line, words, whole)

    def _command(self, line: int, words: list[Word], whole: str) -> None:
        command = command_of(words, line)
        if command is None:
            self._leave_out(line, whole, "it is not netsh ipsec")
        elif not command.words:
            self._leave_out(line, whole, "it waits for commands to be typed")
        else:
            self.commands.append(command)

    # --- netsh's own scripts ----------------------------------------------------------------

    def _shell_line(self, line: int, text: str) -> None:
        """A line outside every context: it may enter one, or be a command with its context."""
        words = text.split()
        enters = words[0].lower() in ("pushd", "popd") or _is_short("ipsec", words[0].lower(), 2)
        if enters:
            self._context_line(line, text.strip())
        else:
            self._leave_out(line, text, "it is not netsh ipsec")

    def _context_line(self, line: int, text: str) -> None:
        try:
            words = words_of_line(text)
        except WordError as mistake:
            if self._context:
                self.commands.append(BrokenLine(line, mistake))
            else:
                self._leave_out(line, text, "it is not netsh ipsec")
            return
        first = words[0].text.lower()
        if first == "popd":
            self._context = self._pushed.pop() if self._pushed else []
        elif first == "..":
            self._context = self._context[:-1]
        elif first in _ENDS:
            self._over = f"the script ends in line {line}"
        elif first == "pushd":
            self._pushed.append(self._context)
            path = self._path(words[1:])
            self._context = path if path and self._enters(path) else []  # of another program: none
        elif first in _SHELL:
            self._leave_out(line, text, f"{first} has no effect on policy")
        else:
            self._in_context(line, words, text)

    def _in_context(self, line: int, words: list[Word], text: str) -> None:
        path = self._path(words)
        if self._enters(path):
            self._context = path
            return
        first = words[0].text.lower()
        if _is_short("ipsec", first, 2):
            self._command(line, words, text)
        else:
            self._command(line, [*map(Word, self._context), *words], text)

    def _path(self, words: list[Word]) -> list[str]:
        """The context that words lead to from here, or from the root if they begin with ipsec."""
        named = [word.text.lower() for word in words]
        absolute = bool(named) and _is_short("ipsec", named[0], 2)
        return named if absolute else [*self._context, *named]

    def _enters(self, path: list[str]) -> bool:
        return _is_short("ipsec", path[0], 2) and (
            len(path) == 1 or (len(path) == 2 and any(_is_short(each, path[1]) for each in _MODES))
        )


def _first(text: str) -> str:
    """The command that a line begins with."""
    match = _FIRST.match(text)
    return match[1].lower() if match else ""


def _label(text: str) -> str:
    """The label that a line is; empty when it is none."""
    words = text.strip()[1:].split()
    return words[0].lower() if words and text.strip().startswith(":") else ""


def _is_comment(text: str) -> bool:
    bare = text.lstrip("@ \t")
    return bare.startswith(("::", "#")) or _first(bare) == "rem"


def _without_folder(text: str) -> str:
    """`%windir%\\system32\\netsh.exe ...`: which folder netsh is in does not matter."""
    program = _PROGRAM.match(text)
    return f"netsh{text[program.end() :]}" if program else text
