"""What concerns a whole location, and how the commands after it work."""

from pathlib import Path

from mainmode.errors import PersonError
from mainmode.policy.edit import remove_all
from mainmode.policy.netsh import parameters as p
from mainmode.policy.netsh.commands import Command
from mainmode.policy.netsh.work import LOCAL, PERSISTENT, Work
from mainmode.policy.netsh.writer import dynamic_script, settings_script, static_script


def delete_all(command: Command, work: Work) -> None:
    """The general settings stay."""
    work.document = remove_all(work.document)


def set_store(command: Command, work: Work) -> None:
    location = command.require(p.LOCATION)
    if location not in (LOCAL, PERSISTENT):
        raise PersonError("there is no domain here", fix=f"write {LOCAL} or {PERSISTENT}")
    work.location = location


def set_batch(command: Command, work: Work) -> None:
    work.batch = command.require(p.BATCH)


def export_policy(command: Command, work: Work) -> None:
    work.outside.export(work.document, Path(command.require(p.FILE)))


def import_policy(command: Command, work: Work) -> None:
    work.document = work.outside.add_file(
        work.location, work.document, Path(command.require(p.FILE))
    )


def dump(command: Command, work: Work) -> None:
    for line in static_script(work.document, work.location):
        work.say(line)


def dump_dynamic(command: Command, work: Work) -> None:
    for line in [*settings_script(work.documents[LOCAL].settings), *dynamic_script(work.dynamic)]:
        work.say(line)
