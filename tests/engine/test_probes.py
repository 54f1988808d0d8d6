"""Dead peer detection: probes are answered, none are sent (RFC 3706)."""

import pytest

from mainmode.engine.events import (
    NotificationReceived,
)
from mainmode.numbers import Doi, NotifyType, ProtocolId
from mainmode.testing.puppet import Puppet
from mainmode.wire.payloads import (
    Notification,
)
from tests.engine.peers import (
    host_and_network,
)
from tests.engine.rungs import rung
from tests.engine.scene import state


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
