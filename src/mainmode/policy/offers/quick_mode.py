"""Quick mode's SA: the proposals, the responder's choice, and the check of the answer.

Each offer of a filter action is a proposal of its own with one transform, numbered from 1;
proposals that share a number are one offer (AH with ESP). A transform always says its
encapsulation mode; one that does not is read as tunnel mode, as strongSwan reads it. Perfect
forward secrecy has one group for the whole SA, because there is one KE payload. A responder whose
policy asks for none takes any group it knows.

Not there yet: joining AH with ESP. Such offers are left out of proposals and refused when they
come.

Source: RFC 2409 5.5, RFC 2407 4.4.3, 4.4.4 and 4.5, RFC 2410 (null encryption).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mainmode.crypto.algorithms import GROUP_BY_NUMBER, Cipher, Group, Hash
from mainmode.failures import Reason
from mainmode.model import Lifetime, Mode, NatRevision
from mainmode.numbers import (
    Doi,
    EncapsulationMode,
    IpsecAttribute,
    ProtocolId,
    Situation,
    name_of,
)
from mainmode.policy.model import FilterAction, QuickModeOffer
from mainmode.policy.offers.description import describe_sa
from mainmode.policy.offers.reading import (
    PHASE_2,
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
from mainmode.policy.offers.responder_lifetime import lifetime_attributes
from mainmode.policy.offers.suite import (
    bounded_lifetime,
    is_enforceable,
    peer_spi,
    suite_from,
    suite_of,
)
from mainmode.wire.attributes import Attribute
from mainmode.wire.payloads import SaPayload
from mainmode.wire.proposals import SPI_OCTETS, Proposal, Transform

Form = tuple[Mode, NatRevision | None]
"""How packets are wrapped: the mode, and in UDP by this revision where a NAT is to be passed."""

_MODE_NUMBERS: dict[Form, EncapsulationMode] = {
    (Mode.TUNNEL, None): EncapsulationMode.TUNNEL,
    (Mode.TRANSPORT, None): EncapsulationMode.TRANSPORT,
    (Mode.TUNNEL, NatRevision.RFC_3947): EncapsulationMode.UDP_TUNNEL,
    (Mode.TRANSPORT, NatRevision.RFC_3947): EncapsulationMode.UDP_TRANSPORT,
    (Mode.TUNNEL, NatRevision.DRAFT_02): EncapsulationMode.UDP_TUNNEL_DRAFT,
    (Mode.TRANSPORT, NatRevision.DRAFT_02): EncapsulationMode.UDP_TRANSPORT_DRAFT,
}
"""RFC 2407 4.5, RFC 3947 5.1, MS-IKEE 2.2.2 (draft-02)."""
_MODES = {int(number): form for form, number in _MODE_NUMBERS.items()}


_AH_AND_NAT = "AH covers the addresses that a NAT changes"


@dataclass(frozen=True, slots=True)
class QuickModeChoice:
    """What quick mode will use."""

    offer: QuickModeOffer
    group: Group | None
    """Of perfect forward secrecy; None: without."""
    mode: Mode
    protocol: ProtocolId
    peer_spi: int
    """The peer's inbound SPI, which our packets carry."""
    lifetime: Lifetime
    """What is enforced here: the shorter of ours and the offered, within the cipher's bound."""
    is_lowered: bool
    """Whether the offer states more than that."""
    proposal_number: int
    transform: Transform

    def answer(self, spi: int) -> SaPayload:
        """The responder's SA: the chosen transform as it came, with our inbound SPI."""
        chosen = Proposal(
            self.proposal_number, self.protocol, spi.to_bytes(SPI_OCTETS, "big"), (self.transform,)
        )
        return SaPayload(Doi.IPSEC, Situation.IDENTITY_ONLY, (chosen,))


def _in_words(form: Form) -> str:
    """As offers are described, so that both can be compared."""
    return name_of(EncapsulationMode, _MODE_NUMBERS[form]).lower()


def pfs_group(action: FilterAction, main_mode_group: Group) -> Group | None:
    """The group that this filter action asks of quick mode; None: no perfect forward secrecy."""
    if not action.session_pfs:
        return None
    return action.session_pfs_group or main_mode_group


# --- initiator --------------------------------------------------------------------------------


def quick_mode_proposal(
    offers: Iterable[QuickModeOffer],
    mode: Mode,
    group: Group | None,
    spis: Mapping[ProtocolId, int],
    nat: NatRevision | None = None,
) -> SaPayload:
    """A proposal for each offer, preferred first.

    group: of perfect forward secrecy, the same in every transform.
    spis: our inbound SPI for each protocol that the offers name.
    nat: how a NAT between the two is traversed; None: there is none.
    Raises: Refused when none of the offers can be made today (NO_COMMON_PROPOSAL), or none passes
    the NAT (NAT_MISMATCH).
    """
    encoded = {protocol: spi.to_bytes(SPI_OCTETS, "big") for protocol, spi in spis.items()}
    usable = _usable(offers, nat)
    if not usable and nat is not None:
        detail = f"{_AH_AND_NAT}, and the filter action offers nothing else"
        raise refuse_whole(Reason.NAT_MISMATCH, detail)
    if not usable:
        raise refuse_whole(
            Reason.NO_COMMON_PROPOSAL, "the filter action names no offer that can be made here"
        )
    proposals = tuple(
        proposal
        for number, offer in enumerate(usable, start=1)
        for proposal in offer_as_proposals(number, offer, (mode, nat), group, encoded)
    )
    return SaPayload(Doi.IPSEC, Situation.IDENTITY_ONLY, proposals)


