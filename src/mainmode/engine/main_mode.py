"""Main mode: two ladders, one for each role (RFC 2409 5, 5.4; RFC 2408 4.5).

        Initiator                          Responder
       -----------                        -----------
   1    HDR, SA                 -->
   2                            <--    HDR, SA
   3    HDR, KE, Ni [, NAT-D]   -->
   4                            <--    HDR, KE, Nr [, NAT-D]
   5    HDR*, IDii, HASH_I      -->                               (to port 4500 if there is a NAT)
   6                            <--    HDR*, IDir, HASH_R

The responder's ladder begins at message 3: until the initiator has returned our cookie with it,
`half_open` keeps a few octets and no ladder.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from mainmode import limits
from mainmode.auth.authenticator import Authenticator, ProvenIdentity, Role, Transcript
from mainmode.auth.credentials import Credentials
from mainmode.auth.identity import identification_of, require_expected
from mainmode.auth.psk import PresharedKey
from mainmode.crypto.algorithms import Group
from mainmode.crypto.dh import KeyPair, generate
from mainmode.crypto.keys import MainModeKeys, cipher_key, main_mode_keys, phase1_iv
from mainmode.engine.associations import MainModeSa
from mainmode.engine.desk import Entropy
from mainmode.engine.nat import Nat, discovery, floated, floats_from, found
from mainmode.engine.vendor_ids import NO_CAPABILITIES, Capabilities, Revisions, read_untrusted
from mainmode.errors import BadPublicValue, WeakKey
from mainmode.failures import Failure, Inadmissible, Reason, Refused
from mainmode.ladder import (
    MM1,
    MM2,
    MM3,
    MM4,
    MM5,
    MM6,
    Answer,
    Ask,
    Await,
    Ladder,
    Move,
    Protect,
    Tell,
)
from mainmode.model import Path
from mainmode.numbers import Doi, NotifyType, ProtocolId
from mainmode.policy.model import Authentication, MainModeOffer, MainModeSettings, Method
from mainmode.policy.offers import (
    MainModeChoice,
    check_main_mode_answer,
    main_mode_proposal,
)
from mainmode.wire.nat import NatDiscovery
from mainmode.wire.payloads import (
    Identification,
    KeyExchange,
    Nonce,
    Notification,
    Payload,
    SaPayload,
    VendorId,
)


def initiate(mm: "MainMode") -> Ladder[MainModeSa]:
    """Main mode as initiator."""
    offer = mm.offer = main_mode_proposal(
        mm.settings.offers, mm.authentications, mm.settings.lifetime_s
    )

    #  1   HDR, SA               -->
    #  2                         <--    HDR, SA
    chosen: Chosen = yield Ask(MM1, [offer, *mm.vendor_ids], MM2, accept=mm.unmodified(offer))
    mm.take(chosen)

    #  3   HDR, KE, Ni [, NAT-D] -->
    #  4                         <--    HDR, KE, Nr [, NAT-D]
    dh = generate(mm.group, mm.entropy)
    ni_b = mm.entropy(limits.NONCE_OCTETS)
    theirs: Exchanged = yield Ask(
        MM3,
        [KeyExchange(dh.public), Nonce(ni_b), *mm.nat_discovery()],
        MM4,
        accept=mm.key_exchange(dh),
    )
    mm.nat = theirs.nat
    mm.derive(offer.body(), dh.public, theirs.g_x, ni_b, theirs.nonce_b, theirs.g_xy)
    yield mm.protect()

    #  5   HDR*, IDii, HASH_I    -->
    #  6                         <--    HDR*, IDir, HASH_R
    if mm.nat is not None and mm.path.local.port != mm.nat_port:
        yield Move(floated(mm.path, mm.nat_port))
    peer: ProvenIdentity = yield Ask(MM5, mm.proof(), MM6, accept=mm.verified)
    return mm.established(peer)


def respond(mm: "MainMode", sai_b: bytes) -> Ladder[MainModeSa]:
    """Main mode as responder, from message 3 on. sai_b: body of the initiator's SA payload."""
    #  3   HDR, KE, Ni [, NAT-D] -->
    dh = generate(mm.group, mm.entropy)
    theirs: Exchanged = yield Await(MM3, accept=mm.key_exchange(dh))
    mm.nat = theirs.nat
    nr_b = mm.entropy(limits.NONCE_OCTETS)
    mm.derive(sai_b, theirs.g_x, dh.public, theirs.nonce_b, nr_b, theirs.g_xy)
    yield mm.protect()

    #  4                         <--    HDR, KE, Nr [, NAT-D]
    #  5   HDR*, IDii, HASH_I    -->
    peer: ProvenIdentity = yield Ask(
        MM4,
        [KeyExchange(dh.public), Nonce(nr_b), *mm.nat_discovery()],
        MM5,
        accept=mm.verified,
        hears=floats_from(mm.path, mm.nat_port) if mm.capabilities.nat else None,
    )

    #  6                         <--    HDR*, IDir, HASH_R
    yield Tell(MM6, mm.proof())
    return mm.established(peer)


