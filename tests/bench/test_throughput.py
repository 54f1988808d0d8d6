"""The figures of traffic follow from what was measured."""

from dataclasses import replace

from mainmode.bench.flows import Received
from mainmode.bench.throughput import Cost, Flow, Traffic
from mainmode.model import Mode

COST = Cost(seconds=2.0, cpu_s=1.0, packets=50_000)
STREAM = Flow(Received(seconds=2.0, octets=25_000_000, datagrams=0, lost=0), COST, COST)
DATAGRAMS = Flow(
    Received(seconds=2.0, octets=1_920_000, datagrams=30_000, lost=7),
    replace(COST, cpu_s=0.5),
    replace(COST, packets=0),
)
TRAFFIC = Traffic("3des-sha1", Mode.TUNNEL, STREAM, DATAGRAMS)


def test_each_figure_is_a_quotient_of_measurements() -> None:
    assert TRAFFIC.as_json() == {
        "suite": "3des-sha1",
        "mode": "tunnel",
        "seconds": 2.0,
        "tcp": {
            "mbit_per_s": 100.0,
            "sender_mbit_per_s_per_processor": 200.0,
            "receiver_mbit_per_s_per_processor": 200.0,
            "sender_cpu_us_per_packet": 20.0,
            "receiver_cpu_us_per_packet": 20.0,
            "sender_busy": 0.5,
            "receiver_busy": 0.5,
        },
        "udp": {
            "octets": 64,
            "packets_per_s": 15_000,
            "lost": 7,
            "sender_cpu_us_per_packet": 10.0,
            "receiver_cpu_us_per_packet": None,
            "sender_busy": 0.25,
            "receiver_busy": 0.5,
        },
    }


def test_people_read_the_same() -> None:
    text = TRAFFIC.text
    assert "3des-sha1, tunnel mode" in text
    assert "100 Mbit/s" in text
    assert "200 Mbit/s sending" in text
    assert "20.0 us (50% busy) sending" in text
    assert "15,000 packets per second, 7 lost" in text
    assert "no packets receiving" in text
