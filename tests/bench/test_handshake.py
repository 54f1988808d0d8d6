"""Benchmarks run, and say so when they cannot."""

import json
import subprocess
import sys

import pytest

from mainmode.auth.authenticator import Role
from mainmode.bench import handshake
from mainmode.bench.ground import LOOPBACK
from mainmode.bench.handshake import over_udp
from mainmode.bench.station import Task
from mainmode.bench.terms import INITIATORS, RESPONDERS
from mainmode.cli.outcome import Failed

pytestmark = pytest.mark.slow

MAINMODE = (sys.executable, "-m", "mainmode", "bench", "handshake")
MEASURED_IN_EVERY_RUN = {"negotiations", "rate_per_s", "initiator_cpu_ms", "responder_cpu_ms"}
MEASURED_WHERE_POSSIBLE = {"bytes_per_sa_pair", "crypto_share", "first_packet_ms"}
"""Where pairs are many, samples are taken, hosts can be made."""


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MAINMODE, *words], capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("kind", [[], ["--engine"]])
def test_every_negotiation_comes_up_and_is_measured(kind: list[str]) -> None:
    done = bench("--count", "40", "--json", *kind)
    figures = json.loads(done.stdout)
    assert figures["negotiations"] == 40
    assert figures.keys() == MEASURED_IN_EVERY_RUN | MEASURED_WHERE_POSSIBLE
    assert all(figures[key] > 0 for key in MEASURED_IN_EVERY_RUN)
    assert all(figures[key] is None or figures[key] > 0 for key in MEASURED_WHERE_POSSIBLE)


def test_the_offer_is_what_is_negotiated() -> None:
    done = bench("--count", "2", "--offer", "aes128-sha1-group14", "--engine")
    assert done.stdout.startswith("aes128-sha1-group14")


def test_an_unknown_offer_is_a_persons_mistake() -> None:
    done = bench("--offer", "rot13-sha1-group2")
    assert done.returncode == 2
    assert "rot13" in done.stderr


def test_every_negotiation_has_hosts_of_its_own() -> None:
    assert LOOPBACK.initiator_of(RESPONDERS) == INITIATORS
    assert LOOPBACK.initiator_of(RESPONDERS + 300) == INITIATORS + 300


def test_an_end_that_cannot_start_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ends want the same ports."""
    monkeypatch.setattr(handshake, "_free_ports", lambda _count: (7, 7, 7, 7))
    with pytest.raises(Failed, match="responder died"):
        over_udp(1, "3des-sha1-group2")


def test_a_negotiation_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The responder wants something else than is offered."""

    def other_offer(role: Role, count: int, offer: str, *ports: object) -> Task:
        wanted = "3des-sha1-group1" if role is Role.RESPONDER else offer
        return Task(role, count, wanted, *ports)  # type: ignore[arg-type]

    monkeypatch.setattr(handshake, "Task", other_offer)
    monkeypatch.setattr(handshake, "_START_S", 5.0)
    with pytest.raises(Failed, match="no security offer in common"):
        over_udp(1, "3des-sha1-group2")
