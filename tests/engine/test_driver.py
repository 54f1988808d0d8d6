"""The driver refuses, or takes its time: nothing half-installed, and the peer learns."""

import pytest

from mainmode.engine.effects import AllocateSpi, InstallPair, Run
from mainmode.engine.events import NegotiationFailed
from mainmode.failures import Reason, Side
from mainmode.model import Direction
from mainmode.numbers import Doi, NotifyType, ProtocolId
from mainmode.testing.samples import policy, rule
from mainmode.wire.payloads import Delete, Notification
from tests.engine.rungs import rung
from tests.engine.scene import LONG_ENOUGH_S, Scene, failure, failures, tables

REFUSALS = [AllocateSpi, Direction.INBOUND, Direction.OUTBOUND]
SUITES = ["esp:3des-sha1", "ah:sha1"]


@pytest.mark.parametrize("refused", REFUSALS)
@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("who", ["alice", "bob"])
def test_whichever_job_fails_nothing_stays_on_either_side(
    who: str, suite: str, refused: type[AllocateSpi] | Direction
) -> None:
    scene = Scene(policy(rule(quick_mode=suite)))
    refusing = scene.alice if who == "alice" else scene.bob
    refusing.refuse = refused
    scene.connect(2.0)
    for host in (scene.alice, scene.bob):
        assert not host.promised
        assert not host.inbound
        assert not host.outbound
        assert not host.engine.quick_mode_sas()
        assert host.engine.main_mode_sas(), "main mode stands"
        assert tables(host)["exchanges under way"] == 0, "and nobody waits in vain"
    assert failure(refusing).reason is Reason.DRIVER_REFUSED
    assert failure(refusing).decided_by is Side.ME
    assert "the driver is told to" in failure(refusing).detail
    assert "driver" in failure(refusing).step


@pytest.mark.parametrize("refused", REFUSALS)
@pytest.mark.parametrize("who", ["alice", "bob"])
def test_the_next_attempt_works(who: str, refused: type[AllocateSpi] | Direction) -> None:
    scene = Scene()
    refusing = scene.alice if who == "alice" else scene.bob
    refusing.refuse = refused
    scene.connect(2.0)
    refusing.refuse = None
    scene.connect(3.0)
    scene.require_agreement()


def test_the_jobs_are_counted_under_their_documented_names() -> None:
    scene = Scene()
    scene.bob.refuse = AllocateSpi
    scene.connect(2.0)
    scene.bob.refuse = Direction.INBOUND
    scene.connect(4.0)
    scene.bob.refuse = Direction.OUTBOUND
    scene.connect(6.0)
    scene.bob.refuse = None
    scene.connect(8.0)
    named = scene.bob.engine.statistics.named()
    assert named["Total Get SPI"] == 4
    assert named["Get SPI Failures"] == 1
    assert (named["Key Updates"], named["Key Update Failures"]) == (2, 1)
    assert (named["Key Additions"], named["Key Addition Failures"]) == (1, 1)


def test_a_responder_that_cannot_install_says_so_before_its_spi_is_known() -> None:
    """With the initiator's SPI, so that it knows which quick mode is meant."""
    for refused in (AllocateSpi, Direction.INBOUND):
        standing = rung("quick_mode_1")
        standing.host.refuse = refused
        [reply] = standing.puppet.hears(standing.datagram)
        said = standing.puppet.reads_informational(reply).one(Notification)
        assert said.notify == NotifyType.NO_PROPOSAL_CHOSEN
        assert int.from_bytes(said.spi) > 0xFF


def test_a_responder_that_cannot_install_outbound_deletes_what_it_has_promised() -> None:
    standing = rung("quick_mode_3")
    [spi] = standing.host.promised
    standing.host.refuse = Direction.OUTBOUND
    [reply] = standing.puppet.hears(standing.datagram)
    said = standing.puppet.reads_informational(reply).one(Delete)
    assert (said.protocol, said.spis) == (ProtocolId.ESP, (spi.to_bytes(4),))


def test_an_initiator_that_gets_no_spi_says_nothing() -> None:
    """Its peer has not heard of the quick mode yet."""
    standing = rung("quick_mode_1")
    network, host = standing.puppet.network, standing.host
    host.refuse = AllocateSpi
    before = len(network.sent)
    network.do(host, host.engine.connect(standing.path, 0.0))
    assert len(network.sent) == before
    assert failure(host).reason is Reason.DRIVER_REFUSED


# --- a driver that takes its time -----------------------------------------------------------------


def test_a_slow_driver_delays_and_nothing_else() -> None:
    scene = Scene()
    for host in (scene.alice, scene.bob):
        host.slow = True
    scene.network.connect(scene.alice, scene.bob)
    for tenth in range(1, 40):
        scene.network.run(tenth / 10)
        for host in (scene.alice, scene.bob):
            scene.network.finish_jobs(host)
    scene.require_agreement()


@pytest.mark.parametrize("jobs", [0, 1, 2])
@pytest.mark.parametrize("who", ["alice", "bob"])
def test_what_the_driver_finishes_too_late_is_undone(who: str, jobs: int) -> None:
    """Disconnected while the driver works on the first, second or third job."""
    scene = Scene()
    host, other = (scene.alice, scene.bob) if who == "alice" else (scene.bob, scene.alice)
    host.slow = True
    scene.connect()
    for _ in range(jobs):
        scene.network.do(host, host.finish(host.jobs.popleft(), scene.network.now))
        scene.network.run(scene.network.now + 1)
    assert len(host.jobs) == 1
    scene.network.do(host, host.engine.disconnect(other.address, scene.network.now))
    scene.network.finish_jobs(host)
    assert not host.promised
    assert not host.inbound
    assert not host.outbound
    assert tables(host)["jobs"] == 0


def test_a_result_that_nobody_waits_for_is_nothing() -> None:
    scene = Scene().connect()
    assert scene.alice.engine.resume(12345, 1, 1.0) == []


def test_datagrams_that_come_while_the_driver_works_are_dropped_or_wait() -> None:
    standing = rung("quick_mode_1")
    standing.host.slow = True
    datagram = standing.datagram
    assert standing.puppet.hears(datagram) == []
    assert standing.puppet.hears(datagram) == [], "a duplicate, and there is no reply yet"
    [run] = standing.host.jobs
    assert isinstance(run, Run)
    assert isinstance(run.job, AllocateSpi)
    standing.puppet.network.finish_jobs(standing.host)
    assert len(standing.host.inbound) == 1


def test_a_job_never_outlives_a_refusal_by_the_peer() -> None:
    """The peer refuses while we still install."""
    standing = rung("quick_mode_2")
    host, puppet = standing.host, standing.puppet
    host.slow = True
    puppet.hears(standing.datagram)
    [run] = host.jobs
    assert isinstance(run.job, InstallPair)
    spi = run.job.pair.outbound.spi
    puppet.hears(puppet.inform(Delete(Doi.IPSEC, ProtocolId.ESP, (spi.to_bytes(4),))))
    puppet.network.finish_jobs(host)
    assert not host.promised
    assert not host.inbound
    assert failure(host).decided_by is Side.PEER


def test_refused_pairs_leave_no_timer_behind() -> None:
    scene = Scene()
    scene.alice.refuse = Direction.INBOUND
    for second in range(5):
        scene.connect(second + 1.0)
    scene.network.run(LONG_ENOUGH_S)
    assert len(failures(scene.alice)) == 5
    assert len(scene.bob.of(NegotiationFailed)) == 5
    for host in (scene.alice, scene.bob):
        assert set(tables(host).values()) == {0}
