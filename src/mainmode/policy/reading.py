"""Policy files: TOML in the words of the model, as `form.tables` declares them.

One policy:                      several, as a store keeps them:

    [policy]                         assigned = "NAME"
    [main_mode]                      [[policy]]
    [default_response]               [policy.main_mode]
    [[rule]]                         [policy.default_response]
    [filter_list.NAME]               [[policy.rule]]
    [filter_action.NAME]             [filter_list.NAME]
    [settings]                       [filter_action.NAME]
                                     [settings]

One policy is assigned by itself. docs/policy.md describes the format, docs/policy-example.toml
shows every key.

Does not: read secrets (`auth.credentials`) or warn (`check`).
"""

import codecs
import re
import tomllib
from base64 import b64decode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mainmode.errors import PersonError, PolicyError
from mainmode.policy.document import Document
from mainmode.policy.form.keys import Form, Several
from mainmode.policy.form.tables import (
    ABOUT,
    FILTER_ACTION,
    FILTER_LIST,
    SETTINGS,
    body_form,
    policy_form,
    rule_form,
)
from mainmode.policy.lines import lines_of
from mainmode.policy.mistakes import Lines, Mistakes, nearest
from mainmode.policy.mistakes import Path as Place
from mainmode.policy.model import FilterAction, FilterList, Policy
from mainmode.policy.reader import Table


@dataclass(frozen=True, slots=True)
class DocumentFile:
    """A document and where its parts stand in the file."""

    file: Path
    document: Document
    lines: Lines = field(default_factory=Lines)
    has_one: bool = False
    """Whether it has the form of one policy."""

    def place_of(self, policy: str) -> Place:
        """Where the parts of a policy stand: before `main_mode`, `rule` and the like."""
        if self.has_one:
            return ()
        names = [each.name for each in self.document.policies]
        return ("policy", names.index(policy))


def read_document_file(file: Path) -> DocumentFile:
    """Raises: PolicyError, with every mistake of the file."""
    try:
        source = file.read_bytes()
    except OSError as error:
        problem, fix = f"the policy cannot be read: {error.strerror}", "name a policy file"
        raise PolicyError([PersonError(problem, fix=fix, file=str(file))]) from None
    return read_document(source, file)


def read_document(source: bytes, file: Path) -> DocumentFile:
    """file: only for messages. Raises: PolicyError, with every mistake."""
    return _read_source(source, file)


def read_export(source: bytes, file: Path) -> tuple[DocumentFile, dict[str, bytes]]:
    """A document that may bring its secrets along, and those, by name.

    Raises: PolicyError, with every mistake.
    """
    secrets: dict[str, bytes] = {}
    return _read_source(source, file, secrets), secrets


def _read_source(
    source: bytes, file: Path, secrets: dict[str, bytes] | None = None
) -> DocumentFile:
    """secrets: where those that it brings along go; None: it may bring none."""
    source = source.removeprefix(codecs.BOM_UTF8)
    values = _parse(source, file)
    lines = lines_of(source)
    mistakes = Mistakes(file, lines)
    top = Table(values, (), "the policy file", mistakes)
    if secrets is not None and isinstance(top.said("secrets"), dict | None):
        secrets |= _secrets(top.table("secrets"))
    elif secrets is not None:
        top.absent("secrets", None)
        top.mistake("secrets is no table", "open it: [secrets]", "secrets")
    elif top.has("secrets"):
        fix = "import it: mainmode policy import FILE"
        top.absent("secrets", None)
        top.mistake("it has secrets in it, which belong into files of their own", fix, "secrets")
    document = _read(top)
    if mistakes.found:
        raise PolicyError(mistakes.in_order())
    return DocumentFile(file, document, lines, not isinstance(values.get("policy", []), list))


def _secrets(table: Table) -> dict[str, bytes]:
    """By name: text, or `{ base64 = "..." }` where a key is no text. Not a word of it is shown."""
    found: dict[str, bytes] = {}
    for name in table.names():
        key = table.said(name)
        if isinstance(key, dict) and list(key) == ["base64"]:
            key = _decoded(key["base64"])
        if isinstance(key, str):
            key = key.encode()
        table.absent(name, None)
        if isinstance(key, bytes):
            found[name] = key
        else:
            form = 'text, or { base64 = "..." }'
            table.mistake(f"{name} is no preshared key", f"write {form}", name)
    return found


def _decoded(text: object) -> bytes | None:
    try:
        return b64decode(text, validate=True) if isinstance(text, str) else None
    except ValueError:
        return None


def _parse(source: bytes, file: Path) -> dict[str, Any]:
    def wrong(problem: str, fix: str, line: int = 0) -> PolicyError:
        return PolicyError([PersonError(problem, fix=fix, file=str(file), line=line)])

    try:
        return tomllib.loads(source.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise wrong("the policy is not UTF-8 text", "save the file as UTF-8", line) from None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else source.count(b"\n") + 1
        raise wrong(f"this is not TOML: {error}", "see https://toml.io", line) from None
    except RecursionError:
        raise wrong("tables or arrays are nested too deeply", "a policy has few levels") from None


def _read(top: Table) -> Document:
    """The filter lists and actions come first, rules refer to them. Mistakes are noted in the
    table, and what comes back is then of no use."""
    lists: dict[str, FilterList] = {
        name: FILTER_LIST.read(table, name=name)
        for name, table in top.named_tables("filter_list", "filter list")
    }
    actions: dict[str, FilterAction] = {
        name: FILTER_ACTION.read(table, name=name)
        for name, table in top.named_tables("filter_action", "filter action")
    }
    settings = SETTINGS.read(top.table("settings"))
    rules = rule_form(lists, actions)
    if isinstance(top.said("policy"), list) or not (top.has("policy") or _has_body(top)):
        policies, assigned = _several(top, rules)
    else:
        policies, assigned = _one(top, rules)
    top.finish()
    if top.is_wrong:
        return Document()
    return Document(policies, tuple(lists.values()), tuple(actions.values()), assigned, settings)


def _has_body(top: Table) -> bool:
    """Whether the parts of one policy stand at the top of the file."""
    return any(top.has(key) for key in ("main_mode", "default_response", "rule"))


def _one(top: Table, rules: Form) -> tuple[tuple[Policy, ...], str]:
    about = top.table("policy")
    values = ABOUT.values(about)
    about.finish()
    policy = Policy(**values, **body_form(rules).values(top))
    return (policy,), policy.name


def _several(top: Table, rules: Form) -> tuple[tuple[Policy, ...], str]:
    policies: tuple[Policy, ...] = Several(policy_form(rules), unique=True).read(top, "policy", ())
    assigned = top.text("assigned")
    names = [each.name for each in policies]
    if assigned and assigned not in names:
        fix = nearest(assigned, names) if names else "remove it"
        top.mistake(f"there is no policy {assigned!r} to be assigned", fix, "assigned")
    return policies, assigned
