"""Quick mode: two ladders, one for each role (RFC 2409 5.5).

        Initiator                                        Responder
       -----------                                      -----------
   1    HDR*, HASH(1), SA, Ni [, KE ] , IDci, IDcr [, NAT-OA]  -->
   2               <--    HDR*, HASH(2), SA, Nr [, KE ] [, IDci, IDcr ] [, NAT-OA]
   3    HDR*, HASH(3)                               -->
   4                            <--    HDR*, HASH, N(CONNECTED)   (Microsoft, on request)

The responder installs the inbound SA before it sends message 2 and the outbound one after
message 3; the initiator installs both before it sends message 3. So no protected packet ever
meets a driver that does not know its SPI. Peers may install after message 3 only: the initiator of
a renewal sends through the old pair until they have used the new one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from mainmode import limits
from mainmode.auth.authenticator import Role
from mainmode.crypto.algorithms import CIPHERS, Group
from mainmode.crypto.dh import KeyPair, generate
from mainmode.crypto.keys import ah_keys, esp_keys, hash_1, hash_2, hash_3, phase2_iv
from mainmode.crypto.prf import Prf
from mainmode.engine.associations import MainModeSa
from mainmode.engine.desk import Entropy
from mainmode.engine.effects import AllocateSpi, InstallPair, JobFailed
from mainmode.engine.main_mode import require_nonce
from mainmode.engine.nat import original_addresses, peer_original
from mainmode.errors import BadPublicValue, WeakKey
from mainmode.failures import Failure, Reason, Refused
from mainmode.ladder import (
    QM1,
    QM2,
    QM3,
    QM4,
    Answer,
    Ask,
    Await,
    Ladder,
    Proof,
    Protect,
    Tell,
)
from mainmode.model import (
    AddressRange,
    Direction,
    IpAddress,
    IpsecSa,
    Mode,
    NatRevision,
    SaPair,
    Selector,
    UdpEncapsulation,
)
from mainmode.numbers import Doi, NotifyType, ProtocolId
from mainmode.policy.offers import (
    QuickModeChoice,
    check_quick_mode_answer,
    choose_quick_mode,
    encode_lifetime,
    lowered_untrusted,
    offered_mode,
    pfs_group,
    quick_mode_proposal,
)
from mainmode.policy.selection import Decision, Selection
from mainmode.wire.nat import NatOriginalAddress
from mainmode.wire.payloads import (
    Identification,
    KeyExchange,
    Nonce,
    Notification,
    Payload,
    SaPayload,
)
from mainmode.wire.proposals import SPI_OCTETS


def initiate(qm: "QuickMode", decision: Decision) -> Ladder[SaPair]:
    """Quick mode as initiator, for the traffic that `decision` says to negotiate."""
    wish = qm.wish(decision)
    qm.spi = done((yield AllocateSpi(ProtocolId.ESP, qm.local, qm.peer)))
    offer = qm.offer = wish.offer(qm.spi)
    ni_b = qm.entropy(limits.NONCE_OCTETS)
    dh = generate(wish.pfs, qm.entropy) if wish.pfs is not None else None

    #  1   HDR*, HASH(1), SA, Ni [, KE ], IDci, IDcr  -->
    #  2                     <--    HDR*, HASH(2), SA, Nr [, KE ] [, IDci, IDcr ]
    yield qm.protect()
    theirs: Agreed = yield Ask(
        QM1,
        [
            offer,
            Nonce(ni_b),
            *public_value(dh),
            *identifications(wish.selector, Role.INITIATOR),
            *qm.original_addresses(),
        ],
        QM2,
        proof=qm.hash_1,
        check=qm.hash_2(ni_b),
        accept=qm.agreed(offer, wish, dh),
    )
    pair = qm.pair(theirs, ni_b, theirs.nonce_b)
    done((yield InstallPair(pair, Direction.INBOUND)))
    done((yield InstallPair(pair, Direction.OUTBOUND, qm.predecessor(qm), once_used=True)))

    #  3   HDR*, HASH(3)     -->
    #  4                     <--    HDR*, HASH, N(CONNECTED)
    hash_3 = qm.hash_3(ni_b, theirs.nonce_b)
    if theirs.commit and qm.sa.capabilities.microsoft:
        yield Ask(QM3, [], QM4, proof=hash_3, check=qm.hash_1)
    else:
        yield Tell(QM3, [], proof=hash_3)
    return pair


def respond(qm: "QuickMode", selection: Selection) -> Ladder[SaPair]:
    """Quick mode as responder; `selection` says what this peer may ask for."""
    #  1   HDR*, HASH(1), SA, Ni [, KE ] [, IDci, IDcr ]  -->
    yield qm.protect()
    theirs: Agreed = yield Await(QM1, check=qm.hash_1, accept=qm.judged(selection))
    qm.spi = done((yield AllocateSpi(theirs.choice.protocol, qm.local, qm.peer)))
    nr_b, pair = qm.strong_pair(theirs)
    done((yield InstallPair(pair, Direction.INBOUND)))

    #  2                     <--    HDR*, HASH(2), SA, Nr [, KE ] [, IDci, IDcr ]
    #  3   HDR*, HASH(3)     -->
    yield Ask(
        QM2,
        [
            theirs.choice.answer(qm.spi),
            Nonce(nr_b),
            *public_value(theirs.dh),
            *theirs.identifications,
            *qm.original_addresses(),
            *responder_lifetime(theirs.choice, qm.spi),
        ],
        QM3,
        proof=qm.hash_2(theirs.nonce_b),
        check=qm.hash_3(theirs.nonce_b, nr_b),
    )
    done((yield InstallPair(pair, Direction.OUTBOUND, qm.predecessor(qm))))
    return pair


@dataclass(slots=True)
class Agreed:
    """What the peer's first message settles, whoever began."""

    choice: QuickModeChoice
    selector: Selector
    nonce_b: bytes
    dh: KeyPair | None
    g_xy: bytes = field(repr=False)
    """Empty without session key PFS."""
    commit: bool
    identifications: tuple[Identification, ...]
    """IDci and IDcr as received, or none."""
    peer_original: IpAddress | None
    """The address that the peer knows as its own, if a NAT has changed it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an initiator wants."""

    decision: Decision
    selector: Selector
    pfs: Group | None
    nat: NatRevision | None

    def offer(self, spi: int) -> SaPayload:
        """The SA payload; one number serves as SPI in all of its proposals."""
        spis = {ProtocolId.ESP: spi, ProtocolId.AH: spi}
        return quick_mode_proposal(
            self.decision.filter_action.offers, self.decision.mode, self.pfs, spis, self.nat
        )


