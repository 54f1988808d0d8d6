"""What one end has used up: processor time and memory, from a moment on."""

import os
import resource
from dataclasses import dataclass
from pathlib import Path

from mainmode.bench.cryptography import Sampler

_USER, _SYSTEM = 11, 12
"""Of the fields of /proc/PID/stat that follow the program's name (proc(5))."""
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """What one end has used for its share of the negotiations."""

    cpu_s: float
    """User and system time of the whole process."""
    grown_octets: int
    """How much more memory is resident than when it began to be watched."""
    grown_pairs: int
    """How many SA pairs came up in that time."""
    samples: int
    cryptography_samples: int


class Meter:
    """Measures this process. Memory counts from a later moment, when tables and caches that do
    not grow with the number of SAs are there."""

    def __init__(self) -> None:
        self._sampler = Sampler()
        self._sampler.start()
        self._cpu_s = cpu_s()
        self._resident = 0
        self._pairs = 0

    def watch_memory(self, pairs: int) -> None:
        """From here on; `pairs` have come up so far."""
        self._resident = resident_octets()
        self._pairs = pairs

    def read(self, pairs: int) -> Usage:
        """The end; so many pairs have come up."""
        used_s = cpu_s() - self._cpu_s
        self._sampler.stop()
        return Usage(
            used_s,
            resident_octets() - self._resident,
            pairs - self._pairs,
            self._sampler.samples,
            self._sampler.cryptography,
        )


def cpu_s() -> float:
    """User and system time that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cpu_s_of(process: int) -> float:
    """The same of any process, all its threads included; to a hundredth of a second or so."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS_PER_S


def resident_octets(process: int | str = "self") -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
