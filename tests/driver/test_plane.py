"""The data plane, with lists in place of device, socket and IKE."""

import os
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

import pytest

from mainmode import limits
from mainmode.driver.user.plane import DataPlane
from mainmode.model import (
    Direction,
    Endpoint,
    Flow,
    IpAddress,
    Lifetime,
    Mode,
    Path,
    SaPair,
    Selector,
    SoftSa,
    UdpEncapsulation,
)
from mainmode.numbers import ProtocolId
from mainmode.packets import ip
from mainmode.packets.refusal import Refusal
from mainmode.policy.model import Action, Rule
from mainmode.policy.selection import Selection
from tests.driver.pairs import addresses, other_view, pair, policy, rule, through_nat

A, B, C = "192.0.2.1", "192.0.2.2", "192.0.2.3"
KIB = 1_024


@dataclass
class Bench:
    """A plane, what came out of it on every side, and a clock."""

    now: float = 0.0
    delivered: list[bytes] = field(default_factory=list)
    transmitted: list[bytes] = field(default_factory=list)
    asked: list[Flow] = field(default_factory=list)
    expirations: list[tuple[int, bool]] = field(default_factory=list)
    idlers: list[int] = field(default_factory=list)
    uses: list[int] = field(default_factory=list)
    strangers: list[tuple[str, str, ProtocolId, int]] = field(default_factory=list)
    """Address here, peer and SPI of packets with an SPI that names no pair."""

    def __post_init__(self) -> None:
        self.plane = DataPlane(
            deliver=self.delivered.append, transmit=self.transmitted.append, process=os.getpid
        )
        self.plane.attach(self)

    def acquire(self, flow: Flow) -> None:
        self.asked.append(flow)

    def expired(self, spi: int, *, hard: bool) -> None:
        self.expirations.append((spi, hard))

    def idle(self, spi: int) -> None:
        self.idlers.append(spi)

    def used(self, spi: int) -> None:
        self.uses.append(spi)

    def soft_idle(self, number: int) -> None:
        raise AssertionError("the plane does not count clear traffic")

    def bad_spi(self, local: IpAddress, peer: IpAddress, protocol: ProtocolId, spi: int) -> None:
        self.strangers.append((str(local), str(peer), protocol, spi))

    def install(self, words: SaPair) -> None:
        for direction in Direction:
            self.plane.install(words, direction, self.now)

    def out(self, packet: bytes) -> None:
        self.plane.outbound(packet, self.now)

    def arrive(self, packet: bytes) -> None:
        self.plane.inbound(packet, self.now)

    def arrive_in_udp(self, esp: bytes, path: Path) -> None:
        self.plane.inbound_in_udp(esp, path, self.now)

    def tick(self, seconds: float) -> None:
        self.now += seconds
        self.plane.tick(self.now)

    @property
    def refused(self) -> dict[Refusal, int]:
        return {reason: count for reason, count in self.plane.refusals.items() if count}


SECURE = rule(Action.NEGOTIATE, A, B)


def bench(*rules: Rule, local: str = A) -> Bench:
    made = Bench()
    wanted = policy(*(rules or (SECURE,)))
    made.plane.assign(Selection(wanted, [ip_address(local)]), 0.0)
    return made


def udp(
    source: str = A, destination: str = B, port: int = 5_000, octets: int = 10, protocol: int = 17
) -> bytes:
    near, far = ip_address(source).packed, ip_address(destination).packed
    ports = (4_000).to_bytes(2, "big") + port.to_bytes(2, "big")
    return ip.build(protocol, near, far, ports + bytes(octets), identification=1)


def ends() -> tuple[Bench, Bench, SaPair]:
    """Two hosts with one pair between them."""
    words = pair(A, B, "esp:3des-sha1")
    here, there = bench(), bench(rule(Action.NEGOTIATE, B, A), local=B)
    here.install(words)
    there.install(other_view(words))
    return here, there, words


