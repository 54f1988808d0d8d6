"""Main mode's SA: the proposal, the responder's choice, and the check of the answer.

A transform names the four mandatory parameters (encryption, hash, authentication method, group)
and a lifetime. The responder walks the initiator's order and takes the first transform that policy
has; its answer repeats that transform octet for octet. Any lifetime is taken; each side enforces
the shorter of its own and the offered one.

Source: RFC 2409 5 and appendix A, RFC 2408 4.2.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mainmode.crypto.algorithms import CIPHER_BY_IKE, CIPHERS, GROUP_BY_NUMBER, HASH_BY_IKE
from mainmode.failures import Reason
from mainmode.numbers import (
    AuthenticationMethod,
    Doi,
    EncryptionAlgorithm,
    GroupDescription,
    HashAlgorithm,
    LifeType,
    Phase1Attribute,
    ProtocolId,
    Situation,
    TransformId,
    name_of,
)
from mainmode.policy.model import Authentication, MainModeOffer, Method
from mainmode.policy.offers.description import describe_method
from mainmode.policy.offers.reading import (
    PHASE_1,
    Reading,
    Unsuitable,
    normal_form,
    read_attributes,
)
from mainmode.policy.offers.refusals import (
    Refusals,
    modified,
    refuse_whole,
    require_identity_only,
)
from mainmode.wire.attributes import Attribute
from mainmode.wire.payloads import SaPayload
from mainmode.wire.proposals import Proposal, Transform

METHOD_NUMBERS = {Method.PRESHARED_KEY: AuthenticationMethod.PRESHARED_KEY}
"""The methods that work, with their numbers. Certificates and Kerberos join here."""

_FOUR_PARAMETERS = {
    Phase1Attribute.ENCRYPTION: "encryption",
    Phase1Attribute.HASH: "hash",
    Phase1Attribute.GROUP_DESCRIPTION: "Diffie-Hellman group",
    Phase1Attribute.AUTHENTICATION_METHOD: "authentication method",
}
_GSS_IDENTITY = (Phase1Attribute.GSS_IDENTITY_NAME, 32001)
"""Windows 2000 is said to send it under the second number. Each side sends its own name."""

_PUBLIC_KEY_ENCRYPTION = (
    "authentication by public key encryption is refused here: "
    "it would prove an identity before anything else is agreed"
)
_XAUTH = "XAUTH is refused here: it shares one key with everybody and adds a password"
_HYBRID = "hybrid authentication is refused here: only one side would prove its identity"
REFUSED_METHODS = {
    AuthenticationMethod.RSA_ENCRYPTION: _PUBLIC_KEY_ENCRYPTION,
    AuthenticationMethod.REVISED_RSA_ENCRYPTION: _PUBLIC_KEY_ENCRYPTION,
    **dict.fromkeys(range(64221, 64225), _HYBRID),
    AuthenticationMethod.GSS_KERBEROS: "Kerberos (or XAUTH, which shares its number) is not "
    "available here",
    **dict.fromkeys(range(65002, 65011), _XAUTH),
}
"""Methods that no policy can name, each with its own reason."""

_FIXED_SIZE_CIPHERS = frozenset(
    int(each.ike) for each in CIPHERS.values() if each.ike is not None and not each.key_length_bits
)


@dataclass(frozen=True, slots=True)
class MainModeChoice:
    """What main mode will use."""

    offer: MainModeOffer
    authentication: Authentication
    lifetime_s: int
    answer: SaPayload
    """What the responder sends, or has sent."""


# --- initiator --------------------------------------------------------------------------------


def main_mode_proposal(
    offers: Sequence[MainModeOffer], authentications: Iterable[Authentication], lifetime_s: int
) -> SaPayload:
    """One proposal with a transform for each offer and authentication method, preferred first.

    Raises: Refused (UNSUPPORTED_AUTHENTICATION) when no method of these is available.
    """
    methods = _methods(authentications)
    if not methods:
        raise refuse_whole(
            Reason.UNSUPPORTED_AUTHENTICATION, "the rule lists no method that is available here"
        )
    return _proposal(offers, methods, lifetime_s)


def _proposal(
    offers: Sequence[MainModeOffer], methods: Iterable[int], lifetime_s: int
) -> SaPayload:
    pairs = [(offer, method) for offer in offers for method in methods]
    transforms = tuple(
        Transform(number, TransformId.KEY_IKE, tuple(_attributes(offer, method, lifetime_s)))
        for number, (offer, method) in enumerate(pairs, start=1)
    )
    proposal = Proposal(1, ProtocolId.ISAKMP, b"", transforms)
    return SaPayload(Doi.IPSEC, Situation.IDENTITY_ONLY, (proposal,))


def _methods(authentications: Iterable[Authentication]) -> dict[int, Authentication]:
    """By number, the first of each kind: main mode cannot tell two preshared keys apart."""
    methods: dict[int, Authentication] = {}
    for each in authentications:
        number = METHOD_NUMBERS.get(each.method)
        if number is not None:
            methods.setdefault(int(number), each)
    return methods


def _attributes(offer: MainModeOffer, method: int, lifetime_s: int) -> Iterator[Attribute]:
    """In the usual order; the key length follows the cipher."""
    if offer.cipher.ike is None:
        raise ValueError(f"{offer.cipher.name} has no number in main mode")
    yield Attribute(Phase1Attribute.ENCRYPTION, int(offer.cipher.ike))
    if offer.cipher.key_length_bits:
        yield Attribute(Phase1Attribute.KEY_LENGTH, offer.cipher.key_length_bits)
    yield Attribute(Phase1Attribute.HASH, int(offer.hash.ike))
    yield Attribute(Phase1Attribute.AUTHENTICATION_METHOD, method)
    yield Attribute(Phase1Attribute.GROUP_DESCRIPTION, int(offer.group.number))
    yield Attribute(Phase1Attribute.LIFE_TYPE, int(LifeType.SECONDS))
    yield Attribute.of(Phase1Attribute.LIFE_DURATION, lifetime_s)


def check_main_mode_answer(
    offered: SaPayload,
    answer: SaPayload,
    offers: Sequence[MainModeOffer],
    authentications: Iterable[Authentication],
) -> MainModeChoice:
    """The transform that the responder chose, if it is one of those offered, unmodified.

    It must carry the number of an offered transform and the same attributes; their order is the
    responder's (strongSwan sorts them), and a GSS identity is its own.

    Raises: Refused, OFFER_MODIFIED.
    """
    [proposed] = offered.proposals
    if len(answer.proposals) != 1 or len(answer.proposals[0].transforms) != 1:
        raise modified("the answer is not exactly one transform", offered, answer)
    [returned] = answer.proposals
    [transform] = returned.transforms
    if (returned.number, returned.protocol) != (proposed.number, proposed.protocol):
        raise modified("the answer has another proposal number or protocol", offered, answer)
    original = next((each for each in proposed.transforms if _same(each, transform)), None)
    if original is None:
        raise modified(f"transform {transform.number} is not as offered", offered, answer)
    try:
        reading = _read(proposed, original)
        offer, authentication = _match(reading, offers, _methods(authentications))
    except Unsuitable as verdict:  # policy has changed since the proposal left
        refusals = Refusals()
        refusals.add(proposed, original, verdict)
        raise refusals.refused([]) from None
    return MainModeChoice(offer, authentication, reading.seconds, answer)


def _same(offered: Transform, returned: Transform) -> bool:
    if offered == returned:
        return True
    if (offered.number, offered.transform_id) != (returned.number, returned.transform_id):
        return False
    mine = normal_form(offered.attributes, PHASE_1, without=_GSS_IDENTITY)
    return mine == normal_form(returned.attributes, PHASE_1, without=_GSS_IDENTITY)


# --- responder --------------------------------------------------------------------------------


def choose_main_mode(
    sa: SaPayload,
    offers: Sequence[MainModeOffer],
    authentications: Iterable[Authentication],
    lifetime_s: int,
) -> MainModeChoice:
    """The first transform of the initiator that policy has, with the answer to send.

    A transform that cannot be taken does not stop the next one. Several proposals are alternatives
    here; the SPI of a proposal has no meaning (RFC 2408 3.5) and is not repeated.

    Raises: Refused: OFFER_INCOMPLETE, UNSUPPORTED_AUTHENTICATION or BAD_PROPOSAL when that is what
    is wrong with every transform, else NO_COMMON_PROPOSAL; with a line for each transform.
    """
    require_identity_only(sa)
    methods = _methods(authentications)
    refusals = Refusals()
    for proposal in sa.proposals:
        for transform in proposal.transforms:
            try:
                reading = _read(proposal, transform)
                offer, authentication = _match(reading, offers, methods)
            except Unsuitable as verdict:
                refusals.add(proposal, transform, verdict)
                continue
            chosen = Proposal(proposal.number, proposal.protocol, b"", (transform,))
            answer = SaPayload(sa.doi, sa.situation, (chosen,))
            enforced_s = min(reading.seconds, lifetime_s)
            return MainModeChoice(offer, authentication, enforced_s, answer)
    acceptable = _proposal(offers, methods, lifetime_s) if methods else None
    words = [f"{offer.name} {describe_method(method)}" for offer in offers for method in methods]
    raise refusals.refused(words, acceptable)


def _read(proposal: Proposal, transform: Transform) -> Reading:
    """The transform, with all four mandatory parameters. Raises: Unsuitable."""
    if proposal.protocol != ProtocolId.ISAKMP:
        protocol = name_of(ProtocolId, proposal.protocol)
        raise Unsuitable(Reason.BAD_PROPOSAL, f"protocol {protocol} instead of ISAKMP")
    if transform.transform_id != TransformId.KEY_IKE:
        raise Unsuitable(
            Reason.NO_COMMON_PROPOSAL, f"transform {transform.transform_id} is not KEY_IKE"
        )
    reading = read_attributes(transform.attributes, PHASE_1)
    missing = [name for kind, name in _FOUR_PARAMETERS.items() if kind not in reading.values]
    if missing:
        raise Unsuitable(Reason.OFFER_INCOMPLETE, f"it lacks {' and '.join(missing)}")
    return reading


def _match(
    reading: Reading, offers: Sequence[MainModeOffer], methods: dict[int, Authentication]
) -> tuple[MainModeOffer, Authentication]:
    """The policy's offer that a transform is. Raises: Unsuitable."""
    values = reading.values
    method = values[Phase1Attribute.AUTHENTICATION_METHOD]
    if method not in methods:
        refusal = REFUSED_METHODS.get(method)
        if refusal is not None:
            raise Unsuitable(Reason.UNSUPPORTED_AUTHENTICATION, refusal)
        raise Unsuitable(
            Reason.NO_COMMON_PROPOSAL, f"no rule lists the method {describe_method(method)}"
        )
    encryption = values[Phase1Attribute.ENCRYPTION]
    if encryption in _FIXED_SIZE_CIPHERS and Phase1Attribute.KEY_LENGTH in values:
        raise Unsuitable(Reason.BAD_PROPOSAL, "it gives a cipher of fixed key size a key length")
    bits = values.get(Phase1Attribute.KEY_LENGTH, 0)
    cipher = CIPHER_BY_IKE.get((encryption, bits))
    hash_ = HASH_BY_IKE.get(values[Phase1Attribute.HASH])
    group = GROUP_BY_NUMBER.get(values[Phase1Attribute.GROUP_DESCRIPTION])
    if cipher is None or hash_ is None or group is None:
        raise Unsuitable(Reason.NO_COMMON_PROPOSAL, _unknown(values))
    for offer in offers:
        if (offer.cipher, offer.hash, offer.group) == (cipher, hash_, group):
            return offer, methods[method]
    raise Unsuitable(Reason.NO_COMMON_PROPOSAL, "policy has no such offer")


def _unknown(values: dict[int, int]) -> str:
    """Which algorithms of a transform have no entry in the registry."""
    encryption, bits = values[Phase1Attribute.ENCRYPTION], values.get(Phase1Attribute.KEY_LENGTH, 0)
    unknown = []
    if (encryption, bits) not in CIPHER_BY_IKE:
        length = f" with {bits} bits" if bits else ""
        unknown.append(f"encryption {name_of(EncryptionAlgorithm, encryption)}{length}")
    if values[Phase1Attribute.HASH] not in HASH_BY_IKE:
        unknown.append(f"hash {name_of(HashAlgorithm, values[Phase1Attribute.HASH])}")
    group = values[Phase1Attribute.GROUP_DESCRIPTION]
    if group not in GROUP_BY_NUMBER:
        unknown.append(f"group {name_of(GroupDescription, group)}")
    return f"{' and '.join(unknown)} not known here"
