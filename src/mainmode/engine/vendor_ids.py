"""Vendor IDs: which peers can do what, and what we promise.

A vendor ID is sent only when what it promises works here.

Source: MS-IKEE 6 note <6>, RFC 3706 5.1, RFC 3947 3.1, the peers' sources for the rest. The
values are MD5 over the named string unless the table says otherwise.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from mainmode.policy.model import Profile
from mainmode.wire.payloads import VendorId

MICROSOFT = bytes.fromhex("1e2b516905991c7d7c96fcbfb587e461")
"""MD5("MS NT5 ISAKMPOAKLEY"); four octets of release number follow."""
VID_INITIAL_CONTACT = bytes.fromhex("26244d38eddb61b3172a36e3d0cfb819")
DEAD_PEER_DETECTION = bytes.fromhex("afcad71368a1f1c96b8696fc77570100")
MAINMODE = bytes.fromhex("81f88c6b7213e0b480bd7ec900a4966b")
"""MD5("mainmode: any number of quick modes at once")."""

KNOWN = {
    MICROSOFT: "Microsoft",
    VID_INITIAL_CONTACT: "Vid-Initial-Contact",
    DEAD_PEER_DETECTION: "dead peer detection",
    MAINMODE: "mainmode",
    bytes.fromhex("621b04bb09882ac1e15935fefa24aeee"): "GSSAPI",
    bytes.fromhex("72872b95fcda2eb708efe322119b4971"): "NLBS_PRESENT",
    bytes.fromhex("4048b7d56ebce88525e7de7f00d6c2d3"): "fragmentation",
    bytes.fromhex("90cb80913ebb696e086381b5ec427b1f"): "NAT-T draft-02 with newline",
    bytes.fromhex("cd60464335df21f87cfdb2fc68b6a448"): "NAT-T draft-02",
    bytes.fromhex("7d9419a65310ca6f2c179d9215529d56"): "NAT-T draft-03",
    bytes.fromhex("4a131c81070358455c5728f20e95452f"): "NAT-T RFC 3947",
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


NO_CAPABILITIES = Capabilities()


def read_untrusted(vendor_ids: Iterable[VendorId]) -> Capabilities:
    """What these vendor IDs promise; unknown ones count for nothing."""
    names = tuple(
        name
        for vendor_id in vendor_ids
        for known, name in KNOWN.items()
        if vendor_id.data[: len(known)] == known
    )
    if not names:
        return NO_CAPABILITIES
    microsoft = "Microsoft" in names
    return Capabilities(names, microsoft, many_quick_modes=microsoft or "mainmode" in names)


def ours(profile: Profile, *, first_contact: bool) -> list[VendorId]:
    """The vendor IDs of a profile. first_contact: no main mode SA with this peer stands."""
    if profile is Profile.WINDOWS_2003:
        return [VendorId(VID_INITIAL_CONTACT)] if first_contact else []
    return [VendorId(MAINMODE), VendorId(DEAD_PEER_DETECTION)]
