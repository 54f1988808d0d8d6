"""A host under siege: live SAs, a negotiation on every rung, and attackers who know no rule.

Some attackers send noise, some spoil recorded messages of real peers, some spoil the very message
that a rung waits for. Others are peers gone mad: they spoil what stands inside the encryption,
under a HASH that is right. Citizens have SAs that must go on working, whatever happens.
"""

from random import Random

from mainmode.crypto.keys import hash_1
from mainmode.engine.events import InvalidCookies
from mainmode.errors import Malformed
from mainmode.numbers import Doi, ExchangeType, NotifyType, ProtocolId
from mainmode.testing.mutations import mutate, repair_length
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, policy, rule
from mainmode.wire.header import HEADER_OCTETS
from mainmode.wire.message import encode_payloads, parse_payloads_untrusted
from mainmode.wire.payloads import Delete, Hash, Notification, UnknownPayload
from tests.engine.rungs import RUNGS
from tests.engine.scene import LONG_ENOUGH_S, tables
from tests.wire.corpus import CORPUS, DATAGRAMS

SUITES = ["des-md5-group1", "3des-sha1-group2", "aes128-sha2-256-group2"]
PLAINTEXTS = [(each.first, each.octets) for each in CORPUS if each.first is not None]
REPLIES_MAX = 8
"""Sent because of one datagram: message 6, INITIAL-CONTACT, a few quick modes."""
LENGTH = slice(24, 28)


