"""This computer as policy sees it, or another one whose addresses are given."""

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address

from mainmode import limits
from mainmode.errors import PersonError
from mainmode.model import IpAddress
from mainmode.policy.model import Policy
from mainmode.policy.selection import Selection
from mainmode.policy.settings import Settings
from mainmode.policy.surroundings import Surroundings, names_in, servers_in
from mainmode.service.addresses import OwnAddresses, Routes, own_addresses
from mainmode.service.names import ask_the_system
from mainmode.service.servers import servers_now


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

    def selection(self, policy: Policy, settings: Settings | None = None) -> Selection:
        """The policy as the service compiles it here."""
        return Selection(
            policy,
            self.addresses.local,
            broadcast_addresses=self.addresses.broadcast,
            around=self._around(policy),
            settings=settings,
        )

    def _around(self, policy: Policy) -> Surroundings:
        """Another computer's servers and links nobody knows here."""
        names = asyncio.run(_addresses_of(names_in(policy)))
        if self.is_given:
            return Surroundings(names)
        return Surroundings(names, servers_now(servers_in(policy)), self.addresses.dialup)

    def toward(self, peer: IpAddress) -> IpAddress | None:
        """Our address toward a peer; None: no route leads there."""
        if not self.is_given:
            return Routes((), limits.IKE_PORT, time.monotonic).local_toward(peer)
        same_kind = [each for each in self.addresses.local if each.version == peer.version]
        return min(same_kind, key=int, default=None)


async def _addresses_of(names: Collection[str]) -> dict[str, tuple[IpAddress, ...]]:
    """Of DNS names, all asked at once; those without an answer are left out."""
    answers = await asyncio.gather(*map(ask_the_system, names), return_exceptions=True)
    return {
        name: answer
        for name, answer in zip(names, answers, strict=True)
        if not isinstance(answer, BaseException)
    }
