"""Which message of a negotiation a frame carries: 1 to 6 are main mode, 7 to 9 quick mode.

Source: RFC 2408 3.1 (cookies 8 + 8, next payload, version, exchange, flags, message ID 4).
"""

import struct
from dataclasses import dataclass

from mainmode.diagnosis.capture import Frame
from mainmode.numbers import ExchangeType
from tests.peers.network import datagrams

_HEADER = struct.Struct(">8s8sBBBB4s")
MAIN_MODE_MESSAGES = 6
MESSAGES = 9


@dataclass(frozen=True)
class Message:
    """A message of a negotiation, the first time it is on the wire."""

    number: int
    sender: str


class Counter:
    """Numbers the messages of every negotiation; knows those it has seen before."""

    def __init__(self) -> None:
        self._seen: dict[bytes, list[bytes]] = {}
        """Datagrams of each exchange: initiator cookie and message ID."""

    def message(self, frame: Frame) -> Message | None:
        """None for other frames and for repetitions."""
        for sender, datagram in datagrams([frame.octets]):
            cky_i, _, _, _, exchange, _, message_id = _HEADER.unpack_from(datagram)
            if exchange not in (ExchangeType.MAIN, ExchangeType.QUICK):
                continue
            seen = self._seen.setdefault(cky_i + message_id, [])
            if datagram not in seen:
                seen.append(datagram)
                before = MAIN_MODE_MESSAGES if exchange == ExchangeType.QUICK else 0
                return Message(before + len(seen), sender)
        return None