# --- through a pair -----------------------------------------------------------------------


def test_a_packet_goes_through() -> None:
    here, there, words = ends()
    here.out(udp())
    (sealed,) = here.transmitted
    there.arrive(sealed)
    (opened,) = there.delivered
    assert opened[20:] == udp()[20:]
    sent, received = here.plane.counters(words.spi), there.plane.counters(words.outbound.spi)
    assert sent is not None
    assert received is not None
    assert (sent.packets_sent, sent.octets_sent) == (1, len(udp()))
    assert (received.packets_received, received.octets_received) == (1, len(opened))


def test_every_refusal_on_arrival_is_counted() -> None:
    here, there, _ = ends()
    for _ in range(3):
        here.out(udp())
    first, second, third = here.transmitted
    there.arrive(first)
    there.arrive(first)
    there.arrive(second[:-1] + bytes([second[-1] ^ 1]))
    there.arrive(third[:20] + b"\1\2\3\4" + third[24:])
    there.arrive(third[:24])
    assert there.refused == {
        Refusal.REPLAYED: 1,
        Refusal.NOT_AUTHENTICATED: 1,
        Refusal.BAD_SPI: 1,
        Refusal.MALFORMED: 1,
    }
    statistics = there.plane.statistics().named()
    assert statistics["Bad SPI Packets"] == 1
    assert statistics["Packets Not Authenticated"] == 1
    assert statistics["Packets With Replay Detection"] == 1
    assert len(there.delivered) == 1


def test_esp_is_not_mistaken_for_ah() -> None:
    """An SPI belongs to one protocol."""
    here, there, _ = ends()
    here.out(udp())
    esp = here.transmitted[0][20:]
    as_ah = ip.build(51, ip_address(A).packed, ip_address(B).packed, bytes(4) + esp)
    there.arrive(as_ah)
    assert there.refused == {Refusal.BAD_SPI: 1}


def test_wrong_padding_counts_as_not_decrypted() -> None:
    """Without integrity, a damaged last block shows in the padding (nearly always)."""
    words = pair(A, B, "esp:3des")
    there = bench(rule(Action.NEGOTIATE, B, A), local=B)
    there.install(other_view(words))
    here = bench()
    here.install(words)
    for _ in range(20):
        here.out(udp())
    for sealed in here.transmitted:
        there.arrive(sealed[:-1] + bytes([sealed[-1] ^ 0x55]))
    assert there.plane.statistics().packets_not_decrypted > 15


def test_a_host_that_would_not_have_it() -> None:
    here, there, _ = ends()

    def refuse(_: bytes) -> None:
        raise OSError("no buffer space")

    words = pair(A, B, "ah:sha1")
    plane = DataPlane(deliver=refuse, transmit=refuse, process=os.getpid)
    plane.assign(Selection(policy(SECURE), [ip_address(A)]), 0.0)
    for direction in Direction:
        plane.install(words, direction, 0.0)
    plane.outbound(udp(), 0.0)
    assert plane.refusals[Refusal.NOT_SENT] == 1
    back = Bench()
    back.plane.assign(Selection(policy(rule(Action.NEGOTIATE, B, A)), [ip_address(B)]), 0.0)
    back.install(other_view(words))
    back.out(udp(B, A))
    plane.inbound(back.transmitted[0], 0.0)
    assert plane.refusals[Refusal.NOT_DELIVERED] == 1
    assert here.refused == there.refused == {}


@pytest.mark.parametrize("junk", [b"", b"E", bytes(19), b"\x60" + bytes(60), udp()[:-1]])
def test_junk_from_the_device(junk: bytes) -> None:
    """IPv6 chatter, or whatever root writes into it."""
    here = bench()
    here.out(junk)
    assert here.refused == {Refusal.MALFORMED: 1}
    assert here.transmitted == []
    assert here.asked == []


