"""How long the first packet between two idle hosts takes to get onto the wire, protected.

    a program     ping                                             the wire
                   |-> held by the driver   main mode, quick mode   ESP ->|

Both services really run, each on a host of its own, and the wire is watched.
"""

import time
from dataclasses import replace
from statistics import median

from mainmode.bench.figures import Figures
from mainmode.bench.hosts import PATIENCE_S, policy_of, require_reply, two_services
from mainmode.cli.outcome import Failed
from mainmode.demo.hosts import WIRE
from mainmode.demo.ping import Pinger
from mainmode.demo.requirements import missing_for_hosts
from mainmode.demo.service import Service
from mainmode.diagnosis.capture import Capture, protocol_of
from mainmode.numbers import IpProtocol

RUNS = 5
_POLL_S = 0.002


def with_first_packet(figures: Figures, offer: str) -> Figures:
    """These figures and this one, or why it cannot be measured here."""
    why = "; ".join(missing_for_hosts())
    if not why:
        try:
            return replace(figures, first_packet_ms=first_packet_ms(offer))
        except Failed as failed:
            why = failed.message
    return replace(figures, why_no_first_packet=why)


def first_packet_ms(offer: str) -> float:
    """The median of RUNS, each without any SA at its beginning. Raises Failed.

    offer: what main mode uses.
    """
    with two_services(policy_of(offer)) as (alice, bob):
        return median(_one_run(alice, bob) for _ in range(RUNS))


def _one_run(alice: Service, bob: Service) -> float:
    with (
        alice.host.inside(lambda: Capture(WIRE)) as wire,
        Pinger(alice.host, bob.host.address) as pinger,
    ):
        began = time.time()
        pinger.send()
        require_reply(pinger, alice)
        protected = [each.time for each in wire.stop() if protocol_of(each) == IpProtocol.ESP]
    if not protected:
        raise Failed("a ping was answered, but no ESP packet was seen on the wire")
    _disconnect(alice, bob)
    return (protected[0] - began) * 1000


def _disconnect(alice: Service, bob: Service) -> None:
    """As they were before they met."""
    for service, peer in ((alice, bob), (bob, alice)):
        service.client.post("/v1/down", peer=peer.host.address)
    deadline = time.monotonic() + PATIENCE_S
    while any(_associations(each) for each in (alice, bob)):
        if time.monotonic() > deadline:
            raise Failed("the SAs of two hosts did not end")
        time.sleep(_POLL_S)


def _associations(service: Service) -> int:
    status = service.client.get("/v1/status")
    count: int = status["mmsas"] + status["qmsas"]
    return count