@dataclass(slots=True)
class Chosen:
    """What message 2 settles."""

    choice: MainModeChoice
    cky_r: bytes
    capabilities: Capabilities


@dataclass(slots=True)
class Exchanged:
    """What the peer's KE, nonce and NAT-D payloads give."""

    g_x: bytes
    nonce_b: bytes
    g_xy: bytes = field(repr=False)
    nat: Nat | None


def initial_contact(cookies: tuple[bytes, bytes]) -> Notification:
    """We remember no other SA with this peer (RFC 2407 4.6.3.3)."""
    spi = b"".join(cookies)
    return Notification(Doi.IPSEC, ProtocolId.ISAKMP, NotifyType.INITIAL_CONTACT, spi, b"")


def require_nonce(nonce_b: bytes) -> None:
    """8 to 256 octets (RFC 2409 5). Raises Inadmissible."""
    if not limits.NONCE_MIN_OCTETS <= len(nonce_b) <= limits.NONCE_MAX_OCTETS:
        detail = f"a nonce of {len(nonce_b)} octets is not one of 8 to 256"
        raise Inadmissible(Failure(Reason.MALFORMED, detail=detail))


@dataclass(frozen=True, slots=True)
class Provisional:
    """The keys of a main mode that is not proved yet: enough to read what the peer says of it."""

    offer: MainModeOffer
    keys: MainModeKeys = field(repr=False)
    cipher_key: bytes = field(repr=False)
    last_block: bytes