def test_ah_and_tunnels_have_statistics_of_their_own() -> None:
    words = pair(A, B, "ah:md5", Mode.TUNNEL)
    here = bench(rule(Action.NEGOTIATE, A, B, tunnel_endpoint=B))
    here.install(words)
    here.out(udp())
    statistics = here.plane.statistics().named()
    assert statistics["Active Tunnels"] == 1
    assert statistics["Authenticated Bytes Sent"] == len(udp())
    assert statistics["Bytes Sent In Tunnels"] == len(udp())
    assert statistics["Confidential Bytes Sent"] == statistics["Transport Bytes Sent"] == 0


def test_statistics_survive_their_pairs() -> None:
    here, _, words = ends()
    here.out(udp())
    here.plane.remove(words.spi)
    here.plane.remove(words.spi)
    statistics = here.plane.statistics().named()
    assert statistics["Confidential Bytes Sent"] == len(udp())
    assert statistics["Active Security Associations"] == 0
    assert statistics["Key Additions"] == statistics["Key Deletions"] == 1


# --- in UDP, through a NAT ----------------------------------------------------------------

NAT = "203.0.113.1"


def way(peer: str = NAT, port: int = 41_500, local_port: int = 4_500) -> Path:
    """As the outer host sees it."""
    return Path(Endpoint(ip_address(B), local_port), Endpoint(ip_address(peer), port))


def ends_of_nat() -> tuple[Bench, Bench, SaPair]:
    """A host behind a NAT, one outside, and the pair as the inner one sees it."""
    words = pair(A, B, "esp:3des-sha1", udp=UdpEncapsulation(4_500, 4_500))
    here, there = bench(), bench(rule(Action.NEGOTIATE, B, NAT), local=B)
    here.install(words)
    there.install(through_nat(words, NAT, 41_500))
    return here, there, words


def test_there_and_back_in_udp() -> None:
    here, there, words = ends_of_nat()
    here.out(udp())
    sealed = here.transmitted[0]
    assert (sealed[9], sealed[20:24].hex()) == (17, "11941194")
    there.arrive_in_udp(sealed[28:], way())
    (opened,) = there.delivered
    assert opened[12:20] == ip_address(NAT).packed + ip_address(B).packed
    there.out(udp(B, NAT))
    back = there.transmitted[0]
    assert (back[16:20], back[20:24].hex()) == (ip_address(NAT).packed, "1194a21c")
    inner = Path(Endpoint(ip_address(A), 4_500), Endpoint(ip_address(B), 4_500))
    here.arrive_in_udp(back[28:], inner)
    assert here.delivered[0][12:20] == ip_address(B).packed + ip_address(A).packed
    assert here.refused == there.refused == {}
    counters = there.plane.counters(words.outbound.spi)
    assert counters is not None
    assert (counters.packets_sent, counters.packets_received) == (1, 1)
    assert counters.octets_received == len(opened)
    statistics = there.plane.statistics().named()
    assert statistics["Confidential Bytes Received"] == len(opened)
    assert statistics["Packets With Replay Detection"] == 1


@pytest.mark.parametrize(
    "path",
    [way(port=41_501), way(peer="203.0.113.9"), way(local_port=4_501)],
    ids=["another port", "another address", "to another port"],
)
def test_esp_in_udp_from_elsewhere(path: Path) -> None:
    """Refused before it is looked into: the replay window has not moved."""
    here, there, _ = ends_of_nat()
    here.out(udp())
    esp = here.transmitted[0][28:]
    there.arrive_in_udp(esp, path)
    assert there.refused == {Refusal.WRONG_PATH: 1}
    assert there.delivered == []
    there.arrive_in_udp(esp, way())
    assert len(there.delivered) == 1


def test_a_pair_in_udp_takes_no_bare_esp() -> None:
    here, there, _ = ends_of_nat()
    here.out(udp())
    esp = here.transmitted[0][28:]
    there.arrive(ip.build(50, ip_address(NAT).packed, ip_address(B).packed, esp))
    assert there.refused == {Refusal.WRONG_PATH: 1}


