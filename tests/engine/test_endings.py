"""How SAs end by our own doing: lifetime, administrator, shutdown."""

from mainmode.engine.events import (
    MainModeEnded,
    QuickModeEnded,
)
from mainmode.engine.vendor_ids import MICROSOFT
from mainmode.numbers import ProtocolId
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, policy
from mainmode.wire.payloads import (
    Delete,
    VendorId,
)
from tests.engine.peers import host_and_network, main_mode_delete
from tests.engine.scene import header, port_scene, tables


def test_disconnecting_deletes_the_pairs_first_then_main_mode() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    puppet.talk().establish()
    [ours] = host.inbound
    before = len(network.sent)
    network.do(host, host.engine.disconnect(puppet.address, 0.0))
    said = [puppet.reads_informational(sent.datagram).one(Delete) for sent in network.sent[before:]]
    assert [each.protocol for each in said] == [ProtocolId.ESP, ProtocolId.ISAKMP]
    assert said[0].spis == (ours.to_bytes(4),), "the SPI that the peer sends to"
    assert said[1].spis == (puppet.cky_i + puppet.cky_r,)
    assert {event.why for event in host.of(QuickModeEnded)} == {"by the administrator"}
    assert [event.audit for event in host.of(QuickModeEnded)] == [542]
    assert [event.audit for event in host.of(MainModeEnded)] == [543]


def test_a_pair_without_a_main_mode_ends_in_silence() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    puppet.talk().establish()
    puppet.hears(puppet.inform(main_mode_delete(puppet)))
    before = len(network.sent)
    network.do(host, host.engine.disconnect(puppet.address, 0.0))
    assert len(network.sent) == before
    assert not host.inbound


def test_a_main_mode_ends_with_its_lifetime_and_says_so() -> None:
    host = Host("192.0.2.1", policy(lifetime_s=300), CREDENTIALS)
    network = Network(host)
    puppet = Puppet(network, host)
    puppet.offers(puppet.proposal(), VendorId(MICROSOFT + bytes(4)))
    puppet.exchanges_keys()
    puppet.proves()
    puppet.talk().establish()
    network.run(299.9)
    assert host.engine.main_mode_sas()
    network.run(300.1)
    assert not host.engine.main_mode_sas()
    assert puppet.reads_informational(network.sent[-1].datagram).one(Delete).protocol == 1
    assert host.inbound, "the pair has a lifetime of its own"
    assert [event.why for event in host.of(MainModeEnded)] == ["its lifetime has passed"]
    network.run(400.0)
    assert host.engine.next_wake is None, "nobody has acknowledged the delete"


def test_an_ended_main_mode_has_no_lifetime_left() -> None:
    host = Host("192.0.2.1", policy(lifetime_s=300), CREDENTIALS)
    network = Network(host)
    puppet = Puppet(network, host).establish()
    puppet.hears(puppet.inform(main_mode_delete(puppet)))
    network.run(1000.0)
    assert len(host.of(MainModeEnded)) == 1


def test_the_hard_end_of_an_unknown_pair_is_nothing() -> None:
    host, _ = host_and_network()
    assert host.engine.expired(0x1234, 0.0, hard=True) == []


def test_goodbye_reaches_everybody() -> None:
    scene = port_scene(80, 443)
    for port in (80, 443):
        scene.acquire(scene.alice, scene.flow(port))
    scene.network.run()
    scene.network.do(scene.alice, scene.alice.engine.close(1.0))
    scene.network.run(2.0)
    for host in (scene.alice, scene.bob):
        assert not host.inbound
        assert not host.engine.main_mode_sas()
        assert not host.engine.quick_mode_sas()
    assert [header(each).exchange for each in scene.datagrams[-3:]] == [5, 5, 5]


def test_goodbye_goes_to_the_peers_in_the_order_of_their_addresses() -> None:
    host, network = host_and_network()
    for address in ("192.0.2.9", "192.0.2.3"):
        Puppet(network, host, address=address).establish()
    before = len(network.sent)
    network.do(host, host.engine.close(0.0))
    order = [str(sent.path.peer.address) for sent in network.sent[before:]]
    assert order == ["192.0.2.3", "192.0.2.9"]
    assert tables(host)["exchanges under way"] == 0
