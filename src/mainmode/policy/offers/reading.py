"""The attributes of one transform, read by the rules of their form.

Rules that peers differ on, and what is done here:
- a class that must be basic (TV) but came as TLV, or came twice: the transform is refused;
- each life duration follows a life type of its own, and each type comes once; other attributes
  may stand between the two;
- order does not matter otherwise (libreswan wants the key length after the cipher; we send it so);
- a lifetime of 0 counts as not stated;
- an attribute class that nobody here has heard of is passed over (MS-IKEE 3.1.5 forbids to abort
  because of one); a known one that changes what the SA means and is not supported refuses the
  transform.

Source: RFC 2408 3.3, RFC 2409 appendix A, RFC 2407 4.5.
Does not: judge values; `main_mode` and `quick_mode` do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mainmode.failures import Reason
from mainmode.model import Lifetime
from mainmode.numbers import IpsecAttribute, LifeType, Phase1Attribute
from mainmode.wire.attributes import Attribute

STATED_NOWHERE_S = 28_800
"""The life of an SA whose offer states no seconds (RFC 2407 4.5.4 for phase 2; what libreswan,
strongSwan and racoon take in either phase)."""


class Unsuitable(Exception):
    """Why one transform is not taken; the next one may be. Never leaves `offers`."""

    def __init__(self, reason: Reason, why: str) -> None:
        super().__init__(why)
        self.reason = reason
        self.why = why


@dataclass(frozen=True, slots=True)
class Form:
    """The rules of one phase's attributes."""

    life_type: int
    life_duration: int
    basic: frozenset[int]
    """Classes that must be TV."""
    unsupported: Mapping[int, str]
    """Known classes that refuse their transform, with why."""
    names: Mapping[int, str]


_OWN_GROUP = "it describes a group of its own; only groups with a number are known here"

PHASE_1 = Form(
    Phase1Attribute.LIFE_TYPE,
    Phase1Attribute.LIFE_DURATION,
    basic=frozenset(
        {
            Phase1Attribute.ENCRYPTION,
            Phase1Attribute.HASH,
            Phase1Attribute.AUTHENTICATION_METHOD,
            Phase1Attribute.GROUP_DESCRIPTION,
            Phase1Attribute.GROUP_TYPE,
            Phase1Attribute.LIFE_TYPE,
            Phase1Attribute.PRF,
            Phase1Attribute.KEY_LENGTH,
            Phase1Attribute.FIELD_SIZE,
        }
    ),
    unsupported={
        Phase1Attribute.GROUP_TYPE: _OWN_GROUP,
        Phase1Attribute.GROUP_PRIME: _OWN_GROUP,
        Phase1Attribute.GROUP_GENERATOR_ONE: _OWN_GROUP,
        Phase1Attribute.GROUP_GENERATOR_TWO: _OWN_GROUP,
        Phase1Attribute.GROUP_CURVE_A: _OWN_GROUP,
        Phase1Attribute.GROUP_CURVE_B: _OWN_GROUP,
        Phase1Attribute.FIELD_SIZE: _OWN_GROUP,
        Phase1Attribute.GROUP_ORDER: _OWN_GROUP,
        Phase1Attribute.PRF: "it names a pseudo-random function, and none has a number",
    },
    names={each: each.name.lower().replace("_", " ") for each in Phase1Attribute},
)

PHASE_2 = Form(
    IpsecAttribute.LIFE_TYPE,
    IpsecAttribute.LIFE_DURATION,
    basic=frozenset(
        {
            IpsecAttribute.LIFE_TYPE,
            IpsecAttribute.GROUP_DESCRIPTION,
            IpsecAttribute.ENCAPSULATION_MODE,
            IpsecAttribute.AUTHENTICATION_ALGORITHM,
            IpsecAttribute.KEY_LENGTH,
            IpsecAttribute.KEY_ROUNDS,
            IpsecAttribute.COMPRESS_DICTIONARY_SIZE,
            IpsecAttribute.EXTENDED_SEQUENCE_NUMBER,
        }
    ),
    unsupported={
        IpsecAttribute.KEY_ROUNDS: "it sets a number of rounds",
        IpsecAttribute.COMPRESS_DICTIONARY_SIZE: "it asks for compression",
        IpsecAttribute.COMPRESS_PRIVATE_ALGORITHM: "it asks for compression",
        IpsecAttribute.EXTENDED_SEQUENCE_NUMBER: "it asks for sequence numbers of 64 bits",
    },
    names={each: each.name.lower().replace("_", " ") for each in IpsecAttribute},
)


@dataclass(slots=True)
class Reading:
    """The attributes of one transform: value by class, duration by life type."""

    values: dict[int, int] = field(default_factory=dict)
    durations: dict[int, int] = field(default_factory=dict)

    @property
    def seconds(self) -> int:
        return self.durations.get(LifeType.SECONDS) or STATED_NOWHERE_S

    def states_more_than(self, lifetime: Lifetime) -> bool:
        """Whether what was offered, or what it comes to unsaid, is longer than this."""
        kilobytes = self.durations.get(LifeType.KILOBYTES, 0)
        return self.seconds > lifetime.seconds or kilobytes > lifetime.kilobytes > 0

    def lifetime_within(self, own: Lifetime) -> Lifetime:
        """The shorter of what was offered and our own: what is enforced here."""
        kilobytes = self.durations.get(LifeType.KILOBYTES) or own.kilobytes
        return Lifetime(min(self.seconds, own.seconds), min(kilobytes, own.kilobytes))


def read_attributes(attributes: Iterable[Attribute], form: Form) -> Reading:
    """Raises: Unsuitable."""
    reading = Reading()
    life_type: int | None = None
    for each in attributes:
        kind = each.kind
        if kind not in form.names:
            continue
        if kind in form.unsupported:
            raise Unsuitable(Reason.NO_COMMON_PROPOSAL, form.unsupported[kind])
        if each.value == b"":
            raise _broken(f"its {form.names[kind]} has no value")
        if kind in form.basic and isinstance(each.value, bytes):
            raise _broken(f"its {form.names[kind]} is not a basic attribute")
        if kind == form.life_type:
            if life_type is not None:
                raise _broken("a life type is not followed by its life duration")
            life_type = each.number
        elif kind == form.life_duration:
            if life_type is None:
                raise _broken("a life duration does not follow a life type of its own")
            if life_type in reading.durations:
                raise _broken("it states the same kind of lifetime twice")
            reading.durations[life_type] = each.number
            life_type = None
        elif kind in reading.values:
            raise _broken(f"it states its {form.names[kind]} twice")
        else:
            reading.values[kind] = each.number
    if life_type is not None:
        raise _broken("a life type is not followed by its life duration")
    return reading


def _broken(why: str) -> Unsuitable:
    return Unsuitable(Reason.BAD_PROPOSAL, why)


def normal_form(attributes: Iterable[Attribute], form: Form, without: Iterable[int] = ()) -> object:
    """The attributes as a set: equal for transforms that differ only in the order of attributes or
    in the form (TV or TLV) of a number. A life duration stays with its type."""
    excepted = frozenset(without)
    life_type = -1
    found: list[tuple[int, ...]] = []
    for each in attributes:
        value = each.value if isinstance(each.value, int) else int.from_bytes(each.value, "big")
        if each.kind in excepted:
            continue
        if each.kind == form.life_type:
            life_type = value
        elif each.kind == form.life_duration:
            found.append((each.kind, life_type, value))
            life_type = -1
        else:
            found.append((each.kind, value))
    if life_type != -1:
        found.append((form.life_type, life_type))
    return sorted(found)
