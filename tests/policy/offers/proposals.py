"""SA payloads for tests, as strangers might send them."""

from mainmode.numbers import Doi, ProtocolId, Situation
from mainmode.wire.attributes import Attribute
from mainmode.wire.payloads import SaPayload
from mainmode.wire.proposals import Proposal, Transform

Values = tuple[tuple[int, int | bytes], ...]

TRIPLE_DES_SHA1_PSK_GROUP2: Values = ((1, 5), (2, 2), (3, 1), (4, 2), (11, 1), (12, 28_800))
"""As most peers write it."""
ESP_SHA1_TRANSPORT: Values = ((1, 1), (2, 3_600), (1, 2), (2, 50_000), (4, 2), (5, 2))
"""The attributes of ESP or AH with HMAC-SHA1: an hour or 50 MB."""
SPI = b"\x00\x00\x10\x00"


def attributes(values: Values) -> tuple[Attribute, ...]:
    return tuple(Attribute(kind, value) for kind, value in values)


def without(values: Values, *kinds: int) -> Values:
    return tuple(each for each in values if each[0] not in kinds)


def instead(values: Values, kind: int, value: int | bytes) -> Values:
    return tuple((each, value if each == kind else kept) for each, kept in values)


def transform(values: Values, number: int = 1, transform_id: int = 1) -> Transform:
    return Transform(number, transform_id, attributes(values))


def sa(*proposals: Proposal) -> SaPayload:
    return SaPayload(Doi.IPSEC, Situation.IDENTITY_ONLY, proposals)


def main_mode(*transforms: Values, number: int = 1, spi: bytes = b"") -> SaPayload:
    numbered = tuple(transform(values, at) for at, values in enumerate(transforms, 1))
    return sa(Proposal(number, ProtocolId.ISAKMP, spi, numbered))


def esp(
    *transforms: tuple[int, Values],
    number: int = 1,
    spi: bytes = SPI,
    protocol: int = ProtocolId.ESP,
) -> Proposal:
    """transforms: ESP (or AH) number and attributes of each."""
    numbered = tuple(transform(values, at, each) for at, (each, values) in enumerate(transforms, 1))
    return Proposal(number, protocol, spi, numbered)
