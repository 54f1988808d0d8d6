"""The driver of simulations: what it lets pass, what it tells IKE, and that the real one agrees."""

import os
from dataclasses import replace
from ipaddress import ip_address
from random import Random

import pytest

from mainmode import limits
from mainmode.driver import model
from mainmode.driver.model import ModelDriver
from mainmode.driver.model_packets import Packet, Sealed, reverse
from mainmode.driver.user.plane import DataPlane
from mainmode.errors import DriverError
from mainmode.model import Direction, Flow, IpAddress, Lifetime, SaPair, SoftSa
from mainmode.numbers import IpProtocol, ProtocolId
from mainmode.packets import ip
from mainmode.packets.refusal import Refusal
from mainmode.policy.model import Action, Policy
from mainmode.policy.selection import Selection
from tests.driver.pairs import other_view, pair, policy, rule

A, B = "192.0.2.1", "192.0.2.2"
FLOW = Flow(ip_address(A), ip_address(B), IpProtocol.UDP, 4_000, 5_000)
SECURE = rule(Action.NEGOTIATE, A, B)


class Upstairs:
    """Writes down what a driver tells."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def acquire(self, flow: Flow) -> None:
        self.told.append(("acquire", flow))

    def expired(self, spi: int, *, hard: bool) -> None:
        self.told.append(("expired", spi, hard))

    def idle(self, spi: int) -> None:
        self.told.append(("idle", spi))

    def used(self, spi: int) -> None:
        self.told.append(("used", spi))

    def soft_idle(self, number: int) -> None:
        self.told.append(("soft idle", number))

    def bad_spi(self, local: IpAddress, peer: IpAddress, protocol: ProtocolId, spi: int) -> None:
        self.told.append(("bad SPI", local, peer, protocol, spi))


class Bench(Upstairs):
    """A driver, what came out of it on every side, and a clock."""

    def __init__(self, assigned: Policy, local: str = A) -> None:
        super().__init__()
        self.now = 0.0
        self.sent: list[Packet | Sealed] = []
        self.delivered: list[tuple[int, int]] = []
        self.driver = ModelDriver(
            clock=lambda: self.now,
            entropy=Random(local).randbytes,
            transmit=self.sent.append,
            deliver=lambda packet, spi: self.delivered.append((packet.number, spi)),
        )
        self.driver.start(self)
        self.driver.assign(Selection(assigned, [ip_address(local)]))

    def install(self, words: SaPair) -> None:
        for direction in Direction:
            self.driver.install(words, direction)

    def out(self, number: int = 1, flow: Flow = FLOW, octets: int = 100) -> None:
        self.driver.outbound(Packet(flow, number, octets))

    def pass_time(self, seconds: float) -> None:
        """As whoever has the driver must: a tick whenever one is due."""
        until = self.now + seconds
        while (at := self.driver.next_tick) is not None and at <= until:
            self.now = max(self.now, at)
            self.driver.tick()
        self.now = until

    @property
    def refused(self) -> dict[str, int]:
        return {why: count for why, count in self.driver.refused.items() if count}


def ends(suite: str = "esp:aes128-sha1") -> tuple[Bench, Bench, SaPair]:
    """Two hosts with one pair between them."""
    words = pair(A, B, suite)
    here, there = Bench(policy(SECURE)), Bench(policy(rule(Action.NEGOTIATE, B, A)), B)
    here.install(words)
    there.install(other_view(words))
    return here, there, words


# --- through a pair -----------------------------------------------------------------------


@pytest.mark.parametrize("suite", ["esp:aes128-sha1", "ah:sha1"])
def test_a_packet_goes_through(suite: str) -> None:
    here, there, words = ends(suite)
    here.out(7)
    (sealed,) = here.sent
    assert isinstance(sealed, Sealed)
    there.driver.inbound(sealed)
    assert there.delivered == [(7, words.outbound.spi)]
    assert there.told == [("used", words.outbound.spi)]
    counters = here.driver.counters(words.spi)
    assert counters is not None
    assert (counters.packets_sent, counters.octets_sent) == (1, 100)


def test_equal_keys_open_and_no_others() -> None:
    here, there, words = ends()
    other = other_view(words)
    there.driver.remove(other.spi)
    wrong = bytes(len(other.inbound.cipher_key))
    there.install(replace(other, inbound=replace(other.inbound, cipher_key=wrong)))
    here.out()
    there.driver.inbound(here.sent[0])
    assert there.delivered == []
    assert there.refused == {Refusal.NOT_AUTHENTICATED.value: 1}


def test_every_refusal_on_arrival_is_counted() -> None:
    here, there, _ = ends()
    for number in range(3):
        here.out(number)
    first, second, third = (each for each in here.sent if isinstance(each, Sealed))
    there.driver.inbound(first)
    there.driver.inbound(first)
    there.driver.inbound(second._replace(seal=bytes(8)))
    there.driver.inbound(third._replace(spi=third.spi + 1))
    stray = Packet(replace(FLOW, remote=ip_address("192.0.2.9")), 9, 100)
    there.driver.inbound(third._replace(packet=stray))
    assert there.refused == {
        Refusal.REPLAYED.value: 1,
        Refusal.NOT_AUTHENTICATED.value: 2,
        Refusal.BAD_SPI.value: 1,
    }
    stranger = (ip_address(B), ip_address(A), ProtocolId.ESP, third.spi + 1)
    assert there.told[-1] == ("bad SPI", *stranger)


def test_a_bad_spi_is_told_once_a_second() -> None:
    here, there, _ = ends()
    here.out()
    (sealed,) = here.sent
    assert isinstance(sealed, Sealed)
    for _ in range(5):
        there.driver.inbound(sealed._replace(spi=4_711))
    assert len(there.told) == 1
    there.now = 1.0
    there.driver.inbound(sealed._replace(spi=4_711))
    assert len(there.told) == 2


# --- without a pair -----------------------------------------------------------------------


def test_a_packet_waits_asks_and_leaves_when_its_pair_stands() -> None:
    here = Bench(policy(SECURE))
    here.out()
    assert (here.sent, here.told) == ([], [("acquire", FLOW)])
    here.pass_time(2.5)
    assert here.told == [("acquire", FLOW)] * 3
    here.install(pair(A, B, "esp:aes128-sha1"))
    assert len(here.sent) == 1
    assert here.driver.waiting == 0


def test_it_waits_no_longer_than_half_a_minute() -> None:
    here = Bench(policy(SECURE))
    here.out()
    here.pass_time(31.0)
    assert here.driver.waiting == 0
    assert here.refused == {Refusal.HELD_TOO_LONG.value: 1}
    assert here.driver.next_tick is None


def test_policy_permits_and_blocks() -> None:
    here = Bench(policy(rule(Action.BLOCK, A, B)))
    here.out()
    here.driver.inbound(Packet(reverse(FLOW), 2, 100))
    assert here.refused == {model.BLOCKED_OUT: 1, model.BLOCKED_IN: 1}
    free = Bench(policy())
    free.out()
    free.driver.inbound(Packet(reverse(FLOW), 2, 100))
    assert len(free.sent) == 1
    assert free.delivered == [(2, 0)]


def test_a_clear_packet_comes_in_only_where_policy_says_so() -> None:
    here = Bench(policy(SECURE))
    here.driver.inbound(Packet(reverse(FLOW), 1, 100))
    assert here.refused == {model.CLEAR_IN: 1}
    action = replace(SECURE.filter_action, accept_unsecured=True)
    here.driver.assign(Selection(policy(replace(SECURE, filter_action=action)), [ip_address(A)]))
    here.driver.inbound(Packet(reverse(FLOW), 2, 100))
    assert here.delivered == [(2, 0)]


def test_a_soft_association_lets_its_traffic_pass_both_ways() -> None:
    action = replace(SECURE.filter_action, allow_fallback=True)
    here = Bench(policy(replace(SECURE, filter_action=action)))
    here.out(1)
    selector = pair(A, B, "esp:aes128-sha1").selector
    here.driver.permit_clear(SoftSa(5, selector, ip_address(B)))
    assert [each for each in here.sent if isinstance(each, Packet)] == here.sent
    here.driver.inbound(Packet(reverse(FLOW), 2, 100))
    assert here.delivered == [(2, 0)]
    here.pass_time(limits.IDLE_S + 1.0)
    assert here.told[-1] == ("soft idle", 5)
    here.driver.end_clear(5)
    here.driver.inbound(Packet(reverse(FLOW), 3, 100))
    assert here.delivered == [(2, 0)]


def test_a_pair_comes_before_a_soft_association() -> None:
    here, _, words = ends()
    here.driver.permit_clear(SoftSa(5, words.selector, ip_address(B)))
    here.out()
    assert isinstance(here.sent[0], Sealed)


def test_dead_it_keeps_closed_what_needs_protection() -> None:
    here, _, _ = ends()
    here.driver.close()
    here.out()
    here.driver.inbound(Packet(reverse(FLOW), 2, 100))
    assert (here.sent, here.delivered) == ([], [])
    assert here.refused == {model.CLOSED: 1, model.CLEAR_IN: 1}


# --- time ---------------------------------------------------------------------------------


def test_lifetimes_are_told_when_they_come() -> None:
    here = Bench(policy(SECURE))
    words = pair(A, B, "esp:aes128-sha1", lifetime=Lifetime(100, 0))
    here.install(words)
    here.out()
    here.pass_time(89.9)
    assert here.told == []
    here.pass_time(0.1)
    assert here.told == [("expired", words.spi, False)]
    here.pass_time(10.0)
    assert here.told[1:] == [("expired", words.spi, True)]
    here.sent.clear()
    here.out()
    assert here.sent == []


def test_volume_counts_too() -> None:
    here = Bench(policy(SECURE))
    words = pair(A, B, "esp:aes128-sha1", lifetime=Lifetime(0, 1))
    here.install(words)
    here.out(octets=922)
    here.out(octets=102)
    here.out(octets=100)
    assert here.told == [
        ("expired", words.spi, False),
        ("expired", words.spi, True),
        ("acquire", FLOW),
    ]


def test_idleness_is_told_once_and_traffic_ends_it() -> None:
    here, _, words = ends()
    here.pass_time(limits.IDLE_S - 1.0)
    here.out()
    here.pass_time(limits.IDLE_S - 1.0)
    assert here.told == []
    here.pass_time(limits.IDLE_S)
    assert here.told == [("idle", words.spi)]


def test_a_pair_that_replaces_another_sends_once_it_has_been_used() -> None:
    here, there, words = ends()
    newer = pair(A, B, "esp:aes128-sha1", label="newer")
    here.driver.install(newer, Direction.INBOUND)
    here.driver.replace(words.spi, newer, once_used=True)
    here.out()
    assert isinstance(here.sent[0], Sealed)
    assert here.sent[0].spi == words.outbound.spi
    there.install(other_view(newer))
    there.driver.remove(words.outbound.spi)
    there.out(flow=reverse(FLOW))
    here.driver.inbound(there.sent[0])
    here.out()
    assert isinstance(here.sent[1], Sealed)
    assert here.sent[1].spi == newer.outbound.spi
    assert here.driver.pair(words.spi) is not None, "it goes on receiving"


# --- what IKE asks ------------------------------------------------------------------------


def test_it_refuses_on_demand() -> None:
    here = Bench(policy(SECURE))
    here.driver.refuses = lambda what: what is not Direction.INBOUND
    with pytest.raises(DriverError):
        here.driver.allocate_spi(ProtocolId.ESP, FLOW.local, FLOW.remote)
    words = pair(A, B, "esp:aes128-sha1")
    here.driver.install(words, Direction.INBOUND)
    with pytest.raises(DriverError):
        here.driver.install(words, Direction.OUTBOUND)


def test_promises_are_kept_count_of() -> None:
    here = Bench(policy(SECURE))
    spi = here.driver.allocate_spi(ProtocolId.ESP, FLOW.local, FLOW.remote)
    assert here.driver.promised == 1
    here.driver.remove(spi)
    assert here.driver.promised == 0


def test_statistics() -> None:
    here, _, words = ends()
    named = here.driver.statistics().named()
    assert named["Active Security Associations"] == 1
    here.driver.remove(words.spi)
    named = here.driver.statistics().named()
    assert named["Active Security Associations"] == 0
    assert (named["Key Additions"], named["Key Deletions"]) == (1, 1)


# --- like the real one --------------------------------------------------------------------


class Real(Upstairs):
    """The data plane under the same hands."""

    def __init__(self, assigned: Policy, local: str = A) -> None:
        super().__init__()
        self.now = 0.0
        self.sent: list[bytes] = []
        self.delivered: list[bytes] = []
        self.plane = DataPlane(
            deliver=self.delivered.append, transmit=self.sent.append, process=os.getpid
        )
        self.plane.attach(self)
        self.plane.assign(Selection(assigned, [ip_address(local)]), 0.0)

    def out(self, flow: Flow, octets: int) -> None:
        ports = flow.local_port.to_bytes(2) + flow.remote_port.to_bytes(2)
        payload = ports + bytes(octets - ip.HEADER_OCTETS - 4)
        ends = flow.local.packed, flow.remote.packed
        self.plane.outbound(ip.build(flow.protocol, *ends, payload), self.now)


@pytest.mark.parametrize("seed", range(20))
def test_it_tells_what_the_real_driver_tells(seed: int) -> None:
    """Idleness apart, which the real one notices a second later."""
    chance = Random(seed)
    mimic, real = Bench(policy(SECURE)), Real(policy(SECURE))
    flows = [replace(FLOW, local_port=4_000 + number) for number in range(3)]
    standing: list[SaPair] = []
    for step in range(300):
        act = chance.random()
        if act < 0.5:
            flow, octets = chance.choice(flows), chance.randint(100, 1_000)
            mimic.out(step, flow, octets)
            real.out(flow, octets)
        elif act < 0.55:
            lifetime = Lifetime(chance.randint(5, 60), chance.choice((0, 10)))
            words = pair(A, B, "esp:aes128-sha1", lifetime=lifetime, label=f"{step}")
            standing.append(words)
            for direction in Direction:
                mimic.driver.install(words, direction)
                real.plane.install(words, direction, real.now)
        elif act < 0.58 and standing:
            gone = standing.pop(chance.randrange(len(standing)))
            mimic.driver.remove(gone.spi)
            real.plane.remove(gone.spi)
        else:
            mimic.now = real.now = real.now + 1.0
            mimic.driver.tick()
            real.plane.tick(real.now)
        assert mimic.told == real.told
        assert len(mimic.sent) == len(real.sent)
    assert real.told
