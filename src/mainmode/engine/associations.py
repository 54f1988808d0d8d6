"""The security associations that stand: main mode SAs, quick mode pairs, and how they are found.

Records hold octets and values only, so that they can be stored and moved. Every look-up is one
dictionary access, whatever the number of SAs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from mainmode import limits
from mainmode.auth.authenticator import ProvenIdentity, Role
from mainmode.crypto.keys import MainModeKeys
from mainmode.engine.nat import Nat
from mainmode.engine.vendor_ids import Capabilities
from mainmode.model import IpAddress, Mode, Path, SaPair, Selector
from mainmode.numbers import ProtocolId
from mainmode.policy.model import Authentication, MainModeOffer
from mainmode.wire.header import Cookies
from mainmode.wire.payloads import Identification


@dataclass(slots=True)
class MainModeSa:
    """An established main mode: what quick modes under it need.

    Built only with a `ProvenIdentity`, that is, after the peer's proof was checked.
    """

    cookies: Cookies
    path: Path
    role: Role
    offer: MainModeOffer
    authentication: Authentication
    lifetime_s: int
    keys: MainModeKeys = field(repr=False)
    cipher_key: bytes = field(repr=False)
    peer: ProvenIdentity
    local_identity: Identification
    capabilities: Capabilities
    nat: Nat | None = None
    """Whether a NAT stands between the two; then packets travel in UDP."""
    last_block: bytes = b""
    """Last ciphertext block of message 6, from which the IVs of quick mode start."""
    established_at: float = 0.0
    heard_at: float = 0.0
    """When something authentic last came from the peer under it."""
    quick_modes: int = 0
    """Quick modes negotiated under it so far."""
    quick_modes_begun: int = 0
    """The same with those that failed, whoever began."""
    quick_modes_max: int = 0
    """How many may begin; 0: no limit."""
    used_message_ids: set[int] = field(default_factory=set)
    usable: bool = True
    """False once deleted, used up or lost: no quick mode starts on it any more."""
    lost: bool = False
    """The peer did not answer under it any more."""
    refused_at: dict[Selector, float] = field(default_factory=dict)
    """When a quick mode for this traffic, which we wanted, has failed by somebody's word."""

    @property
    def expires_at(self) -> float:
        return self.established_at + self.lifetime_s

    @property
    def renewed_at(self) -> float:
        """When another is made, should it be needed. The responder waits for the initiator."""
        before_s = min(limits.RENEWAL_S, self.lifetime_s * limits.RENEWAL_SHARE)
        return self.expires_at - (before_s if self.role is Role.INITIATOR else before_s / 2)

    @property
    def is_the_peers(self) -> bool:
        """Whether the peer has made it, and one quick mode is all that it is for: the peer's."""
        return self.role is Role.RESPONDER and self.quick_modes_max == 1

    def begin_quick_mode(self) -> None:
        """One more begins under it. At the limit it stands on, but no further one does (MS-IKEE
        3.8.7.2)."""
        self.quick_modes_begun += 1
        if self.quick_modes_begun == self.quick_modes_max:
            self.usable = False

    def use(self, message_id: int) -> None:
        """An exchange has begun under it. IDs must stay unique, so there is a last one."""
        self.used_message_ids.add(message_id)
        if self.is_full:
            self.usable = False

    @property
    def is_full(self) -> bool:
        return len(self.used_message_ids) >= limits.USED_MESSAGE_IDS_MAX


@dataclass(frozen=True, slots=True)
class QuickModeSa:
    """An established pair and where it came from."""

    pair: SaPair
    path: Path
    main_mode: Cookies
    role: Role
    pfs: str
    """Name of the group of session key PFS, or empty."""
    authentication: Authentication
    established_at: float
    begun_at: float
    """When its quick mode began."""
    peer_id_b: bytes = b""
    """Who the peer has proved to be: the body of its ID payload."""


Traffic = tuple[IpAddress, Selector, Mode]
"""Peer, selector and mode: pairs that have them in common carry the same packets."""


def traffic_of(pair: SaPair) -> Traffic:
    return pair.peer, pair.selector, pair.mode


