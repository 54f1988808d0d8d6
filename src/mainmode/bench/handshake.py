"""Handshakes over UDP on the loopback interface, between two processes of the service."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from mainmode.auth.authenticator import Role
from mainmode.bench.figures import Figures, octets_per_pair, share_of_cryptography
from mainmode.bench.station import AT_ONCE, READY, Report, Task, serve
from mainmode.cli.outcome import Failed

_START_S = 30.0
_NEGOTIATION_S = 0.2
"""An end that takes longer than this for each negotiation, and START_S, is stuck."""


def over_udp(count: int, offer: str) -> Figures:
    """So many negotiations. Raises Failed when one of them fails, or an end dies or hangs."""
    patience_s = _START_S + count * _NEGOTIATION_S
    ike, nat, peer_ike, peer_nat = _free_ports(4)
    initiating = Task(Role.INITIATOR, count, offer, (ike, nat), peer_ike)
    responding = Task(Role.RESPONDER, count, offer, (peer_ike, peer_nat), ike)
    with _end(responding) as responder, _end(initiating) as initiator:
        for end in (responder, initiator):
            if end.word(_START_S) != READY:
                raise Failed(f"the {end.name} does not start")
        for end in (responder, initiator):
            end.pipe.send("begin")
        wait([initiator.pipe, responder.pipe], patience_s)
        # Whoever speaks first may say why the other one will never be done.
        ends = [initiator, responder] if initiator.pipe.poll() else [responder, initiator]
        reports = {end.name: end.report(patience_s) for end in ends}
    initiated = reports[initiator.name]
    usages = [initiated.usage, reports[responder.name].usage]
    return Figures(
        what=f"{offer} and quick mode over UDP between two processes of the service, "
        f"{AT_ONCE} at once, null driver, no log written, no PFS",
        negotiations=count,
        elapsed_s=initiated.elapsed_s,
        initiator_cpu_s=usages[0].cpu_s,
        responder_cpu_s=usages[1].cpu_s,
        crypto_share=share_of_cryptography(usages),
        octets_per_pair=octets_per_pair(usages),
        grown_pairs=usages[0].grown_pairs,
    )


@dataclass(frozen=True, slots=True)
class _End:
    """The other side of the pipe."""

    name: str
    process: BaseProcess
    pipe: Connection

    def word(self, patience_s: float) -> object:
        """What it says next. Raises Failed."""
        if not self.pipe.poll(patience_s):
            raise Failed(f"the {self.name} has said nothing for {patience_s:.0f} s")
        try:
            return self.pipe.recv()
        except EOFError:
            raise Failed(f"the {self.name} died: status {self.process.exitcode}") from None

    def report(self, patience_s: float) -> Report:
        """What it has used. Raises Failed when a negotiation has failed."""
        report = self.word(patience_s)
        if not isinstance(report, Report):
            raise Failed(f"the {self.name} said {report!r}")
        if report.failure:
            raise Failed(f"the {self.name}: {report.failure}")
        return report


@contextmanager
def _end(task: Task) -> Iterator[_End]:
    """A process from its start to the end of the block."""
    fresh = get_context("spawn")
    ours, theirs = fresh.Pipe()
    process = fresh.Process(target=serve, args=(task, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield _End(task.role.value, process, ours)
    finally:
        ours.close()
        process.join(_START_S)
        if process.is_alive():
            process.kill()
            process.join()


def _free_ports(count: int) -> list[int]:
    """Different ports above 1023 that are free on every address now."""
    with ExitStack() as stack:
        taken = [
            stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            for _ in range(count)
        ]
        for each in taken:
            each.bind(("", 0))
        return [each.getsockname()[1] for each in taken]