def _usable(offers: Iterable[QuickModeOffer], nat: NatRevision | None) -> list[QuickModeOffer]:
    return [each for each in offers if is_enforceable(each) and (nat is None or each.ah is None)]


def offer_as_proposals(
    number: int,
    offer: QuickModeOffer,
    form: Form,
    group: Group | None,
    spis: Mapping[ProtocolId, bytes],
) -> Iterator[Proposal]:
    """One proposal; two with the same number when the offer joins AH with ESP."""
    if offer.ah is not None:
        attributes = tuple(_attributes(offer, form, group, None, offer.ah))
        transform = Transform(1, offer.ah.ah, attributes)
        yield Proposal(number, ProtocolId.AH, spis[ProtocolId.AH], (transform,))
    if offer.esp_cipher is not None:
        attributes = tuple(_attributes(offer, form, group, offer.esp_cipher, offer.esp_integrity))
        transform = Transform(1, offer.esp_cipher.esp, attributes)
        yield Proposal(number, ProtocolId.ESP, spis[ProtocolId.ESP], (transform,))


def _attributes(
    offer: QuickModeOffer,
    form: Form,
    group: Group | None,
    cipher: Cipher | None,
    integrity: Hash | None,
) -> Iterator[Attribute]:
    lifetime = bounded_lifetime(offer.lifetime, offer.esp_cipher)
    yield from lifetime_attributes(lifetime)
    if group is not None:
        yield Attribute(IpsecAttribute.GROUP_DESCRIPTION, int(group.number))
    yield Attribute(IpsecAttribute.ENCAPSULATION_MODE, int(_MODE_NUMBERS[form]))
    if integrity is not None:
        yield Attribute(IpsecAttribute.AUTHENTICATION_ALGORITHM, int(integrity.esp))
    if cipher is not None and cipher.key_length_bits:
        yield Attribute(IpsecAttribute.KEY_LENGTH, cipher.key_length_bits)


def check_quick_mode_answer(
    offered: SaPayload,
    answer: SaPayload,
    action: FilterAction,
    mode: Mode,
    main_mode_group: Group,
    nat: NatRevision | None = None,
) -> QuickModeChoice:
    """The proposal that the responder chose, if it is one of those offered, unmodified but for
    the SPI and the order of attributes.

    Raises: Refused, OFFER_MODIFIED.
    """
    if len(answer.proposals) != 1 or len(answer.proposals[0].transforms) != 1:
        raise modified("the answer is not exactly one transform", offered, answer)
    [returned] = answer.proposals
    [transform] = returned.transforms
    if not any(
        (proposal.number, proposal.protocol) == (returned.number, returned.protocol)
        and _same(each, transform)
        for proposal in offered.proposals
        for each in proposal.transforms
    ):
        raise modified(f"proposal {returned.number} is not as offered", offered, answer)
    try:
        return _choose(returned, transform, action, (mode, nat), main_mode_group)
    except Unsuitable as verdict:
        raise modified(verdict.why, offered, answer) from None


def _same(offered: Transform, returned: Transform) -> bool:
    if offered == returned:
        return True
    if (offered.number, offered.transform_id) != (returned.number, returned.transform_id):
        return False
    mine, theirs = offered.attributes, returned.attributes
    return normal_form(mine, PHASE_2) == normal_form(theirs, PHASE_2)


# --- responder --------------------------------------------------------------------------------


def offered_mode(sa: SaPayload) -> Mode:
    """The mode of the initiator's first transform that names one we know: what authorisation
    needs to know before an offer is chosen."""
    for proposal in sa.proposals:
        for transform in proposal.transforms:
            for each in transform.attributes:
                if each.kind == IpsecAttribute.ENCAPSULATION_MODE and each.number in _MODES:
                    return _MODES[each.number][0]
    return Mode.TUNNEL


def choose_quick_mode(
    sa: SaPayload,
    action: FilterAction,
    mode: Mode,
    main_mode_group: Group,
    nat: NatRevision | None = None,
) -> QuickModeChoice:
    """The first proposal of the initiator that the filter action has.

    mode: what policy wants for this traffic.
    nat: how a NAT between the two is traversed; None: there is none.
    Raises: Refused: MODE_MISMATCH, NAT_MISMATCH or PFS_MISMATCH when a proposal would have been
    taken but for that, BAD_PROPOSAL when every one breaks a rule, else NO_COMMON_PROPOSAL; with a
    line for each.
    """
    require_identity_only(sa)
    if len(_groups(sa)) > 1:
        detail = "one SA names several Diffie-Hellman groups, but there is one KE payload"
        raise refuse_whole(Reason.BAD_PROPOSAL, detail, describe_sa(sa))
    together: dict[int, list[Proposal]] = {}
    for proposal in sa.proposals:
        together.setdefault(proposal.number, []).append(proposal)
    refusals = Refusals()
    for joined in together.values():
        for proposal in joined:
            for transform in proposal.transforms:
                try:
                    _refuse_joined(joined)
                    return _choose(proposal, transform, action, (mode, nat), main_mode_group)
                except Unsuitable as verdict:
                    refusals.add(proposal, transform, verdict)
    raise refusals.refused(*_acceptable(action, (mode, nat), pfs_group(action, main_mode_group)))


