"""Which pair an arriving packet belongs to, and which one carries a flow."""

import os
from dataclasses import replace
from ipaddress import ip_address

import pytest

from mainmode.errors import DriverError
from mainmode.model import (
    AddressRange,
    Direction,
    Endpoint,
    Flow,
    Mode,
    Path,
    SaPair,
    Selector,
    UdpEncapsulation,
)
from mainmode.numbers import ProtocolId
from mainmode.packets.pairs import PairTable
from tests.driver.pairs import addresses, pair

LOCAL, PEER = ip_address("192.0.2.1"), ip_address("192.0.2.2")
HOSTS = Selector(AddressRange.host(LOCAL), AddressRange.host(PEER))
TCP = Flow(LOCAL, PEER, 6, 1_024, 80)
ESP, AH = 50, 51


def mine(label: str = "", suite: str = "esp:3des-sha1", selector: Selector = HOSTS) -> SaPair:
    return pair(str(LOCAL), str(PEER), suite, selector=selector, label=label)


def table(*pairs: SaPair) -> PairTable:
    made = PairTable(os.getpid)
    for each in pairs:
        made.install(each, Direction.INBOUND, 0.0)
        made.install(each, Direction.OUTBOUND, 0.0)
    return made


def chosen(made: PairTable, flow: Flow = TCP, selector: Selector = HOSTS) -> SaPair | None:
    live = made.sender(flow, selector=selector, peer=PEER, mode=Mode.TRANSPORT)
    return live.pair if live is not None else None


# --- arriving -----------------------------------------------------------------------------


def test_spi_protocol_and_address_name_the_pair() -> None:
    words = mine()
    made = table(words)
    live = made.receiver(words.spi, ESP, LOCAL.packed)
    assert live is not None
    assert live.pair == words
    assert made.receiver(words.spi, AH, LOCAL.packed) is None
    assert made.receiver(words.spi, ESP, PEER.packed) is None
    assert made.receiver(words.spi ^ 1, ESP, LOCAL.packed) is None


def test_the_way_that_packets_in_udp_come() -> None:
    """Addresses and ports, seen from here; none for a pair that is not in UDP."""
    in_udp = replace(mine("in udp"), udp=UdpEncapsulation(4500, 41_500))
    live, bare = table(in_udp).get(in_udp.spi), table(mine()).get(mine().spi)
    assert live is not None
    assert bare is not None
    assert live.path == Path(Endpoint(LOCAL, 4500), Endpoint(PEER, 41_500))
    assert bare.path is None


def test_it_receives_before_it_sends() -> None:
    words = mine()
    made = PairTable(os.getpid)
    made.install(words, Direction.INBOUND, 0.0)
    assert made.receiver(words.spi, ESP, LOCAL.packed) is not None
    assert chosen(made) is None


def test_after_removal_nothing_is_left() -> None:
    words = mine()
    made = table(words)
    removed = made.remove(words.spi)
    assert removed is not None
    assert removed.pair == words
    assert made.remove(words.spi) is None
    assert made.receiver(words.spi, ESP, LOCAL.packed) is None
    assert chosen(made) is None
    assert words.spi not in made


def test_a_pair_that_stops_sending_still_receives() -> None:
    words = mine()
    made = table(words)
    made.stop_sending(words.spi)
    made.stop_sending(words.spi)
    assert chosen(made) is None
    assert made.receiver(words.spi, ESP, LOCAL.packed) is not None


# --- choosing -----------------------------------------------------------------------------


def test_the_newest_of_equals() -> None:
    old, new = mine("old"), mine("new")
    assert chosen(table(old, new)) == new


def test_the_more_specific_before_the_newest() -> None:
    narrow = mine("narrow", selector=replace(HOSTS, protocol=6))
    narrower = mine("narrower", selector=replace(HOSTS, protocol=6, remote_port=80))
    assert chosen(table(narrower, narrow, mine("wide"))) == narrower
    assert chosen(table(narrow, mine("wide"))) == narrow


def test_a_pair_that_does_not_match_the_flow() -> None:
    udp_only = mine(selector=replace(HOSTS, protocol=17))
    assert chosen(table(udp_only)) is None


def test_a_pair_of_a_wider_rule_does_not_serve_a_narrower_one() -> None:
    """Policy may want something else for this traffic than for the rest."""
    wide = mine()
    assert chosen(table(wide), selector=replace(HOSTS, protocol=6, remote_port=80)) is None


def test_peer_and_mode_are_those_of_policy() -> None:
    made = table(mine())
    stranger = ip_address("192.0.2.3")
    assert made.sender(TCP, selector=HOSTS, peer=stranger, mode=Mode.TRANSPORT) is None
    assert made.sender(TCP, selector=HOSTS, peer=PEER, mode=Mode.TUNNEL) is None


def test_a_used_up_pair_carries_nothing() -> None:
    words = mine()
    made = table(words)
    live = made.get(words.spi)
    assert live is not None
    live.grow(1e9)
    assert live.is_used_up
    assert chosen(made) is None


# --- what is refused ----------------------------------------------------------------------


def test_the_inbound_half_comes_first() -> None:
    with pytest.raises(DriverError, match="inbound half"):
        PairTable(os.getpid).install(mine(), Direction.OUTBOUND, 0.0)


@pytest.mark.parametrize("direction", list(Direction))
def test_no_half_twice(direction: Direction) -> None:
    with pytest.raises(DriverError):
        table(mine()).install(mine(), direction, 0.0)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (replace(mine(), local=ip_address("2001:db8::1")), "IPv4"),
        (replace(mine(), peer=ip_address("2001:db8::1")), "IPv4"),
        (mine(selector=Selector(addresses("::/0"), addresses("::/0"))), "IPv4"),
        (mine(selector=replace(HOSTS, remote=addresses("192.0.2.0/24"))), "transport mode"),
        (mine(selector=replace(HOSTS, local=addresses("192.0.2.9"))), "transport mode"),
        (mine(suite="esp:null"), "nothing"),
        (mine(suite="ah:"), "nothing"),
        (replace(mine(suite="ah:sha1"), udp=UdpEncapsulation(4500, 4500)), "cannot pass a NAT"),
        (replace(mine(), inbound=mine(suite="ah:md5").inbound), "different protocols"),
        (
            replace(
                mine(),
                inbound=replace(mine().inbound, protocol=ProtocolId.IPCOMP),
                outbound=replace(mine().outbound, protocol=ProtocolId.IPCOMP),
            ),
            "IPCOMP",
        ),
    ],
)
def test_pairs_that_would_not_protect(wrong: SaPair, why: str) -> None:
    made = PairTable(os.getpid)
    with pytest.raises(DriverError, match=why):
        made.install(wrong, Direction.INBOUND, 0.0)
    assert wrong.spi not in made


# --- idleness -----------------------------------------------------------------------------


def test_idle_is_told_once_for_each_silence() -> None:
    words = mine()
    live = table(words).get(words.spi)
    assert live is not None
    assert not live.falls_idle(299.0)
    assert live.falls_idle(300.0)
    assert not live.falls_idle(900.0)
    live.packets_received += 1
    assert not live.falls_idle(901.0)
    assert not live.falls_idle(1_200.0)
    assert live.falls_idle(1_201.0)


def test_each_pair_has_its_own_idle_time() -> None:
    words = replace(mine(), idle_s=60.0)
    live = table(words).get(words.spi)
    assert live is not None
    assert [live.falls_idle(at) for at in (59.0, 60.0)] == [False, True]
