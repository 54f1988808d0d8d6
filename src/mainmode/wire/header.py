"""The ISAKMP header: 28 octets in front of the payloads.

     0                   8                  16   17    18    19    20          24          28
     | initiator cookie  | responder cookie | NP | ver | exc | flg | message ID |  length  |

Source: RFC 2408 3.1.
Does not: know what an exchange allows (flags, message IDs, a zero responder cookie); `engine` does.
"""

from dataclasses import dataclass
from struct import Struct
from struct import error as StructError

from mainmode import limits
from mainmode.errors import Malformed
from mainmode.numbers import HeaderFlag, NotifyType

_LAYOUT = Struct(">8s8sBBBBII")
_unpack = _LAYOUT.unpack_from

HEADER_OCTETS = _LAYOUT.size
VERSION = 0x10
"""Major version 1, minor version 0: the only one there is."""
Cookies = tuple[bytes, bytes]
"""CKY-I and CKY-R: together they name a main mode SA."""
NO_COOKIE = bytes(limits.COOKIE_OCTETS)
"""The responder cookie before there is a responder."""

_COOKIE_OFFSET, _VERSION_OFFSET, _LENGTH_OFFSET = 0, 17, 24
_ENCRYPTION, _COMMIT = int(HeaderFlag.ENCRYPTION), int(HeaderFlag.COMMIT)
"""As plain numbers: `&` with a flag of an enumeration takes ten times as long."""


@dataclass(slots=True)
class Header:
    """Treated as immutable; not frozen only because one is made for every datagram."""

    cky_i: bytes
    cky_r: bytes
    next_payload: int
    """Type of the first payload; of the first one in the plaintext when encrypted."""
    exchange: int
    flags: int
    message_id: int
    length: int
    """Of the whole message, this header included."""
    version: int = VERSION

    @property
    def encrypted(self) -> bool:
        return bool(self.flags & _ENCRYPTION)

    @property
    def commit(self) -> bool:
        return bool(self.flags & _COMMIT)

    def encode(self) -> bytes:
        """Raises: ValueError when a field does not fit (our bug)."""
        if len(self.cky_i) != limits.COOKIE_OCTETS or len(self.cky_r) != limits.COOKIE_OCTETS:
            raise ValueError(f"a cookie has {limits.COOKIE_OCTETS} octets")
        try:
            return _LAYOUT.pack(
                self.cky_i,
                self.cky_r,
                self.next_payload,
                self.version,
                self.exchange,
                self.flags,
                self.message_id,
                self.length,
            )
        except StructError as problem:
            raise ValueError(f"header: {problem}") from problem


def parse_header_untrusted(datagram: bytes) -> Header:
    """The header, once its own rules hold.

    The datagram may be longer than `Header.length`: old Cisco clients append zero octets, and
    what stands beyond the length is not part of the message.
    Raises: Malformed.
    """
    if len(datagram) < HEADER_OCTETS:
        raise Malformed("header", len(datagram), f"a message has at least {HEADER_OCTETS} octets")
    cky_i, cky_r, next_payload, version, exchange, flags, message_id, length = _unpack(datagram)
    if version != VERSION:
        raise _wrong_version(version)
    if cky_i == NO_COOKIE:
        raise Malformed(
            "header",
            _COOKIE_OFFSET,
            "the initiator cookie is never zero",
            NotifyType.INVALID_COOKIE,
        )
    if not HEADER_OCTETS <= length <= min(len(datagram), limits.DATAGRAM_MAX_OCTETS):
        raise Malformed(
            "header",
            _LENGTH_OFFSET,
            f"the length counts the header and no more than the {len(datagram)} octets received, "
            f"not {length}",
            NotifyType.UNEQUAL_PAYLOAD_LENGTHS,
        )
    return Header(cky_i, cky_r, next_payload, exchange, flags, message_id, length, version)


def _wrong_version(version: int) -> Malformed:
    major, minor = version >> 4, version & 0x0F
    if major == 1:
        rule, notify = f"the minor version is 0, not {minor}", NotifyType.INVALID_MINOR_VERSION
    elif major == 2:
        rule = f"the major version is 1; version 2.{minor} is IKEv2, which is not spoken here"
        notify = NotifyType.INVALID_MAJOR_VERSION
    else:
        rule, notify = f"the major version is 1, not {major}", NotifyType.INVALID_MAJOR_VERSION
    return Malformed("header", _VERSION_OFFSET, rule, notify)
