"""Policy files, written: the way back from `reading`.

A new document is laid out afresh. A changed one is written into the text that was there: what has
not changed stays as the person wrote it, comments and all. Whatever comes out is read again before
anybody gets it; text that a change would not fit into is laid out afresh, without its comments.
"""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tomlkit.exceptions import TOMLKitError

from mainmode.errors import PolicyError
from mainmode.policy.document import Document
from mainmode.policy.form.tables import (
    ABOUT,
    FILTER_ACTION,
    FILTER_LIST,
    SETTINGS,
    body_form,
    policy_form,
    rule_form,
)
from mainmode.policy.layout import changed, laid_out
from mainmode.policy.reading import DocumentFile, read_document
from mainmode.policy.settings import Settings

_RULES = rule_form({}, {})
_BODY, _ONE_OF_SEVERAL = body_form(_RULES), policy_form(_RULES)
_HERE = Path("document")


def written(
    document: Document, before: str = "", *, one: bool = False, old: DocumentFile | None = None
) -> str:
    """The text of a policy file.

    before: the text that this document replaces; empty: there is none.
    one: in the form of one policy, which the document must have and have assigned.
    old: what `before` says, where that is known.
    """
    if not before.strip():
        return laid_out(as_values(document, one=one))
    if "\r\n" in before:
        return written(document, before.replace("\r\n", "\n"), old=old).replace("\n", "\r\n")
    before = before.removeprefix("\ufeff")
    try:
        old = old or read_document(before.encode(), _HERE)
    except PolicyError:
        return laid_out(as_values(document))
    if old.document == document:
        return before
    one = old.has_one and _is_one(document)
    was, becomes = as_values(old.document, one=old.has_one), as_values(document, one=one)
    if laid_out(was) == before:  # nobody has touched it: there is nothing to keep
        return laid_out(becomes)
    if old.has_one is one:
        after = _changed(before, was, becomes)
        if after and _reads_as(after, document):
            return after
    return laid_out(becomes)


def exported(document: Document, secrets: Mapping[str, bytes], *, one: bool = False) -> str:
    """The text of a policy file that brings its secrets along, by name."""
    values = as_values(document, one=one)
    if secrets:
        values["secrets"] = {name: _secret(key) for name, key in secrets.items()}
    return laid_out(values)


def _secret(key: bytes) -> str | dict[str, str]:
    try:
        text = key.decode()
    except UnicodeDecodeError:
        text = ""
    return text if text.isprintable() and text else {"base64": b64encode(key).decode()}


def as_values(document: Document, *, one: bool = False) -> dict[str, Any]:
    """The document as TOML and JSON have it; what has its default is left out."""
    values: dict[str, Any] = {}
    if one:
        [policy] = document.policies
        values |= {"policy": ABOUT.write(policy), **_BODY.write(policy)}
    else:
        values["assigned"] = document.assigned
        if document.policies:
            values["policy"] = [_ONE_OF_SEVERAL.write(each) for each in document.policies]
    lists = {each.name: FILTER_LIST.write(each) for each in document.filter_lists}
    actions = {each.name: FILTER_ACTION.write(each) for each in document.filter_actions}
    values |= {
        key: each for key, each in (("filter_list", lists), ("filter_action", actions)) if each
    }
    if document.settings != Settings():
        values["settings"] = SETTINGS.write(document.settings)
    return values


def _changed(before: str, was: dict[str, Any], becomes: dict[str, Any]) -> str:
    """Empty where the library cannot do it."""
    try:
        return changed(before, was, becomes)
    except TOMLKitError:
        return ""


def _is_one(document: Document) -> bool:
    return len(document.policies) == 1 and document.assigned == document.policies[0].name


def _reads_as(text: str, document: Document) -> bool:
    try:
        return read_document(text.encode(), _HERE).document == document
    except PolicyError:
        return False
