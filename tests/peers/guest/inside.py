"""Tries cases, one after the other, in the machine: python -m tests.peers.guest.inside CASE...

One line of JSON on standard output for each (`cases.Outcome`).
"""

import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby
from typing import Any

from tests.driver.lab import ping, transfer
from tests.peers.guest.cases import CASES, STRONGSWAN_PROTECTIONS, Case, Outcome
from tests.peers.guest.peers import FAR, KEY, NEAR, PATIENCE_S, SUITE, Peer, started
from tests.peers.network import FIRST, SECOND, Host, two_hosts
from tests.peers.service import Service, Terms
from tests.peers.xfrm import KernelSa, kernel_sas

RETRIES = ("5s", "10s", "20s")
PING_S = 10.0
PINGS = (("out", 56), ("in", 56), ("out", 3_000))
STREAM_OCTETS = 100_000
LOG_KEPT_OCTETS = 8_000


def terms(case: Case) -> Terms:
    """mainmode's policy for a case. It offers every protection; the peer knows only one."""
    group = "group14" if case.peer == "libreswan" else "group2"
    return Terms(
        SECOND,
        [f"{SUITE}-{group}"],
        RETRIES,
        protections=STRONGSWAN_PROTECTIONS,
        pfs_group=group if case.pfs else "",
        tunnel=(NEAR, FAR) if case.mode == "tunnel" else None,
    )


class Trial:
    """One case under way, and what is known of it so far."""

    def __init__(self, case: Case, hosts: tuple[Host, Host], service: Service, peer: Peer) -> None:
        self._case = case
        self._hosts = hosts
        self._service = service
        self._peer = peer
        self._said_before = len(service.log), len(peer.log)
        self.pings: dict[str, bool] = {}
        self.transferred = False
        self.pair: dict[str, Any] = {}
        self.kernel_sas: list[KernelSa] = []

    def run(self) -> None:
        self.negotiate()
        self._send()

    def negotiate(self) -> None:
        """Returns when both sides have the pair."""
        self._service.assign(terms(self._case))
        self._peer.load(self._case)
        if self._case.role == "initiator":
            if not self._service.up():
                raise RuntimeError("mainmode could not negotiate")
        else:
            self._peer.initiate()
        wait_until(self._is_agreed, "both sides have the pair")

    def _is_agreed(self) -> bool:
        self._look()
        spis = {each.spi for each in self.kernel_sas}
        return {self.pair.get("inbound_spi"), self.pair.get("outbound_spi")} == spis

    def _send(self) -> None:
        here, there = self._hosts
        outer = (FIRST, SECOND) if self._case.mode == "transport" else (NEAR, FAR)
        ways = {"out": (here, outer[1]), "in": (there, outer[0])}
        for way, octets in PINGS:
            host, address = ways[way]
            self.pings[f"{octets} {way}"] = ping(host, address, octets, PING_S)
        if not all(self.pings.values()):
            raise TimeoutError("pings were not answered")
        transfer(here, there, outer[1], STREAM_OCTETS)
        self.transferred = True
        wait_until(self._is_counted, "both sides have counted the same packets")

    def _is_counted(self) -> bool:
        """The last acknowledgement may still be under way."""
        self._look()
        carried = {each.spi: each.packets for each in self.kernel_sas}
        pair = self.pair
        return carried == {
            pair.get("inbound_spi"): pair.get("packets_received"),
            pair.get("outbound_spi"): pair.get("packets_sent"),
        }

    def _look(self) -> None:
        pairs = self._service.qmsas()
        if len(pairs) > 1:
            raise RuntimeError(f"mainmode has {len(pairs)} pairs")
        self.pair = pairs[0] if pairs else {}
        self.kernel_sas = kernel_sas(self._hosts[1])

    def end(self) -> None:
        """Also after a failure: the next case begins with nothing. Who began ends it, for pluto
        begins again what others end."""
        if self._case.role == "initiator":
            self._service.down()
        else:
            self._peer.terminate()
        wait_until(self._is_over, "no SA is left")

    def _is_over(self) -> bool:
        return not (self._service.mmsas() or self._service.qmsas() or kernel_sas(self._hosts[1]))

    @property
    def log(self) -> str:
        said = zip((self._service.log, self._peer.log), self._said_before, strict=True)
        ours, theirs = (text[before:][-LOG_KEPT_OCTETS:] for text, before in said)
        return f"--- mainmode:\n{ours}\n--- {self._case.peer}:\n{theirs}"


def wait_until(reached: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"in {PATIENCE_S:g} s it did not come about that {what}")
        time.sleep(0.1)


def outcome(case: Case, trial: Trial) -> Outcome:
    """Runs it; whatever goes wrong becomes the case's failure."""
    began = time.monotonic()
    failures = []
    for step in (trial.run, trial.end):
        try:
            step()
        except Exception:
            failures.append(traceback.format_exc())
    return Outcome(
        str(case),
        round(time.monotonic() - began, 1),
        "\n".join(failures),
        trial.pings,
        trial.transferred,
        trial.pair,
        tuple(trial.kernel_sas),
        trial.log,
    )


@contextmanager
def hosts_with_addresses_behind() -> Iterator[tuple[Host, Host]]:
    with two_hosts() as hosts:
        for here, there, near, far in ((0, 1, NEAR, FAR), (1, 0, FAR, NEAR)):
            hosts[here].run(["ip", "address", "add", near, "dev", "lo"])
            way = ["via", hosts[there].address, "src", near]
            hosts[here].run(["ip", "route", "add", far, *way])
        yield hosts


def main(names: Sequence[str]) -> None:
    cases = [case for case in CASES if str(case) in names]
    with ExitStack() as stack:
        hosts = stack.enter_context(hosts_with_addresses_behind())
        service = Service(hosts[0], terms(cases[0]), key=KEY, driver="user")
        stack.enter_context(service)
        for name, group in groupby(cases, lambda case: case.peer):
            with started(name, hosts[1]) as peer:
                for case in group:
                    trial = Trial(case, hosts, service, peer)
                    print(outcome(case, trial).to_line(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
