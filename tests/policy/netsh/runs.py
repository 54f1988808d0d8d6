"""Netsh scripts run on documents in memory."""

from dataclasses import dataclass, field
from pathlib import Path

from mainmode.policy.document import Document
from mainmode.policy.netsh.commands import Command
from mainmode.policy.netsh.running import Outcome, run_script
from mainmode.policy.netsh.script import read_script
from mainmode.policy.netsh.work import DYNAMIC, LOCAL, PERSISTENT, Work


class Keys:
    """Preshared keys in memory: named after what they are for."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def keep_secret(self, key: bytes, hint: str) -> str:
        name = f"{hint}.psk"
        self.kept[name] = key
        return name

    def read_secret(self, name: str) -> bytes:
        return self.kept[name]

    def require_service(self) -> None:
        """One runs."""

    def export(self, document: Document, file: Path) -> None:
        raise AssertionError("no files here")

    def add_file(self, location: str, document: Document, file: Path) -> Document:
        raise AssertionError("no files here")


@dataclass
class Run:
    """What a script has done."""

    work: Work
    keys: Keys
    outcome: Outcome
    said: list[str]
    shown: list[Command] = field(default_factory=list)

    @property
    def local(self) -> Document:
        return self.work.documents[LOCAL]

    @property
    def persistent(self) -> Document:
        return self.work.documents[PERSISTENT]

    @property
    def dynamic(self) -> Document:
        return self.work.documents[DYNAMIC]


def run(text: str, local: Document | None = None, *, together: bool = False) -> Run:
    """A script on this local document and empty others."""
    keys, said, shown = Keys(), list[str](), list[Command]()
    documents = {LOCAL: local or Document(), PERSISTENT: Document(), DYNAMIC: Document()}
    work = Work(documents, keys, said.append, lambda command, _: shown.append(command))
    outcome = run_script(read_script(text).commands, work, "script", together=together)
    return Run(work, keys, outcome, said, shown)


def done(text: str, local: Document | None = None) -> Run:
    """A script without mistakes."""
    finished = run(text, local)
    assert finished.outcome.mistake is None, str(finished.outcome.mistake)
    return finished


def static(*lines: str) -> str:
    """Lines of the context `ipsec static`."""
    return "\n".join(("pushd ipsec static", *lines, "popd"))
