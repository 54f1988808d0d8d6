"""The verdict: one clear packet among protected ones is enough to object."""

import struct
from ipaddress import ip_address

from mainmode.demo.ping import TEXT
from mainmode.demo.verdict import Stream, judge
from mainmode.diagnosis.capture import Frame
from mainmode.packets import ip

ALICE, BOB = "192.0.2.1", "192.0.2.2"
UDP, ESP, ICMP, TCP = 17, 50, 1, 6
IKE_PORTS = struct.pack(">HH", 500, 500)


def frame(protocol: int, payload: bytes, source: str = ALICE, destination: str = BOB) -> Frame:
    addresses = [ip_address(each).packed for each in (source, destination)]
    packet = ip.build(protocol, addresses[0], addresses[1], payload)
    return Frame(0.0, bytes(12) + b"\x08\x00" + packet)


PROTECTED = [
    Frame(0.0, bytes(12) + b"\x08\x06" + bytes(28)),  # ARP
    frame(UDP, IKE_PORTS + bytes(60)),
    frame(ESP, bytes.fromhex("5eed0001 00000001") + bytes(64)),
    frame(ESP, bytes.fromhex("5eed0002 00000001") + bytes(64), BOB, ALICE),
    frame(ESP, bytes.fromhex("5eed0001 00000002") + bytes(64)),
]


def test_protected_traffic_is_counted_by_stream() -> None:
    verdict = judge(PROTECTED)
    assert list(verdict.objections()) == []
    assert (verdict.frames, verdict.ike, verdict.upkeep, verdict.esp_packets) == (5, 1, 1, 3)
    assert verdict.esp == {Stream(ALICE, "5eed0001"): 2, Stream(BOB, "5eed0002"): 1}
    assert verdict.first_esp[:8].hex() == "5eed000100000001"


def test_esp_in_udp_is_esp() -> None:
    in_udp = struct.pack(">HHHH", 4500, 4500, 80, 0) + bytes.fromhex("5eed0003 00000001")
    verdict = judge([*PROTECTED, frame(UDP, in_udp + bytes(64))])
    assert list(verdict.objections()) == []
    assert (verdict.ike, verdict.upkeep, verdict.esp_packets) == (1, 1, 4)
    assert verdict.esp[Stream(ALICE, "5eed0003")] == 1


def test_one_clear_ping_spoils_it() -> None:
    verdict = judge([*PROTECTED, frame(ICMP, b"\x08\0" + bytes(6))])
    assert list(verdict.objections()) == ["1 ICMP packets went in clear"]


def test_other_clear_packets_spoil_it_too() -> None:
    strangers = [frame(TCP, bytes(20)), frame(UDP, struct.pack(">HH", 5000, 5001) + bytes(4))]
    verdict = judge([*PROTECTED, *strangers])
    assert list(verdict.objections()) == ["2 other packets went in clear"]


def test_esp_that_hides_nothing_spoils_it() -> None:
    """NULL encryption is ESP all the same; the text of the pings tells."""
    verdict = judge([*PROTECTED, frame(ESP, bytes(8) + TEXT)])
    assert list(verdict.objections()) == ["1 frames show the text that the pings carry"]


def test_an_empty_wire_has_no_esp() -> None:
    verdict = judge([])
    assert verdict.esp_packets == 0
    assert verdict.first_esp == b""