@dataclass(slots=True)
class QuickMode:
    """One quick mode under way, under the main mode SA `sa`."""

    role: Role
    sa: MainModeSa
    message_id: int
    entropy: Entropy
    spi: int = 0
    """Our inbound SPI, once the driver has promised it."""
    peer_spi: int = 0
    """The peer's, once it has said one."""
    protocol: ProtocolId = ProtocolId.ESP
    pfs: Group | None = None
    selector: Selector | None = None
    mode: Mode = Mode.TRANSPORT
    offer: SaPayload | None = None
    """What we have offered, as initiator."""
    asker: object = None
    """Whose wish it is; None as responder."""
    begun_at: float = 0.0
    is_first: bool = False
    """Whether none has begun under its main mode SA before."""
    predecessor: Callable[["QuickMode"], int | None] = lambda _qm: None
    """The inbound SPI of the pair that has carried the traffic so far."""
    _prf_a: Prf = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._prf_a = Prf(self.sa.offer.hash, self.sa.keys.skeyid_a)

    @property
    def local(self) -> IpAddress:
        return self.sa.path.local.address

    @property
    def peer(self) -> IpAddress:
        return self.sa.path.peer.address

    # --- envelope and proofs ----------------------------------------------------------------

    def protect(self) -> Protect:
        """HDR*, under main mode's key; the IV starts from its last block and our message ID."""
        offer = self.sa.offer
        iv = phase2_iv(offer.hash, offer.cipher, self.sa.last_block, self.message_id)
        only_zeros = self.sa.capabilities.pads_with_zeros
        return Protect(offer.cipher, self.sa.cipher_key, iv, only_zeros)

    def hash_1(self, rest: bytes) -> bytes:
        return hash_1(self._prf_a, self.message_id, rest)

    def hash_2(self, ni_b: bytes) -> Proof:
        return partial(hash_2, self._prf_a, self.message_id, ni_b)

    def hash_3(self, ni_b: bytes, nr_b: bytes) -> Proof:
        digest = hash_3(self._prf_a, self.message_id, ni_b, nr_b)
        return lambda _rest: digest

    # --- offers and answers -----------------------------------------------------------------

    def wish(self, decision: Decision) -> Wish:
        """What to ask for: selectors, offers and PFS of the decision."""
        if decision.selector is None:
            raise ValueError("only a decision to negotiate leads here")
        self.selector, self.mode = decision.selector, decision.mode
        pfs = pfs_group(decision.filter_action, self.sa.offer.group)
        return Wish(decision, decision.selector, pfs, self._nat_revision)

    def agreed(
        self, offer: SaPayload, wish: Wish, dh: KeyPair | None
    ) -> Callable[[Answer], Agreed]:
        """Judge of message 2. It is authentic, so what does not fit ends the quick mode."""

        def accept(answer: Answer) -> Agreed:
            payloads = answer.payloads
            choice = check_quick_mode_answer(
                offer,
                payloads.one(SaPayload),
                wish.decision.filter_action,
                wish.decision.mode,
                self.sa.offer.group,
                self._nat_revision,
            )
            selector = self._selector(payloads.all(Identification), wish.selector)
            if not wish.selector.covers(selector):
                failure = Failure(
                    Reason.NOT_AUTHORISED,
                    detail="the peer's answer is about other traffic",
                    offered=(str(wish.selector),),
                    wanted=(str(selector),),
                )
                raise Refused(failure)
            for each in payloads.all(Notification):
                if each.notify == NotifyType.RESPONDER_LIFETIME:
                    lifetime = lowered_untrusted(choice.lifetime, each.data)
                    choice = replace(choice, lifetime=lifetime)
            return self._settle(answer, choice, selector, dh)

        return accept

    def judged(self, selection: Selection) -> Callable[[Answer], Agreed]:
        """Judge of message 1: what policy gives to this peer, on terms we share."""

        def accept(answer: Answer) -> Agreed:
            payloads = answer.payloads
            offer = payloads.one(SaPayload)
            self.peer_spi = first_spi(offer)
            if not self.sa.usable:
                raise Refused(Failure(Reason.MAIN_MODE_USED_UP))
            self.mode = offered_mode(offer)
            selector = self._selector(payloads.all(Identification), self._hosts)
            self.selector = selector
            decision = selection.authorise(
                selector, self.local, self.peer, self.sa.authentication, self.mode
            )
            action, self.mode = decision.filter_action, decision.mode
            choice = choose_quick_mode(
                offer, action, decision.mode, self.sa.offer.group, self._nat_revision
            )
            dh = generate(choice.group, self.entropy) if choice.group is not None else None
            return self._settle(answer, choice, selector, dh)

        return accept

    def _selector(self, ids: tuple[Identification, ...], unsaid: Selector) -> Selector:
        """The traffic that IDci and IDcr name, seen from here; without them `unsaid`.

        In transport mode through a NAT each side names the addresses that it knows, or even a
        name (KB 818043); the traffic is that of the two hosts all the same.
        """
        if not ids:
            return unsaid
        ours, theirs = ids if self.role is Role.INITIATOR else reversed(ids)
        local, remote = ours.addresses(), theirs.addresses()
        if self.sa.nat is not None and self.mode is Mode.TRANSPORT:
            local, remote = self._hosts.local, self._hosts.remote
        if local is None or remote is None or ours.protocol != theirs.protocol:
            failure = Failure(
                Reason.NOT_AUTHORISED,
                detail="the identities do not name traffic",
                offered=(str(ids[0]), str(ids[1])),
            )
            raise Refused(failure)
        return Selector(local, remote, ours.protocol, ours.port, theirs.port)

    def _settle(
        self, answer: Answer, choice: QuickModeChoice, selector: Selector, dh: KeyPair | None
    ) -> Agreed:
        """Nonce and public value of the peer. Raises Refused."""
        payloads = answer.payloads
        nonce_b = payloads.one(Nonce).data
        require_nonce(nonce_b)
        public = payloads.optional(KeyExchange)
        if (public is None) != (choice.group is None):
            detail = f"a group {'is' if choice.group else 'is not'} chosen, but a KE payload "
            detail += "is missing" if public is None else "is there"
            raise Refused(Failure(Reason.PFS_MISMATCH, detail=detail))
        g_xy = b""
        if public is not None and dh is not None:
            try:
                g_xy = dh.agree(public.data)
            except BadPublicValue as bad:
                raise Refused(Failure(Reason.BAD_PUBLIC_VALUE, detail=str(bad))) from bad
        self.selector, self.protocol, self.pfs = selector, choice.protocol, choice.group
        self.peer_spi = choice.peer_spi
        return Agreed(
            choice,
            selector,
            nonce_b,
            dh,
            g_xy,
            answer.commit,
            payloads.all(Identification),
            self._peer_original(payloads.all(NatOriginalAddress)),
        )

    # --- NAT traversal ----------------------------------------------------------------------

    def original_addresses(self) -> list[NatOriginalAddress]:
        """[, NAT-OA]: in transport mode, if there is a NAT."""
        revision = self._nat_revision
        if revision is None or self.mode is not Mode.TRANSPORT:
            return []
        return original_addresses(revision, self.sa.path, as_initiator=self.role is Role.INITIATOR)

    def _peer_original(self, received: tuple[NatOriginalAddress, ...]) -> IpAddress | None:
        said = peer_original(received, we_initiate=self.role is Role.INITIATOR)
        return said.host if said is not None else None

    def _encapsulation(self, theirs: Agreed) -> UdpEncapsulation | None:
        if self.sa.nat is None:
            return None
        path = self.sa.path
        return UdpEncapsulation(path.local.port, path.peer.port, theirs.peer_original)

    @property
    def _nat_revision(self) -> NatRevision | None:
        return self.sa.nat.revision if self.sa.nat is not None else None

    @property
    def _hosts(self) -> Selector:
        """Everything between the two hosts."""
        return Selector(AddressRange.host(self.local), AddressRange.host(self.peer))

    # --- keys -------------------------------------------------------------------------------

    def strong_pair(self, theirs: Agreed) -> tuple[bytes, SaPair]:
        """Our nonce and the pair it gives; another nonce when a DES key comes out weak."""
        for _ in range(limits.WEAK_KEY_RETRIES_MAX):
            nr_b = self.entropy(limits.NONCE_OCTETS)
            try:
                return nr_b, self._derive(theirs, theirs.nonce_b, nr_b)
            except WeakKey:
                continue
        raise Refused(Failure(Reason.WEAK_KEY))

    def pair(self, theirs: Agreed, ni_b: bytes, nr_b: bytes) -> SaPair:
        """The agreed pair. Raises Refused when a DES key comes out weak."""
        try:
            return self._derive(theirs, ni_b, nr_b)
        except WeakKey as weak:
            raise Refused(Failure(Reason.WEAK_KEY, detail=str(weak))) from weak

    def _derive(self, theirs: Agreed, ni_b: bytes, nr_b: bytes) -> SaPair:
        choice, offer = theirs.choice, theirs.choice.offer
        prf_d = Prf(self.sa.offer.hash, self.sa.keys.skeyid_d)

        def one_way(spi: int) -> IpsecSa:
            if offer.ah is not None:
                keys = ah_keys(prf_d, offer.ah, spi, ni_b, nr_b, theirs.g_xy)
                return IpsecSa(spi, choice.protocol, "", offer.ah.name, *keys)
            cipher, integrity = offer.esp_cipher or CIPHERS["null"], offer.esp_integrity
            keys = esp_keys(prf_d, cipher, integrity, spi, ni_b, nr_b, theirs.g_xy)
            name = integrity.name if integrity is not None else ""
            return IpsecSa(spi, choice.protocol, cipher.name, name, *keys)

        return SaPair(
            inbound=one_way(self.spi),
            outbound=one_way(choice.peer_spi),
            mode=choice.mode,
            local=self.local,
            peer=self.peer,
            selector=theirs.selector,
            lifetime=choice.lifetime,
            udp=self._encapsulation(theirs),
            idle_s=limits.FAST_IDLE_S if self.sa.capabilities.fast_failover else limits.IDLE_S,
        )


