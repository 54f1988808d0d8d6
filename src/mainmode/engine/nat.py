"""NAT traversal in main mode and quick mode: is there a NAT, and what is said because of it.

Messages 3 and 4 of main mode carry hashes of the addresses and ports that their sender sees. Where
a hash differs from what the receiver sees, an address was translated on the way. From message 5 on
main mode then speaks from and to the ports that pass a NAT, and quick mode asks for ESP in UDP.

    NAT-D   HASH(CKY-I | CKY-R | address, 4 or 16 | port, 2)
            of the receiver's address first, then of the sender's
    NAT-OA  an address as its sender knows it

A hash that differs does not prove a NAT: peers send a false one to have ESP in UDP at any rate.

Source: RFC 3947 3.2, 4 and 5.2, MS-IKEE 3.2 (the draft that Windows Server 2003 speaks).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mainmode.crypto.algorithms import Hash
from mainmode.crypto.prf import digest
from mainmode.model import Endpoint, IpAddress, NatRevision, Path
from mainmode.numbers import IdType
from mainmode.wire.header import Cookies
from mainmode.wire.nat import NatDiscovery, NatOriginalAddress


@dataclass(frozen=True, slots=True)
class Nat:
    """What main mode found out: who is behind a NAT, and how it is traversed."""

    revision: NatRevision
    here: bool
    """We are: the peer sees us under another address or port."""
    there: bool
    """The peer is. Neither: only the peer has found a NAT, and speaks as if."""

    def __str__(self) -> str:
        ends = [end for end, is_so in (("here", self.here), ("there", self.there)) if is_so]
        where = " and ".join(ends) or "found by the peer"
        return f"NAT {where} ({self.revision.value})"


def discovery(
    revision: NatRevision, hash: Hash, cookies: Cookies, path: Path
) -> list[NatDiscovery]:
    """Our NAT-D payloads: where we send to, then where we send from."""
    draft = revision is NatRevision.DRAFT_02
    return [
        NatDiscovery(_seen(hash, cookies, each), draft=draft) for each in (path.peer, path.local)
    ]


def found(
    revision: NatRevision,
    hash: Hash,
    cookies: Cookies,
    path: Path,
    received: Sequence[NatDiscovery],
) -> Nat | None:
    """What the peer's NAT-D payloads tell; None: no NAT, or too few to tell. Those under the
    other revision's payload number do not count."""
    draft = revision is NatRevision.DRAFT_02
    digests = [each.digest for each in received if each.draft is draft]
    if len(digests) < 2:
        return None
    here = digests[0] != _seen(hash, cookies, path.local)
    there = _seen(hash, cookies, path.peer) not in digests[1:]
    return Nat(revision, here, there) if here or there else None


def _seen(hash: Hash, cookies: Cookies, end: Endpoint) -> bytes:
    return digest(hash, b"".join(cookies) + end.address.packed + end.port.to_bytes(2))


def original_addresses(
    revision: NatRevision, path: Path, *, as_initiator: bool
) -> list[NatOriginalAddress]:
    """NAT-OA of quick mode in transport mode: the initiator's address and the responder's, as we
    know them; only our own in the draft."""
    ours, peers = path.hosts
    if revision is NatRevision.DRAFT_02:
        return [_original(ours, draft=True)]
    return [_original(each) for each in ((ours, peers) if as_initiator else (peers, ours))]


def _original(address: IpAddress, *, draft: bool = False) -> NatOriginalAddress:
    id_type = IdType.IPV4_ADDR if address.version == 4 else IdType.IPV6_ADDR
    return NatOriginalAddress(id_type, address.packed, draft)


def peer_original(
    received: Sequence[NatOriginalAddress], *, we_initiate: bool
) -> NatOriginalAddress | None:
    """The payload that holds the peer's own address: of two, the initiator's comes first; one
    alone is its sender's."""
    if len(received) < 2:
        return received[0] if received else None
    return received[1 if we_initiate else 0]


def floated(path: Path, port: int) -> Path:
    """The path between the same hosts through the ports that pass a NAT."""
    return Path(Endpoint(path.local.address, port), Endpoint(path.peer.address, port))


Hears = Callable[[Path], bool]
"""Whether a datagram from elsewhere may be the answer."""


def floats_from(path: Path, port: int) -> Hears:
    """The initiator may go on from any port of its address, to our port for NATs: what the NAT
    made of its own. The exchange follows it when its message has been accepted, not before."""

    def hears(other: Path) -> bool:
        return other.hosts == path.hosts and other.local.port == port

    return hears
