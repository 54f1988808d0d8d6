"""Doubts: signs that one side has forgotten an SA. They end nothing, and bring about little."""

import pytest

from mainmode.numbers import NotifyType, ProtocolId
from mainmode.testing.faults import notification_in_clear
from mainmode.testing.network import Host
from mainmode.testing.samples import CREDENTIALS, policy, rule
from tests.engine.scene import Scene, header

SUITES = {ProtocolId.ESP: "esp:3des-sha1", ProtocolId.AH: "ah:sha1"}


def bad_spi(
    scene: Scene, host: Host, spi: int = 0xBAD, protocol: ProtocolId = ProtocolId.ESP
) -> None:
    peer = scene.bob if host is scene.alice else scene.alice
    network = scene.network
    network.do(host, host.engine.bad_spi(host.path_to(peer), protocol, spi, network.now))


def test_after_our_restart_the_peers_packets_make_us_tell_it() -> None:
    scene = Scene().connect()
    reborn = Host("192.0.2.1", policy(), CREDENTIALS, seed=9)
    scene.network.hosts[reborn.address] = scene.alice = reborn
    bad_spi(scene, reborn)
    scene.network.run(3.0)
    assert scene.bob.inbound == {}, "by INITIAL-CONTACT"
    assert len(reborn.engine.main_mode_sas()) == len(scene.bob.engine.main_mode_sas()) == 1


@pytest.mark.parametrize("protocol", [ProtocolId.ESP, ProtocolId.AH])
def test_packets_of_a_pair_that_is_gone_make_us_delete_it(protocol: ProtocolId) -> None:
    scene = Scene(policy(rule(quick_mode=SUITES[protocol]))).connect()
    [spi] = scene.alice.inbound
    network = scene.network
    scene.alice.engine._endings.end_quick_mode(spi, "for a test", tell=False)
    bad_spi(scene, scene.alice, spi, protocol)
    network.run(3.0)
    assert scene.bob.inbound == {}


def test_forgers_bring_about_little() -> None:
    scene = Scene().connect()
    sent = len(scene.datagrams)
    for spi in range(0x1000, 0x1100):
        bad_spi(scene, scene.alice, spi)
    assert len(scene.datagrams) == sent + 1
    scene.network.run(3.0)
    scene.require_agreement()
    standing = scene.datagrams[0]
    for kind in (NotifyType.INVALID_SPI, NotifyType.INVALID_COOKIE):
        for _ in range(10):
            scene.network.inject(scene.bob, scene.alice, notification_in_clear(standing, kind))
    scene.network.run(20.0)
    scene.require_agreement()
    offers = [each for each in scene.datagrams[sent:] if not any(header(each).cky_r)]
    assert len(offers) <= 1


@pytest.mark.parametrize("kind", [NotifyType.INVALID_SPI, NotifyType.INVALID_COOKIE])
def test_a_notification_counts_under_the_cookies_of_an_sa_that_stands(kind: NotifyType) -> None:
    """Whoever does not know them would get more octets than he sends."""
    scene = Scene().connect()
    sent = len(scene.datagrams)
    message_1, message_6 = scene.datagrams[0], scene.datagrams[5]
    scene.network.inject(scene.bob, scene.alice, notification_in_clear(message_1, kind))
    scene.network.run(2.0)
    assert len(scene.datagrams) == sent
    scene.network.inject(scene.bob, scene.alice, notification_in_clear(message_6, kind))
    scene.network.run(4.0)
    assert len(scene.alice.engine.main_mode_sas()) == 2
    scene.require_agreement()


def test_with_strangers_nothing_is_begun() -> None:
    nobody = policy(rule("me", "198.51.100.0/24"))
    scene = Scene(nobody)
    bad_spi(scene, scene.alice)
    assert scene.datagrams == []
