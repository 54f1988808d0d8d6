"""Outbound packets that wait until their SA is made.

Bounds: limits.HELD_PACKETS_PER_FLOW_MAX, HELD_PACKETS_MAX, HELD_PACKET_S. When one is reached the
packet that has waited longest goes.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from mainmode import limits

K = TypeVar("K", bound=Hashable)
"""What names a flow: octets (`ip.flow_key`), or a value in simulation."""
P = TypeVar("P")
"""What a packet is there: octets, or a value in simulation."""


class _Waiting(Generic[P]):
    """The packets of one flow, with the time each came."""

    __slots__ = ("asked_at", "packets")

    def __init__(self, asked_at: float) -> None:
        self.packets: deque[tuple[float, P]] = deque()
        self.asked_at = asked_at


class HeldPackets(Generic[K, P]):
    """A queue per flow. Times are seconds on the driver's clock."""

    def __init__(self) -> None:
        self._flows: dict[K, _Waiting[P]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def hold(self, key: K, packet: P, now: float) -> tuple[bool, bool]:
        """Keep a packet. Returns (first, dropped): whether the flow had nothing waiting so that
        an SA must be asked for now, and whether another packet was dropped to make room."""
        waiting = self._flows.get(key)
        first = waiting is None
        if waiting is None:
            waiting = self._flows[key] = _Waiting(asked_at=now)
        dropped = False
        if len(waiting.packets) >= limits.HELD_PACKETS_PER_FLOW_MAX:
            waiting.packets.popleft()
            self._count -= 1
            dropped = True
        elif self._count >= limits.HELD_PACKETS_MAX:
            self._drop_longest_waiting()
            dropped = True
        waiting.packets.append((now, packet))
        self._count += 1
        return first, dropped

    def _drop_longest_waiting(self) -> None:
        key = min(
            (key for key, waiting in self._flows.items() if waiting.packets),
            key=lambda key: self._flows[key].packets[0][0],
        )
        self._flows[key].packets.popleft()
        self._count -= 1
        self._forget_empty(key)

    def release(self, wanted: Callable[[K], bool]) -> list[tuple[K, P]]:
        """Take out every (key, packet) whose key is `wanted`, each flow in order of arrival."""
        keys = [key for key in self._flows if wanted(key)]
        released = [(key, packet) for key in keys for _, packet in self._flows.pop(key).packets]
        self._count -= len(released)
        return released

    def expire(self, now: float) -> int:
        """Drop what has waited too long; returns how many packets that were."""
        dropped = 0
        for key, waiting in list(self._flows.items()):
            packets = waiting.packets
            while packets and now - packets[0][0] >= limits.HELD_PACKET_S:
                packets.popleft()
                dropped += 1
            if not packets:
                del self._flows[key]
        self._count -= dropped
        return dropped

    def to_ask(self, now: float) -> Iterator[K]:
        """The flows whose SA should be asked for again; each counts as asked for now."""
        for key, waiting in list(self._flows.items()):
            if now - waiting.asked_at >= limits.ACQUIRE_INTERVAL_S:
                waiting.asked_at = now
                yield key

    def _forget_empty(self, key: K) -> None:
        if not self._flows[key].packets:
            del self._flows[key]
