"""Records cases in the machine: python -m tests.peers.guest.recording CASE...

One line of JSON on standard output for each (`Recording`), which `tests.peers.record_kernel` reads.
"""

import json
import re
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Self

from tests.peers.guest.cases import CASES, Case
from tests.peers.guest.inside import Trial, hosts_with_addresses_behind, terms
from tests.peers.guest.peers import KEY, started
from tests.peers.network import Host, captured
from tests.peers.service import Service

PROGRAM = "tests.peers.guest.indiscreet"
PIECE_OCTETS = 16 << 10


@dataclass(frozen=True, slots=True)
class Recording:
    """One negotiation from the first message to the last delete, as the two sides saw it."""

    case: str
    peer: str
    """Its name and version."""
    frames: list[str]
    """All that was on the wire, in hex."""
    g_xy: str
    """Of main mode, in hex."""
    log: str
    """The peer's. It tells what was encrypted."""
    kernel: str
    """The peer's SAs with their keys, as `ip xfrm state` prints them."""

    def to_line(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_line(cls, line: str) -> Self:
        return cls(**json.loads(line))


def record(case: Case, hosts: tuple[Host, Host], service: Service) -> Recording:
    """With a peer of its own, so that its log tells of nothing else."""
    told_before = len(service.log)
    with started(case.peer, hosts[1], telling=True) as peer, captured(hosts[0]) as frames:
        trial = Trial(case, hosts, service, peer)
        trial.negotiate()
        kernel = hosts[1].run(["ip", "xfrm", "state"])
        trial.end()
        (g_xy,) = re.findall(r"^g\^xy ([0-9a-f]+)$", service.log[told_before:], re.MULTILINE)
        seen = [each.hex() for each in frames()]
        return Recording(str(case), peer.version, seen, g_xy, peer.log, kernel)


def say(line: str) -> None:
    """In pieces: the machine's port takes 32 KiB of one write and drops the rest."""
    for at in range(0, len(line), PIECE_OCTETS):
        print(line[at : at + PIECE_OCTETS], end="", flush=True)
    print(flush=True)


def main(names: Sequence[str]) -> None:
    cases = [case for case in CASES if str(case) in names]
    with ExitStack() as stack:
        hosts = stack.enter_context(hosts_with_addresses_behind())
        service = Service(hosts[0], terms(cases[0]), key=KEY, program=PROGRAM)
        stack.enter_context(service)
        for case in cases:
            say(record(case, hosts, service).to_line())


if __name__ == "__main__":
    main(sys.argv[1:])
