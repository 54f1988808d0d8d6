"""The figures of a benchmark of traffic, for people and for programs."""

from dataclasses import dataclass
from typing import Any

from mainmode.bench.figures import rounded
from mainmode.bench.flows import DATAGRAM_OCTETS, Received
from mainmode.model import Mode


@dataclass(frozen=True, slots=True)
class Cost:
    """What a service has spent while a flow went through it."""

    seconds: float
    cpu_s: float
    packets: int
    """That it has sealed or opened."""

    @property
    def us_per_packet(self) -> float | None:
        """Processor time of a packet; None when there was none."""
        return self.cpu_s / self.packets * 1_000_000 if self.packets else None

    @property
    def busy(self) -> float:
        """The share of one processor."""
        return self.cpu_s / self.seconds


@dataclass(frozen=True, slots=True)
class Flow:
    """What came, and what both services spent on it."""

    received: Received
    sending: Cost
    receiving: Cost

    @property
    def mbit_per_s(self) -> float:
        """Of data, without any header."""
        return self.received.octets * 8 / self.received.seconds / 1_000_000

    def mbit_per_s_of(self, cost: Cost) -> float | None:
        """What one of the services would carry with a whole processor of its own."""
        return self.mbit_per_s / cost.busy if cost.cpu_s else None

    @property
    def datagrams_per_s(self) -> float:
        return self.received.datagrams / self.received.seconds

    def cost_as_json(self) -> dict[str, float | None]:
        return {
            "sender_cpu_us_per_packet": rounded(self.sending.us_per_packet, 2),
            "receiver_cpu_us_per_packet": rounded(self.receiving.us_per_packet, 2),
            "sender_busy": round(self.sending.busy, 3),
            "receiver_busy": round(self.receiving.busy, 3),
        }

    @property
    def cost_text(self) -> str:
        return (
            f"processor time of a packet: {_side(self.sending)} sending, "
            f"{_side(self.receiving)} receiving"
        )


@dataclass(frozen=True, slots=True)
class Traffic:
    """One suite in one mode."""

    suite: str
    mode: Mode
    stream: Flow
    datagrams: Flow

    def as_json(self) -> dict[str, Any]:
        return {
            "suite": self.suite,
            "mode": self.mode.value,
            "seconds": round(self.stream.received.seconds, 2),
            "tcp": {
                "mbit_per_s": round(self.stream.mbit_per_s, 1),
                "sender_mbit_per_s_per_processor": rounded(
                    self.stream.mbit_per_s_of(self.stream.sending), 2
                ),
                "receiver_mbit_per_s_per_processor": rounded(
                    self.stream.mbit_per_s_of(self.stream.receiving), 2
                ),
                **self.stream.cost_as_json(),
            },
            "udp": {
                "octets": DATAGRAM_OCTETS,
                "packets_per_s": round(self.datagrams.datagrams_per_s),
                "lost": self.datagrams.received.lost,
                **self.datagrams.cost_as_json(),
            },
        }

    @property
    def text(self) -> str:
        stream, lost = self.stream, self.datagrams.received.lost
        return "\n".join(
            [
                f"{self.suite}, {self.mode.value} mode",
                f"  one TCP stream: {stream.mbit_per_s:.0f} Mbit/s",
                f"    {stream.cost_text}",
                "    a whole processor would carry: "
                f"{_mbit(stream.mbit_per_s_of(stream.sending))} sending, "
                f"{_mbit(stream.mbit_per_s_of(stream.receiving))} receiving",
                f"  UDP, {DATAGRAM_OCTETS} octets of data each: "
                f"{self.datagrams.datagrams_per_s:,.0f} packets per second, {lost} lost",
                f"    {self.datagrams.cost_text}",
            ]
        )


def _side(cost: Cost) -> str:
    each = cost.us_per_packet
    return f"{each:.1f} us ({cost.busy:.0%} busy)" if each is not None else "no packets"


def _mbit(figure: float | None) -> str:
    return "unknown" if figure is None else f"{figure:.0f} Mbit/s"
