"""What our responder and another one cost, side by side, for people and for programs."""

from dataclasses import dataclass

from mainmode.bench.figures import PAIRS_THAT_TELL, machine, rounded
from mainmode.bench.station import AT_ONCE

ALIKE = (
    "the initiator (ours), offers, preshared key, no PFS, fresh hosts for every negotiation, "
    f"{AT_ONCE} at once, a tunnel in UDP between the two hosts, no log, nothing protected"
)
NOT_ALIKE = (
    "charon puts every SA into its user-space IPsec (without policies and routes), in a list that "
    "takes longer the more there are; ours only remembers it",
    "charon has 16 threads, ours one: on a busy computer charon gets more of the processors, so "
    "look at processor time rather than at the rate",
    "charon's private exponents have the lengths that it thinks right: 256 bits in group 2 as "
    "ours, 384 in group 14 where ours have 256",
    "charon's limits for half-open negotiations are off, its table of SAs is enlarged, and of the "
    "orders of cryptographic plugins that were tried it has the fastest",
)


@dataclass(frozen=True, slots=True)
class Share:
    """What one responder did and used up, and its initiator."""

    pairs: int
    elapsed_s: float
    responder_cpu_s: float
    """Of all its threads."""
    initiator_cpu_s: float
    grown_octets: int
    """How much more of it is resident at the end."""

    @property
    def rate_per_s(self) -> float:
        return self.pairs / self.elapsed_s

    @property
    def responder_cpu_ms(self) -> float:
        """For each negotiation."""
        return self.responder_cpu_s / self.pairs * 1000

    @property
    def initiator_cpu_ms(self) -> float:
        """For each negotiation."""
        return self.initiator_cpu_s / self.pairs * 1000

    @property
    def octets_per_pair(self) -> float | None:
        """None when the run was too short for pages to tell."""
        return self.grown_octets / self.pairs if self.pairs >= PAIRS_THAT_TELL else None

    def as_json(self) -> dict[str, float | None]:
        return {
            "rate_per_s": round(self.rate_per_s, 1),
            "responder_cpu_ms": round(self.responder_cpu_ms, 4),
            "initiator_cpu_ms": round(self.initiator_cpu_ms, 4),
            "bytes_per_sa_pair": rounded(self.octets_per_pair),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both under the same offer."""

    offer: str
    peer: str
    """Name and version."""
    ours: Share
    theirs: Share

    def as_json(self) -> dict[str, object]:
        ours, theirs = self.ours.as_json(), self.theirs.as_json()
        return {
            "offer": self.offer,
            "peer": self.peer,
            "negotiations": self.ours.pairs,
            "ours": ours,
            "theirs": theirs,
            "ratios": {each: rounded(_ratio(mine, theirs[each]), 3) for each, mine in ours.items()},
        }

    @property
    def text(self) -> str:
        ours, theirs = self.ours, self.theirs
        lines = [
            f"{self.offer} and quick mode, {ours.pairs} negotiations with each responder, by turns",
            f"{'':38}{'mainmode':>12}{self.peer:>20}{'ratio':>8}",
            _line("negotiations per second", ours.rate_per_s, theirs.rate_per_s, 0),
            _line(
                "responder's processor time of each, ms",
                ours.responder_cpu_ms,
                theirs.responder_cpu_ms,
                3,
            ),
            _line(
                "initiator's processor time of each, ms",
                ours.initiator_cpu_ms,
                theirs.initiator_cpu_ms,
                3,
            ),
            _line("memory for each pair, octets", ours.octets_per_pair, theirs.octets_per_pair, 0),
            f"alike: {ALIKE}",
            *(f"not alike: {each}" for each in NOT_ALIKE),
            machine(),
        ]
        return "\n".join(lines)


def _line(name: str, ours: float | None, theirs: float | None, digits: int) -> str:
    if ours is None or theirs is None:
        return f"{name:38}{'too few negotiations to tell':>40}"
    ratio = _ratio(ours, theirs)
    shown = f"{ratio:8.2f}" if ratio is not None else f"{'':>8}"
    return f"{name:38}{ours:12,.{digits}f}{theirs:20,.{digits}f}{shown}"


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    """Ours to theirs; None where there is none."""
    return ours / theirs if ours is not None and theirs else None
