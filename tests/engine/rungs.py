"""Every rung of every ladder, with a host standing on it and its message ready.

A rung is made by climbing to it with a puppet. It knows the message that the host waits for, how
to wrap other payloads in its place, and how to go on once the right message has arrived.
"""

from collections.abc import Callable
from dataclasses import dataclass

from mainmode.engine.vendor_ids import MICROSOFT
from mainmode.model import Flow, Path
from mainmode.numbers import Doi, ExchangeType, HeaderFlag, NotifyType, ProtocolId
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, MAIN_MODE_OFFER, policy, rule
from mainmode.wire.payloads import (
    Hash,
    Identification,
    Nonce,
    Notification,
    Payload,
    SaPayload,
    VendorId,
)
from tests.engine.scene import header

CONNECTED = Notification(Doi.IPSEC, ProtocolId.ESP, NotifyType.CONNECTED, b"", b"")


Wrap = Callable[[list[Payload]], bytes]


@dataclass
class Rung:
    """A host that waits for `payloads`, wrapped."""

    name: str
    """The step, as events call it."""
    puppet: Puppet
    payloads: list[Payload]
    wrap: Wrap
    """The message of this rung with other payloads. In quick mode a HASH that fits them is made,
    unless they begin with one."""
    finish: Callable[[list[bytes]], None]
    """Go on after the right message, with what the host answered, to the end."""
    iv: bytes = b""
    """What the message is chained to, where it is encrypted."""

    @property
    def host(self) -> Host:
        return self.puppet.host

    @property
    def datagram(self) -> bytes:
        return self.wrap(self.payloads)

    @property
    def path(self) -> Path:
        return self.puppet.path

    @property
    def encrypted(self) -> bool:
        return bool(header(self.datagram).flags & HeaderFlag.ENCRYPTION)


def _finished(_replies: list[bytes]) -> None:
    """This was the last message."""


def main_mode_1(puppet: Puppet) -> Rung:
    offered = puppet.proposal()
    puppet.sai_b = offered.body()

    def finish(replies: list[bytes]) -> None:
        puppet.read(replies[0])
        puppet.exchanges_keys()
        puppet.proves()

    return Rung("main mode message 1", puppet, [offered], puppet.clear, finish)


def main_mode_3(puppet: Puppet) -> Rung:
    puppet.offers()

    def finish(replies: list[bytes]) -> None:
        puppet.read(replies[0])
        puppet.derive()
        puppet.proves()

    exchange = puppet.key_exchange()
    return Rung("main mode message 3", puppet, exchange, puppet.clear, finish)


def main_mode_5(puppet: Puppet) -> Rung:
    puppet.offers()
    puppet.exchanges_keys()
    iv = puppet.last_block

    def finish(replies: list[bytes]) -> None:
        puppet.last_block = puppet.block(standing.datagram)
        puppet.read(replies[0])
        puppet.require_proof()

    standing = Rung(
        "main mode message 5",
        puppet,
        puppet.proof(),
        lambda payloads: puppet.sealed(payloads, iv),
        finish,
        iv,
    )
    return standing


def _asked(puppet: Puppet) -> bytes:
    """The host's message 1, as the puppet's initiator."""
    network, host = puppet.network, puppet.host
    network.do(host, host.engine.connect(puppet.path, network.now))
    return network.sent[-1].datagram


def main_mode_2(puppet: Puppet) -> Rung:
    message_1 = _asked(puppet)
    puppet.chooses(message_1, VendorId(b"no choice at all"))  # dropped; sets the cookies
    chosen = puppet.theirs.one(SaPayload)

    def finish(replies: list[bytes]) -> None:
        puppet.read(replies[0])
        puppet.answers_keys()
        puppet.say(*puppet.proof(), encrypted=True)

    return Rung("main mode message 2", puppet, [chosen], puppet.clear, finish)


def main_mode_4(puppet: Puppet) -> Rung:
    message_1 = _asked(puppet)
    puppet.chooses(message_1)
    exchange = puppet.key_exchange()
    puppet.derive()

    def finish(replies: list[bytes]) -> None:
        puppet.read(replies[0])
        puppet.say(*puppet.proof(), encrypted=True)

    return Rung("main mode message 4", puppet, exchange, puppet.clear, finish)


def main_mode_6(puppet: Puppet) -> Rung:
    message_1 = _asked(puppet)
    puppet.chooses(message_1)
    puppet.answers_keys()
    iv = puppet.last_block
    return Rung(
        "main mode message 6",
        puppet,
        puppet.proof(),
        lambda payloads: puppet.sealed(payloads, iv),
        _finished,
        iv,
    )


def _hashed(payloads: list[Payload]) -> bool:
    return bool(payloads) and isinstance(payloads[0], Hash)


