"""Data attributes: what transforms and mode config messages are made of.

    | 1 | type, 15 bits | value, 2 octets  |                        basic (TV)
    | 0 | type, 15 bits | length, 2 octets | value, length octets | variable (TLV)

Source: RFC 2408 3.3.
Does not: know which attribute must have which form or how often it may occur; `policy.offers` does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct

from mainmode import limits
from mainmode.errors import Malformed
from mainmode.numbers import NotifyType

_HEAD = Struct(">HH")
_unpack = _HEAD.unpack_from
_HEAD_OCTETS = _HEAD.size
_BASIC = 0x8000

_NUMBER_OCTETS = 8
NUMBER_MAX = (1 << 8 * _NUMBER_OCTETS) - 1
"""Where `Attribute.number` saturates: no value of ours is as large."""


@dataclass(slots=True, unsafe_hash=True)
class Attribute:
    """One attribute in the form its sender chose. Treated as immutable.

    `kind` is the attribute class. An int as `value` is a basic attribute (0..65535), octets are a
    variable one, even where both would carry the same number.
    """

    kind: int
    value: int | bytes

    @classmethod
    def of(cls, kind: int, number: int) -> "Attribute":
        """Basic when it fits, else variable with 4 octets (a long lifetime).

        Raises: ValueError if `number` has more than 32 bits or is negative.
        """
        if number >> 32:
            raise ValueError(f"attribute {kind}: {number} does not fit 32 bits")
        return cls(kind, number if number <= 0xFFFF else number.to_bytes(4, "big"))

    @property
    def number(self) -> int:
        """The value as a number, whatever its form; at most `NUMBER_MAX`."""
        value = self.value
        if isinstance(value, int):
            return value
        if any(value[:-_NUMBER_OCTETS]):
            return NUMBER_MAX
        return int.from_bytes(value[-_NUMBER_OCTETS:], "big")

    def encode(self) -> bytes:
        value = self.value
        if isinstance(value, int):
            return _HEAD.pack(_BASIC | self.kind, value)
        return _HEAD.pack(self.kind, len(value)) + value


def encode_attributes(attributes: Iterable[Attribute]) -> bytes:
    return b"".join([attribute.encode() for attribute in attributes])


def parse_attributes_untrusted(
    data: bytes, at: int, end: int, notify: NotifyType = NotifyType.PAYLOAD_MALFORMED
) -> tuple[Attribute, ...]:
    """The attributes that fill `data[at:end]` exactly.

    Raises: Malformed, with the notification that suits where they stand.
    """
    start = at
    attributes: list[Attribute] = []
    while at < end:
        if end - at < _HEAD_OCTETS:
            raise Malformed("attribute", at, "an attribute has at least 4 octets", notify)
        kind, value = _unpack(data, at)
        at += _HEAD_OCTETS
        if kind & _BASIC:
            attributes.append(Attribute(kind ^ _BASIC, value))
            continue
        if value > end - at:
            raise Malformed(
                "attribute",
                at - 2,
                f"the length of attribute {kind} ends with what holds it: "
                f"{end - at} octets are left, not {value}",
                notify,
            )
        attributes.append(Attribute(kind, data[at : at + value]))
        at += value
    if len(attributes) > limits.ATTRIBUTES_MAX:
        rule = f"at most {limits.ATTRIBUTES_MAX} attributes stand together"
        raise Malformed("attribute", start, rule, notify)
    return tuple(attributes)
