"""A peer without an engine: a test says each of its messages, right or wrong.

    puppet = Puppet(network, alice)
    puppet.establish()                                   # main mode, the puppet as initiator
    replies = puppet.hears(puppet.inform(Delete(...)))   # any message under its SA

Every step has a method that makes the message as RFC 2409 wants it and takes what a test wants
otherwise. It shares the codec and the key formulas with the engine, and nothing else: no ladder,
no timer, no admission.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from random import Random

from mainmode import limits
from mainmode.auth.authenticator import Role
from mainmode.crypto.ciphers import Cbc
from mainmode.crypto.dh import KeyPair, generate
from mainmode.crypto.keys import (
    MainModeKeys,
    cipher_key,
    hash_1,
    hash_2,
    hash_3,
    hash_i,
    hash_r,
    main_mode_keys,
    phase1_iv,
    phase2_iv,
    skeyid_preshared,
)
from mainmode.crypto.prf import Prf
from mainmode.model import AddressRange, Endpoint, Mode, Path, Selector
from mainmode.numbers import ExchangeType, HeaderFlag, ProtocolId
from mainmode.policy.offers import main_mode_proposal, quick_mode_proposal
from mainmode.policy.words import parse_group, parse_main_mode_offer, parse_quick_mode_offer
from mainmode.testing.network import Host, Network
from mainmode.testing.samples import KEY, MAIN_MODE_OFFER, PRESHARED_KEY, QUICK_MODE_OFFER
from mainmode.wire.message import (
    Message,
    Payloads,
    Sealed,
    encode_message,
    encode_payloads,
    parse_message_untrusted,
    parse_payloads_untrusted,
)
from mainmode.wire.payloads import (
    Hash,
    Identification,
    KeyExchange,
    Nonce,
    Payload,
    SaPayload,
)

_NO_COOKIE = bytes(limits.COOKIE_OCTETS)


class Puppet:
    """One end of one main mode with `host`, and of the exchanges under it."""

    def __init__(
        self,
        network: Network,
        host: Host,
        *,
        address: str = "192.0.2.66",
        port: int = limits.IKE_PORT,
        key: bytes = KEY,
        offer: str = MAIN_MODE_OFFER,
        seed: int = 0,
    ) -> None:
        self.network = network
        self.host = host
        self.address = ip_address(address)
        self.path = Path(Endpoint(host.address, limits.IKE_PORT), Endpoint(self.address, port))
        """As the host sees it."""
        self.key = key
        self.offer = parse_main_mode_offer(offer)
        self.random = Random(f"puppet {seed} {address}")
        self.role = Role.INITIATOR
        self.cky_i = self.random.randbytes(limits.COOKIE_OCTETS)
        self.cky_r = _NO_COOKIE
        self.theirs = Payloads((), ())
        """What the host's last message carried."""
        self.sai_b = b""
        self.nonce_b = self.random.randbytes(limits.NONCE_OCTETS)
        self._dh: KeyPair | None = None
        self._g_x = (b"", b"")
        self.keys: MainModeKeys | None = None
        self.last_block = b""
        """Of the last encrypted main mode message: the next IV, and later the root of all IVs."""

    # --- octets -----------------------------------------------------------------------------

    def hears(self, datagram: bytes) -> list[bytes]:
        """The host receives this from us at once; what it sends to us because of it."""
        before = len(self.network.sent)
        self.network.deliver(self.host, datagram, self.path)
        return [sent.datagram for sent in self.network.sent[before:] if sent.path == self.path]

    def clear(
        self,
        payloads: Sequence[Payload],
        exchange: int = ExchangeType.MAIN,
        *,
        message_id: int = 0,
        flags: int = 0,
    ) -> bytes:
        return encode_message(
            Message(self.cky_i, self.cky_r, exchange, tuple(payloads), flags, message_id)
        )

    def sealed(
        self,
        payloads: Sequence[Payload],
        iv: bytes,
        exchange: int = ExchangeType.MAIN,
        *,
        message_id: int = 0,
        flags: int = 0,
    ) -> bytes:
        """HDR*, padded with zeros."""
        plaintext = encode_payloads(payloads)
        plaintext += bytes(-len(plaintext) % self.offer.cipher.block_octets)
        first = int(payloads[0].kind) if payloads else 0
        message = Message(
            self.cky_i,
            self.cky_r,
            exchange,
            (),
            flags | HeaderFlag.ENCRYPTION,
            message_id,
            sealed=Sealed(first, self.encrypt(iv, plaintext)),
        )
        return encode_message(message)

    def encrypt(self, iv: bytes, plaintext: bytes) -> bytes:
        """Whole blocks, under the key of main mode."""
        return self._cbc.encrypt(iv, plaintext)

    def opened(self, datagram: bytes, iv: bytes) -> Payloads:
        sealed = parse_message_untrusted(datagram).sealed
        if sealed is None:
            raise ValueError("the host says something in clear")
        return parse_payloads_untrusted(sealed.first, self._cbc.decrypt(iv, sealed.ciphertext))

    def block(self, datagram: bytes) -> bytes:
        """Its last ciphertext block."""
        return datagram[-self.offer.cipher.block_octets :]

    @property
    def _cbc(self) -> Cbc:
        offer = self.offer
        return Cbc(offer.cipher, cipher_key(offer.hash, offer.cipher, self._derived.skeyid_e))

    @property
    def _derived(self) -> MainModeKeys:
        if self.keys is None:
            raise ValueError("there are no keys yet")
        return self.keys

    @property
    def prf_a(self) -> Prf:
        """The pseudo-random function of HASH(1), HASH(2) and HASH(3)."""
        return Prf(self.offer.hash, self._derived.skeyid_a)

    # --- main mode, either role -------------------------------------------------------------

    def proposal(self, *offers: str) -> SaPayload:
        """Our SA payload; without offers our only one."""
        wanted = [parse_main_mode_offer(each) for each in offers] or [self.offer]
        return main_mode_proposal(wanted, [PRESHARED_KEY], limits.MAIN_MODE_LIFETIME_S)

    def key_exchange(self) -> list[Payload]:
        """KE and nonce: messages 3 and 4."""
        self._dh = generate(self.offer.group, self.random.randbytes)
        return [KeyExchange(self._dh.public), Nonce(self.nonce_b)]

    def derive(self) -> None:
        """The keys, once both have said KE and nonce."""
        if self._dh is None:
            raise ValueError("our KE payload has not been made yet")
        g_x, nonce_b = self.theirs.one(KeyExchange).data, self.theirs.one(Nonce).data
        ours_first = self.role is Role.INITIATOR
        self._g_x = (self._dh.public, g_x) if ours_first else (g_x, self._dh.public)
        ni_b, nr_b = (self.nonce_b, nonce_b) if ours_first else (nonce_b, self.nonce_b)
        offer = self.offer
        skeyid = skeyid_preshared(offer.hash, self.key, ni_b, nr_b)
        g_xy = self._dh.agree(g_x)
        self.keys = main_mode_keys(offer.hash, skeyid, g_xy, self.cky_i, self.cky_r)
        self.last_block = phase1_iv(offer.hash, offer.cipher, *self._g_x)

    def identification(self) -> Identification:
        return Identification.of_addresses(AddressRange.host(self.address))

    def proof(self, identification: Identification | None = None) -> list[Payload]:
        """ID and HASH: messages 5 and 6."""
        identification = identification or self.identification()
        return [identification, Hash(self.digest(self.role, identification))]

    def digest(self, role: Role, identification: Identification) -> bytes:
        """HASH_I or HASH_R."""
        formula = hash_i if role is Role.INITIATOR else hash_r
        prf = Prf(self.offer.hash, self._derived.skeyid)
        id_b = identification.body()
        return formula(prf, *self._g_x, self.cky_i, self.cky_r, self.sai_b, id_b)

    def say(self, *payloads: Payload, encrypted: bool = False, flags: int = 0) -> list[bytes]:
        """One main mode message and what the host answers at once; encrypted, it moves the IV."""
        if not encrypted:
            return self.hears(self.clear(payloads, flags=flags))
        datagram = self.sealed(payloads, self.last_block, flags=flags)
        self.last_block = self.block(datagram)
        return self.hears(datagram)

    def read(self, datagram: bytes) -> Payloads:
        """Take the host's main mode message; encrypted, it moves the IV."""
        message = parse_message_untrusted(datagram)
        self.cky_i, self.cky_r = message.cky_i, message.cky_r
        if message.sealed is None:
            self.theirs = Payloads.of(message.payloads)
        else:
            self.theirs = self.opened(datagram, self.last_block)
            self.last_block = self.block(datagram)
        return self.theirs

    # --- main mode, the puppet as initiator -------------------------------------------------

    def offers(self, *payloads: Payload) -> list[bytes]:
        """Message 1, by default with our one offer; takes message 2 when there is one."""
        sent = payloads or (self.proposal(),)
        self.sai_b = sent[0].body()
        replies = self.say(*sent)
        if replies:
            self.read(replies[0])
        return replies

    def exchanges_keys(self) -> list[bytes]:
        """Message 3; takes message 4 when there is one."""
        replies = self.say(*self.key_exchange())
        if replies:
            self.read(replies[0])
            self.derive()
        return replies

    def proves(self, *payloads: Payload) -> list[bytes]:
        """Message 5; takes message 6 when there is one. What comes after it stays unread."""
        replies = self.say(*(payloads or self.proof()), encrypted=True)
        if replies:
            self.read(replies[0])
        return replies

    def establish(self) -> "Puppet":
        """All of main mode, as it should be. Raises ValueError when the host does not prove
        itself."""
        self.offers()
        self.exchanges_keys()
        self.proves()
        self.require_proof()
        return self

    def require_proof(self) -> None:
        identification = self.theirs.one(Identification)
        if self.theirs.one(Hash).data != self.digest(self.role.other, identification):
            raise ValueError("the host's HASH is wrong")

    # --- main mode, the puppet as responder -------------------------------------------------

    def chooses(self, message_1: bytes, *payloads: Payload) -> list[bytes]:
        """Message 2, by default the host's offer as it came; takes message 3."""
        self.role = Role.RESPONDER
        sa = self.read(message_1).one(SaPayload)
        self.sai_b = sa.body()
        self.cky_r = self.random.randbytes(limits.COOKIE_OCTETS)
        replies = self.say(*(payloads or (sa,)))
        if replies:
            self.read(replies[0])
        return replies

    def answers_keys(self) -> list[bytes]:
        """Message 4; takes message 5."""
        payloads = self.key_exchange()
        self.derive()
        replies = self.say(*payloads)
        if replies:
            self.read(replies[0])
        return replies

    def respond(self, message_1: bytes, *extras: Payload) -> list[bytes]:
        """All of main mode after the host's message 1; what the host sends after message 6.

        extras: more payloads for message 2, vendor IDs for example.
        """
        chosen = Payloads.of(parse_message_untrusted(message_1).payloads).one(SaPayload)
        self.chooses(message_1, chosen, *extras)
        self.answers_keys()
        self.require_proof()
        return self.say(*self.proof(), encrypted=True)

    # --- under the main mode SA -------------------------------------------------------------

    def inform(
        self, *payloads: Payload, message_id: int | None = None, digest: bytes | None = None
    ) -> bytes:
        """A protected informational message."""
        talk = self.talk(message_id)
        rest = encode_payloads(payloads)
        if digest is None:
            digest = hash_1(self.prf_a, talk.message_id, rest)
        return talk.seals([Hash(digest), *payloads], ExchangeType.INFORMATIONAL)

    def reads_informational(self, datagram: bytes) -> Payloads:
        """A protected informational message of the host. Raises ValueError for a wrong HASH."""
        message_id = parse_message_untrusted(datagram).message_id
        payloads = self.opened(datagram, self.iv(message_id))
        rest = encode_payloads(payloads.items[1:])
        if payloads.one(Hash).data != hash_1(self.prf_a, message_id, rest):
            raise ValueError("the host's HASH(1) is wrong")
        return payloads

    def iv(self, message_id: int) -> bytes:
        """The IV that exchanges with this message ID begin with."""
        offer = self.offer
        return phase2_iv(offer.hash, offer.cipher, self.last_block, message_id)

    def talk(self, message_id: int | None = None) -> "Talk":
        """An exchange under the SA, by default with a message ID of its own."""
        return Talk(self, self.random.randrange(1, 1 << 32) if message_id is None else message_id)