def test_a_pair_that_is_not_in_udp_takes_none_from_there() -> None:
    here, there, _ = ends()
    here.out(udp())
    there.arrive_in_udp(here.transmitted[0][20:], way(peer=A, port=4_500))
    assert there.refused == {Refusal.WRONG_PATH: 1}
    assert there.delivered == []


@pytest.mark.parametrize("octets", [0, 3, 4, 8, 24, 36, 2_000])
def test_junk_in_udp(octets: int) -> None:
    """Of any length, with the SPI of a pair or without."""
    _, there, words = ends_of_nat()
    for spi in (words.outbound.spi, 0xDEAD_BEEF):
        there.arrive_in_udp((spi.to_bytes(4, "big") + bytes(octets))[:octets], way())
    six = Path(Endpoint(ip_address("2001:db8::1"), 4_500), Endpoint(ip_address("::2"), 4_500))
    there.arrive_in_udp(words.outbound.spi.to_bytes(4, "big") + bytes(octets), six)
    assert sum(there.refused.values()) == 3
    assert there.delivered == []


def test_refusals_in_udp_are_those_of_any_packet() -> None:
    here, there, _ = ends_of_nat()
    for _ in range(2):
        here.out(udp())
    first, second = (sealed[28:] for sealed in here.transmitted)
    there.arrive_in_udp(first, way())
    there.arrive_in_udp(first, way())
    there.arrive_in_udp(second[:-1] + bytes([second[-1] ^ 1]), way())
    assert there.refused == {Refusal.REPLAYED: 1, Refusal.NOT_AUTHENTICATED: 1}


# --- waiting for a pair -------------------------------------------------------------------


def test_the_first_packet_waits_and_leaves_with_the_pair() -> None:
    here = bench()
    here.out(udp())
    here.out(udp(octets=20))
    assert here.asked == [Flow(ip_address(A), ip_address(B), 17, 4_000, 5_000)]
    assert here.transmitted == []
    here.install(pair(A, B, "esp:3des-sha1"))
    assert [len(sealed) for sealed in here.transmitted] == [
        20 + 8 + 8 + 16 + 12,
        20 + 8 + 8 + 32 + 12,
    ]
    here.out(udp())
    assert len(here.transmitted) == 3
    assert len(here.asked) == 1


def test_nothing_leaves_while_only_the_inbound_half_is_there() -> None:
    here = bench()
    here.out(udp())
    here.plane.install(pair(A, B, "esp:3des-sha1"), Direction.INBOUND, 0.0)
    here.out(udp())
    assert here.transmitted == []


def test_asked_once_a_second() -> None:
    here = bench()
    for _ in range(5):
        here.out(udp())
    here.tick(1.0)
    here.tick(0.5)
    here.tick(0.5)
    assert len(here.asked) == 3


def test_who_waits_too_long_goes() -> None:
    here = bench()
    here.out(udp())
    here.tick(limits.HELD_PACKET_S)
    here.install(pair(A, B, "esp:3des-sha1"))
    assert here.transmitted == []
    assert here.refused == {Refusal.HELD_TOO_LONG: 1}


def test_too_many_wait() -> None:
    here = bench()
    for _ in range(limits.HELD_PACKETS_PER_FLOW_MAX + 2):
        here.out(udp())
    assert here.refused == {Refusal.HELD_TOO_MANY: 2}


def test_only_packets_of_the_pair_are_released() -> None:
    here = bench(SECURE, rule(Action.NEGOTIATE, A, C))
    here.out(udp())
    here.out(udp(destination=C))
    here.install(pair(A, C, "esp:3des-sha1"))
    assert len(here.transmitted) == 1
    assert here.transmitted[0][16:20] == ip_address(C).packed


