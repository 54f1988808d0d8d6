"""Whole messages: the header, and the chain of payloads behind it.

    generic header   | next payload | reserved | length, 2, these four octets included |

Offsets in errors count from the start of the message. They point at the field that breaks a rule,
or at the structure that is not whole.

Source: RFC 2408 3.1 and 3.2.
Does not: decrypt, or ask which payloads an exchange needs; `engine.exchange` does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from struct import Struct
from struct import error as StructError
from typing import TypeVar

from mainmode import limits
from mainmode.errors import Malformed
from mainmode.numbers import HeaderFlag, NotifyType, PayloadType
from mainmode.wire.header import HEADER_OCTETS, VERSION, Header, parse_header_untrusted
from mainmode.wire.payloads import LEAVES, READERS, Payload, UnknownPayload, kind_name

_GENERIC = Struct(">BBH")
_unpack_generic = _GENERIC.unpack_from
GENERIC_OCTETS = _GENERIC.size

_ENCRYPTION = int(HeaderFlag.ENCRYPTION)
_INNER = (int(PayloadType.PROPOSAL), int(PayloadType.TRANSFORM))
"""Never stand in the chain itself, only inside an SA."""

P = TypeVar("P", bound=Payload)


@dataclass(slots=True)
class Payloads:
    """The payloads of one message in order. Treated as immutable."""

    items: tuple[Payload, ...]
    kinds: tuple[int, ...]
    """Their types in order: one set look-up admits or refuses the message."""
    end: int = 0
    """Offset just after the last payload; what follows is padding."""

    @classmethod
    def of(cls, payloads: Sequence[Payload]) -> "Payloads":
        return cls(tuple(payloads), tuple([int(payload.kind) for payload in payloads]))

    def __iter__(self) -> Iterator[Payload]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def has(self, kind: int) -> bool:
        return kind in self.kinds

    def all(self, kind: type[P]) -> tuple[P, ...]:
        return tuple([item for item in self.items if isinstance(item, kind)])

    def optional(self, kind: type[P]) -> P | None:
        """The only payload of its kind, or None when there is none.

        Raises: Malformed when there are several.
        """
        found = self.all(kind)
        if len(found) > 1:
            raise Malformed(
                kind_name(found[1].kind), self.end, f"occurs once, not {len(found)} times"
            )
        return found[0] if found else None

    def one(self, kind: type[P]) -> P:
        """The only payload of its kind.

        Raises: Malformed when there is none or several.
        """
        found = self.optional(kind)
        if found is None:
            raise Malformed(_class_name(kind), self.end, "must be in this message")
        return found


def _class_name(kind: type[object]) -> str:
    """KE for KeyExchange; the class's own name where the type is not fixed by the class."""
    fixed = getattr(kind, "kind", None)
    return kind_name(fixed) if isinstance(fixed, int) else kind.__name__


@dataclass(slots=True)
class Sealed:
    """The body of an encrypted message, as it travels."""

    first: int
    """Type of the first payload in the plaintext."""
    ciphertext: bytes


@dataclass(slots=True)
class Message:
    """One message. Treated as immutable.

    Either `payloads`, or `sealed` when the encryption flag is set.
    """

    cky_i: bytes
    cky_r: bytes
    exchange: int
    payloads: tuple[Payload, ...]
    flags: int = 0
    message_id: int = 0
    version: int = VERSION
    trailer: bytes = b""
    """Octets after the last payload that the header's length still counts: padding."""
    sealed: Sealed | None = None
    surplus: bytes = b""
    """Octets of the datagram beyond the header's length: old Cisco clients append 16 zeros."""


def parse_payloads_untrusted(first: int, data: bytes, start: int = 0, base: int = 0) -> Payloads:
    """The chain of payloads in `data` from `start` on, the first one of type `first`.

    data: a clear message, or the plaintext of an encrypted one.
    base: what errors add to their offsets (the offset of `data` in its message).
    Raises: Malformed.
    """
    try:
        return _parse_chain(first, data, start)
    except Malformed as broken:
        if not base:
            raise
        raise Malformed(broken.payload, broken.offset + base, broken.rule, broken.notify) from None


