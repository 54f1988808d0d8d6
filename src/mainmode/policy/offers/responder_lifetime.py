"""RESPONDER-LIFETIME: the responder of a quick mode enforces a shorter lifetime than was offered.

It must echo the offer unmodified, so it says so in a notification beside it, whose data are the
attributes that a transform states a lifetime with.

Source: RFC 2407 4.6.3.1. What peers do with it: racoon sends and reads it, strongSwan and libreswan
pass it over.
"""

from mainmode.errors import Malformed
from mainmode.model import Lifetime
from mainmode.numbers import IpsecAttribute, LifeType
from mainmode.policy.offers.reading import PHASE_2, Unsuitable, read_attributes
from mainmode.wire.attributes import Attribute, encode_attributes, parse_attributes_untrusted


def lifetime_attributes(lifetime: Lifetime) -> list[Attribute]:
    """Seconds, then kilobytes, as every transform of ours states them."""
    return [
        Attribute(IpsecAttribute.LIFE_TYPE, int(LifeType.SECONDS)),
        Attribute.of(IpsecAttribute.LIFE_DURATION, lifetime.seconds),
        Attribute(IpsecAttribute.LIFE_TYPE, int(LifeType.KILOBYTES)),
        Attribute.of(IpsecAttribute.LIFE_DURATION, lifetime.kilobytes),
    ]


def encode_lifetime(lifetime: Lifetime) -> bytes:
    """The data of the notification."""
    return encode_attributes(lifetime_attributes(lifetime))


def lowered_untrusted(lifetime: Lifetime, data: bytes) -> Lifetime:
    """`lifetime` as far as the data of a notification leaves it; they never raise it. Data that
    cannot be read change nothing."""
    try:
        attributes = parse_attributes_untrusted(data, 0, len(data))
        return read_attributes(attributes, PHASE_2).lifetime_within(lifetime)
    except (Malformed, Unsuitable):
        return lifetime
