"""Running the commands of a script, one after the other.

A mistake ends the run. What came before it stays done, unless `set batch mode=enable` or the caller
holds the commands together: then none of those counts. Deleting what is not there is no mistake in
a script: it says so and goes on.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from mainmode.errors import PersonError
from mainmode.policy.mistakes import WordError
from mainmode.policy.netsh import dynamic as d
from mainmode.policy.netsh import static as s
from mainmode.policy.netsh.commands import Command, Form
from mainmode.policy.netsh.operations import actions, dynamic, filters, policies, rules, whole
from mainmode.policy.netsh.parsing import HelpWanted, parse_command
from mainmode.policy.netsh.script import BrokenLine, ScriptCommand
from mainmode.policy.netsh.usage import usage
from mainmode.policy.netsh.work import NothingThere, Work

Operation = Callable[[Command, Work], None]

OPERATIONS: Mapping[Form, Operation] = {  # and `show`, which the command line does
    s.ADD_POLICY: policies.add_policy,
    s.SET_POLICY: policies.set_policy,
    s.DELETE_POLICY: policies.delete_policy,
    s.SET_DEFAULT_RULE: policies.set_default_rule,
    s.ADD_FILTER_LIST: filters.add_filter_list,
    s.SET_FILTER_LIST: filters.set_filter_list,
    s.DELETE_FILTER_LIST: filters.delete_filter_list,
    s.ADD_FILTER: filters.add_filter,
    s.DELETE_FILTER: filters.delete_filter,
    s.ADD_FILTER_ACTION: actions.add_filter_action,
    s.SET_FILTER_ACTION: actions.set_filter_action,
    s.DELETE_FILTER_ACTION: actions.delete_filter_action,
    s.ADD_RULE: rules.add_rule,
    s.SET_RULE: rules.set_rule,
    s.DELETE_RULE: rules.delete_rule,
    s.DELETE_ALL: whole.delete_all,
    s.SET_STORE: whole.set_store,
    s.SET_BATCH: whole.set_batch,
    s.EXPORT: whole.export_policy,
    s.IMPORT: whole.import_policy,
    s.DUMP: whole.dump,
    d.ADD_MAIN_MODE: dynamic.add_main_mode,
    d.SET_MAIN_MODE: dynamic.set_main_mode,
    d.DELETE_MAIN_MODE: dynamic.delete_main_mode,
    d.ADD_QUICK_MODE: dynamic.add_quick_mode,
    d.SET_QUICK_MODE: dynamic.set_quick_mode,
    d.DELETE_QUICK_MODE: dynamic.delete_quick_mode,
    d.ADD_DYNAMIC_RULE: dynamic.add_dynamic_rule,
    d.SET_DYNAMIC_RULE: dynamic.set_dynamic_rule,
    d.DELETE_DYNAMIC_RULE: dynamic.delete_dynamic_rule,
    d.DELETE_DYNAMIC: dynamic.delete_dynamic,
    d.SET_CONFIG: dynamic.set_config,
    d.DUMP_DYNAMIC: whole.dump_dynamic,
}


@dataclass
class Outcome:
    """What became of a script."""

    done: int = 0
    """So many commands count."""
    notes: list[tuple[int, str]] = field(default_factory=list)
    """Line and text: what was to be deleted and was not there."""
    mistake: PersonError | None = None
    """What ended the run."""
    together: bool = False
    """The commands around the mistake were held together, so they do not count."""
    since: int = 0
    """The line from which on they were."""


def run_script(
    commands: Iterable[ScriptCommand | BrokenLine], work: Work, file: str, *, together: bool = False
) -> Outcome:
    """together: all of the script or nothing. The documents of `work` are afterwards what is to be
    saved."""
    outcome = Outcome()
    checkpoint = dict(work.documents)
    before = 0
    for each in commands:
        was_batch = work.batch
        try:
            _do(each, work, outcome)
        except PersonError as error:
            outcome.mistake = _placed(error, file, each.line)
            if together or work.batch:
                work.documents.update(checkpoint)
                outcome.done, outcome.together = before, True
            return outcome
        outcome.done += 1
        if work.batch != was_batch and not together:
            checkpoint, before, outcome.since = dict(work.documents), outcome.done, each.line
    return outcome


def run_command(command: ScriptCommand, work: Work) -> None:
    """Raises: PersonError, HelpWanted."""
    try:
        parsed = parse_command(command.mode, command.words)
        OPERATIONS.get(parsed.form, _show)(parsed, work)
    except WordError as error:
        raise PersonError(error.problem, fix=error.fix) from None


def _do(each: ScriptCommand | BrokenLine, work: Work, outcome: Outcome) -> None:
    """Raises: PersonError."""
    if isinstance(each, BrokenLine):
        raise PersonError(each.mistake.problem, fix=each.mistake.fix)
    try:
        run_command(each, work)
    except HelpWanted as help_wanted:
        work.say(usage(help_wanted.forms))
    except NothingThere as nothing:
        if not _deletes(each):
            raise
        outcome.notes.append((each.line, f"{nothing.problem}: nothing to delete"))


def _show(command: Command, work: Work) -> None:
    assert command.form.verb == "show"
    work.show(command, work)


def _deletes(command: ScriptCommand) -> bool:
    return "delete".startswith(command.words[0].text.lower())


def _placed(error: PersonError, file: str, line: int) -> PersonError:
    if error.file:
        return error
    return PersonError(error.problem, fix=error.fix, file=file, line=line)