@dataclass(slots=True)
class MainMode:
    """One main mode under way: what the ladder knows so far."""

    role: Role
    path: Path
    cky_i: bytes
    cky_r: bytes
    settings: MainModeSettings
    authentications: tuple[Authentication, ...]
    credentials: Credentials
    entropy: Entropy
    nat_port: int
    """Where both sides speak from when there is a NAT."""
    vendor_ids: list[VendorId] = field(default_factory=list)
    nat_revisions: Revisions = ()
    """The NAT traversal that we know toward this peer."""
    capabilities: Capabilities = NO_CAPABILITIES
    offer: SaPayload | None = None
    """What we have offered, as initiator."""
    choice: MainModeChoice | None = None
    begun_at: float = 0.0
    """When message 1 went out or came in."""
    first_contact: Callable[["MainMode"], bool] = lambda _mm: False
    """Whether, as initiator, to tell the peer that we remember no other SA with it."""
    introduced: bool = False
    """It has been told."""
    initial_contact: bool = False
    """The peer says in its proof that it remembers no other SA with us."""
    nat: Nat | None = None
    _authenticator: Authenticator | None = None
    _transcript: Transcript | None = None
    _keys: MainModeKeys | None = field(default=None, repr=False)
    _cipher_key: bytes = field(default=b"", repr=False)

    # --- offers -----------------------------------------------------------------------------

    def unmodified(self, offer: SaPayload) -> Callable[[Answer], Chosen]:
        """Judge of message 2: one of our own transforms, as we sent it."""

        def accept(answer: Answer) -> Chosen:
            try:
                choice = check_main_mode_answer(
                    offer,
                    answer.payloads.one(SaPayload),
                    self.settings.offers,
                    self.authentications,
                )
            except Refused as refused:  # nothing in message 2 is authentic: drop it, wait on
                raise Inadmissible(refused.failure) from refused
            capabilities = read_untrusted(answer.payloads.all(VendorId), self.nat_revisions)
            return Chosen(choice, answer.cky_r, capabilities)

        return accept

    def take(self, chosen: Chosen) -> None:
        """The responder has spoken."""
        self.choice = chosen.choice
        self.cky_r = chosen.cky_r
        self.capabilities = chosen.capabilities

    # --- key exchange -----------------------------------------------------------------------

    def key_exchange(self, dh: KeyPair) -> Callable[[Answer], Exchanged]:
        """Judge of messages 3 and 4: a usable public value and a nonce of fitting length."""

        def accept(answer: Answer) -> Exchanged:
            payloads = answer.payloads
            nonce_b = payloads.one(Nonce).data
            require_nonce(nonce_b)
            g_x = payloads.one(KeyExchange).data
            try:
                g_xy = dh.agree(g_x)
            except BadPublicValue as bad:
                raise Inadmissible(Failure(Reason.BAD_PUBLIC_VALUE, detail=str(bad))) from bad
            return Exchanged(g_x, nonce_b, g_xy, self._nat(payloads.all(NatDiscovery)))

        return accept

    def nat_discovery(self) -> list[NatDiscovery]:
        """[, NAT-D]: only where both sides know what to do about a NAT."""
        revision, hash = self.capabilities.nat_revision, self._chosen.offer.hash
        if revision is None:
            return []
        return discovery(revision, hash, (self.cky_i, self.cky_r), self.path)

    def _nat(self, received: tuple[NatDiscovery, ...]) -> Nat | None:
        revision, hash = self.capabilities.nat_revision, self._chosen.offer.hash
        if revision is None:
            return None
        return found(revision, hash, (self.cky_i, self.cky_r), self.path, received)

    def settled_nat(self, path: Path) -> Nat | None:
        """What main mode has come to, which has ended on this path. The initiator decides by going
        to the other ports or not, lest one damaged NAT-D let the two sides disagree."""
        revision = self.capabilities.nat_revision
        if revision is None or path.local.port != self.nat_port:
            return None
        if self.nat is None and path != self.path:
            return Nat(revision, here=False, there=False)
        return self.nat

    @property
    def group(self) -> Group:
        return self._chosen.offer.group

    def derive(
        self, sai_b: bytes, g_xi: bytes, g_xr: bytes, ni_b: bytes, nr_b: bytes, g_xy: bytes
    ) -> None:
        """SKEYID and what comes from it. Raises Refused."""
        offer = self._chosen.offer
        transcript = Transcript(
            offer.hash, self.cky_i, self.cky_r, sai_b, g_xi, g_xr, ni_b, nr_b, g_xy
        )
        self._transcript = transcript
        self._authenticator = self._authentication()
        skeyid = self._authenticator.skeyid(transcript)
        self._keys = main_mode_keys(offer.hash, skeyid, g_xy, self.cky_i, self.cky_r)
        try:
            self._cipher_key = cipher_key(offer.hash, offer.cipher, self._keys.skeyid_e)
        except WeakKey as weak:
            raise Refused(Failure(Reason.WEAK_KEY, detail=str(weak))) from weak

    def protect(self) -> Protect:
        """HDR* from here on; the first IV comes from both public values."""
        offer, transcript = self._chosen.offer, self._agreed
        iv = phase1_iv(offer.hash, offer.cipher, transcript.g_xi, transcript.g_xr)
        return Protect(offer.cipher, self._cipher_key, iv, self.capabilities.pads_with_zeros)

    def provisional(self, last_block: bytes) -> Provisional:
        """last_block: of the last encrypted message so far."""
        return Provisional(self._chosen.offer, self._proving[1], self._cipher_key, last_block)

    # --- identities -------------------------------------------------------------------------

    def proof(self) -> list[Payload]:
        """Our ID payload and its proof; [, N(INITIAL-CONTACT)] from the initiator."""
        authenticator, keys = self._proving
        proof = authenticator.prove(self.role, keys.skeyid, self._agreed, self._identification)
        self.introduced = self.role is Role.INITIATOR and self.first_contact(self)
        if self.introduced:
            proof.append(initial_contact((self.cky_i, self.cky_r)))
        return proof

    def verified(self, answer: Answer) -> ProvenIdentity:
        """Judge of messages 5 and 6: the peer has the key and is whom policy expects."""
        authenticator, keys = self._proving
        payloads = answer.payloads
        proven = authenticator.verify(self.role.other, keys.skeyid, self._agreed, payloads)
        self.initial_contact = any(
            notification.notify == NotifyType.INITIAL_CONTACT
            and notification.spi == self.cky_i + self.cky_r
            for notification in payloads.all(Notification)
        )
        expected = self._chosen.authentication.peer_identity
        translated = self.nat is not None and self.nat.there
        address = self.path.peer.address
        return require_expected(proven, expected, address, translated=translated)

    def established(self, peer: ProvenIdentity) -> MainModeSa:
        """The SA; it takes the peer's proof to make one."""
        choice, (_, keys) = self._chosen, self._proving
        return MainModeSa(
            cookies=(self.cky_i, self.cky_r),
            path=self.path,
            role=self.role,
            offer=choice.offer,
            authentication=choice.authentication,
            lifetime_s=choice.lifetime_s,
            keys=keys,
            cipher_key=self._cipher_key,
            peer=peer,
            local_identity=self._identification,
            capabilities=self.capabilities,
            nat=self.nat,
        )

    def _authentication(self) -> Authenticator:
        """The chosen method with our credential for it. Raises Refused."""
        chosen = self._chosen.authentication
        if chosen.method is not Method.PRESHARED_KEY:
            detail = f"{chosen.method.value} is not there yet"
            raise Refused(Failure(Reason.UNSUPPORTED_AUTHENTICATION, detail=detail))
        try:
            return PresharedKey(self.credentials.preshared_key(chosen.secret))
        except KeyError:
            detail = f"preshared key {chosen.secret}"
            raise Refused(Failure(Reason.NO_CREDENTIAL, detail=detail)) from None

    # --- what earlier rungs have settled ----------------------------------------------------

    @property
    def _identification(self) -> Identification:
        identity = self._chosen.authentication.local_identity
        return identification_of(identity, self.path.local.address)

    @property
    def _chosen(self) -> MainModeChoice:
        if self.choice is None:
            raise ValueError("no offer has been chosen yet")
        return self.choice

    @property
    def _agreed(self) -> Transcript:
        if self._transcript is None:
            raise ValueError("no keys have been exchanged yet")
        return self._transcript

    @property
    def _proving(self) -> tuple[Authenticator, MainModeKeys]:
        if self._authenticator is None or self._keys is None:
            raise ValueError("no keys have been derived yet")
        return self._authenticator, self._keys
