"""Where the ends of a benchmark are, and what policy gives them there.

`LOOPBACK` has no rights to ask for: transport mode between addresses of 127.0.0.0/8. `TUNNELS` is
for peers that know tunnels in UDP only: an initiator seems to be behind a NAT, and each pair is a
tunnel between the two hosts themselves.

    initiator knows itself as       10.96.0.N -+
    and is                          10.64.0.N -+-- wire -- 10.128.0.N  responder

What a NAT does, the initiator does to its own paths; there is none on the wire.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from mainmode.auth.authenticator import Role
from mainmode.bench.terms import INITIATORS, RESPONDERS, selection_of
from mainmode.model import AddressRange, IpAddress, Mode, Path, Selector
from mainmode.policy.model import Authentication
from mainmode.policy.selection import Decision, PeerTerms, Selection
from mainmode.service.sockets import Sockets
from mainmode.testing.samples import policy, rule


@dataclass(frozen=True, slots=True)
class Ground:
    """The first address of either side; the others follow, one for each negotiation."""

    initiators: IPv4Address
    """As they know themselves."""
    responders: IPv4Address
    mode: Mode = Mode.TRANSPORT
    behind_nat: bool = False
    """Whether initiators seem to be."""

    def initiator_of(self, responder: IpAddress) -> IpAddress:
        """Who negotiates with this responder."""
        return self.initiators + (int(responder) - int(self.responders))

    def selection(self, offer: str, role: Role) -> Selection:
        """The policy of one end: ESP 3DES-SHA1 after main mode with this one offer."""
        return selection_of(offer) if self.mode is Mode.TRANSPORT else _tunnels(offer, role)


INITIATORS_NETWORK, RESPONDERS_NETWORK = "10.64.0.0/10", "10.128.0.0/10"
"""Of TUNNELS: each namespace answers on all of one of them."""
_TRANSLATED = 1 << 21
"""So far from an initiator's address is the one that it knows, in the same network."""

LOOPBACK = Ground(INITIATORS, RESPONDERS)
TUNNELS = Ground(
    IPv4Address("10.64.0.0") + _TRANSLATED, IPv4Address("10.128.0.0"), Mode.TUNNEL, behind_nat=True
)


class SeemingNat:
    """Sockets whose user knows other addresses of this computer than those on the wire."""

    def __init__(self, sockets: Sockets) -> None:
        self._sockets = sockets

    def send(self, path: Path, datagram: bytes) -> None:
        self._sockets.send(_moved(path, -_TRANSLATED), datagram)

    def keep_alive(self, path: Path) -> None:
        self._sockets.keep_alive(_moved(path, -_TRANSLATED))

    def received(self, datagrams: Iterable[tuple[bytes, Path]]) -> Iterator[tuple[bytes, Path]]:
        """The same datagrams, to the addresses that their receiver knows."""
        return ((datagram, _moved(path, _TRANSLATED)) for datagram, path in datagrams)


def _moved(path: Path, by: int) -> Path:
    return Path(replace(path.local, address=path.local.address + by), path.peer)


# --- policy ---------------------------------------------------------------------------------


def _tunnels(offer: str, role: Role) -> Selection:
    ends = [INITIATORS_NETWORK, RESPONDERS_NETWORK]  # a tunnel's filter runs from here to there
    here, there = ends if role is Role.INITIATOR else reversed(ends)
    protect = rule(here, there, tunnel=str(_ANYBODY))
    return _TunnelsToAnybody(policy(protect, main_mode=offer), ())


_ANYBODY = TUNNELS.responders


class _TunnelsToAnybody(Selection):
    """A tunnel rule names its peer, so thousands of peers would need as many rules. The peer,
    charon, has one connection for all of them; here one rule stands for all as well."""

    def toward(self, local: IpAddress, peer: IpAddress) -> PeerTerms | None:
        return super().toward(local, _ANYBODY)

    def connection(self, local: IpAddress, peer: IpAddress) -> Decision | None:
        decision = super().connection(local, _ANYBODY)
        hosts = Selector(AddressRange.host(local), AddressRange.host(peer))
        return replace(decision, peer=peer, selector=hosts) if decision is not None else None

    def authorise(
        self,
        selector: Selector,
        local: IpAddress,
        peer: IpAddress,
        authentication: Authentication,
        mode: Mode,
    ) -> Decision:
        return super().authorise(selector, local, _ANYBODY, authentication, mode)
