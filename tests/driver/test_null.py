"""The driver that carries nothing."""

import os
from ipaddress import ip_address

from mainmode.driver.contract import Driver, PairCounters
from mainmode.driver.null import NullDriver
from mainmode.model import Direction, Endpoint, Path, SoftSa
from mainmode.numbers import ProtocolId
from mainmode.policy.selection import Selection
from tests.driver.pairs import pair, policy

A, B = "192.0.2.1", "192.0.2.2"
PATH = Path(Endpoint(ip_address(A), 4500), Endpoint(ip_address(B), 4500))


def as_driver(driver: Driver) -> Driver:
    """Type checking is half of the test."""
    return driver


def test_it_fulfils_the_contract() -> None:
    driver = as_driver(NullDriver(os.urandom))
    driver.assign(Selection(policy(), []))
    assert driver.allocate_spi(ProtocolId.ESP, ip_address(A), ip_address(B)) >= 256


def test_a_pair_from_beginning_to_end() -> None:
    driver = NullDriver(os.urandom)
    words = pair(A, B, "esp:3des-sha1")
    driver.install(words, Direction.INBOUND)
    assert driver.sending == set()
    driver.install(words, Direction.OUTBOUND)
    assert driver.pairs == {words.spi: words}
    assert driver.sending == {words.spi}
    assert driver.counters(words.spi) is not None
    assert driver.statistics().active_security_associations == 1
    driver.receive(words.spi.to_bytes(4, "big") + bytes(40), PATH)
    assert driver.counters(words.spi) == PairCounters(), "nothing is opened"
    driver.remove(words.spi)
    driver.remove(words.spi)
    assert driver.counters(words.spi) is None
    statistics = driver.statistics().named()
    assert statistics["Active Security Associations"] == 0
    assert statistics["Key Additions"] == statistics["Key Deletions"] == 1


def test_the_successor_sends_and_the_predecessor_receives() -> None:
    driver = NullDriver(os.urandom)
    old, new = pair(A, B, "esp:3des-sha1", label="old"), pair(A, B, "esp:3des-sha1", label="new")
    driver.install(old, Direction.INBOUND)
    driver.install(old, Direction.OUTBOUND)
    driver.install(new, Direction.INBOUND)
    driver.replace(old.spi, new)
    assert driver.sending == {new.spi}
    assert set(driver.pairs) == {old.spi, new.spi}
    assert driver.statistics().rekeys == 1


def test_it_remembers_what_may_pass_in_clear() -> None:
    driver = NullDriver(os.urandom)
    words = pair(A, B, "esp:3des-sha1")
    soft = SoftSa(1, words.selector, words.peer)
    driver.permit_clear(soft)
    assert driver.soft == {1: soft}
    driver.end_clear(1)
    driver.end_clear(1)
    assert driver.soft == {}
