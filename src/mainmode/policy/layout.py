"""TOML text: laid out afresh, or changed in place.

Works on plain values (dictionaries, lists, text, numbers, truths) and knows nothing of policies but
which arrays of tables get headers of their own.
"""

import json
import re
from collections.abc import Iterator, Mapping, MutableMapping, MutableSequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any

import tomlkit
from tomlkit.items import AoT, Comment, InlineTable, Table, Whitespace

from mainmode.policy.lines import tables_in

Values = Mapping[str, Any]
Part = Any
"""An item of `tomlkit`."""

WITH_HEADERS = ("policy", "rule")
"""Arrays of tables that are written as `[[policy]]`; the others stay in brackets."""
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def laid_out(values: Values) -> str:
    """Plain values of one line first, then tables, each with its header."""
    return "\n\n".join("\n".join(block) for block in _blocks(values, "", "")) + "\n"


def _blocks(values: Values, path: str, header: str) -> Iterator[list[str]]:
    """A block for each header: first this table's own, then those of the tables in it."""
    own = [header] if header else []
    own += [
        f"{_key(key)} = {_value(value)}" for key, value in values.items() if _is_flat(key, value)
    ]
    if own:
        yield own
    for key, value in values.items():
        if _is_flat(key, value):
            continue
        inner = f"{path}.{_key(key)}" if path else _key(key)
        if isinstance(value, Mapping):
            # A table of tables alone, such as filter_list, needs no header.
            needs_none = value and all(isinstance(each, Mapping) for each in value.values())
            yield from _blocks(value, inner, "" if needs_none else f"[{inner}]")
        else:
            for each in value:
                yield from _blocks(each, inner, f"[[{inner}]]")


def _is_flat(key: str, value: object) -> bool:
    return not isinstance(value, Mapping) and not (key in WITH_HEADERS and isinstance(value, list))


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _value(key)


def _value(value: object) -> str:
    if isinstance(value, list):
        return _array(value)
    if isinstance(value, Mapping):
        return (
            "{ " + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + " }"
        )
    if isinstance(value, str):  # TOML escapes as JSON does, and DEL too
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


def _array(values: list[Any]) -> str:
    if not any(isinstance(each, Mapping) for each in values):
        return "[" + ", ".join(_value(each) for each in values) + "]"
    return "[\n" + "".join(f"    {_value(each)},\n" for each in values) + "]"


# --- in place ---------------------------------------------------------------------------------


def changed(text: str, old: Values, new: Values) -> str:
    """The text with what differs between `old`, which is what it means now, and `new`."""
    parsed = tomlkit.parse(text)
    _update(parsed, old, new)
    return _spaced(tomlkit.dumps(parsed), text)


def _update(
    text: MutableMapping[str, Any], old: Values, new: Values, path: tuple[str, ...] = ()
) -> None:
    """path: the keys that lead to this table, through arrays of tables too."""
    for key in old.keys() - new.keys():
        if key in text:
            _remove(text, key)
    for key, value in new.items():
        before = old.get(key)
        if key in old and value == before:
            continue
        if isinstance(value, Mapping) and isinstance(before, Mapping) and key in text:
            _update(text[key], before, value, (*path, key))
        elif _are_tables(value) and _are_tables(before) and key in text:
            _update_tables(text[key], before or [], value, (*path, key))
        else:
            _set(text, value, (*path, key))


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, Mapping) for each in value)


def _update_tables(
    text: MutableSequence[Any], old: list[Values], new: list[Values], path: tuple[str, ...]
) -> None:
    """Tables that are called the same, or stand at the same place of a change, are changed in
    place; the others come and go."""
    names, new_names = ([_name(each) for each in tables] for tables in (old, new))
    changes = SequenceMatcher(None, names, new_names, autojunk=False).get_opcodes()
    for _, first, last, new_first, new_last in reversed(changes):
        shared = min(last - first, new_last - new_first)
        for at in range(last - 1, first + shared - 1, -1):
            if at and isinstance(text, AoT):
                _give_tail(text[at - 1], _take_tail(text[at]))
            del text[at]
        for at in range(shared):
            _update(text[first + at], old[first + at], new[new_first + at], path)
        for at, each in enumerate(new[new_first + shared : new_last], first + shared):
            made = _part(path, [each])[0] if isinstance(text, AoT) else _inline(each)
            if at and isinstance(text, AoT):
                _give_tail(made, _take_tail(text[at - 1]))
            text.insert(at, made)


def _name(table: Values) -> str:
    return str(table.get("name") or sorted(table.items()))


def _inline(value: object) -> Part:
    return tomlkit.parse(f"x = {_value(value)}\n")["x"]


def _part(path: tuple[str, ...], value: object) -> Part:
    """A value in its place of a file of its own: a header has all the keys that lead to it."""
    whole: dict[str, Any] = {path[-1]: value}
    for key in reversed(path[:-1]):
        whole = {key: [whole] if key in WITH_HEADERS else whole}
    part: Part = tomlkit.parse(laid_out(whole))
    for key in path:
        part = part[key]
        if key in WITH_HEADERS and key != path[-1]:
            part = part[0]
    return part


def _set(text: MutableMapping[str, Any], value: object, path: tuple[str, ...]) -> None:
    """A value, laid out as `laid_out` does; what stands behind it in its line stays."""
    key = path[-1]
    if not (isinstance(text, InlineTable) or _is_flat(key, value)):
        tail = _take_tail(text) if isinstance(text, Table) else []
        text[key] = _part(path, value)
        if tail:
            _give_tail(text[key], tail)
        return
    made = _inline(value)
    if key in text:
        made.trivia.comment_ws = text[key].trivia.comment_ws
        made.trivia.comment = text[key].trivia.comment
    text[key] = made


def _remove(text: MutableMapping[str, Any], key: str) -> None:
    """Comments above a table stand at the end of the one before it."""
    siblings = list(text)
    at = siblings.index(key)
    before = text[siblings[at - 1]] if at else None
    if isinstance(text[key], Table) and isinstance(before, Table):
        _give_tail(before, _take_tail(text[key]))
    del text[key]


def _last(part: Part) -> Table:
    """The table that ends where this one, or this array of tables, does."""
    if isinstance(part, AoT):
        return _last(part[-1])
    inner = next((item for _, item in reversed(part.value.body) if not _is_space(item)), None)
    return _last(inner) if isinstance(inner, Table | AoT) else part


def _take_tail(table: Part) -> list[Part]:
    """Comments and empty lines at the end of a table, which belong to the next one's header."""
    body = _last(table).value.body
    start = len(body)
    while start and _is_space(body[start - 1][1]):
        start -= 1
    tail = body[start:]
    del body[start:]
    return tail


def _give_tail(table: Part, tail: list[Part]) -> None:
    _take_tail(table)
    _last(table).value.body.extend(tail)


def _is_space(item: object) -> bool:
    return isinstance(item, Comment | Whitespace)


def _spaced(text: str, before: str) -> str:
    """An empty line above each header that the change brought."""
    known = set(pairwise(before.split("\n")))
    headers = {node.start_point.row for node in tables_in(text.encode())}
    lines: list[str] = []
    for row, line in enumerate(text.split("\n")):
        above = lines[-1] if lines else ""
        follows = row in headers and above.strip() and not above.startswith("#")
        if follows and (above, line) not in known:
            lines.append("")
        lines.append(line)
    return "\n".join(lines)