def first_spi(offer: SaPayload) -> int:
    """The SPI in the first proposal of an offer; 0 when it has no such form."""
    spi = offer.proposals[0].spi if offer.proposals else b""
    return int.from_bytes(spi) if len(spi) == SPI_OCTETS else 0


def public_value(dh: KeyPair | None) -> list[Payload]:
    """[, KE ]: only with session key PFS."""
    return [KeyExchange(dh.public)] if dh is not None else []


def responder_lifetime(choice: QuickModeChoice, spi: int) -> list[Payload]:
    """[, N(RESPONDER-LIFETIME)]: only where ours is shorter than what was offered."""
    if not choice.is_lowered:
        return []
    data = encode_lifetime(choice.lifetime)
    notify = NotifyType.RESPONDER_LIFETIME
    return [Notification(Doi.IPSEC, choice.protocol, notify, spi.to_bytes(4), data)]


def identifications(selector: Selector, role: Role) -> list[Payload]:
    """IDci and IDcr: always both, Windows insists on them even between two hosts."""
    ours = Identification.of_addresses(selector.local, selector.protocol, selector.local_port)
    theirs = Identification.of_addresses(selector.remote, selector.protocol, selector.remote_port)
    return [ours, theirs] if role is Role.INITIATOR else [theirs, ours]


def done(result: object) -> int:
    """A job's result. Raises Refused when the driver could not do it."""
    if isinstance(result, JobFailed):
        raise Refused(Failure(Reason.DRIVER_REFUSED, detail=result.why))
    return result if isinstance(result, int) else 0