def _groups(sa: SaPayload) -> set[int]:
    return {
        each.number
        for proposal in sa.proposals
        for transform in proposal.transforms
        for each in transform.attributes
        if each.kind == IpsecAttribute.GROUP_DESCRIPTION
    }


def _refuse_joined(joined: Sequence[Proposal]) -> None:
    if len(joined) > 1:
        names = "+".join(name_of(ProtocolId, each.protocol) for each in joined)
        raise Unsuitable(Reason.NO_COMMON_PROPOSAL, f"{names} joined is not supported yet")


def _acceptable(
    action: FilterAction, form: Form, group: Group | None
) -> tuple[list[str], SaPayload | None]:
    """What policy would take, in words and as an SA with SPIs of zero."""
    with_group = f" {group.name}" if group is not None else ""
    mode, nat = form
    usable = _usable(action.offers, nat)
    words = [f"{offer.name} {_in_words(form)}{with_group}" for offer in usable]
    nowhere = {ProtocolId.AH: 0, ProtocolId.ESP: 0}
    return words, quick_mode_proposal(usable, mode, group, nowhere, nat) if usable else None


# --- both -------------------------------------------------------------------------------------


def _choose(
    proposal: Proposal,
    transform: Transform,
    action: FilterAction,
    form: Form,
    main_mode_group: Group,
) -> QuickModeChoice:
    """The choice that this one transform makes. Raises: Unsuitable."""
    reading = read_attributes(transform.attributes, PHASE_2)
    suite = suite_from(proposal, transform, reading)
    spi = peer_spi(proposal)
    obstacles = list(_obstacles_of_form(reading, suite.protocol, form))
    group, mismatch = _group(reading, action, main_mode_group)
    obstacles += mismatch
    offer = next((each for each in action.offers if suite_of(each) == suite), None)
    if offer is None:
        obstacles.append(Unsuitable(Reason.NO_COMMON_PROPOSAL, "policy has no such offer"))
    if offer is None or obstacles:
        why = "; ".join(each.why for each in obstacles)
        alone = len(obstacles) == 1
        raise Unsuitable(obstacles[0].reason if alone else Reason.NO_COMMON_PROPOSAL, why)
    lifetime = bounded_lifetime(reading.lifetime_within(offer.lifetime), offer.esp_cipher)
    return QuickModeChoice(
        offer=offer,
        group=group,
        mode=form[0],
        protocol=suite.protocol,
        peer_spi=spi,
        lifetime=lifetime,
        is_lowered=reading.states_more_than(lifetime),
        proposal_number=proposal.number,
        transform=transform,
    )


def _obstacles_of_form(reading: Reading, protocol: ProtocolId, form: Form) -> Iterator[Unsuitable]:
    """What of the transform's encapsulation does not fit policy, or the NAT between the two. The
    numbers of either revision are understood, whichever was agreed."""
    mode, nat = form
    stated = reading.values.get(IpsecAttribute.ENCAPSULATION_MODE, int(EncapsulationMode.TUNNEL))
    offered, in_udp = _MODES.get(stated, (None, None))
    if offered is not mode:
        name = name_of(EncapsulationMode, stated).lower().replace("_", " ")
        yield Unsuitable(Reason.MODE_MISMATCH, f"{name} mode, policy wants {mode.value}")
    elif nat is not None and protocol is ProtocolId.AH:
        yield Unsuitable(Reason.NAT_MISMATCH, _AH_AND_NAT)
    elif nat is not None and in_udp is None:
        yield Unsuitable(Reason.NAT_MISMATCH, "not in UDP, but there is a NAT between us")
    elif nat is None and in_udp is not None:
        yield Unsuitable(Reason.NAT_MISMATCH, "in UDP, but no NAT was found between us")


def _group(
    reading: Reading, action: FilterAction, main_mode_group: Group
) -> tuple[Group | None, list[Unsuitable]]:
    """The group that the transform names, and why policy does not take it."""
    obstacles: list[Unsuitable] = []
    number = reading.values.get(IpsecAttribute.GROUP_DESCRIPTION)
    group = GROUP_BY_NUMBER.get(number) if number is not None else None
    wanted = pfs_group(action, main_mode_group)
    if number is not None and group is None:
        obstacles.append(Unsuitable(Reason.PFS_MISMATCH, f"group {number} is not known here"))
    elif wanted is not None and group != wanted:
        offered = group.name if group is not None else "no perfect forward secrecy"
        obstacles.append(Unsuitable(Reason.PFS_MISMATCH, f"{offered}, policy wants {wanted.name}"))
    return group, obstacles
