"""Kinds of values: what a parameter takes, in words for people, to read and to write it.

Words of choice may be shortened as long as they stay unique, and case does not matter.

Each `parse` raises WordError.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar
from uuid import UUID

from mainmode.crypto.algorithms import GROUPS, Group
from mainmode.model import IpAddress
from mainmode.policy.mistakes import WordError, nearest
from mainmode.policy.model import Action, ConnectionType, Identity, Profile
from mainmode.policy.settings import BootExemption, BootMode
from mainmode.policy.units import format_interval, parse_duration, parse_whole_duration
from mainmode.policy.words import (
    boot_exemption_word,
    parse_boot_exemption,
    parse_gateway,
    parse_identity,
    parse_interval_s,
)

T = TypeVar("T")

_WHOLE_MAX = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """One kind of value."""

    form: str
    """As help shows it: `(yes | no)`, `<text>`."""
    parse: Callable[[str], T]
    write: Callable[[T], str]

    def read(self, text: str, name: str) -> T:
        """The value; `name` says for people whose. Raises: WordError."""
        try:
            return self.parse(text)
        except WordError as error:
            raise WordError(f"{name}: {error.problem}", error.fix) from None
        except ValueError:  # thousands of digits, say
            raise WordError(f"{name}: this is no value", f"write {self.form}") from None


def choose(text: str, words: Mapping[str, T], what: str) -> T:
    """The meaning of a word that may be shortened. Raises: WordError."""
    word = text.strip().lower()
    if word in words:
        return words[word]
    fitting = [each for each in words if word and each.startswith(word)]
    if len(fitting) > 1:
        raise WordError(f"{text!r} can be {' or '.join(fitting)}", "write more of it")
    if not fitting:
        raise WordError(f"{text!r} is no {what}", nearest(text, words))
    return words[fitting[0]]


def choice(what: str, words: Mapping[str, T]) -> Kind[T]:
    def write(value: T) -> str:
        return next(word for word, meaning in words.items() if meaning == value)

    form = f"({' | '.join(words)})"
    return Kind(form, lambda text: choose(text, words, what), write)


def whole_number(text: str, largest: int) -> int | None:
    """None where it is no number, or too large a one."""
    digits = text.lstrip("0")
    if not (text.isascii() and text.isdigit()) or len(digits) > len(str(largest)):
        return None
    number = int(digits or "0")
    return number if number <= largest else None


def _whole(largest: int, what: str) -> Kind[int]:
    def parse(text: str) -> int:
        number = whole_number(text.strip(), largest)
        if number is None:
            raise WordError(f"{text!r} is no {what}", f"write a whole number up to {largest}")
        return number

    return Kind("<number>", parse, str)


def _text(what: str) -> Kind[str]:
    def parse(text: str) -> str:
        if not text.strip():
            raise WordError(f"the {what} is empty", f'write a {what} in quotes: "..."')
        return text

    return Kind(f"<{what}>", parse, str)


# --- plain values -----------------------------------------------------------------------------

NAME = _text("name")
SECRET = _text("key")
PRESENT: Kind[bool] = Kind("", bool, lambda value: "")
"""Of parameters that are a bare word."""
WORDS: Kind[str] = Kind("<text>", str, str)
YES_NO = choice("yes or no", {"yes": True, "no": False})
ON_OFF = choice("0 or 1", {"0": False, "1": True})
ENABLED = choice("batch mode", {"enable": True, "disable": False})
COUNT = _whole(_WHOLE_MAX, "count")


def _guid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        fix = "write it as `show` does: {8 digits-4-4-4-12}"
        raise WordError(f"{text!r} is no GUID", fix) from None


GUID = Kind("<guid>", _guid, lambda value: f"{{{value}}}")

# --- times ------------------------------------------------------------------------------------


def _time(what: str, unit: int) -> Kind[int]:
    """Whole seconds, given in a unit of that many seconds; also with a unit of its own (ours)."""

    def parse(text: str) -> int:
        bare = text.strip()
        number = whole_number(bare, _WHOLE_MAX)
        seconds = _with_unit(bare) if number is None else number * unit
        if seconds > _WHOLE_MAX:
            raise WordError(f"{text!r} is too long a time", f"write at most {_WHOLE_MAX // unit}")
        return seconds

    def _with_unit(text: str) -> int:
        try:
            return parse_whole_duration(text)
        except WordError:
            raise WordError(f"{text!r} is no time", f"write a number of {what}") from None

    def write(seconds: int) -> str:
        return f"{seconds}s" if seconds % unit else str(seconds // unit)

    return Kind(f"<{what}>", parse, write)


MINUTES = _time("minutes", 60)
SECONDS = _time("seconds", 1)


def _interval(text: str) -> int:
    seconds = SECONDS.parse(text)
    if not seconds:
        raise WordError("an interval of 0 would never wait", "write 1 or more")
    return seconds


INTERVAL = Kind(SECONDS.form, _interval, SECONDS.write)


def _durations(text: str) -> tuple[float, ...]:
    values = tuple(map(parse_interval_s, text.split()))
    if not values:
        raise WordError("it names no interval", 'write "1s 2s"')
    return values


DURATION = Kind("<duration>", parse_interval_s, format_interval)
DURATION_OR_0 = Kind("<duration>", parse_duration, format_interval)
DURATIONS: Kind[tuple[float, ...]] = Kind(
    "<durations>", _durations, lambda values: " ".join(map(format_interval, values))
)

# --- choices ----------------------------------------------------------------------------------


class Format(Enum):
    LIST = "list"
    TABLE = "table"


class Level(Enum):
    VERBOSE = "verbose"
    NORMAL = "normal"


class RuleType(Enum):
    TUNNEL = "tunnel"
    TRANSPORT = "transport"


E = TypeVar("E", bound=Enum)


def _enum(what: str, kind: type[E]) -> Kind[E]:
    return choice(what, {str(each.value): each for each in kind})


ACTION = _enum("action", Action)
CONNECTION_TYPE = choice(
    "connection type",
    {"lan": ConnectionType.LAN, "dialup": ConnectionType.DIALUP, "all": ConnectionType.ALL},
)
FORMAT = _enum("format", Format)
LEVEL = _enum("level", Level)
RULE_TYPE = _enum("type of rule", RuleType)
PROFILE = _enum("profile", Profile)
BOOT_MODE = _enum("boot mode", BootMode)
LOCATION = choice("location", {each: each for each in ("local", "persistent", "domain")})


class PfsGroup(Enum):
    """`pfsgroup` of a dynamic quick mode policy that names no group of its own."""

    MAIN_MODE = "the group of main mode"
    NONE = "no session key PFS"


NETSH_GROUPS = {"1": GROUPS["group1"], "2": GROUPS["group2"], "3": GROUPS["group14"]}
"""Netsh's numbers of groups: its 3 is group 14 of IKE."""
_PFS_GROUPS: dict[str, Group | PfsGroup] = {
    **{f"grp{number}": group for number, group in NETSH_GROUPS.items()},
    "grpmm": PfsGroup.MAIN_MODE,
    "nopfs": PfsGroup.NONE,
}
PFS_GROUP: Kind[Group | PfsGroup] = choice("group", {**_PFS_GROUPS, **GROUPS})
"""Our own groups have the names of policy files."""
GROUP_OR_MAIN: Kind[Group | PfsGroup] = choice("group", {"grpmm": PfsGroup.MAIN_MODE, **GROUPS})

# --- ours, and of `dynamic set config` ----------------------------------------------------------


def _tunnel(text: str) -> IpAddress | str:
    """An address, a DNS name, or nothing."""
    return parse_gateway(text) if text.strip() else ""


TUNNEL: Kind[IpAddress | str] = Kind("<address or DNS name>", _tunnel, str)
IDENTITY: Kind[Identity] = Kind("<identity>", parse_identity, str)


def level_kind(largest: int) -> Kind[int]:
    """A setting with steps from 0 up."""
    return _whole(largest, "level")


def _exemptions(text: str) -> tuple[BootExemption, ...]:
    if text.strip().lower() == "none":
        return ()
    return tuple(parse_boot_exemption(each) for each in text.split())


BOOT_EXEMPTIONS: Kind[tuple[BootExemption, ...]] = Kind(
    "none or <protocol:source port:destination port:direction ...>",
    _exemptions,
    lambda exemptions: " ".join(map(boot_exemption_word, exemptions)) or "none",
)
