"""Two hosts joined by a wire: network namespaces that live as long as this process holds them.

An ordinary user becomes root of a user namespace first, and so may make networks.

Source: Linux user_namespaces(7), veth(4).
Talks to: `testing.namespace`.
Does not: need the commands ip, nsenter or unshare; an error is an OSError with its reason.
"""

import ctypes
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pyroute2 import IPRoute

from mainmode.driver.user import netfilter
from mainmode.testing.namespace import Namespace

WIRE = "wire"
"""The name of the interface that joins a host to the other one."""
ALICE, BOB = "alice", "bob"
_ADDRESSES = {ALICE: "192.0.2.1", BOB: "192.0.2.2"}
"""Of a range for documentation (RFC 5737)."""
_PREFIX = 24

_CLONE_NEWUSER = 0x1000_0000
_LIBC = ctypes.CDLL(None, use_errno=True)

T = TypeVar("T")


class Host(Namespace):
    """One of the two."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.address = _ADDRESSES[name]

    def netlink(self, work: Callable[[IPRoute], T]) -> T:
        """Do this with a netlink connection of the namespace."""

        def connected() -> T:
            with IPRoute() as netlink:
                return work(netlink)

        return self.inside(connected)

    def plug(self, other: "Host") -> None:
        """Lay the wire from here to there."""
        end: dict[str, Any] = {"ifname": WIRE, "net_ns_fd": other.descriptor}
        self.netlink(lambda netlink: netlink.link("add", ifname=WIRE, kind="veth", peer=end))

    def set_up(self) -> None:
        """Give the plugged wire its address and switch all on."""

        def configure(netlink: IPRoute) -> None:
            (wire,) = netlink.link_lookup(ifname=WIRE)
            netlink.addr("add", index=wire, address=self.address, prefixlen=_PREFIX)
            for index in (*netlink.link_lookup(ifname="lo"), wire):
                netlink.link("set", index=index, state="up")

        self.netlink(configure)

    def settings(self) -> frozenset[str]:
        """Devices, routing rules, routes and nftables tables: what a driver works with."""
        command = netfilter.command()
        assert command is not None, "requirements were met"
        listing = [command, "list", "tables"]
        tables = self.inside(lambda: subprocess.run(listing, capture_output=True, text=True))
        return frozenset([*self.netlink(_settings), *tables.stdout.splitlines()])


@contextmanager
def two_hosts() -> Iterator[tuple[Host, Host]]:
    """Alice and bob, who see each other. Raises OSError."""
    with ExitStack() as stack:
        hosts = Host(ALICE), Host(BOB)
        for host in hosts:
            stack.callback(host.close)
        hosts[0].plug(hosts[1])
        for host in hosts:
            host.set_up()
        yield hosts


def become_root_of_user_namespace() -> None:
    """This process leaves its user namespace for a new one where it counts as root.

    Only a process with a single thread may. Raises OSError.
    """
    user, group = os.geteuid(), os.getegid()
    if _LIBC.unshare(_CLONE_NEWUSER) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    process = Path("/proc/self")
    (process / "setgroups").write_text("deny")
    (process / "uid_map").write_text(f"0 {user} 1")
    (process / "gid_map").write_text(f"0 {group} 1")


def try_new_network() -> None:
    """Raises OSError where no network namespace may be made."""
    Namespace().close()


def _settings(netlink: IPRoute) -> list[str]:
    """IPv4 alone, for the kernel itself is still busy with addresses of IPv6."""
    family = socket.AF_INET
    named = [
        *(("device", each, ("IFLA_IFNAME",)) for each in netlink.get_links()),
        *(("rule", each, ("FRA_PRIORITY", "FRA_FWMARK")) for each in netlink.get_rules(family)),
        *(("route", each, ("RTA_TABLE", "RTA_DST")) for each in netlink.get_routes(family)),
    ]
    return [
        f"{kind} {' '.join(str(each.get_attr(name)) for name in names)}"
        for kind, each, names in named
    ]
