"""Packets that wait for their SA: bounded, in order, not for ever."""

from mainmode import limits
from mainmode.packets.held import HeldPackets

PER_FLOW = limits.HELD_PACKETS_PER_FLOW_MAX


def every(_: bytes) -> bool:
    return True


def test_the_first_of_a_flow_asks() -> None:
    held = HeldPackets[bytes, bytes]()
    assert held.hold(b"a", b"1", 0.0) == (True, False)
    assert held.hold(b"a", b"2", 0.0) == (False, False)
    assert held.hold(b"b", b"3", 0.0) == (True, False)
    assert len(held) == 3


def test_released_in_order_of_arrival() -> None:
    held = HeldPackets[bytes, bytes]()
    for key, packet in ((b"a", b"1"), (b"b", b"2"), (b"a", b"3")):
        held.hold(key, packet, 0.0)
    assert held.release(lambda key: key == b"a") == [(b"a", b"1"), (b"a", b"3")]
    assert held.release(every) == [(b"b", b"2")]
    assert held.release(every) == []
    assert len(held) == 0


def test_a_flow_keeps_its_newest() -> None:
    held = HeldPackets[bytes, bytes]()
    packets = [bytes([number]) for number in range(PER_FLOW + 3)]
    dropped = [held.hold(b"a", packet, 0.0)[1] for packet in packets]
    assert dropped == [False] * PER_FLOW + [True] * 3
    assert [packet for _, packet in held.release(every)] == packets[3:]


def test_all_flows_together_are_bounded() -> None:
    held = HeldPackets[bytes, bytes]()
    flows = [number.to_bytes(2, "big") for number in range(limits.HELD_PACKETS_MAX)]
    for place, flow in enumerate(flows):
        assert held.hold(flow, b"p", float(place)) == (True, False)
    assert held.hold(b"late", b"p", 1e6) == (True, True)
    assert len(held) == limits.HELD_PACKETS_MAX
    kept = {key for key, _ in held.release(every)}
    assert kept == {*flows[1:], b"late"}


def test_nothing_waits_for_ever() -> None:
    held = HeldPackets[bytes, bytes]()
    held.hold(b"a", b"1", 0.0)
    held.hold(b"a", b"2", 10.0)
    assert held.expire(limits.HELD_PACKET_S - 0.1) == 0
    assert held.expire(limits.HELD_PACKET_S) == 1
    assert held.expire(limits.HELD_PACKET_S + 10.0) == 1
    assert len(held) == 0
    assert held.hold(b"a", b"3", 100.0) == (True, False), "a new start asks again"


def test_asked_once_a_second_while_packets_wait() -> None:
    held = HeldPackets[bytes, bytes]()
    held.hold(b"a", b"1", 0.0)
    assert list(held.to_ask(0.9)) == []
    assert list(held.to_ask(1.0)) == [b"a"]
    assert list(held.to_ask(1.5)) == []
    assert list(held.to_ask(2.0)) == [b"a"]
    held.release(every)
    assert list(held.to_ask(9.0)) == []