def test_before_any_policy_packets_wait_in_silence() -> None:
    """After a restart the rules of the predecessor still lead packets here."""
    made = Bench()
    made.out(udp())
    assert made.asked == []
    made.plane.assign(Selection(policy(SECURE), [ip_address(A)]), 0.0)
    assert len(made.asked) == 1


def test_policy_that_has_changed_its_mind() -> None:
    """A packet that policy does not protect any more is dropped, never sent in clear."""
    here, _, _ = ends()
    here.out(udp())
    here.plane.assign(Selection(policy(), [ip_address(A)]), 0.0)
    here.out(udp())
    assert len(here.transmitted) == 1
    assert here.refused == {Refusal.NOT_NEGOTIATED: 1}


def test_waiting_packets_are_judged_by_the_new_policy() -> None:
    here = bench()
    here.out(udp())
    here.plane.assign(Selection(policy(rule(Action.BLOCK, A, B)), [ip_address(A)]), 0.0)
    assert here.refused == {Refusal.NOT_NEGOTIATED: 1}


def test_a_narrower_rule_wants_a_pair_of_its_own() -> None:
    narrow = rule(Action.NEGOTIATE, A, B, protocol=17, destination_port=53)
    here = bench(SECURE, narrow)
    here.install(pair(A, B, "esp:3des-sha1"))
    here.out(udp())
    here.out(udp(port=53))
    assert len(here.transmitted) == 1
    assert [flow.remote_port for flow in here.asked] == [53]


def test_fragments_wait_and_go_through_a_tunnel() -> None:
    """Later fragments have no ports; a pair for all protocols carries them."""
    selector = Selector(addresses("10.1.0.0/16"), addresses("10.2.0.0/16"))
    here = bench(rule(Action.NEGOTIATE, "10.1.0.0/16", "10.2.0.0/16", tunnel_endpoint=B))
    whole = udp("10.1.0.1", "10.2.0.1")
    here.out(whole[:6] + b"\x20\x00" + whole[8:])
    here.out(whole[:6] + b"\x00\x02" + whole[8:])
    here.install(pair(A, B, "esp:3des-sha1", Mode.TUNNEL, selector=selector))
    assert len(here.transmitted) == 2


# --- new pairs for old --------------------------------------------------------------------


def spis_of(sealed: list[bytes]) -> list[int]:
    return [int.from_bytes(each[20:24], "big") for each in sealed]


def test_a_second_pair_takes_over_and_the_first_still_receives() -> None:
    here, there, old = ends()
    new = pair(A, B, "esp:3des-sha1", label="new")
    there.out(udp(B, A))
    here.out(udp())
    here.install(new)
    here.out(udp())
    assert spis_of(here.transmitted) == [old.outbound.spi, new.outbound.spi]
    here.arrive(there.transmitted[0])
    assert len(here.delivered) == 1
    assert here.plane.statistics().rekeys == 1


def test_replace() -> None:
    here, _, old = ends()
    new = pair(A, B, "esp:3des-sha1", label="new")
    here.plane.install(new, Direction.INBOUND, 0.0)
    here.plane.replace(old.spi, new, 0.0)
    here.plane.remove(new.spi)
    here.out(udp())
    assert here.transmitted == [], "the old one must not send any more"
    assert len(here.asked) == 1


def renewal() -> tuple[Bench, Bench, SaPair, SaPair]:
    """`here` has made a new pair, which `there` has not used yet."""
    here, there, old = ends()
    new = pair(A, B, "esp:3des-sha1", label="new")
    for end, words in ((here, new), (there, other_view(new))):
        end.plane.install(words, Direction.INBOUND, 0.0)
    here.plane.replace(old.spi, new, 0.0, once_used=True)
    here.out(udp())
    return here, there, old, new


