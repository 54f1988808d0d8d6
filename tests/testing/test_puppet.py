"""The peer whose messages a test writes by hand: right by default, wrong on request."""

import pytest

from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, policy
from mainmode.wire.payloads import Hash, Identification, Notification, VendorId


def facing() -> tuple[Host, Puppet]:
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    return host, Puppet(Network(host), host)


def test_it_completes_main_mode_and_quick_mode_as_initiator() -> None:
    host, puppet = facing()
    talk = puppet.establish().talk().establish()
    [pair] = host.inbound.values()
    assert pair.outbound.spi == talk.spi
    assert str(pair.peer) == "192.0.2.66"


def test_it_completes_both_as_responder() -> None:
    host, puppet = facing()
    puppet.network.do(host, host.engine.connect(puppet.path, 0.0))
    replies = puppet.respond(puppet.network.sent[0].datagram, VendorId(b"a puppet"))
    message_1 = replies[-1]
    talk = puppet.talk(int.from_bytes(message_1[20:24]))
    [message_3] = puppet.hears(talk.second(message_1))
    assert talk.read(message_3).one(Hash)
    assert len(host.inbound) == 1


def test_it_notices_a_host_that_does_not_prove_itself() -> None:
    _, puppet = facing()
    puppet.offers()
    puppet.exchanges_keys()
    puppet.proves()
    puppet.theirs = type(puppet.theirs).of([puppet.theirs.one(Identification), Hash(bytes(20))])
    with pytest.raises(ValueError, match="HASH is wrong"):
        puppet.require_proof()


def test_it_reads_what_the_host_says_under_the_sa_and_checks_it() -> None:
    _, puppet = facing()
    puppet.offers()
    puppet.exchanges_keys()
    _, contact = puppet.proves()
    assert puppet.reads_informational(contact).one(Notification).notify == 24578
    with pytest.raises(ValueError, match=r"HASH\(1\) is wrong"):
        puppet.reads_informational(contact[:68] + bytes(8) + contact[76:])


def test_it_says_so_when_a_test_asks_for_what_it_has_not() -> None:
    _, puppet = facing()
    with pytest.raises(ValueError, match="no keys yet"):
        puppet.inform()
    with pytest.raises(ValueError, match="has not been made"):
        puppet.derive()
    with pytest.raises(ValueError, match="in clear"):
        puppet.opened(puppet.clear([puppet.proposal()]), bytes(8))


def test_two_seeds_are_two_peers() -> None:
    _, puppet = facing()
    other = Puppet(puppet.network, puppet.host, seed=1)
    assert puppet.cky_i != other.cky_i
    assert puppet.nonce_b != other.nonce_b
