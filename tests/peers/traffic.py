"""Traffic through a pair of mainmode's and strongSwan's, and what both sides have counted of it."""

import time
from itertools import product
from typing import Any

from tests.driver.lab import ping, transfer
from tests.peers.network import Host
from tests.peers.service import Service
from tests.peers.strongswan import StrongSwan

PING_SIZES = (0, 56, 1_400, 1_472, 1_473, 4_000, 9_000)
"""Octets of data: with and without fragments, in front of the tunnel and behind it."""
STREAM_OCTETS = 200_000
OURS, THEIRS = ("packets", "octets"), ("packets", "bytes")
COUNTED_S = 5.0


def exchange(hosts: tuple[Host, Host], addresses: tuple[str, str]) -> None:
    """Pings of every size and streams, in both directions."""
    (here, there), (near, far) = hosts, addresses
    for size in PING_SIZES:
        assert ping(here, far, size), size
        assert ping(there, near, size), size
    transfer(here, there, far, STREAM_OCTETS)
    transfer(there, here, near, STREAM_OCTETS, port=5_003)


def require_counted(service: Service, peer: StrongSwan) -> tuple[dict[str, Any], dict[str, Any]]:
    """Each side has received through the one pair what the other has sent, and that was all of it.
    Returns the pair as mainmode shows it, and as strongSwan does."""
    deadline = time.monotonic() + COUNTED_S
    while True:
        (ours,), (theirs,) = service.qmsas(), peer.pairs()
        here = [ours[f"{what}_{how}"] for how, what in product(("sent", "received"), OURS)]
        there = [int(theirs[f"{what}-{way}"]) for way, what in product(("in", "out"), THEIRS)]
        if here == there and min(here[1], here[3]) > STREAM_OCTETS:
            return ours, theirs
        assert time.monotonic() < deadline, (here, there)
