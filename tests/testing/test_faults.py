"""Bad weather, and forgers in it."""

from collections import Counter
from ipaddress import ip_address
from random import Random

import pytest

from mainmode.engine.effects import Send
from mainmode.model import Endpoint, Path
from mainmode.testing.faults import FORGERS, Forger, Weather, notification_in_clear
from mainmode.testing.network import Arrival
from mainmode.wire.header import parse_header_untrusted
from mainmode.wire.message import parse_message_untrusted
from mainmode.wire.payloads import Notification

PATH = Path(Endpoint(ip_address("192.0.2.1"), 500), Endpoint(ip_address("192.0.2.2"), 500))
DATAGRAMS = [bytes((number,)) * 40 for number in range(1, 200)]


def arrivals(weather: Weather) -> list[list[Arrival]]:
    return [list(weather(Send(PATH, each), number)) for number, each in enumerate(DATAGRAMS)]


def test_fine_weather_delivers_everything_once_and_in_time() -> None:
    assert arrivals(Weather(0)) == [[Arrival(each)] for each in DATAGRAMS]


def test_a_seed_is_a_weather() -> None:
    kinds = {"loss": 0.3, "duplication": 0.3, "lateness": 0.3, "forgery": 0.3}
    assert arrivals(Weather(1, **kinds)) == arrivals(Weather(1, **kinds))
    assert arrivals(Weather(1, **kinds)) != arrivals(Weather(2, **kinds))


def test_probabilities_are_what_they_say() -> None:
    lost = sum(not each for each in arrivals(Weather(0, loss=0.2)))
    doubled = sum(len(each) == 2 for each in arrivals(Weather(0, duplication=0.2)))
    late = sum(each[0].late_s > 0 for each in arrivals(Weather(0, lateness=0.2)))
    forged = sum(len(each) == 2 for each in arrivals(Weather(0, forgery=0.2)))
    for count in (lost, doubled, late, forged):
        assert 20 <= count <= 60
    assert all(not each for each in arrivals(Weather(0, loss=1.0)))


@pytest.mark.parametrize("forger", FORGERS)
def test_a_forger_knows_what_it_has_seen_and_a_seed(forger: Forger) -> None:
    seen = [notification_in_clear(bytes(range(16)), 14, b"data" * 20)]
    forged = [forger(Random(seed), seen[0], seen) for seed in range(20)]
    assert forged == [forger(Random(seed), seen[0], seen) for seed in range(20)]
    assert len(Counter(forged)) > 1 or forged[0] == seen[0]


def test_a_notification_in_clear_has_the_cookies_of_what_it_is_about() -> None:
    datagram = notification_in_clear(bytes(range(16)) + b"rest", 14, b"data", message_id=7)
    header = parse_header_untrusted(datagram)
    assert header.cky_i + header.cky_r == bytes(range(16))
    assert (header.exchange, header.flags, header.message_id) == (5, 0, 7)
    [said] = parse_message_untrusted(datagram).payloads
    assert isinstance(said, Notification)
    assert (said.notify, said.data) == (14, b"data")
