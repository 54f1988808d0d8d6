"""How the value of one key is written in a policy file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from mainmode.policy.mistakes import WordError, nearest
from mainmode.policy.reader import Table

Value = Any
"""What a field of the model holds."""
Written = Any
"""The same in TOML: text, number, truth, array or table."""
Schema = dict[str, Any]
"""A JSON schema."""
Read = Callable[[str], Value]
"""From the word in the file. Raises WordError."""
Write = Callable[[Value], str]


class Kind(Protocol):
    """One way to write a value."""

    def read(self, table: Table, key: str, default: Value) -> Value:
        """The value of a key, or the default when it is not there or wrong, which is noted."""

    def write(self, value: Value) -> Written:
        """As it stands in the file."""

    def schema(self) -> Schema: ...


@dataclass(frozen=True)
class Text:
    """Any text."""

    def read(self, table: Table, key: str, default: Value) -> Value:
        return table.text(key, default)

    def write(self, value: Value) -> Written:
        return value

    def schema(self) -> Schema:
        return {"type": "string"}


@dataclass(frozen=True)
class Flag:
    """true or false."""

    def read(self, table: Table, key: str, default: Value) -> Value:
        return table.flag(key, default)

    def write(self, value: Value) -> Written:
        return value

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Whole:
    """A whole number from 0."""

    largest: int

    def read(self, table: Table, key: str, default: Value) -> Value:
        return table.whole(key, default, self.largest)

    def write(self, value: Value) -> Written:
        return value

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": 0, "maximum": self.largest}


@dataclass(frozen=True)
class Word:
    """Text of a certain form."""

    parse: Read
    text: Write
    form: Mapping[str, Any] = field(default_factory=dict)
    """What a JSON schema says of it: pattern, enum, examples."""

    def read(self, table: Table, key: str, default: Value) -> Value:
        return table.parsed(key, self.parse, default)

    def write(self, value: Value) -> Written:
        return self.text(value)

    def schema(self) -> Schema:
        return {"type": "string", **self.form}


@dataclass(frozen=True)
class WordOrNumber(Word):
    """Text of a certain form, or a bare number."""

    largest: int = 0

    def read(self, table: Table, key: str, default: Value) -> Value:
        return table.parsed_number(key, self.parse, default)

    def write(self, value: Value) -> Written:
        text = self.text(value)
        return int(text) if text.isdecimal() else text

    def schema(self) -> Schema:
        number = {"type": "integer", "minimum": 0, "maximum": self.largest}
        return {"anyOf": [super().schema(), number]}


def choice(kind: type[Enum]) -> Word:
    """One of the words of an enumeration."""

    def parse(text: str) -> Enum:
        try:
            return kind(text)
        except ValueError:
            words = [str(each.value) for each in kind]
            raise WordError(f"{text!r} is unknown", nearest(text, words)) from None

    return Word(parse, lambda value: value.value, {"enum": [each.value for each in kind]})


@dataclass(frozen=True)
class Words:
    """An array of texts of a certain form."""

    word: Word
    example: str
    most: int = 0
    """0: any number."""
    once: bool = True
    """Whether each may stand there only once."""
    may_be_empty: bool = False

    def read(self, table: Table, key: str, default: Value) -> Value:
        found = table.parsed_list(key, self.word.parse, default)
        if table.is_empty(key) and not self.may_be_empty:
            fix = f"write {key} = [{self.example}], or leave it out"
            table.mistake(f"{key} names none", fix, key)
        if self.most and len(found) > self.most:
            table.mistake(f"{len(found)} {key} are too many", f"name at most {self.most}", key)
        if self.once and len(set(found)) < len(found):
            what = key.removesuffix("s")
            article = "an" if what[0] in "aeiou" else "a"
            table.mistake(f"{article} {what} is named twice", "remove one of the two", key)
        return found

    def write(self, value: Value) -> Written:
        return [self.word.write(each) for each in value]

    def schema(self) -> Schema:
        schema: Schema = {"type": "array", "items": self.word.schema()}
        if not self.may_be_empty:
            schema["minItems"] = 1
        if self.most:
            schema["maxItems"] = self.most
        if self.once:
            schema["uniqueItems"] = True
        return schema
