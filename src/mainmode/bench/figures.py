"""The figures of a benchmark, for people and for programs."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from mainmode.bench.usage import Usage


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured. None: not in this run."""

    what: str
    negotiations: int
    elapsed_s: float
    initiator_cpu_s: float
    responder_cpu_s: float
    crypto_share: float | None
    octets_per_pair: float | None
    """Of one side."""
    grown_pairs: int
    """How many pairs that is the mean of."""
    first_packet_ms: float | None = None
    """From an outbound packet to the first ESP packet on the wire, between idle hosts."""
    why_no_first_packet: str = ""

    @property
    def rate_per_s(self) -> float:
        return self.negotiations / self.elapsed_s

    def as_json(self) -> dict[str, float | None]:
        return {
            "negotiations": self.negotiations,
            "rate_per_s": round(self.rate_per_s, 1),
            "initiator_cpu_ms": round(self._each_ms(self.initiator_cpu_s), 4),
            "responder_cpu_ms": round(self._each_ms(self.responder_cpu_s), 4),
            "bytes_per_sa_pair": rounded(self.octets_per_pair),
            "crypto_share": rounded(self.crypto_share, 3),
            "first_packet_ms": rounded(self.first_packet_ms, 2),
        }

    @property
    def text(self) -> str:
        """For people, with what was measured and how busy the machine was."""
        lines = [
            self.what,
            f"{self.negotiations} negotiations in {self.elapsed_s:.2f} s: "
            f"{self.rate_per_s:.0f} per second",
            f"processor time of each: initiator {self._each_ms(self.initiator_cpu_s):.3f} ms, "
            f"responder {self._each_ms(self.responder_cpu_s):.3f} ms",
        ]
        if self.crypto_share is not None:
            lines.append(f"of that cryptography: {self.crypto_share:.0%}")
        if self.octets_per_pair is not None:
            lines.append(
                f"resident memory for each SA pair and side: {self.octets_per_pair:,.0f} octets, "
                f"over {self.grown_pairs} pairs, what is kept for a minute included"
            )
        if self.first_packet_ms is not None:
            lines.append(
                f"from an outbound packet to the first ESP packet: {self.first_packet_ms:.1f} ms, "
                "between two hosts that have no SA"
            )
        elif self.why_no_first_packet:
            lines.append(f"time to the first ESP packet: not measured, {self.why_no_first_packet}")
        lines.append(machine())
        return "\n".join(lines)

    def _each_ms(self, seconds: float) -> float:
        return seconds / self.negotiations * 1000


def rounded(figure: float | None, digits: int | None = None) -> float | None:
    """Without digits a whole number."""
    return None if figure is None else round(figure, digits)


def machine() -> str:
    """What it ran on, and what else ran there, this benchmark included."""
    minute, five_minutes, _ = os.getloadavg()
    return (
        f"on this machine of {os.cpu_count()} processors with load {minute:.2f} (one minute), "
        f"{five_minutes:.2f} (five)"
    )


def share_of_cryptography(usages: Sequence[Usage]) -> float | None:
    """Of the processor time of all; None when the run was too short for one sample."""
    samples = sum(each.samples for each in usages)
    return sum(each.cryptography_samples for each in usages) / samples if samples else None


def octets_per_pair(usages: Sequence[Usage]) -> float | None:
    """The mean of the sides; None when the run was too short for pages to tell."""
    if min(each.grown_pairs for each in usages) < PAIRS_THAT_TELL:
        return None
    return sum(each.grown_octets / each.grown_pairs for each in usages) / len(usages)


PAIRS_THAT_TELL = 1_000
"""Below that, memory that the interpreter had in reserve hides what a pair takes."""
