"""Keys and tables of a policy file: from the file to the model and back."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, Protocol

from mainmode.policy.form.kinds import Kind, Schema, Value, Written
from mainmode.policy.mistakes import nearest
from mainmode.policy.reader import Table

Values = dict[str, Any]
"""By field of the model, or by key of the file."""


class Entry(Protocol):
    """One key of a table, or several that say one thing together."""

    def read(self, table: Table, of: type) -> Values:
        """By field."""

    def write(self, part: Value) -> Values:
        """By key; what has its default is left out."""

    def schema(self) -> dict[str, Schema]:
        """By key."""

    @property
    def required(self) -> bool: ...


@dataclass(frozen=True)
class Key:
    """One key for one field."""

    name: str
    kind: Kind
    about: str
    """What it means, for people and editors."""
    field: str = ""
    """In the model; empty: called like the key."""
    example: str = ""
    """Of a key that must be there: what to write."""
    instead: Any = None
    """Of a key that must be there: what stands in for it when it is not, so that reading goes
    on."""
    always: bool = False
    """Whether it is written even when it has its default."""

    @property
    def required(self) -> bool:
        return bool(self.example)

    def read(self, table: Table, of: type) -> Values:
        default = self.instead if self.required else default_of(of, self.field or self.name)
        value = self.kind.read(table, self.name, default)
        if self.required:
            table.require(self.name, self.example)
        return {self.field or self.name: value}

    def write(self, part: Value) -> Values:
        field = self.field or self.name
        value = getattr(part, field)
        wanted = self.always or self.required or value != default_of(type(part), field)
        return {self.name: self.kind.write(value)} if wanted else {}

    def schema(self) -> dict[str, Schema]:
        return {self.name: {"description": self.about, **self.kind.schema()}}


_defaults: dict[type, Values] = {}
"""By class, what each field has when nobody sets it."""


def default_of(of: type, name: str) -> Value:
    """What the model gives a field that nobody sets; None where it gives nothing."""
    if of not in _defaults:
        _defaults[of] = {each.name: _default(each) for each in fields(of)}
    return _defaults[of][name]


def _default(field: Field[Any]) -> Value:
    if field.default is not MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not MISSING else None


def _nothing_more(table: Table, values: Values) -> None:
    pass


@dataclass(frozen=True)
class Form:
    """A table: its keys, and what they make."""

    of: type
    """The class of the model."""
    entries: tuple[Entry, ...]
    complete: Callable[[Table, Values], None] = _nothing_more
    """Defaults that depend on other values, and mistakes that more than one value makes."""
    called: str = ""
    """What a table of this form is called together with its name; empty: by its place."""

    def read(self, table: Table, **given: Value) -> Value:
        """given: fields that are not in the table."""
        made = self.of(**given, **self.values(table))
        table.finish()
        return made

    def values(self, table: Table) -> Values:
        """By field."""
        values: Values = {}
        for entry in self.entries:
            values |= entry.read(table, self.of)
            if self.called and values.get("name"):
                table.what = f"{self.called} {values['name']!r}"
        self.complete(table, values)
        return values

    def write(self, part: Value) -> Values:
        values: Values = {}
        for entry in self.entries:
            values |= entry.write(part)
        return values

    def schema(self) -> Schema:
        properties: dict[str, Schema] = {}
        for entry in self.entries:
            properties |= entry.schema()
        schema: Schema = {
            "type": "object",
            "additionalProperties": False,
            "properties": properties,
        }
        required = [name for entry in self.entries if entry.required for name in entry.schema()]
        return {**schema, "required": required} if required else schema


@dataclass(frozen=True)
class Inner:
    """A table in a table; where it has only defaults it is left out."""

    form: Form

    def read(self, table: Table, key: str, default: Value) -> Value:
        return self.form.read(table.table(key)) if table.has(key) else table.absent(key, default)

    def write(self, value: Value) -> Written:
        return self.form.write(value)

    def schema(self) -> Schema:
        return self.form.schema()


@dataclass(frozen=True)
class Several:
    """An array of tables."""

    form: Form
    unique: bool = False
    """Whether their names must differ."""

    def read(self, table: Table, key: str, default: Value) -> Value:
        tables = table.tables(key)
        made = tuple(self.form.read(each) for each in tables)
        if self.unique:
            names: set[str] = set()
            for each, one in zip(tables, made, strict=True):
                if one.name in names:
                    problem = f"the name {one.name!r} is taken"
                    each.mistake(problem, "give it another name", "name")
                names.add(one.name)
        return made

    def write(self, value: Value) -> Written:
        return [self.form.write(each) for each in value]

    def schema(self) -> Schema:
        return {"type": "array", "items": self.form.schema()}


@dataclass(frozen=True)
class Reference:
    """The name of a filter list or filter action."""

    what: str
    known: Mapping[str, Any]
    instead: Any
    """What stands in for one that is not there."""

    def read(self, table: Table, key: str, default: Value) -> Value:
        name = table.text(key)
        if name.strip() and name not in self.known:
            fix = nearest(name, self.known) if self.known else f"add [{key}.{name}]"
            table.mistake(f"there is no {self.what} {name!r}", fix, key)
        return self.known.get(name, self.instead)

    def write(self, value: Value) -> Written:
        return value.name

    def schema(self) -> Schema:
        return {"type": "string"}
