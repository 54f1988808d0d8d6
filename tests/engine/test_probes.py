"""Dead peer detection: probes are answered, and sent where policy asks for it (RFC 3706)."""

from dataclasses import replace
from random import Random

import pytest

from mainmode import limits
from mainmode.engine.effects import Send
from mainmode.engine.events import NotificationReceived
from mainmode.engine.vendor_ids import DEAD_PEER_DETECTION
from mainmode.numbers import Doi, NotifyType, ProtocolId
from mainmode.policy.model import Policy, Profile
from mainmode.testing.network import Arrival, Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, policy
from mainmode.wire.payloads import Notification, VendorId
from tests.engine.peers import host_and_network
from tests.engine.rungs import rung
from tests.engine.scene import Scene, header, state


def test_a_probe_is_answered_with_its_cookies_and_number() -> None:
    host, network = host_and_network()
    old = Puppet(network, host).establish()
    Puppet(network, host, seed=1).establish()
    spi = old.cky_i + old.cky_r
    for number in (b"\0\0\0\7", b"\0\0\0\7", b"\0\0\0\6"):
        probe = Notification(Doi.IPSEC, ProtocolId.ISAKMP, NotifyType.R_U_THERE, spi, number)
        [reply] = old.hears(old.inform(probe))
        said = old.reads_informational(reply).one(Notification)
        assert said.notify == NotifyType.R_U_THERE_ACK
        assert (said.spi, said.data) == (spi, number)


@pytest.mark.parametrize("spi", [b"", bytes(16), b"\1\2\3\4"])
def test_odd_cookies_in_a_probe_are_echoed(spi: bytes) -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    probe = Notification(Doi.IPSEC, ProtocolId.ISAKMP, NotifyType.R_U_THERE, spi, bytes(4))
    [reply] = puppet.hears(puppet.inform(probe))
    assert puppet.reads_informational(reply).one(Notification).spi == spi


@pytest.mark.parametrize("name", ["main_mode_3", "main_mode_5", "main_mode_4", "main_mode_6"])
@pytest.mark.parametrize("kind", [NotifyType.R_U_THERE, NotifyType.R_U_THERE_ACK])
def test_a_probe_without_an_sa_is_not_answered(name: str, kind: NotifyType) -> None:
    standing = rung(name)
    puppet = standing.puppet
    probe = Notification(Doi.IPSEC, 1, kind, puppet.cky_i + puppet.cky_r, bytes(4))
    before = state(standing.host)
    assert puppet.hears(puppet.clear([probe], 5, message_id=3)) == []
    assert state(standing.host) == before


def test_an_answer_to_a_probe_nobody_sent_is_noted_and_nothing_else() -> None:
    host, network = host_and_network()
    puppet = Puppet(network, host).establish()
    answer = Notification(Doi.IPSEC, 1, NotifyType.R_U_THERE_ACK, bytes(16), bytes(4))
    assert puppet.hears(puppet.inform(answer)) == []
    assert [event.notification for event in host.of(NotificationReceived)] == ["R-U-THERE-ACK"]


# --- ours -----------------------------------------------------------------------------------------

WATCHFUL = replace(policy(), main_mode=replace(policy().main_mode, dead_peer_s=30.0))
CYCLE_S = sum(limits.RETRY_INTERVALS_S)


def watched(bob: Policy | None = None) -> Scene:
    """Alice and Bob have met; what they said is forgotten."""
    scene = Scene(WATCHFUL, bob or policy()).connect()
    scene.network.sent.clear()
    scene.network.sent_at.clear()
    return scene


def test_a_silent_peer_is_asked_and_answers() -> None:
    scene = watched()
    scene.network.run(29.0)
    assert scene.datagrams == []
    scene.network.run(70.0)
    assert len(scene.sent_by(scene.alice)) == len(scene.sent_by(scene.bob)) == 2
    scene.require_agreement()


def test_a_peer_that_speaks_is_not_asked() -> None:
    scene = watched()
    for moment in range(2, 100, 20):
        scene.network.run(float(moment))
        scene.network.do(
            scene.alice,
            scene.alice.engine.connect(scene.alice.path_to(scene.bob), scene.network.now),
        )
    scene.network.run(100.0)
    assert len({header(each).message_id for each in scene.sent_by(scene.bob)}) >= 5
    said = [each for each in scene.bob.of(NotificationReceived) if "R-U-THERE" in each.notification]
    assert said == []


def test_a_lost_probe_is_repeated_under_its_number_and_everything_goes_on() -> None:
    scene = watched()
    lost: list[bytes] = []

    def fault(sent: Send, _number: int) -> list[Arrival]:
        if sent.path.local.address == scene.alice.address and len(lost) < 3:
            lost.append(sent.datagram)
            return []
        return [Arrival(sent.datagram)]

    scene.network.fault = fault
    scene.network.run(55.0)
    assert len(lost) == 3
    assert len(scene.sent_by(scene.bob)) == 1
    scene.require_agreement()


def test_a_dead_peer_loses_everything_and_the_next_packet_begins_anew() -> None:
    scene = watched()
    scene.network.fault = lambda sent, number: ()
    scene.network.run(30.0 + CYCLE_S - 0.5)
    assert scene.alice.inbound
    scene.network.run(30.0 + CYCLE_S + 1.5)
    assert scene.alice.inbound == {}
    assert scene.alice.engine.main_mode_sas() == ()
    assert len(scene.alice.engine._negotiations.probes) == 0
    assert scene.times(scene.datagrams[0])[:1] == [0.0]


def test_peers_that_cannot_answer_and_other_policies_are_left_alone() -> None:
    """Server 2003 does not know of it, so it does not say so either."""
    scene = watched(policy(profile=Profile.WINDOWS_2003))
    scene.network.run(500.0)
    assert scene.datagrams == []
    scene = Scene().connect()
    count = len(scene.datagrams)
    scene.network.run(500.0)
    assert len(scene.datagrams) == count


def test_an_answer_with_another_number_is_none() -> None:
    host = Host("192.0.2.1", WATCHFUL, CREDENTIALS)
    network = Network(host)
    puppet = Puppet(network, host)
    puppet.offers(puppet.proposal(), VendorId(DEAD_PEER_DETECTION))
    puppet.exchanges_keys()
    puppet.proves()
    network.run(30.5)
    probe = puppet.reads_informational(network.sent[-1].datagram).one(Notification)
    assert probe.notify == NotifyType.R_U_THERE
    wrong = (int.from_bytes(probe.data) + 1).to_bytes(4)
    ack = NotifyType.R_U_THERE_ACK
    puppet.hears(puppet.inform(Notification(1, 1, ack, probe.spi, wrong)))
    watched = host.engine._negotiations.probes._watched[puppet.cky_i, puppet.cky_r]
    assert watched.asked == 1
    puppet.hears(puppet.inform(Notification(1, 1, ack, probe.spi, probe.data)))
    assert watched.asked == 0


@pytest.mark.parametrize("seed", range(50))
def test_a_word_just_before_the_interval_ends_puts_the_probe_off_and_no_more(seed: int) -> None:
    """Whatever the last digits of the moments are: sums of seconds are rounded."""
    scene = watched()
    [sa] = scene.alice.engine.main_mode_sas()
    sa.heard_at = Random(seed).uniform(1.0, 25.0)
    scene.network.run(sa.heard_at + 29.9)
    assert scene.sent_by(scene.alice) == []
    scene.network.run(sa.heard_at + 30.1)
    assert len(scene.sent_by(scene.alice)) == 1
