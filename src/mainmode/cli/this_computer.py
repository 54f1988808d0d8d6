"""This computer as policy sees it, or another one whose addresses are given."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeVar

import click

from mainmode import limits
from mainmode.errors import PersonError
from mainmode.model import IpAddress
from mainmode.policy.model import Policy
from mainmode.policy.selection import Selection
from mainmode.service.addresses import OwnAddresses, Routes, own_addresses

F = TypeVar("F", bound=Callable[..., Any])


def me_option(command: F) -> F:
    """--me: whose view it is."""
    return click.option(
        "--me",
        multiple=True,
        metavar="ADDRESS",
        help="Answer for a computer with this address instead of this one's; may be given several "
        "times.",
    )(command)


@dataclass(frozen=True)
class ThisComputer:
    """Its addresses, and which of them faces a peer."""

    addresses: OwnAddresses
    is_given: bool
    """Whether it is another computer, whose routes nobody knows here."""

    @classmethod
    def of(cls, me: tuple[str, ...]) -> "ThisComputer":
        """Raises: PersonError."""
        if not me:
            return cls(own_addresses(), is_given=False)
        try:
            given = frozenset(ip_address(each) for each in me)
        except ValueError as error:
            raise PersonError(f"--me: {error}", fix="write one address, as 192.0.2.1") from None
        return cls(OwnAddresses(given, frozenset()), is_given=True)

    def selection(self, policy: Policy) -> Selection:
        """The policy as the service compiles it here. DNS names and kinds of servers have no
        address."""
        return Selection(policy, self.addresses.local, broadcast_addresses=self.addresses.broadcast)

    def toward(self, peer: IpAddress) -> IpAddress | None:
        """Our address toward a peer; None: no route leads there."""
        if not self.is_given:
            return Routes((), limits.IKE_PORT, time.monotonic).local_toward(peer)
        same_kind = [each for each in self.addresses.local if each.version == peer.version]
        return min(same_kind, key=int, default=None)
