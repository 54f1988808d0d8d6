"""The simulated network and its hosts."""

import pytest

from mainmode.engine.effects import AllocateSpi, Send
from mainmode.engine.events import DatagramDropped, MessageSent, QuickModeEstablished
from mainmode.testing.faults import before, double, lose, lose_from
from mainmode.testing.network import Arrival, Host, Network, faithful
from mainmode.testing.samples import CREDENTIALS, policy

ALICE, BOB = "192.0.2.1", "192.0.2.2"


def hosts(seed: int = 0) -> tuple[Host, Host]:
    return (
        Host(ALICE, policy(), CREDENTIALS, seed=seed),
        Host(BOB, policy(), CREDENTIALS, seed=seed),
    )


def test_datagrams_take_the_delay_and_timers_ring_in_between() -> None:
    alice, bob = hosts()
    network = Network(alice, bob, delay_s=0.4)
    network.connect(alice, bob)
    network.run(0.5)
    assert network.sent_at == [0.0, 0.4]
    network.run(1.1)
    assert network.sent_at == pytest.approx([0.0, 0.4, 0.8])
    assert network.now == 1.1


def test_the_clock_stands_where_a_run_ends() -> None:
    network = Network(*hosts())
    network.run(5.0)
    assert network.now == 5.0
    network.run(3.0)
    assert network.now == 5.0, "and never goes back"


def test_what_goes_nowhere_is_kept_and_lost() -> None:
    alice, bob = hosts()
    network = Network(alice)
    network.connect(alice, bob)
    network.run(60.0)
    assert len(network.sent) == 6


def test_a_fault_may_lose_change_double_and_delay() -> None:
    alice, bob = hosts()

    def fault(sent: Send, number: int) -> list[Arrival]:
        if number:
            return []
        return [Arrival(sent.datagram, 0.5), Arrival(b"changed", 0.2), Arrival(sent.datagram)]

    network = Network(alice, bob, fault=fault)
    network.connect(alice, bob)
    noticed = []
    for moment in (0.005, 0.015, 0.205, 0.215, 0.505, 0.515):
        network.run(moment)
        noticed.append((len(network.sent), len(bob.of(DatagramDropped))))
    assert noticed == [(1, 0), (2, 0), (2, 0), (2, 1), (2, 1), (3, 1)]


def test_the_simple_faults() -> None:
    sent = Send(hosts()[0].path_to(hosts()[1]), b"datagram")
    once = [Arrival(b"datagram")]
    nothing: list[Arrival] = []
    assert list(faithful(sent, 3)) == once
    assert [list(lose(1, 3)(sent, number)) for number in range(4)] == [once, nothing] * 2
    assert [list(lose_from(2)(sent, number)) for number in range(4)] == [once] * 2 + [nothing] * 2
    assert list(double(1, late_s=2.0)(sent, 1)) == [*once, Arrival(b"datagram", 2.0)]
    assert list(double(1)(sent, 2)) == once
    assert list(before(1, b"forged")(sent, 1)) == [Arrival(b"forged"), *once]
    assert list(before(1, b"forged")(sent, 2)) == once


def test_a_host_keeps_events_draws_and_what_its_driver_has() -> None:
    alice, bob = hosts()
    network = Network(alice, bob)
    network.connect(alice, bob)
    network.run()
    assert len(alice.of(QuickModeEstablished)) == 1
    assert len(alice.of(MessageSent)) == 5
    assert alice.drawn[0] == 8, "the cookie comes first"
    assert alice.promised == set(alice.inbound) == set(alice.outbound)
    assert repr(alice) == "<Host 192.0.2.1>"


def test_a_slow_host_keeps_its_jobs_until_told() -> None:
    alice, bob = hosts()
    alice.slow = True
    network = Network(alice, bob)
    network.connect(alice, bob)
    network.run()
    assert [type(run.job) for run in alice.jobs] == [AllocateSpi]
    network.finish_jobs(alice)
    assert not alice.jobs
    assert len(alice.promised) == 1


def test_injected_datagrams_arrive_at_once_and_their_answers_are_told() -> None:
    alice, bob = hosts()
    network = Network(alice, bob)
    network.connect(alice, bob)
    [answer] = network.inject(alice, bob, network.sent[0].datagram)
    assert answer == network.sent[1].datagram
    assert network.now == 0.0
