"""Many negotiations at once: message IDs, turns, both directions, several peers."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mainmode import limits
from mainmode.auth.credentials import Credentials
from mainmode.engine.events import (
    MainModeEstablished,
    NegotiationFailed,
)
from mainmode.engine.vendor_ids import MAINMODE
from mainmode.failures import Reason
from mainmode.model import Flow
from mainmode.numbers import Doi, ExchangeType, NotifyType, ProtocolId
from mainmode.testing.faults import Weather, lose_from
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, KEY, SECRET, authentication, policy, rule
from mainmode.wire.payloads import Delete, Notification, VendorId
from tests.engine.peers import standing
from tests.engine.rungs import asked_for, flow
from tests.engine.scene import (
    LONG_ENOUGH_S,
    RETRY_CYCLE_S,
    Scene,
    failures,
    header,
    port_scene,
    tables,
)

PORTS = range(1000, 1010)


# --- message IDs ----------------------------------------------------------------------------------


def test_message_ids_are_never_zero_and_never_used_twice() -> None:
    scene = port_scene(*PORTS)
    for port in PORTS:
        scene.acquire(scene.alice, scene.flow(port))
    scene.network.run()
    for spi in tuple(scene.alice.inbound):
        scene.network.do(scene.alice, scene.alice.engine.expired(spi, 1.0, hard=True))
    scene.network.run(2.0)
    ids = [header(each).message_id for each in scene.datagrams if header(each).exchange != 2]
    started = [
        header(each).message_id
        for host in (scene.alice, scene.bob)
        for each in scene.sent_by(host)
        if header(each).exchange == ExchangeType.INFORMATIONAL
    ]
    assert 0 not in ids
    assert len(set(started)) == len(started)
    quick = {header(each).message_id for each in scene.datagrams if header(each).exchange == 32}
    assert len(quick) == len(PORTS)
    assert not quick & set(started)


def test_a_broken_source_of_message_ids_is_asked_again() -> None:
    """Zero and what has been used before are passed over."""
    host, puppet = standing()
    [sa] = host.engine.main_mode_sas()
    used = next(iter(sa.used_message_ids))
    draws = iter([bytes(4), used.to_bytes(4), b"\0\0\0\7"])
    host.engine._desk.entropy = lambda _octets: next(draws)
    puppet.network.do(host, host.engine.disconnect(puppet.address, 0.0))
    [sent] = [each for each in puppet.network.sent if header(each.datagram).message_id == 7]
    assert sent.path == puppet.path


def test_a_message_id_of_zero_begins_no_quick_mode_and_no_informational() -> None:
    host, puppet = standing()
    assert puppet.hears(puppet.talk(0).first()) == []
    before = len(host.engine.main_mode_sas())
    gone = Delete(Doi.IPSEC, ProtocolId.ISAKMP, (puppet.cky_i + puppet.cky_r,))
    puppet.hears(puppet.inform(gone, message_id=0))
    assert len(host.engine.main_mode_sas()) == before
    assert puppet.talk().establish()


def test_a_used_message_id_begins_nothing_anew() -> None:
    """Neither while its exchange is kept, nor later, nor under another exchange type."""
    host, puppet = standing()
    talk = puppet.talk().establish()
    replayed, other = (puppet.talk(talk.message_id).first() for _ in range(2))
    gone = Delete(Doi.IPSEC, ProtocolId.ISAKMP, (puppet.cky_i + puppet.cky_r,))
    for now in (0.0, limits.FINISHED_EXCHANGE_S + 1):
        puppet.network.run(now)
        assert puppet.hears(replayed) == []
        assert puppet.hears(other) == []
        puppet.hears(puppet.inform(gone, message_id=talk.message_id))
        assert len(host.inbound) == 1
        assert len(host.engine.main_mode_sas()) == 1


def test_a_main_mode_that_has_used_up_its_message_ids_gives_way_to_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "USED_MESSAGE_IDS_MAX", 4)
    scene = port_scene(*PORTS)
    for port in PORTS:
        scene.acquire(scene.alice, scene.flow(port))
        scene.network.run(scene.network.now + 1.0)
    scene.require_agreement(pairs=len(PORTS))
    assert len(scene.alice.engine.main_mode_sas()) > 2


def test_equal_message_ids_under_two_main_modes_stay_apart() -> None:
    """Two peers happen to choose the same, and their messages alternate."""
    host, first = standing()
    second = Puppet(first.network, host, address="192.0.2.67").establish()
    talks = [puppet.talk(0x1234) for puppet in (first, second)]
    replies = [each.puppet.hears(each.first()) for each in talks]
    for talk, [message_2] in zip(talks, replies, strict=True):
        talk.read(message_2)
    for talk in reversed(talks):
        talk.puppet.hears(talk.third())
    assert sorted(str(pair.peer) for pair in host.inbound.values()) == [
        "192.0.2.66",
        "192.0.2.67",
    ]


def test_equal_message_ids_under_two_main_modes_with_one_peer_stay_apart() -> None:
    host, first = standing()
    second = Puppet(first.network, host, seed=1).establish()
    for puppet in (first, second):
        puppet.talk(0x1234).establish()
    assert len(host.inbound) == 2
    assert {sa.main_mode for sa in host.engine.quick_mode_sas()} == {
        (first.cky_i, first.cky_r),
        (second.cky_i, second.cky_r),
    }


def test_our_own_message_ids_and_the_peers_do_not_collide() -> None:
    """The peer begins a quick mode under a message ID that we use for one of ours."""
    host, puppet = standing()
    puppet.network.do(host, host.engine.connect(puppet.path, 0.0))
    message_1 = puppet.network.sent[-1].datagram
    stolen = puppet.talk(header(message_1).message_id)
    assert puppet.hears(stolen.first()) == []
    ours = puppet.talk(header(message_1).message_id)
    puppet.hears(ours.second(message_1))
    assert len(host.inbound) == 1


# --- both directions ------------------------------------------------------------------------------


def test_simultaneous_main_modes_both_lead_to_an_sa() -> None:
    scene = Scene()
    scene.network.connect(scene.alice, scene.bob)
    scene.network.connect(scene.bob, scene.alice)
    scene.network.run(1.0)
    scene.require_agreement(pairs=2)
    scene.network.run(LONG_ENOUGH_S)
    scene.require_agreement(pairs=1)
    assert len(scene.alice.of(NegotiationFailed)) == len(scene.bob.of(NegotiationFailed)) == 0


@pytest.mark.parametrize("seed", range(30))
def test_also_in_bad_weather(seed: int) -> None:
    fault = Weather(seed, loss=0.1, duplication=0.2, lateness=0.3)
    scene = Scene(fault=fault, seed=seed)
    scene.network.connect(scene.alice, scene.bob)
    scene.network.connect(scene.bob, scene.alice)
    scene.network.run(LONG_ENOUGH_S)
    for host in (scene.alice, scene.bob):
        assert host.engine.main_mode_sas()
        assert set(tables(host).values()) == {0}
        assert failures(host) == []


def test_a_main_mode_of_the_peers_serves_our_wish() -> None:
    """Whoever is first: the wish waits for a main mode, not for ours."""
    scene = Scene()
    scene.network.connect(scene.bob, scene.alice)
    scene.network.run(0.055)
    scene.network.connect(scene.alice, scene.bob)
    scene.network.run()
    assert len(scene.alice.of(MainModeEstablished)) == 1
    scene.require_agreement(pairs=2)


def test_quick_modes_in_both_directions_at_once_stay_apart() -> None:
    scene = Scene().connect()
    scene.network.connect(scene.alice, scene.bob)
    scene.network.connect(scene.bob, scene.alice)
    scene.network.run(2.0)
    scene.require_agreement(pairs=3)
    assert len(scene.alice.engine.main_mode_sas()) == 1


def test_the_answer_to_a_held_packet_waits_for_the_quick_mode_that_the_peer_has_begun() -> None:
    """Bob's reply to Alice's first packet asks for an SA while hers is being made."""
    scene = Scene().connect(0.085)
    assert scene.bob.engine._negotiations.exchanges.under_way()
    scene.acquire(scene.bob, Flow(scene.bob.address, scene.alice.address, 6, 80, 50_000))
    scene.network.run(LONG_ENOUGH_S)
    scene.require_agreement(pairs=1)


def test_wishes_under_different_keys_have_main_modes_of_their_own() -> None:
    """Two rules toward one peer; the key of one of them is wrong there."""
    right, wrong = authentication(SECRET), authentication("another")
    credentials = Credentials({SECRET: KEY, "another": b"what the peer does not have"})
    assigned = policy(
        rule(protocol=6, port=80, authentications=[wrong]),
        rule(protocol=6, port=443, name="right", authentications=[right]),
    )
    bob = policy(*(rule("any", "me", protocol=6, port=port) for port in (80, 443)))
    scene = Scene(assigned, bob, alice_credentials=credentials)
    for port in (80, 443):
        scene.acquire(scene.alice, scene.flow(port))
    scene.network.run(LONG_ENOUGH_S)
    scene.require_agreement()
    [pair] = scene.alice.inbound.values()
    assert pair.selector.remote_port == 443
    assert [each.reason for each in failures(scene.alice)] == [Reason.WRONG_KEY]
    assert tables(scene.alice)["wishes"] == 0


def test_a_main_mode_that_fails_takes_only_its_own_wishes_along() -> None:
    """Two rules toward one peer that is dead; the second wish comes five seconds later."""
    assigned = policy(
        rule(protocol=6, port=80, authentications=[authentication("one")]),
        rule(protocol=6, port=443, name="b", authentications=[authentication("another")]),
    )
    scene = Scene(assigned, fault=lose_from(0))
    scene.acquire(scene.alice, scene.flow(80))
    scene.network.run(5.0)
    scene.acquire(scene.alice, scene.flow(443))
    scene.network.run(RETRY_CYCLE_S + 1.0)
    assert tables(scene.alice)["wishes"] == tables(scene.alice)["parked wishes"] == 1
    scene.network.run(RETRY_CYCLE_S + 6.0)
    assert tables(scene.alice)["wishes"] == tables(scene.alice)["parked wishes"] == 0
    assert scene.alice.engine.statistics.acquire_failures == 2


# --- turns ----------------------------------------------------------------------------------------


def test_ten_quick_modes_at_once_between_two_of_us() -> None:
    scene = port_scene(*PORTS)
    with watching(scene.alice) as most:
        for port in PORTS:
            scene.acquire(scene.alice, scene.flow(port))
        scene.network.run()
    scene.require_agreement(pairs=len(PORTS))
    assert len(scene.alice.engine.main_mode_sas()) == 1
    first_answer = next(
        number for number, each in enumerate(scene.datagrams) if is_second(each, scene.datagrams)
    )
    begun = [each for each in scene.datagrams[:first_answer] if header(each).exchange == 32]
    assert len(begun) == len(PORTS), "all of them before the first answer"
    assert most == []


@pytest.mark.parametrize("seed", range(25))
def test_ten_quick_modes_at_once_in_bad_weather(seed: int) -> None:
    scene = port_scene(
        *PORTS, fault=Weather(seed, loss=0.15, duplication=0.2, lateness=0.4), seed=seed
    )
    for port in PORTS:
        scene.acquire(scene.alice, scene.flow(port))
    scene.network.run(LONG_ENOUGH_S)
    scene.require_agreement(pairs=len(PORTS))
    assert failures(scene.alice) == failures(scene.bob) == []


def test_at_most_three_at_once_toward_a_peer_not_known_to_take_more() -> None:
    host, puppet, begun = asked_for(PORTS)
    assert len(begun) == 3
    waiting = [puppet.talk(header(each).message_id) for each in begun]
    done = 0
    while waiting:
        talk = waiting.pop(0)
        more = puppet.hears(talk.second(begun.pop(0)))
        done += 1
        new = [each for each in more if header(each).message_id != talk.message_id]
        assert len(new) == (1 if done <= len(PORTS) - 3 else 0)
        begun += new
        waiting += [puppet.talk(header(each).message_id) for each in new]
    assert len(host.inbound) == len(PORTS)
    assert failures(host) == []


def test_a_peer_known_to_take_more_gets_them_all() -> None:
    _, _, begun = asked_for(PORTS, VendorId(MAINMODE))
    assert len(begun) == len(PORTS)


def test_a_refused_quick_mode_makes_room_for_the_next() -> None:
    host, puppet, waiting = asked_for(PORTS)
    refused = 0
    while waiting:
        about = header(waiting.pop(0)).message_id.to_bytes(4)
        no = Notification(Doi.IPSEC, ProtocolId.ESP, NotifyType.NO_PROPOSAL_CHOSEN, b"", about)
        waiting += puppet.hears(puppet.inform(no))
        refused += 1
    assert refused == len(PORTS)
    assert [each.reason for each in failures(host)] == [Reason.NO_COMMON_PROPOSAL] * refused
    puppet.network.run(LONG_ENOUGH_S)
    assert set(tables(host).values()) == {0}


def test_silence_in_the_first_three_is_silence_for_all() -> None:
    """The second and third of them have another main mode made, which the peer does not answer."""
    host, puppet, _ = asked_for(PORTS)
    puppet.network.run(3 * LONG_ENOUGH_S)
    assert {each.reason for each in failures(host)} == {Reason.TIMED_OUT}
    modes = [event.mode for event in host.of(NegotiationFailed)]
    assert modes[:3] == ["quick mode"] * 3
    assert modes[-1] == "main mode"
    assert set(tables(host).values()) == {0}


def test_when_the_main_mode_goes_those_who_wait_get_another() -> None:
    """Three run, seven wait; the peer deletes the main mode SA and goes silent."""
    host, puppet, _ = asked_for(PORTS)
    gone = Delete(Doi.IPSEC, ProtocolId.ISAKMP, (puppet.cky_i + puppet.cky_r,))
    puppet.hears(puppet.inform(gone))
    assert not host.engine.main_mode_sas()
    second = Puppet(puppet.network, host, seed=9).establish()
    puppet.network.run(48.0)
    again = [
        header(sent.datagram).message_id
        for sent in puppet.network.sent
        if header(sent.datagram).cky_r == second.cky_r and header(sent.datagram).exchange == 32
    ]
    assert len(set(again)) == 3, "as many as may"
    puppet.network.run(1000.0)
    assert set(tables(host).values()) == {0}
    puppet.network.do(host, host.engine.acquire(flow(host, puppet, PORTS[-1]), puppet.path, 1000.0))
    assert header(puppet.network.sent[-1].datagram).exchange in (2, 32), "none of them is stuck"


def test_the_queue_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NEGOTIATIONS_WAITING_MAX", 2)
    host, _, begun = asked_for(PORTS)
    assert len(begun) == 2, "no more than two waited for main mode"
    refused = failures(host)
    assert len(refused) == len(PORTS) - 2
    assert {each.reason for each in refused} == {Reason.CLOSED}
    assert host.engine.statistics.acquire_failures == len(PORTS) - 2


def test_the_queue_under_a_main_mode_has_an_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assigned = policy(*(rule(protocol=6, port=port, name=str(port)) for port in PORTS))
    host = Host("192.0.2.1", assigned, CREDENTIALS)
    puppet = Puppet(Network(host), host).establish()
    monkeypatch.setattr(limits, "NEGOTIATIONS_WAITING_MAX", 2)
    for port in PORTS:
        effects = host.engine.acquire(flow(host, puppet, port), puppet.path, 0.0)
        puppet.network.do(host, effects)
    assert tables(host)["exchanges under way"] == 3
    assert tables(host)["wishes"] == 5
    assert len(failures(host)) == len(PORTS) - 5


def test_asking_again_changes_nothing() -> None:
    scene = Scene()
    for _ in range(5):
        scene.network.connect(scene.alice, scene.bob)
        scene.acquire(scene.alice, scene.flow(80))
    scene.network.run()
    scene.require_agreement(pairs=1)
    assert scene.alice.engine.statistics.total_acquire == 1


# --- scenes ---------------------------------------------------------------------------------------


def is_second(datagram: bytes, datagrams: list[bytes]) -> bool:
    """Whether it is a message 2 of quick mode."""
    if header(datagram).exchange != 32:
        return False
    same = [each for each in datagrams if header(each).message_id == header(datagram).message_id]
    return same.index(datagram) == 1


@contextmanager
def watching(host: Host) -> Iterator[list[str]]:
    """Failures recorded meanwhile."""
    found: list[str] = []
    yield found
    found += [each.sentence for each in failures(host)]
