"""Proposals and transforms: the inside of an SA payload.

    proposal   | NP: 2 or 0 | reserved | length, 2 | number | protocol | SPI size | transforms |
               | SPI | transforms ...
    transform  | NP: 3 or 0 | reserved | length, 2 | number | id | reserved2, 2 |
               | attributes ...

Source: RFC 2408 3.5 and 3.6. Proposals with the same number belong together (AH with ESP).
Does not: ask whether numbers increase or algorithms are known; `policy.offers` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct

from mainmode import limits
from mainmode.errors import Malformed
from mainmode.numbers import NotifyType, PayloadType, ProtocolId
from mainmode.wire.attributes import Attribute, encode_attributes, parse_attributes_untrusted

_PROPOSAL_HEAD = Struct(">BBHBBBB")
_TRANSFORM_HEAD = Struct(">BBHBBH")
_unpack_proposal = _PROPOSAL_HEAD.unpack_from
_unpack_transform = _TRANSFORM_HEAD.unpack_from
_HEAD_OCTETS = 8
"""Of both."""

_PROPOSAL, _TRANSFORM = int(PayloadType.PROPOSAL), int(PayloadType.TRANSFORM)
_BAD = NotifyType.BAD_PROPOSAL_SYNTAX

COOKIE_PAIR_OCTETS = 2 * limits.COOKIE_OCTETS
SPI_OCTETS = 4
"""Of AH and ESP."""
CPI_OCTETS = 2
"""Of IPCOMP, whose CPI may also come as 4 octets (RFC 3173 3.3)."""

_SPI_SIZES: dict[int, range | tuple[int, ...]] = {
    ProtocolId.ISAKMP: range(COOKIE_PAIR_OCTETS + 1),
    ProtocolId.AH: (SPI_OCTETS,),
    ProtocolId.ESP: (SPI_OCTETS,),
    ProtocolId.IPCOMP: (CPI_OCTETS, SPI_OCTETS),
}
"""In a proposal. That of ISAKMP is meaningless: the cookies are the SPI (RFC 2408 3.5)."""
_ANY_SIZE = range(256)


@dataclass(slots=True, unsafe_hash=True)
class Transform:
    """One combination of algorithms and parameters. Treated as immutable."""

    number: int
    transform_id: int
    attributes: tuple[Attribute, ...]
    reserved: int = 0
    reserved2: int = 0

    def encode(self, *, last: bool) -> bytes:
        attributes = encode_attributes(self.attributes)
        head = _TRANSFORM_HEAD.pack(
            0 if last else _TRANSFORM,
            self.reserved,
            _HEAD_OCTETS + len(attributes),
            self.number,
            self.transform_id,
            self.reserved2,
        )
        return head + attributes


@dataclass(slots=True, unsafe_hash=True)
class Proposal:
    """One protocol with the transforms that may serve it, preferred first. Treated as immutable."""

    number: int
    protocol: int
    spi: bytes
    """The sender's inbound SPI."""
    transforms: tuple[Transform, ...]
    reserved: int = 0

    def encode(self, *, last: bool) -> bytes:
        final = len(self.transforms) - 1
        body = self.spi + b"".join(
            [each.encode(last=index == final) for index, each in enumerate(self.transforms)]
        )
        head = _PROPOSAL_HEAD.pack(
            0 if last else _PROPOSAL,
            self.reserved,
            _HEAD_OCTETS + len(body),
            self.number,
            self.protocol,
            len(self.spi),
            len(self.transforms),
        )
        return head + body


def encode_proposals(proposals: Sequence[Proposal]) -> bytes:
    final = len(proposals) - 1
    return b"".join([each.encode(last=index == final) for index, each in enumerate(proposals)])


def parse_proposals_untrusted(data: bytes, at: int, end: int) -> tuple[Proposal, ...]:
    """The proposals that fill `data[at:end]` exactly; at least one.

    Raises: Malformed.
    """
    proposals: list[Proposal] = []
    following = _PROPOSAL
    while following:
        if len(proposals) == limits.PROPOSALS_MAX:
            raise Malformed("SA", at, f"at most {limits.PROPOSALS_MAX} proposals", _BAD)
        if end - at < _HEAD_OCTETS:
            raise Malformed("proposal", at, "an SA holds whole proposals, at least one", _BAD)
        following, reserved, length, number, protocol, spi_octets, count = _unpack_proposal(
            data, at
        )
        if following not in (0, _PROPOSAL):
            raise Malformed("proposal", at, "a proposal is followed by a proposal or nothing", _BAD)
        stop = at + length
        spi_end = at + _HEAD_OCTETS + spi_octets
        if not spi_end <= stop <= end:
            raise Malformed(
                "proposal", at + 2, "the length counts header and SPI and ends with the SA", _BAD
            )
        if spi_octets not in _SPI_SIZES.get(protocol, _ANY_SIZE):
            raise Malformed(
                "proposal",
                at + 6,
                f"an SPI of protocol {protocol} does not have {spi_octets} octets",
                NotifyType.INVALID_SPI,
            )
        transforms = _parse_transforms(data, spi_end, stop, count)
        spi = data[spi_end - spi_octets : spi_end]
        proposals.append(Proposal(number, protocol, spi, transforms, reserved))
        at = stop
    if at != end:
        raise Malformed("SA", at, "nothing follows the last proposal", _BAD)
    return tuple(proposals)


def _parse_transforms(data: bytes, at: int, end: int, count: int) -> tuple[Transform, ...]:
    """The `count` transforms that fill `data[at:end]` exactly; at least one."""
    if not count:
        raise Malformed("proposal", at, "a proposal holds at least one transform", _BAD)
    transforms: list[Transform] = []
    for left in range(count - 1, -1, -1):
        if end - at < _HEAD_OCTETS:
            raise Malformed(
                "transform", at, f"a proposal holds the {count} whole transforms it counts", _BAD
            )
        following, reserved, length, number, transform_id, reserved2 = _unpack_transform(data, at)
        if following != (_TRANSFORM if left else 0):
            raise Malformed(
                "transform",
                at,
                f"the last of the {count} counted transforms is followed by nothing, "
                "every other by a transform",
                _BAD,
            )
        stop = at + length
        if length < _HEAD_OCTETS or stop > end:
            raise Malformed(
                "transform", at + 2, "the length counts the header and ends with the proposal", _BAD
            )
        attributes = parse_attributes_untrusted(data, at + _HEAD_OCTETS, stop, _BAD)
        transforms.append(Transform(number, transform_id, attributes, reserved, reserved2))
        at = stop
    if at != end:
        raise Malformed("proposal", at, "nothing follows the last transform", _BAD)
    return tuple(transforms)