def test_the_old_pair_sends_until_the_new_one_is_used() -> None:
    here, there, old, new = renewal()
    there.plane.replace(old.outbound.spi, other_view(new), 0.0)
    there.out(udp(B, A))
    here.arrive(there.transmitted[0])
    here.out(udp())
    assert spis_of(here.transmitted) == [old.outbound.spi, new.outbound.spi]
    here.plane.remove(new.spi)
    here.out(udp())
    assert len(here.transmitted) == 2, "the old one must not send any more"


def test_the_old_pair_does_not_send_for_ever() -> None:
    here, _, old, new = renewal()
    here.tick(limits.SWITCH_S - 0.1)
    here.out(udp())
    here.tick(0.1)
    here.out(udp())
    assert spis_of(here.transmitted) == [old.outbound.spi, old.outbound.spi, new.outbound.spi]


def test_the_new_pair_sends_when_the_old_one_is_gone() -> None:
    here, _, old, new = renewal()
    here.plane.remove(old.spi)
    here.out(udp())
    assert spis_of(here.transmitted) == [old.outbound.spi, new.outbound.spi]


def test_a_pair_that_is_used_already_sends_at_once() -> None:
    here, there, old = ends()
    new = pair(A, B, "esp:3des-sha1", label="new")
    here.plane.install(new, Direction.INBOUND, 0.0)
    there.install(other_view(new))
    there.out(udp(B, A))
    here.arrive(there.transmitted[0])
    here.plane.replace(old.spi, new, 0.0, once_used=True)
    here.out(udp())
    assert spis_of(here.transmitted) == [new.outbound.spi]


def test_removal_sends_packets_back_to_waiting() -> None:
    here, _, words = ends()
    here.out(udp())
    here.plane.remove(words.spi)
    here.out(udp())
    assert len(here.transmitted) == 1
    assert len(here.asked) == 1


def test_what_the_old_pair_has_on_its_way_still_arrives() -> None:
    """Each side replaces when it likes; whatever the other sends with, it is opened."""
    here, there, old = ends()
    new = pair(A, B, "esp:3des-sha1", label="new")
    for end, words in ((here, new), (there, other_view(new))):
        end.plane.install(words, Direction.INBOUND, 0.0)
    there.out(udp(B, A))
    here.plane.replace(old.spi, new, 0.0)
    here.out(udp())
    there.arrive(here.transmitted[0])
    there.out(udp(B, A))
    there.plane.replace(old.outbound.spi, other_view(new), 0.0)
    there.out(udp(B, A))
    for sealed in there.transmitted:
        here.arrive(sealed)
    assert spis_of(there.transmitted) == [old.inbound.spi, old.inbound.spi, new.inbound.spi]
    assert (len(here.delivered), len(there.delivered)) == (3, 1)
    assert here.refused == there.refused == {}


def test_the_first_packet_through_a_pair_is_told_once() -> None:
    here, there, words = ends()
    for _ in range(3):
        there.out(udp(B, A))
    first, second, third = there.transmitted
    here.arrive(first[:-1] + bytes([first[-1] ^ 1]))
    assert here.uses == [], "a forged packet is no use"
    here.arrive(second)
    here.arrive(third)
    assert here.uses == [words.spi]


# --- SPIs that name no pair -------------------------------------------------------------------


def with_spi(spi: int, source: str = A, protocol: int = 50) -> bytes:
    near, far = ip_address(source).packed, ip_address(B).packed
    body = spi.to_bytes(4, "big") + bytes(60)
    return ip.build(protocol, near, far, body if protocol == 50 else bytes(4) + body)


def test_a_bad_spi_is_told_once_a_second_for_each_peer() -> None:
    there = bench(rule(Action.NEGOTIATE, B, A), local=B)
    for _ in range(5):
        there.arrive(with_spi(0xDEAD_BEEF))
        there.arrive(with_spi(0xDEAD_0000, C, protocol=51))
    assert there.strangers == [
        (B, A, ProtocolId.ESP, 0xDEAD_BEEF),
        (B, C, ProtocolId.AH, 0xDEAD_0000),
    ]
    there.tick(0.9)
    there.arrive(with_spi(0xDEAD_BEEF))
    there.tick(0.1)
    there.arrive(with_spi(0xDEAD_0001))
    assert there.strangers[2:] == [(B, A, ProtocolId.ESP, 0xDEAD_0001)]
    assert there.refused == {Refusal.BAD_SPI: 12}