class Talk:
    """One quick mode of a puppet, message by message."""

    def __init__(self, puppet: Puppet, message_id: int) -> None:
        self.puppet = puppet
        self.message_id = message_id
        self.spi = puppet.random.randrange(limits.SPI_MIN, 1 << 32)
        self.nonce_b = puppet.random.randbytes(limits.NONCE_OCTETS)
        self.theirs = Payloads((), ())
        """What the host's last message carried."""
        self.iv = puppet.iv(message_id)
        """What the next message of either side is chained to."""

    def seals(
        self, payloads: Sequence[Payload], exchange: int = ExchangeType.QUICK, *, flags: int = 0
    ) -> bytes:
        """A message of this exchange; the IV moves on."""
        datagram = self.puppet.sealed(
            payloads, self.iv, exchange, message_id=self.message_id, flags=flags
        )
        self.iv = self.puppet.block(datagram)
        return datagram

    def read(self, datagram: bytes) -> Payloads:
        """Take the host's message; the IV moves on."""
        self.theirs = self.puppet.opened(datagram, self.iv)
        self.iv = self.puppet.block(datagram)
        return self.theirs

    # --- what it carries --------------------------------------------------------------------

    def proposal(self, *offers: str, mode: Mode = Mode.TRANSPORT, group: str = "") -> SaPayload:
        """Our SA payload; group: of perfect forward secrecy."""
        wanted = [parse_quick_mode_offer(each) for each in offers or (QUICK_MODE_OFFER,)]
        spis = {ProtocolId.ESP: self.spi, ProtocolId.AH: self.spi}
        return quick_mode_proposal(wanted, mode, parse_group(group) if group else None, spis)

    def identifications(self, selector: Selector | None = None) -> list[Payload]:
        """IDci and IDcr with the puppet as initiator; selector: as the puppet sees it."""
        puppet = self.puppet
        selector = selector or Selector(
            AddressRange.host(puppet.address), AddressRange.host(puppet.host.address)
        )
        ours = (selector.local, selector.protocol, selector.local_port)
        theirs = (selector.remote, selector.protocol, selector.remote_port)
        return [Identification.of_addresses(*ours), Identification.of_addresses(*theirs)]

    # --- messages ---------------------------------------------------------------------------

    def first(self, *payloads: Payload, flags: int = 0) -> bytes:
        """Message 1; by default one offer for all traffic between the two hosts."""
        rest = payloads or (self.proposal(), Nonce(self.nonce_b), *self.identifications())
        digest = hash_1(self.puppet.prf_a, self.message_id, encode_payloads(rest))
        return self.seals([Hash(digest), *rest], flags=flags)

    def second(self, message_1: bytes, *payloads: Payload, flags: int = 0) -> bytes:
        """Message 2; by default the host's first offer and its identities."""
        theirs = self.read(message_1)
        rest = payloads or (
            self.chosen(theirs.one(SaPayload)),
            Nonce(self.nonce_b),
            *theirs.all(Identification),
        )
        ni_b = theirs.one(Nonce).data
        digest = hash_2(self.puppet.prf_a, self.message_id, ni_b, encode_payloads(rest))
        return self.seals([Hash(digest), *rest], flags=flags)

    def third(self) -> bytes:
        """Message 3, as the answer to the message 2 that was read."""
        nr_b = self.theirs.one(Nonce).data
        return self.seals([Hash(self.digest_3(self.nonce_b, nr_b))])

    def digest_3(self, ni_b: bytes, nr_b: bytes) -> bytes:
        """HASH(3)."""
        return hash_3(self.puppet.prf_a, self.message_id, ni_b, nr_b)

    def fourth(self, *payloads: Payload) -> bytes:
        """Message 4: CONNECTED, or whatever."""
        digest = hash_1(self.puppet.prf_a, self.message_id, encode_payloads(payloads))
        return self.seals([Hash(digest), *payloads])

    def chosen(self, offered: SaPayload, number: int = 0) -> SaPayload:
        """An answer with this one of the host's proposals, under our SPI."""
        proposal = offered.proposals[number]
        answer = type(proposal)(
            proposal.number, proposal.protocol, self.spi.to_bytes(4), proposal.transforms[:1]
        )
        return SaPayload(offered.doi, offered.situation, (answer,))

    def establish(self) -> "Talk":
        """All of quick mode, as it should be, the puppet as initiator."""
        [message_2] = self.puppet.hears(self.first())
        self.read(message_2)
        self.puppet.hears(self.third())
        return self
