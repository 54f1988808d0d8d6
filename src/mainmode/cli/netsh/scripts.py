"""Runs netsh commands and scripts on a store, and says what became of them."""

from pathlib import Path

import click

from mainmode.cli.netsh.session import work_on
from mainmode.cli.netsh.showing import Show
from mainmode.cli.outcome import Mistake
from mainmode.cli.stores import tell_service
from mainmode.errors import PersonError
from mainmode.policy.netsh.decoding import decode_script
from mainmode.policy.netsh.lexer import words_of_arguments
from mainmode.policy.netsh.parsing import HELP_WORDS, HelpWanted
from mainmode.policy.netsh.running import Outcome, run_command, run_script
from mainmode.policy.netsh.script import Script, command_of, read_script
from mainmode.policy.netsh.work import LOCAL
from mainmode.store.store import Store


def run_words(store: Store, arguments: tuple[str, ...], control: str | None) -> None:
    """One command, as a shell has taken it apart. Raises: PersonError, HelpWanted."""
    command = command_of(words_of_arguments(arguments))
    if command is None:
        rest = [each.lower() for each in arguments if each.lower() not in HELP_WORDS]
        if len(rest) < 2 and all("ipsec".startswith(each) for each in rest):
            raise HelpWanted(())
        fix = "write netsh ipsec static ... or netsh ipsec dynamic ...; other netsh is Windows'"
        raise PersonError(f"{' '.join(arguments)!r} is not netsh ipsec", fix=fix)
    if not all(map(_is_text, arguments)):
        raise PersonError("a word is not text in this terminal's encoding", fix="use UTF-8")
    with work_on(store, [command], Show(control), control) as work:
        before = dict(work.documents)
        run_command(command, work)
    if work.location != LOCAL or work.batch:
        click.echo("note: this holds in a script only, for the commands after it", err=True)
    if work.documents != before:
        tell_service(store, control)


def _is_text(word: str) -> bool:
    try:
        word.encode()
    except UnicodeEncodeError:  # octets that the shell gave us, as Python keeps them
        return False
    return True


def run_file(
    store: Store,
    file: Path,
    encoding: str,
    control: str | None,
    *,
    location: str = LOCAL,
    together: bool = False,
) -> None:
    """A script. together: all of it or nothing. Raises: PersonError, Mistake."""
    script = _read(file, encoding)
    for each in script.left_out:
        click.echo(f"{file}:{each.line}: left out, {each.reason}: {each.text}", err=True)
    with work_on(store, script.commands, Show(control), control) as work:
        before = dict(work.documents)
        work.location = location
        outcome = run_script(script.commands, work, str(file), together=together)
    try:
        if work.documents != before:
            tell_service(store, control)
    finally:
        _say(file, script, outcome)


def _read(file: Path, encoding: str) -> Script:
    try:
        source = file.read_bytes()
    except OSError as error:
        raise PersonError(f"{file}: {error.strerror}", fix="name a script") from None
    decoded = decode_script(source, encoding, str(file))
    if decoded.guessed:
        note = f"read as {decoded.encoding}, which is a guess; --encoding names another"
        click.echo(f"{file}: note: {note}", err=True)
    return read_script(decoded.text)


def _say(file: Path, script: Script, outcome: Outcome) -> None:
    """What became of a script. Raises: Mistake, if one ended it."""
    for line, note in outcome.notes:
        click.echo(f"{file}:{line}: note: {note}", err=True)
    if outcome.mistake is not None:
        raise Mistake(f"{outcome.mistake}\n{_what_counts(outcome)}")
    count = len(script.left_out)
    left_out = f", {count} line{'s' * (count != 1)} left out" if count else ""
    click.echo(f"{file}: {_commands(outcome.done)} done{left_out}", err=True)


def _what_counts(outcome: Outcome) -> str:
    """What of the script is in the store in spite of the mistake."""
    if outcome.done == 0:
        return "nothing is changed"
    done = f"the {_commands(outcome.done)} before it {'are' if outcome.done > 1 else 'is'} done"
    if outcome.together:
        return f"{done}, up to `set batch` in line {outcome.since}"
    return done


def _commands(count: int) -> str:
    return f"{count} command{'s' * (count != 1)}"