class Associations:
    """The tables."""

    def __init__(self) -> None:
        self.main_modes: dict[Cookies, MainModeSa] = {}
        self.quick_modes: dict[int, QuickModeSa] = {}
        """By inbound SPI."""
        self._by_peer: dict[IpAddress, list[MainModeSa]] = {}
        self._by_outbound: dict[tuple[IpAddress, ProtocolId, int], int] = {}
        self._pairs_by_peer: dict[IpAddress, dict[int, QuickModeSa]] = {}
        self._by_traffic: dict[Traffic, dict[int, QuickModeSa]] = {}

    def add_main_mode(self, sa: MainModeSa) -> None:
        self.main_modes[sa.cookies] = sa
        self._by_peer.setdefault(sa.path.peer.address, []).append(sa)

    def remove_main_mode(self, sa: MainModeSa) -> None:
        """Forget a main mode SA; its pairs stay (they may outlive it)."""
        sa.usable = False
        del self.main_modes[sa.cookies]
        peers = self._by_peer[sa.path.peer.address]
        peers.remove(sa)
        if not peers:
            del self._by_peer[sa.path.peer.address]

    def main_modes_with(self, peer: IpAddress) -> tuple[MainModeSa, ...]:
        """All that stand with this address, oldest first."""
        return tuple(self._by_peer.get(peer, ()))

    def newest_main_mode(self, path: Path) -> MainModeSa | None:
        """The newest that stands with the computer at the end of this path, or None."""
        return next((sa for sa in self._between(path) if sa.path.has_ends_of(path)), None)

    def newest_between(self, path: Path) -> MainModeSa | None:
        """The newest that stands between these hosts, through whatever ports, or None."""
        return next(self._between(path), None)

    def usable_main_mode(
        self, path: Path, authentications: tuple[Authentication, ...]
    ) -> MainModeSa | None:
        """The newest one between these hosts whose proof the rule accepts, or None. Its ports may
        be others: main mode moves to those that pass a NAT."""
        accepted = (
            sa
            for sa in self._between(path)
            if sa.usable and not sa.is_the_peers and sa.authentication in authentications
        )
        return next(accepted, None)

    def _between(self, path: Path) -> Iterator[MainModeSa]:
        """Those that stand between these hosts, newest first."""
        for sa in reversed(self._by_peer.get(path.peer.address, ())):
            if sa.path.hosts == path.hosts:
                yield sa

    def add_quick_mode(self, sa: QuickModeSa) -> None:
        pair = sa.pair
        self.quick_modes[pair.spi] = sa
        self._by_outbound[pair.peer, pair.outbound.protocol, pair.outbound.spi] = pair.spi
        self._pairs_by_peer.setdefault(pair.peer, {})[pair.spi] = sa
        self._by_traffic.setdefault(traffic_of(pair), {})[pair.spi] = sa

    def remove_quick_mode(self, spi: int) -> QuickModeSa | None:
        """Forget a pair by its inbound SPI; None when there is none."""
        sa = self.quick_modes.pop(spi, None)
        if sa is not None:
            peer, outbound = sa.pair.peer, sa.pair.outbound
            named = (peer, outbound.protocol, outbound.spi)
            if self._by_outbound.get(named) == spi:  # a peer may have said one SPI twice
                del self._by_outbound[named]
            _forget(self._pairs_by_peer, peer, spi)
            _forget(self._by_traffic, traffic_of(sa.pair), spi)
        return sa

    def quick_mode_to(
        self, peer: IpAddress, protocol: ProtocolId, outbound_spi: int
    ) -> QuickModeSa | None:
        """The pair we send to this peer with this SPI: how a peer's delete names it."""
        spi = self._by_outbound.get((peer, protocol, outbound_spi))
        return self.quick_modes.get(spi) if spi is not None else None

    def quick_modes_for(self, traffic: Traffic) -> tuple[QuickModeSa, ...]:
        """All that stand for exactly this traffic, oldest first."""
        return tuple(self._by_traffic.get(traffic, {}).values())

    def quick_modes_with(self, peer: IpAddress) -> tuple[QuickModeSa, ...]:
        """All that stand with this address, oldest first."""
        return tuple(self._pairs_by_peer.get(peer, {}).values())


K = TypeVar("K")


def _forget(table: dict[K, dict[int, QuickModeSa]], key: K, spi: int) -> None:
    """Take a pair out of an index; an entry without pairs goes with it."""
    del table[key][spi]
    if not table[key]:
        del table[key]
