"""Transforms as people read and write them: `3des-sha1-group14 psk 8h`.

Takes anything that parsed, from policy or from strangers, and never raises.
"""

from collections.abc import Mapping

from mainmode.crypto.algorithms import (
    CIPHER_BY_ESP,
    CIPHER_BY_IKE,
    GROUP_BY_NUMBER,
    HASH_BY_ESP,
    HASH_BY_IKE,
)
from mainmode.numbers import (
    AhTransform,
    AuthenticationMethod,
    EncapsulationMode,
    EncryptionAlgorithm,
    EspTransform,
    GroupDescription,
    HashAlgorithm,
    IpsecAttribute,
    LifeType,
    Phase1Attribute,
    ProtocolId,
    name_of,
)
from mainmode.policy.units import format_duration, format_volume
from mainmode.wire.payloads import SaPayload
from mainmode.wire.proposals import Proposal, Transform

LINES_MAX = 16
"""How many transforms of one SA an explanation lists (ours): a datagram can hold thousands."""


def describe_method(number: int) -> str:
    if number == AuthenticationMethod.PRESHARED_KEY:
        return "psk"
    return name_of(AuthenticationMethod, number).lower()


def describe_main_mode_transform(transform: Transform) -> str:
    """`3des-sha1-group14 psk 8h`; what is missing shows as `?`, what is unknown by number."""
    values = {each.kind: each.number for each in transform.attributes}
    bits = values.get(Phase1Attribute.KEY_LENGTH, 0)
    parts = []
    encryption = values.get(Phase1Attribute.ENCRYPTION)
    if encryption is None:
        parts.append("?")
    elif (encryption, bits) in CIPHER_BY_IKE:
        parts.append(CIPHER_BY_IKE[encryption, bits].name)
    else:
        length = f"/{bits}" if bits else ""
        parts.append(name_of(EncryptionAlgorithm, encryption).lower() + length)
    hash_number = values.get(Phase1Attribute.HASH)
    if hash_number is None:
        parts.append("?")
    elif hash_number in HASH_BY_IKE:
        parts.append(HASH_BY_IKE[hash_number].name)
    else:
        parts.append(name_of(HashAlgorithm, hash_number).lower())
    parts.append(_group(values.get(Phase1Attribute.GROUP_DESCRIPTION)) or "?")
    method = values.get(Phase1Attribute.AUTHENTICATION_METHOD)
    words = ["-".join(parts), "?" if method is None else describe_method(method)]
    words += _lifetimes(transform, Phase1Attribute.LIFE_TYPE, Phase1Attribute.LIFE_DURATION)
    return " ".join(words)


def describe_quick_mode_transform(protocol: int, transform: Transform) -> str:
    """`esp:3des-sha1 transport 1h 100MB group2`."""
    values = {each.kind: each.number for each in transform.attributes}
    words = [_suite(protocol, transform.transform_id, values)]
    mode = values.get(IpsecAttribute.ENCAPSULATION_MODE)
    if mode is not None:
        words.append(name_of(EncapsulationMode, mode).lower())
    words += _lifetimes(transform, IpsecAttribute.LIFE_TYPE, IpsecAttribute.LIFE_DURATION)
    group = _group(values.get(IpsecAttribute.GROUP_DESCRIPTION))
    return " ".join([*words, group] if group else words)


def describe_transform(proposal: Proposal, transform: Transform) -> str:
    if proposal.protocol == ProtocolId.ISAKMP:
        return describe_main_mode_transform(transform)
    return describe_quick_mode_transform(proposal.protocol, transform)


def describe_sa(sa: SaPayload) -> tuple[str, ...]:
    """A line for each transform, at most LINES_MAX and one that counts the rest."""
    lines = [
        describe_transform(proposal, transform)
        for proposal in sa.proposals
        for transform in proposal.transforms
    ]
    return shortened(lines)


def shortened(lines: list[str]) -> tuple[str, ...]:
    if len(lines) <= LINES_MAX:
        return tuple(lines)
    return (*lines[:LINES_MAX], f"and {len(lines) - LINES_MAX} more")


def _suite(protocol: int, transform_id: int, values: Mapping[int, int]) -> str:
    algorithm = values.get(IpsecAttribute.AUTHENTICATION_ALGORITHM)
    integrity = ""
    if algorithm is not None:
        known = HASH_BY_ESP.get(algorithm)
        integrity = known.name if known is not None else f"integrity {algorithm}"
    if protocol == ProtocolId.AH:
        return f"ah:{integrity or name_of(AhTransform, transform_id).lower()}"
    if protocol == ProtocolId.ESP:
        bits = values.get(IpsecAttribute.KEY_LENGTH, 0)
        cipher = CIPHER_BY_ESP.get((transform_id, bits))
        length = f"/{bits}" if bits else ""
        name = cipher.name if cipher else name_of(EspTransform, transform_id).lower() + length
        return f"esp:{name}-{integrity}" if integrity else f"esp:{name}"
    return f"{name_of(ProtocolId, protocol).lower()}:{transform_id}"


def _group(number: int | None) -> str:
    if number is None:
        return ""
    known = GROUP_BY_NUMBER.get(number)
    if known is not None:
        return known.name
    try:
        return GroupDescription(number).name.lower().replace("_", "-")
    except ValueError:
        return f"group{number}"


def _lifetimes(transform: Transform, life_type: int, life_duration: int) -> list[str]:
    words = []
    current: int | None = None
    for each in transform.attributes:
        if each.kind == life_type:
            current = each.number
        elif each.kind == life_duration and current == LifeType.SECONDS:
            words.append(format_duration(each.number))
        elif each.kind == life_duration and current == LifeType.KILOBYTES:
            words.append(format_volume(each.number))
    return words