def _parse_chain(kind: int, data: bytes, at: int) -> Payloads:
    size = len(data)
    items: list[Payload] = []
    kinds: list[int] = []
    while kind:
        if size - at < GENERIC_OCTETS:
            raise Malformed(kind_name(kind), at, "a payload begins with its header of 4 octets")
        following, reserved, length = _unpack_generic(data, at)
        body = at + GENERIC_OCTETS
        end = at + length
        if not body <= end <= size:
            raise Malformed(
                kind_name(kind),
                at + 2,
                f"the length counts its own header and ends with the message: "
                f"{size - at} octets are left, not {length}",
            )
        leaf = LEAVES.get(kind)
        if leaf is not None:
            items.append(leaf(data[body:end], reserved))
        else:
            items.append(_read(kind, data, body, end, reserved))
        kinds.append(kind)
        kind = following
        at = end
        if len(items) > limits.PAYLOADS_MAX:
            raise Malformed(
                kind_name(kinds[-1]), at, f"a message has at most {limits.PAYLOADS_MAX} payloads"
            )
    return Payloads(tuple(items), tuple(kinds), at)


def _read(kind: int, data: bytes, at: int, end: int, reserved: int) -> Payload:
    """A payload that is not simply octets, from its body `data[at:end]`."""
    reader = READERS.get(kind)
    if reader is not None:
        return reader(data, at, end, reserved)
    if kind in _INNER:
        raise Malformed(
            kind_name(kind),
            at - GENERIC_OCTETS,
            "stands only inside an SA",
            NotifyType.INVALID_PAYLOAD_TYPE,
        )
    return UnknownPayload(kind, data[at:end], reserved)


def encode_payloads(payloads: Sequence[Payload]) -> bytes:
    """The chain, generic headers included.

    Raises: ValueError when a field does not fit its octets or a payload has type 0 (our bug).
    """
    parts: list[bytes] = []
    following = 0
    try:
        for payload in reversed(payloads):
            body = payload.body()
            parts.append(body)
            parts.append(_GENERIC.pack(following, payload.reserved, GENERIC_OCTETS + len(body)))
            following = payload.kind
            if not following:
                raise ValueError("type 0 ends the chain of payloads, it is no payload")
    except StructError as problem:
        raise ValueError(f"{kind_name(payload.kind)}: {problem}") from problem
    parts.reverse()
    return b"".join(parts)


def parse_message_untrusted(datagram: bytes) -> Message:
    """Header and payloads of a datagram; the body of an encrypted one stays sealed.

    Raises: Malformed.
    """
    header = parse_header_untrusted(datagram)
    octets, surplus = datagram, b""
    if header.length < len(datagram):
        octets, surplus = datagram[: header.length], datagram[header.length :]
    payloads: tuple[Payload, ...] = ()
    trailer, sealed = b"", None
    if header.encrypted:
        sealed = Sealed(header.next_payload, octets[HEADER_OCTETS:])
    else:
        chain = parse_payloads_untrusted(header.next_payload, octets, HEADER_OCTETS)
        payloads, trailer = chain.items, octets[chain.end :]
    return Message(
        header.cky_i,
        header.cky_r,
        header.exchange,
        payloads,
        header.flags,
        header.message_id,
        header.version,
        trailer,
        sealed,
        surplus,
    )


def encode_message(message: Message) -> bytes:
    """The datagram.

    Raises: ValueError when a field does not fit, or when flag and form disagree (our bug).
    """
    if bool(message.flags & _ENCRYPTION) != (message.sealed is not None):
        raise ValueError("a message is sealed exactly when its encryption flag is set")
    if message.sealed is None:
        first = int(message.payloads[0].kind) if message.payloads else 0
        body = encode_payloads(message.payloads) + message.trailer
    elif message.payloads or message.trailer:
        raise ValueError("a sealed message shows no payloads")
    else:
        first, body = message.sealed.first, message.sealed.ciphertext
    header = Header(
        message.cky_i,
        message.cky_r,
        first,
        message.exchange,
        message.flags,
        message.message_id,
        HEADER_OCTETS + len(body),
        message.version,
    )
    return header.encode() + body + message.surplus