class Siege:
    """One round of it, from a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(f"siege {seed}")
        self.offer = self.chance.choice(SUITES)
        both = (rule(explain_refusals=True), rule("10.1.0.0/16", "10.2.0.0/16", tunnel="10.9.9.9"))
        assigned = policy(*both, main_mode=self.offer)
        self.host = Host("192.0.2.1", assigned, CREDENTIALS, seed=seed)
        self.network = Network(self.host)
        self.count = 0
        self.citizens = [self._puppet(f"10.0.0.{number}").establish() for number in range(1, 4)]
        for citizen in self.citizens:
            citizen.talk().establish()
        self.madman = self._puppet("10.0.0.66").establish()
        self.places = (f"10.0.{high}.{low}" for high in range(1, 255) for low in range(1, 255))
        self.rungs = [make(self._puppet(next(self.places))) for make in RUNGS.values()]
        self.recorded = [*DATAGRAMS, *(sent.datagram for sent in self.network.sent)]
        self.recorded += [rung.datagram for rung in self.rungs]

    def _puppet(self, address: str) -> Puppet:
        seed = self.chance.randrange(1 << 30)
        return Puppet(self.network, self.host, address=address, offer=self.offer, seed=seed)

    # --- attacks ----------------------------------------------------------------------------

    def attack(self) -> None:
        """One datagram; raises AssertionError when the host does what it must not."""
        chance = self.chance
        attacks = (self.noise, self.old, self.stolen, self.rung, self.mad_rung, self.insider)
        puppet, datagram = chance.choice(attacks)()
        replies = puppet.hears(datagram)
        self.count += 1
        assert len(replies) <= REPLIES_MAX
        if datagram[8:16] == bytes(8):
            assert sum(map(len, replies)) <= len(datagram), "more than it has sent"
        if chance.random() < 0.01:
            self.network.run(self.network.now + chance.uniform(0, 1.5))
            self._renew()
            self._forget()

    def noise(self) -> tuple[Puppet, bytes]:
        """Anything, sometimes under a header that looks right."""
        chance, puppet = self.chance, self._anybody()
        octets = chance.randbytes(chance.choice((0, 1, 20, 27, 28, 40, 100, 400, 1500)))
        if chance.random() < 0.5:
            cookies = self._cookies(puppet)
            exchange = chance.choice((2, 2, 5, 32, chance.randrange(256)))
            head = bytes((chance.randrange(16), 0x10, exchange, chance.randrange(4)))
            octets = repair_length(cookies + head + chance.randbytes(8) + octets)
        return puppet, octets

    def old(self) -> tuple[Puppet, bytes]:
        """A recorded message, spoiled."""
        return self._anybody(), mutate(self.chance, self.recorded)

    def stolen(self) -> tuple[Puppet, bytes]:
        """A recorded message, spoiled, under cookies that live."""
        puppet = self._anybody()
        spoiled = mutate(self.chance, self.recorded)
        return puppet, self._cookies(puppet) + spoiled[16:]

    def rung(self) -> tuple[Puppet, bytes]:
        """The very message that a rung waits for, spoiled; half the time behind the header."""
        rung = self.chance.choice(self.rungs)
        datagram = rung.datagram
        if self.chance.random() < 0.5:
            return rung.puppet, mutate(self.chance, [datagram])
        body = mutate(self.chance, [datagram[HEADER_OCTETS:]], datagrams=False)
        return rung.puppet, repair_length(datagram[:HEADER_OCTETS] + body)

    def mad_rung(self) -> tuple[Puppet, bytes]:
        """The payloads that a rung waits for, spoiled, under the right HASH and encryption."""
        rung = self.chance.choice(self.rungs)
        payloads = rung.payloads or [Hash(b"")]
        spoiled = mutate(self.chance, [encode_payloads(payloads)], datagrams=False)
        try:
            items = parse_payloads_untrusted(payloads[0].kind, spoiled).items
            return rung.puppet, rung.wrap(list(items))
        except (Malformed, ValueError):
            return rung.puppet, rung.datagram + spoiled

    def insider(self) -> tuple[Puppet, bytes]:
        """Right encryption and HASH over spoiled payloads."""
        chance, puppet = self.chance, self.madman
        first, octets = chance.choice(PLAINTEXTS)
        spoiled = mutate(chance, [octets], datagrams=False)
        talk = puppet.talk()
        digest = Hash(hash_1(puppet.prf_a, talk.message_id, spoiled))
        proof = encode_payloads([digest, UnknownPayload(first, b"")])[:-4]
        plaintext = proof + spoiled
        plaintext += bytes(-len(plaintext) % puppet.offer.cipher.block_octets)
        exchange = chance.choice((ExchangeType.QUICK, ExchangeType.INFORMATIONAL))
        shell = talk.seals([digest], exchange)
        sealed = puppet.encrypt(puppet.iv(talk.message_id), plaintext)
        return puppet, repair_length(shell[:HEADER_OCTETS] + sealed)

    def _anybody(self) -> Puppet:
        return self.chance.choice([*self.citizens, *(rung.puppet for rung in self.rungs)])

    def _cookies(self, puppet: Puppet) -> bytes:
        return puppet.cky_i + (puppet.cky_r if self.chance.random() < 0.8 else bytes(8))

    def _renew(self) -> None:
        """Somebody new stands where a negotiation has come to its end."""
        at = self.chance.randrange(len(self.rungs))
        make = list(RUNGS.values())[at]
        self.rungs[at] = make(self._puppet(next(self.places)))

    def _forget(self) -> None:
        """Keep the memory of a long siege small."""
        self.host.events.clear()
        self.network.sent.clear()
        self.network.sent_at.clear()
        del self.host.drawn[:]

    # --- afterwards -------------------------------------------------------------------------

    def require_peace(self) -> None:
        """Every citizen's SA still does all that an SA does, and the rest is forgotten in time."""
        for citizen in self.citizens:
            cookies = citizen.cky_i + citizen.cky_r
            probe = Notification(Doi.IPSEC, 1, NotifyType.R_U_THERE, cookies, bytes(4))
            [answer] = citizen.hears(citizen.inform(probe))
            said = citizen.reads_informational(answer).one(Notification)
            assert said.notify == NotifyType.R_U_THERE_ACK
            before = self._pairs_of(citizen)
            assert before >= 1, "the pair that it had"
            talk = citizen.talk().establish()
            assert self._pairs_of(citizen) == before + 1
            gone = Delete(Doi.IPSEC, ProtocolId.ESP, (talk.spi.to_bytes(4),))
            citizen.hears(citizen.inform(gone))
            assert self._pairs_of(citizen) == before
        assert not any(isinstance(event, InvalidCookies) for event in self.host.events[-5:])
        self.network.run(self.network.now + LONG_ENOUGH_S)
        assert set(tables(self.host).values()) == {0}
        assert len(self.host.inbound) == len(self.host.outbound)
        assert self.host.promised == set(self.host.inbound)

    def _pairs_of(self, citizen: Puppet) -> int:
        return sum(pair.peer == citizen.address for pair in self.host.inbound.values())