def test_a_bad_spi_in_udp_is_told_too() -> None:
    _, there, _ = ends_of_nat()
    there.arrive_in_udp(0xDEAD_BEEF.to_bytes(4, "big") + bytes(60), way())
    assert there.strangers == [(B, NAT, ProtocolId.ESP, 0xDEAD_BEEF)]


def test_what_is_no_spi_is_not_told() -> None:
    there = bench(rule(Action.NEGOTIATE, B, A), local=B)
    for spi in (0, 1, 255):
        there.arrive(with_spi(spi))
    assert there.strangers == []
    there.arrive(with_spi(256))
    assert len(there.strangers) == 1


def test_many_forged_peers_are_not_all_told() -> None:
    there = bench(rule(Action.NEGOTIATE, B, A), local=B)
    for number in range(2 * limits.BAD_SPI_PEERS_MAX):
        there.arrive(with_spi(0xDEAD_BEEF, f"198.51.100.{number}"))
    assert len(there.strangers) == limits.BAD_SPI_PEERS_MAX


# --- in clear under a soft SA -----------------------------------------------------------------


REQUEST = rule(Action.NEGOTIATE, A, B, allow_fallback=True)
BLOCKED = rule(Action.BLOCK, A, B, protocol=17)


def soft(number: int = 1, peer: str = B, protocol: int = 0, remote_port: int = 0) -> SoftSa:
    selector = Selector(addresses(A), addresses(peer), protocol, 0, remote_port)
    return SoftSa(number, selector, ip_address(peer))


def test_what_waits_leaves_in_clear_as_it_is() -> None:
    here = bench(REQUEST, rule(Action.NEGOTIATE, A, C))
    for packet in (udp(), udp(destination=C), udp(octets=20)):
        here.out(packet)
    here.plane.permit_clear(soft(), 0.0)
    assert here.transmitted == [udp(), udp(octets=20)]
    here.out(udp(port=7))
    assert here.transmitted[2:] == [udp(port=7)], "it was on its way when the filter was told"


def test_after_the_end_packets_wait_again() -> None:
    here = bench(REQUEST)
    here.plane.permit_clear(soft(1), 0.0)
    here.plane.permit_clear(soft(2), 0.0)
    here.plane.end_clear(1)
    here.out(udp())
    assert here.transmitted == [udp()], "a newer one stands for the same traffic"
    here.plane.end_clear(2)
    here.plane.end_clear(2)
    here.out(udp())
    assert len(here.transmitted) == 1
    assert len(here.asked) == 1


def test_a_pair_goes_before_a_soft_sa() -> None:
    here = bench(REQUEST)
    here.plane.permit_clear(soft(), 0.0)
    here.install(pair(A, B, "esp:3des-sha1"))
    here.out(udp())
    assert here.transmitted[0][9] == 50


def test_a_soft_sa_is_for_the_traffic_of_its_filter_alone() -> None:
    narrow = rule(Action.NEGOTIATE, A, B, protocol=17, destination_port=53, allow_fallback=True)
    here = bench(REQUEST, narrow)
    here.out(udp())
    here.out(udp(port=53))
    here.plane.permit_clear(soft(), 0.0)
    assert here.transmitted == [udp()]
    here.plane.permit_clear(soft(2, protocol=17, remote_port=53), 0.0)
    assert here.transmitted == [udp(), udp(port=53)]


