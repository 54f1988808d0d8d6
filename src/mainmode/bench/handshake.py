"""Handshakes over UDP on the loopback interface, between two processes of the service."""

import socket
from contextlib import ExitStack
from multiprocessing.connection import wait

from mainmode.auth.authenticator import Role
from mainmode.bench.ends import End, started
from mainmode.bench.figures import Figures, octets_per_pair, share_of_cryptography
from mainmode.bench.station import AT_ONCE, Ready, Report, Task, serve
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
    with (
        started(responding.role.value, serve, responding) as responder,
        started(initiating.role.value, serve, initiating) as initiator,
    ):
        for end in (responder, initiator):
            end.word(Ready, _START_S)
        for end in (responder, initiator):
            end.pipe.send(count)
        wait([initiator.pipe, responder.pipe], patience_s)
        # Whoever speaks first may say why the other one will never be done.
        ends = [initiator, responder] if initiator.pipe.poll() else [responder, initiator]
        reports = {end.name: _report(end, patience_s) for end in ends}
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


def _report(end: End, patience_s: float) -> Report:
    """What it has used. Raises Failed when a negotiation has failed."""
    report = end.word(Report, patience_s)
    if report.failure:
        raise Failed(f"the {end.name}: {report.failure}")
    return report


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
