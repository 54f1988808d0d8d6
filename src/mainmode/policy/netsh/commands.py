"""What a command of netsh is: a mode, a verb, an object, and parameters in their order.

One table for each command (`static`, `dynamic`) drives reading it, its help and writing it.

Talks to: `kinds`, `places`, `methods`, `authorities` (what a parameter takes).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from mainmode.policy.netsh.kinds import Kind
from mainmode.policy.netsh.lexer import quote

T = TypeVar("T")
D = TypeVar("D")


@dataclass(frozen=True, eq=False)
class Parameter(Generic[T]):
    """One parameter; the same object stands in every command that has it."""

    tag: str
    kind: Kind[T]
    about: str = ""
    repeated: bool = False
    """It may be given several times."""
    ours: bool = False
    """Windows has no such parameter. Its tag is written in full, and it has no position."""
    bare: bool = False
    """A word by itself, without a value: `all`."""

    def write(self, value: T) -> str:
        return self.tag if self.bare else f"{self.tag}={quote(self.kind.write(value))}"


Slot = tuple[Parameter[Any], ...]
"""One position, and the parameters of which it takes one."""
Values = Mapping[Parameter[Any], Any]


@dataclass(frozen=True, eq=False)
class Form:
    """One command."""

    mode: str
    verb: str
    object: str
    slots: tuple[Slot, ...] = ()
    required: int = 0
    """So many slots, from the first, have to be filled."""
    about: str = ""
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.mode} {self.verb} {self.object}".strip()

    @property
    def parameters(self) -> tuple[Parameter[Any], ...]:
        return tuple(each for slot in self.slots for each in slot)

    def write(self, values: Values, *then: tuple[Parameter[Any], Any]) -> str:
        """The command as a line of its mode's context, its parameters in the order of the table.

        then: parameters whose own order matters; they come last.
        """
        words = [word for word in (self.verb, self.object) if word]
        words += [each.write(values[each]) for each in self.parameters if each in values]
        return " ".join([*words, *(parameter.write(value) for parameter, value in then)])


@dataclass(frozen=True, slots=True)
class Given:
    """One parameter with the value that it was given."""

    parameter: Parameter[Any]
    value: Any


@dataclass(frozen=True, slots=True)
class Command:
    """A command that was understood; its values are of the right kinds."""

    form: Form
    given: tuple[Given, ...] = ()
    """In the order in which they were written."""

    @overload
    def get(self, parameter: Parameter[T]) -> T | None: ...

    @overload
    def get(self, parameter: Parameter[T], default: D) -> T | D: ...

    def get(self, parameter: Parameter[T], default: Any = None) -> Any:
        return next((each.value for each in self.given if each.parameter is parameter), default)

    def require(self, parameter: Parameter[T]) -> T:
        """The value of a parameter that the form requires."""
        value = self.get(parameter)
        assert value is not None
        return value

    def has(self, *parameters: Parameter[Any]) -> bool:
        return any(each.parameter in parameters for each in self.given)