@pytest.mark.parametrize(
    ("rules", "refused"),
    [((SECURE,), {}), ((REQUEST, BLOCKED), {Refusal.NOT_NEGOTIATED: 1})],
    ids=["fallback is not allowed", "a more specific filter blocks"],
)
def test_policy_goes_before_a_soft_sa(rules: tuple[Rule, ...], refused: dict[Refusal, int]) -> None:
    here = bench(REQUEST)
    here.plane.permit_clear(soft(), 0.0)
    here.plane.assign(Selection(policy(*rules), [ip_address(A)]), 0.0)
    here.out(udp())
    assert here.transmitted == []
    assert here.refused == refused


# --- the end of a pair --------------------------------------------------------------------


def with_lifetime(seconds: int, kilobytes: int, suite: str = "esp:aes128-sha1") -> SaPair:
    return replace(pair(A, B, suite), lifetime=Lifetime(seconds, kilobytes))


def test_a_pair_ends_by_the_clock() -> None:
    here = bench()
    words = with_lifetime(100, 0)
    here.install(words)
    here.out(udp())
    here.tick(89.0)
    assert here.expirations == []
    here.tick(1.0)
    here.tick(1.0)
    assert here.expirations == [(words.spi, False)]
    here.tick(9.0)
    assert here.expirations == [(words.spi, False), (words.spi, True)]
    here.out(udp())
    assert len(here.transmitted) == 1, "a used up pair sends nothing"
    assert len(here.asked) == 1, "and a new one is asked for"


def test_a_pair_ends_by_the_octet() -> None:
    here = bench()
    words = with_lifetime(0, 10)
    here.install(words)
    for _ in range(20):
        here.out(udp(octets=KIB - 24))
    assert here.expirations == [(words.spi, False), (words.spi, True)]
    assert len(here.transmitted) == 10
    assert len(here.asked) == 1


def test_received_octets_count_too() -> None:
    words = with_lifetime(0, 10)
    here = bench()
    here.install(words)
    there = bench(rule(Action.NEGOTIATE, B, A), local=B)
    there.install(other_view(replace(words, lifetime=Lifetime(0, 0))))
    for _ in range(12):
        there.out(udp(B, A, octets=KIB - 24))
    for sealed in there.transmitted:
        here.arrive(sealed)
    assert here.expirations == [(words.spi, False), (words.spi, True)]
    assert len(here.delivered) == 10
    assert here.refused == {Refusal.EXPIRED: 2}


def test_an_idle_pair_is_reported_once() -> None:
    here, _, words = ends()
    here.out(udp())
    for _ in range(3):
        here.tick(limits.IDLE_S)
    assert here.idlers == [words.spi]


def test_ike_may_act_while_it_is_told() -> None:
    """The service removes a pair from within `expired`."""
    here = bench()
    words = with_lifetime(100, 0)
    second = replace(pair(A, B, "esp:aes128-sha1", label="second"), lifetime=Lifetime(100, 0))
    here.install(words)
    here.install(second)

    class Hasty:
        def acquire(self, flow: Flow) -> None: ...

        def expired(self, spi: int, *, hard: bool) -> None:
            for each in (words, second):
                here.plane.remove(each.spi)

        def idle(self, spi: int) -> None: ...

        def used(self, spi: int) -> None: ...

        def soft_idle(self, number: int) -> None: ...

        def bad_spi(
            self, local: IpAddress, peer: IpAddress, protocol: ProtocolId, spi: int
        ) -> None: ...

    here.plane.attach(Hasty())
    here.tick(100.0)
    assert here.plane.statistics().active_security_associations == 0


def test_slowness_is_noticed() -> None:
    here = bench()
    assert not here.plane.is_slow
    slow, fast = pair(A, B, "esp:3des-sha1"), pair(A, B, "esp:aes128-sha1")
    here.install(fast)
    here.install(slow)
    slow_with_3des = here.plane.is_slow
    here.plane.remove(slow.spi)
    assert (slow_with_3des, here.plane.is_slow) == (True, False)
