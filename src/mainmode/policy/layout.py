"""TOML text: laid out afresh, or changed in place.

Works on plain values (dictionaries, lists, text, numbers, truths) and knows nothing of policies but
which arrays of tables get headers of their own.
"""

import re
from collections.abc import Iterator, Mapping, MutableMapping, MutableSequence
from difflib import SequenceMatcher
from typing import Any

import tomlkit
from tomlkit.items import AoT, Array, InlineTable

Values = Mapping[str, Any]

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
    return tomlkit.item(value).as_string()


def _array(values: list[Any]) -> str:
    if not any(isinstance(each, Mapping) for each in values):
        return "[" + ", ".join(_value(each) for each in values) + "]"
    return "[\n" + "".join(f"    {_value(each)},\n" for each in values) + "]"


# --- in place ---------------------------------------------------------------------------------


def update(text: MutableMapping[str, Any], old: Values, new: Values) -> None:
    """Change a parsed file where `new` differs from `old`, which is what it means now."""
    for key in old.keys() - new.keys():
        text.pop(key, None)
    for key, value in new.items():
        before = old.get(key)
        if value == before and key in old:
            continue
        if isinstance(value, Mapping) and isinstance(before, Mapping) and key in text:
            update(text[key], before, value)
        elif _are_tables(value) and _are_tables(before) and key in text:
            _update_tables(text[key], key, before or [], value)
        elif key in text and not isinstance(value, Mapping | list):
            text[key] = value
        else:
            text[key] = _item(key, value, in_line=isinstance(text, InlineTable))


def _are_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, Mapping) for each in value)


def _update_tables(
    text: MutableSequence[Any], key: str, old: list[Values], new: list[Values]
) -> None:
    """Tables that are called the same, or stand at the same place of a change, are changed in
    place; the others come and go."""
    names, new_names = ([_name(each) for each in tables] for tables in (old, new))
    changes = SequenceMatcher(None, names, new_names, autojunk=False).get_opcodes()
    for _, first, last, new_first, new_last in reversed(changes):
        shared = min(last - first, new_last - new_first)
        for at in range(last - 1, first + shared - 1, -1):
            del text[at]
        for at in range(shared):
            update(text[first + at], old[first + at], new[new_first + at])
        for at, each in enumerate(new[new_first + shared : new_last], first + shared):
            text.insert(at, _element(text, key, each))


def _name(table: Values) -> str:
    return str(table.get("name") or sorted(table.items()))


def _element(text: MutableSequence[Any], key: str, value: Values) -> object:
    if isinstance(text, Array):
        return tomlkit.parse(f"x = {_value(value)}")["x"]
    made = tomlkit.parse(laid_out({key: [value]}))[key]
    return made[0] if isinstance(made, AoT) else made


def _item(key: str, value: object, *, in_line: bool) -> object:
    """A new value, laid out as `laid_out` does."""
    if in_line or _is_flat(key, value):
        return tomlkit.parse(f"x = {_value(value)}")["x"]
    return tomlkit.parse(laid_out({key: value}))[key]
