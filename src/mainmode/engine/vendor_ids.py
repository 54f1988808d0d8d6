"""Vendor IDs: which peers can do what, and what we promise.

A vendor ID is sent only when what it promises works here.

Source: MS-IKEE 6 note <6>, RFC 3706 5.1, RFC 3947 3.1, the peers' sources for the rest. The
values are MD5 over the named string unless the table says otherwise.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from mainmode.model import NatRevision, Path
from mainmode.policy.model import Profile
from mainmode.wire.payloads import VendorId

MICROSOFT = bytes.fromhex("1e2b516905991c7d7c96fcbfb587e461")
"""MD5("MS NT5 ISAKMPOAKLEY"); four octets of release number follow."""
SERVER_2003 = (4).to_bytes(4)
VID_INITIAL_CONTACT = bytes.fromhex("26244d38eddb61b3172a36e3d0cfb819")
NLBS_PRESENT = bytes.fromhex("72872b95fcda2eb708efe322119b4971")
DEAD_PEER_DETECTION = bytes.fromhex("afcad71368a1f1c96b8696fc77570100")
MAINMODE = bytes.fromhex("81f88c6b7213e0b480bd7ec900a4966b")
"""MD5("mainmode: any number of quick modes at once")."""

NAT_RFC_3947 = bytes.fromhex("4a131c81070358455c5728f20e95452f")
NAT_DRAFT_02 = bytes.fromhex("90cb80913ebb696e086381b5ec427b1f")
"""MD5("draft-ietf-ipsec-nat-t-ike-02\\n"), with the newline: Windows' form."""

_NAT_REVISIONS = {
    NAT_RFC_3947: NatRevision.RFC_3947,
    NAT_DRAFT_02: NatRevision.DRAFT_02,
    bytes.fromhex("cd60464335df21f87cfdb2fc68b6a448"): NatRevision.DRAFT_02,
    bytes.fromhex("7d9419a65310ca6f2c179d9215529d56"): NatRevision.DRAFT_02,
}
"""Preferred first. Drafts -02 and -03 differ in nothing that is said."""
_DIGEST_OCTETS = 16

KNOWN = {
    MICROSOFT: "Microsoft",
    VID_INITIAL_CONTACT: "Vid-Initial-Contact",
    DEAD_PEER_DETECTION: "dead peer detection",
    MAINMODE: "mainmode",
    bytes.fromhex("621b04bb09882ac1e15935fefa24aeee"): "GSSAPI",
    NLBS_PRESENT: "NLBS_PRESENT",
    bytes.fromhex("4048b7d56ebce88525e7de7f00d6c2d3"): "fragmentation",
    NAT_DRAFT_02: "NAT-T draft-02 with newline",
    bytes.fromhex("cd60464335df21f87cfdb2fc68b6a448"): "NAT-T draft-02",
    bytes.fromhex("7d9419a65310ca6f2c179d9215529d56"): "NAT-T draft-03",
    NAT_RFC_3947: "NAT-T RFC 3947",
    bytes.fromhex("09002689dfd6b712"): "XAUTH",
}
"""By prefix: some senders append a version or capability word."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a peer's vendor IDs say it can do."""

    names: tuple[str, ...] = ()
    microsoft: bool = False
    """Waits to be waited for with CONNECTED, deletes reliably."""
    many_quick_modes: bool = False
    """Keeps the state of more than three quick modes at once."""
    fast_failover: bool = False
    """A member of a cluster: its pairs are let go sooner, so that another member can take over."""
    answers_probes: bool = False
    """Dead peer detection (RFC 3706)."""
    nat: bytes = b""
    """The vendor ID of the best NAT traversal that it and our profile know; empty: none."""

    @property
    def pads_with_zeros(self) -> bool:
        """As RFC 2409 appendix B wants it. Of our own kind we know it; what Windows does is nowhere
        written, and racoon does otherwise."""
        return KNOWN[MAINMODE] in self.names

    @property
    def nat_revision(self) -> NatRevision | None:
        return _NAT_REVISIONS.get(self.nat)


NO_CAPABILITIES = Capabilities()

Revisions = tuple[NatRevision, ...]

_REVISIONS: dict[Profile, Revisions] = {
    Profile.WINDOWS_2003: (NatRevision.DRAFT_02,),
    Profile.MODERN: (NatRevision.RFC_3947, NatRevision.DRAFT_02),
}
_NAT_VENDOR_IDS = {
    NatRevision.RFC_3947: VendorId(NAT_RFC_3947),
    NatRevision.DRAFT_02: VendorId(NAT_DRAFT_02),
}


def read_untrusted(vendor_ids: Iterable[VendorId], revisions: Revisions = ()) -> Capabilities:
    """What these vendor IDs promise; unknown ones count for nothing.

    revisions: the NAT traversal that we know toward this peer.
    """
    return _read(tuple([each.data for each in vendor_ids]), revisions)


@lru_cache(maxsize=256)
def _read(given: tuple[bytes, ...], revisions: Revisions) -> Capabilities:
    names = tuple(
        name for data in given for known, name in KNOWN.items() if data[: len(known)] == known
    )
    if not names:
        return NO_CAPABILITIES
    microsoft = "Microsoft" in names
    begun = {data[:_DIGEST_OCTETS] for data in given}
    common = (
        each for each, which in _NAT_REVISIONS.items() if each in begun and which in revisions
    )
    return Capabilities(
        names,
        microsoft,
        many_quick_modes=microsoft or "mainmode" in names,
        fast_failover="NLBS_PRESENT" in names,
        answers_probes=KNOWN[DEAD_PEER_DETECTION] in names,
        nat=next(common, b""),
    )


def nat_revisions(profile: Profile, path: Path) -> Revisions:
    """The NAT traversal of a profile toward this peer, preferred first. There is none for IPv6
    (MS-IKEE <15>)."""
    return _REVISIONS[profile] if path.peer.address.version == 4 else ()


def announced(
    profile: Profile, path: Path, *, first_contact: bool, in_cluster: bool = False
) -> list[VendorId]:
    """The vendor IDs of message 1. first_contact: no main mode SA with this peer stands.
    in_cluster: we are one of several computers behind one address."""
    nat = [_NAT_VENDOR_IDS[each] for each in nat_revisions(profile, path)]
    cluster = [VendorId(NLBS_PRESENT)] if in_cluster else []
    return nat + _ours(profile, first_contact=first_contact) + cluster


def answered(
    profile: Profile, capabilities: Capabilities, *, first_contact: bool
) -> list[VendorId]:
    """The vendor IDs of message 2, the most needed first: of NAT traversal, the one chosen."""
    nat = [VendorId(capabilities.nat)] if capabilities.nat else []
    return nat + _ours(profile, first_contact=first_contact)


def _ours(profile: Profile, *, first_contact: bool) -> list[VendorId]:
    if profile is Profile.WINDOWS_2003:
        contact = [VendorId(VID_INITIAL_CONTACT)] if first_contact else []
        return [VendorId(MICROSOFT + SERVER_2003), *contact]
    return [VendorId(MAINMODE), VendorId(DEAD_PEER_DETECTION)]
