"""Who repeats what, when, how often, and when it gives up."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest

from mainmode import limits
from mainmode.engine.effects import Send
from mainmode.engine.events import DatagramDropped, MessageSent
from mainmode.engine.vendor_ids import MICROSOFT
from mainmode.failures import Reason, Side
from mainmode.numbers import ExchangeType, HeaderFlag
from mainmode.testing.faults import Weather, double, lose, lose_from
from mainmode.testing.network import Arrival, Fault, Host
from mainmode.testing.puppet import Puppet, Talk
from mainmode.testing.samples import policy
from mainmode.wire.payloads import VendorId
from tests.engine.rungs import CONNECTED, RUNGS, asked_quickly, facing, rung
from tests.engine.scene import (
    LONG_ENOUGH_S,
    RETRY_CYCLE_S,
    Scene,
    failure,
    failures,
    header,
    numbers,
    tables,
)

SCHEDULE_S = [0.0, 1.0, 3.0, 7.0, 15.0, 31.0]
NUMBERS = numbers()
"""From each message to its number when nothing goes wrong."""
RESENT = {
    "main mode message 1": ("alice", "main mode message 1"),
    "main mode message 2": ("alice", "main mode message 1"),
    "main mode message 3": ("alice", "main mode message 3"),
    "main mode message 4": ("alice", "main mode message 3"),
    "main mode message 5": ("alice", "main mode message 5"),
    "main mode message 6": ("alice", "main mode message 5"),
    "quick mode message 1": ("alice", "quick mode message 1"),
    "quick mode message 2": ("bob", "quick mode message 2"),
    "quick mode message 3": ("bob", "quick mode message 2"),
}
"""Who notices that a message is lost, and what is resent then."""


# --- a message is lost ----------------------------------------------------------------------------


@pytest.mark.parametrize("step", RESENT)
def test_one_lost_message_costs_a_second_and_nothing_else(step: str) -> None:
    scene = Scene(fault=lose(NUMBERS[step])).connect(2.0)
    scene.require_agreement()
    name, resent = RESENT[step]
    assert (resent, 1) in [
        (event.step, event.retry) for event in getattr(scene, name).of(MessageSent)
    ]


@pytest.mark.parametrize("step", RESENT)
@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_so_do_several(step: str, count: int) -> None:
    scene = Scene(fault=lose_first(step, count)).connect(SCHEDULE_S[count] + 1)
    scene.require_agreement()


@pytest.mark.parametrize("step", RESENT)
def test_when_the_network_ends_the_timer_side_resends_five_times_and_gives_up(step: str) -> None:
    scene = Scene(fault=lose_from(NUMBERS[step])).connect(LONG_ENOUGH_S)
    name, resent = RESENT[step]
    assert scene.times(scene.datagrams[NUMBERS[resent]]) == SCHEDULE_S
    refusal = failure(getattr(scene, name))
    assert refusal.decided_by is Side.NOBODY


@pytest.mark.parametrize("step", ["main mode message 1", "main mode message 3"])
def test_the_failure_comes_47_seconds_after_the_first_sending(step: str) -> None:
    scene = Scene(fault=lose_from(NUMBERS[step])).connect(46.9)
    assert failures(scene.alice) == []
    scene.network.run(47.1)
    assert failure(scene.alice).reason is Reason.TIMED_OUT


def test_silence_after_message_5_is_called_a_likely_wrong_key() -> None:
    scene = Scene(fault=lose_from(NUMBERS["main mode message 6"])).connect(LONG_ENOUGH_S)
    refusal = failure(scene.alice)
    assert refusal.reason is Reason.WRONG_KEY
    assert refusal.decided_by is Side.NOBODY


def test_the_schedule_is_the_policys() -> None:
    assigned = policy()
    settings = replace(assigned.main_mode, retry_intervals_s=(0.5, 0.25, 0.25))
    scene = Scene(replace(assigned, main_mode=settings), fault=lose_from(0)).connect(0.9)
    assert scene.times(scene.datagrams[0]) == [0.0, 0.5, 0.75]
    assert failures(scene.alice) == []
    scene.network.run(1.0)
    assert failure(scene.alice).reason is Reason.TIMED_OUT


def test_a_computer_that_slept_resends_once_and_goes_on_from_there() -> None:
    """However late `wake` is called."""
    scene = Scene(fault=lose_from(0))
    scene.network.connect(scene.alice, scene.bob)
    sent = [
        effect
        for now in (1000.0, 1001.9, 1002.0)
        for effect in scene.alice.execute(scene.alice.engine.wake(now), now)
    ]
    assert len(sent) == 2
    assert scene.alice.engine.next_wake == 1006.0


def test_every_resent_message_is_recorded_as_such() -> None:
    scene = Scene(fault=lose_from(0)).connect(LONG_ENOUGH_S)
    assert [event.retry for event in scene.alice.of(MessageSent)] == [0, 1, 2, 3, 4, 5]
    assert "(retry 5)" in scene.alice.of(MessageSent)[-1].sentence


# --- one side has the timer -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["main_mode_3", "main_mode_5"])
def test_a_main_mode_responder_says_nothing_of_its_own_accord(name: str) -> None:
    standing = rung(name)
    network = standing.puppet.network
    before = len(network.sent)
    network.run(LONG_ENOUGH_S)
    assert len(network.sent) == before
    assert not standing.host.engine.main_mode_sas()


def test_an_initiator_says_nothing_more_of_its_own_accord_after_quick_mode_3() -> None:
    scene = Scene().connect()
    before = len(scene.datagrams)
    scene.network.run(LONG_ENOUGH_S)
    assert len(scene.datagrams) == before


def test_a_quick_mode_responder_resends_message_2_until_message_3_comes() -> None:
    standing = rung("quick_mode_3")
    network = standing.puppet.network
    message_2 = network.sent[-1].datagram
    network.run(20.0)
    resent = [sent.datagram for sent in network.sent].count(message_2)
    assert resent == 5
    standing.puppet.hears(standing.datagram)
    network.run(LONG_ENOUGH_S)
    assert [sent.datagram for sent in network.sent].count(message_2) == resent
    assert len(standing.host.engine.quick_mode_sas()) == 1


def test_a_lost_message_3_of_quick_mode_is_said_again_on_request() -> None:
    scene = Scene(fault=lose(NUMBERS["quick mode message 3"])).connect(0.5)
    assert scene.alice.engine.quick_mode_sas()
    assert not scene.bob.engine.quick_mode_sas()
    scene.network.run(2.0)
    scene.require_agreement()
    [message_3] = set(scene.sent_by(scene.alice)[-2:])
    assert header(message_3).exchange == ExchangeType.QUICK


# --- duplicates -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["main_mode_1", "main_mode_3", "main_mode_5", "quick_mode_2"])
def test_an_identical_datagram_is_answered_at_most_five_times_more(name: str) -> None:
    standing = rung(name)
    datagram = standing.datagram
    first, *more = standing.puppet.hears(datagram)
    assert all(header(each).exchange == ExchangeType.INFORMATIONAL for each in more)
    replies = [standing.puppet.hears(datagram) for _ in range(20)]
    assert replies == [[first]] * limits.DUPLICATE_REPLIES_MAX + [[]] * 15
    assert "a duplicate" in standing.host.of(DatagramDropped)[-1].why


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in RUNGS
        if name not in ("main_mode_1", "main_mode_3", "main_mode_5", "quick_mode_2")
    ],
)
def test_whoever_has_the_timer_answers_no_duplicate(name: str) -> None:
    standing = rung(name)
    datagram = standing.datagram
    standing.puppet.hears(datagram)
    assert [standing.puppet.hears(datagram) for _ in range(5)] == [[]] * 5


@pytest.mark.parametrize("name", ["main_mode_3", "main_mode_5", "quick_mode_2"])
def test_almost_identical_is_not_identical(name: str) -> None:
    """One octet behind the end is enough, whatever it decrypts to."""
    standing = rung(name)
    datagram = standing.datagram
    standing.puppet.hears(datagram)
    assert standing.puppet.hears(datagram + b"\0") == []
    assert len(standing.puppet.hears(datagram)) == 1


def test_a_stored_reply_is_kept_a_minute_and_then_forgotten() -> None:
    standing = rung("quick_mode_2")
    standing.puppet.hears(standing.datagram)
    standing.puppet.network.run(limits.FINISHED_EXCHANGE_S - 0.1)
    assert len(standing.puppet.hears(standing.datagram)) == 1
    standing.puppet.network.run(limits.FINISHED_EXCHANGE_S + 0.1)
    assert standing.puppet.hears(standing.datagram) == []
    assert tables(standing.host)["exchanges"] == 0


@pytest.mark.parametrize("step", RESENT)
@pytest.mark.parametrize("late_s", [0.0, 0.005, 0.015, 0.5, 5.0])
def test_one_duplicated_datagram_does_not_echo(step: str, late_s: float) -> None:
    clean = len(Scene().connect(LONG_ENOUGH_S).datagrams)
    scene = Scene(fault=double(NUMBERS[step], late_s=late_s)).connect(LONG_ENOUGH_S)
    scene.require_agreement()
    assert len(scene.datagrams) <= clean + 1


def test_a_network_that_doubles_everything_makes_no_storm() -> None:
    clean = len(Scene().connect(LONG_ENOUGH_S).datagrams)
    scene = Scene(fault=Weather(0, duplication=1.0)).connect(LONG_ENOUGH_S)
    scene.require_agreement()
    assert len(scene.datagrams) <= 2 * clean


# --- the Commit bit -------------------------------------------------------------------------------


def test_a_microsoft_peer_that_sets_the_commit_bit_is_waited_for() -> None:
    puppet, host, talk, message_3 = committed(VendorId(MICROSOFT + bytes.fromhex("00000004")))
    assert not host.engine.quick_mode_sas()
    network = puppet.network
    network.run(20.0)
    assert count(puppet, message_3) == 5
    talk.read(message_3)
    puppet.hears(talk.fourth(CONNECTED))
    assert len(host.engine.quick_mode_sas()) == 1
    network.run(LONG_ENOUGH_S)
    assert count(puppet, message_3) == 5


def test_without_connected_the_quick_mode_fails_after_the_retry_cycle() -> None:
    puppet, host, _, message_3 = committed(VendorId(MICROSOFT))
    puppet.network.run(RETRY_CYCLE_S - 0.1)
    assert failures(host) == []
    puppet.network.run(RETRY_CYCLE_S + 0.1)
    assert count(puppet, message_3) == 6
    assert failure(host).step == "waiting for the responder to say CONNECTED"
    assert not host.promised


@pytest.mark.parametrize("vendor_id", [None, b"somebody else", MICROSOFT[:-1]])
def test_nobody_else_is_waited_for(vendor_id: bytes | None) -> None:
    extras = [VendorId(vendor_id)] if vendor_id is not None else []
    puppet, host, _, message_3 = committed(*extras)
    assert len(host.engine.quick_mode_sas()) == 1
    puppet.network.run(LONG_ENOUGH_S)
    assert count(puppet, message_3) == 1


def test_a_fourth_message_that_nobody_asked_for_is_ignored() -> None:
    """Windows servers send one, with INITIAL-CONTACT."""
    puppet, host, talk, message_3 = committed()
    talk.read(message_3)
    assert puppet.hears(talk.fourth(CONNECTED)) == []
    assert len(host.engine.quick_mode_sas()) == 1
    assert len(host.engine.main_mode_sas()) == 1


@pytest.mark.parametrize("name", ["main_mode_1", "main_mode_3", "main_mode_5", "quick_mode_1"])
def test_the_commit_bit_elsewhere_is_tolerated(name: str) -> None:
    standing = rung(name)
    datagram = standing.datagram
    flagged = datagram[:19] + bytes((datagram[19] | HeaderFlag.COMMIT,)) + datagram[20:]
    standing.finish(standing.puppet.hears(flagged))
    assert standing.host.engine.main_mode_sas()


# --- words ----------------------------------------------------------------------------------------


def lose_first(step: str, count: int) -> Fault:
    """The first so many sendings of a message are lost."""
    lost: list[bytes] = []

    def fault(sent: Send, number: int) -> Iterable[Arrival]:
        if number == NUMBERS[step] or (lost and sent.datagram == lost[0]):
            lost.append(sent.datagram)
        if not lost or sent.datagram != lost[0] or len(lost) > count:
            yield Arrival(sent.datagram)

    return fault


def committed(*vendor_ids: VendorId) -> tuple[Puppet, Host, Talk, bytes]:
    """A host whose quick mode was answered under the Commit bit, with its message 3."""
    puppet = facing()
    host, message_1 = puppet.host, asked_quickly(puppet, *vendor_ids)
    talk = puppet.talk(header(message_1).message_id)
    [message_3] = puppet.hears(talk.second(message_1, flags=HeaderFlag.COMMIT))
    return puppet, host, talk, message_3


def count(puppet: Puppet, datagram: bytes) -> int:
    return Counter(sent.datagram for sent in puppet.network.sent)[datagram]