def quick_mode_1(puppet: Puppet) -> Rung:
    puppet.establish()
    talk = puppet.talk()
    offered: list[Payload] = [talk.proposal(), Nonce(talk.nonce_b), *talk.identifications()]

    def wrap(payloads: list[Payload]) -> bytes:
        fresh = puppet.talk(talk.message_id)
        return fresh.seals(payloads) if _hashed(payloads) else fresh.first(*payloads)

    def finish(replies: list[bytes]) -> None:
        talk.first(*offered)
        talk.read(replies[0])
        puppet.hears(talk.third())

    return Rung("quick mode message 1", puppet, offered, wrap, finish, talk.iv)


def quick_mode_3(puppet: Puppet) -> Rung:
    puppet.establish()
    talk = puppet.talk()
    message_1 = talk.first()
    [message_2] = puppet.hears(message_1)

    nr_b = talk.read(message_2).one(Nonce).data
    digest = talk.digest_3(talk.nonce_b, nr_b)

    def wrap(payloads: list[Payload]) -> bytes:
        sent = payloads if _hashed(payloads) else [Hash(digest), *payloads]
        return puppet.sealed(sent, talk.iv, ExchangeType.QUICK, message_id=talk.message_id)

    return Rung("quick mode message 3", puppet, [], wrap, _finished, talk.iv)


def asked_quickly(puppet: Puppet, *vendor_ids: VendorId) -> bytes:
    """Message 1 of the host's quick mode, once the puppet has become its responder."""
    replies = puppet.respond(_asked(puppet), *vendor_ids)
    return next(each for each in replies if header(each).exchange == ExchangeType.QUICK)


def quick_mode_2(puppet: Puppet) -> Rung:
    message_1 = asked_quickly(puppet)
    talk = puppet.talk(header(message_1).message_id)
    theirs = talk.read(message_1)
    answer: list[Payload] = [
        talk.chosen(theirs.one(SaPayload)),
        Nonce(talk.nonce_b),
        *theirs.all(Identification),
    ]

    def wrap(payloads: list[Payload]) -> bytes:
        fresh = puppet.talk(talk.message_id)
        if _hashed(payloads):
            fresh.read(message_1)
            return fresh.seals(payloads)
        return fresh.second(message_1, *payloads)

    return Rung("quick mode message 2", puppet, answer, wrap, _finished, talk.iv)


def quick_mode_4(puppet: Puppet) -> Rung:
    """The puppet is Microsoft's and has set the Commit bit: the host waits for CONNECTED."""
    message_1 = asked_quickly(puppet, VendorId(MICROSOFT))
    talk = puppet.talk(header(message_1).message_id)
    message_2 = talk.second(message_1, flags=HeaderFlag.COMMIT)
    [message_3] = puppet.hears(message_2)
    talk.read(message_3)

    def wrap(payloads: list[Payload]) -> bytes:
        fresh = puppet.talk(talk.message_id)
        fresh.iv = talk.iv
        return fresh.seals(payloads) if _hashed(payloads) else fresh.fourth(*payloads)

    return Rung("quick mode message 4", puppet, [CONNECTED], wrap, _finished, talk.iv)


def flow(host: Host, puppet: Puppet, port: int) -> Flow:
    return Flow(host.address, puppet.address, 6, 50_000, port)


def asked_for(ports: range, *vendor_ids: VendorId) -> tuple[Host, Puppet, list[bytes]]:
    """A host whose driver holds packets to all these ports of a puppet's, and the quick modes
    that it has begun once main mode stood."""
    rules = [rule(protocol=6, port=port, name=str(port)) for port in ports]
    host = Host("192.0.2.1", policy(*rules), CREDENTIALS)
    puppet = Puppet(Network(host), host)
    for port in ports:
        effects = host.engine.acquire(flow(host, puppet, port), puppet.path, 0.0)
        puppet.network.do(host, effects)
    replies = puppet.respond(puppet.network.sent[0].datagram, *vendor_ids)
    return host, puppet, [each for each in replies if header(each).exchange == 32]


RUNGS: dict[str, Callable[[Puppet], Rung]] = {
    make.__name__: make
    for make in (
        main_mode_1,
        main_mode_2,
        main_mode_3,
        main_mode_4,
        main_mode_5,
        main_mode_6,
        quick_mode_1,
        quick_mode_2,
        quick_mode_3,
        quick_mode_4,
    )
}


def rung(name: str, offer: str = MAIN_MODE_OFFER) -> Rung:
    """A host of its own, on this rung."""
    return RUNGS[name](facing(offer))


def facing(offer: str = MAIN_MODE_OFFER) -> Puppet:
    """A puppet in front of a host that takes this offer."""
    host = Host("192.0.2.1", policy(main_mode=offer), CREDENTIALS)
    return Puppet(Network(host), host, offer=offer)
