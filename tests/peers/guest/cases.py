"""What is tried with peers whose SAs are in a real kernel, and what came of it."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, Self

from tests.peers.xfrm import KernelSa

MODES = ("transport", "tunnel")
ROLES = ("initiator", "responder")
STRONGSWAN_PROTECTIONS = (
    "esp:3des-sha1",
    "esp:3des-md5",
    "esp:des-sha1",
    "esp:des-md5",
    "ah:sha1",
    "ah:md5",
)
LIBRESWAN_PROTECTIONS = ("esp:3des-sha1", "esp:3des-md5", "ah:sha1", "ah:md5")
"""Debian's libreswan has no DES."""


@dataclass(frozen=True, slots=True)
class Case:
    """mainmode and a peer agree on one pair, which then carries traffic."""

    peer: str
    mode: str
    protection: str
    """As policy files write it."""
    pfs: bool
    role: str
    """Of mainmode."""
    in_udp: bool = False
    """The peer pretends to see a NAT, so that ESP travels in UDP (RFC 3948)."""

    def __str__(self) -> str:
        protection = self.protection.replace(":", "-") + ("-udp" if self.in_udp else "")
        pfs = "pfs" if self.pfs else "no-pfs"
        return f"{self.peer}-{self.mode}-{protection}-{pfs}-{self.role}"


def _cases() -> Iterator[Case]:
    for peer, protections in (
        ("strongswan", STRONGSWAN_PROTECTIONS),
        ("libreswan", LIBRESWAN_PROTECTIONS),
    ):
        for mode, pfs, protection, role in product(MODES, (False, True), protections, ROLES):
            yield Case(peer, mode, protection, pfs, role)
        for mode, role in product(MODES, ROLES):
            yield Case(peer, mode, "esp:3des-sha1", False, role, in_udp=True)


CASES = tuple(_cases())
"""In an order in which policy and peer rarely change."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Facts about one case; whether they are good is for the test to say."""

    case: str
    seconds: float
    failure: str
    """What ended it early; empty when nothing did."""
    pings: dict[str, bool]
    """Which were answered, by size and direction."""
    transferred: bool
    """Whether a stream of TCP arrived whole."""
    pair: dict[str, Any]
    """mainmode's view of it, as `mainmode show qmsas` gives it."""
    kernel_sas: tuple[KernelSa, ...]
    """Those in the peer's kernel."""
    log: str
    """What both said meanwhile."""

    def to_line(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_line(cls, line: str) -> Self:
        fields = json.loads(line)
        kernel_sas = tuple(KernelSa(**each) for each in fields.pop("kernel_sas"))
        return cls(**fields, kernel_sas=kernel_sas)
