"""Both peers, told what a case asks of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from tests.peers import strongswan
from tests.peers.guest.cases import Case
from tests.peers.libreswan import Libreswan, settle
from tests.peers.network import FIRST, SECOND, Host
from tests.peers.strongswan import Section, StrongSwan, main_mode

KEY = b"a preshared key for these tests alone"
NAME = "mainmode"
NEAR, FAR = "198.51.100.1", "203.0.113.1"
"""One address each behind the two hosts, for tunnels: behind mainmode and behind the peer."""
SUITE = "3des-sha1"
"""Of main mode."""
PATIENCE_S = 40.0
"""Programs run some ten times slower here, and other work on the computer makes it worse."""
LOG_LEVELS = {"default": 1, "ike": 2, "knl": 2}
TELLING = "base,crypt,private"


class Peer(Protocol):
    """What both can be told. Raises PeerFailed, each its own."""

    def load(self, case: Case) -> None:
        """Take this connection in place of the one before."""

    def initiate(self) -> None:
        """Returns when the peer has both SAs."""

    def terminate(self) -> None:
        """End them and tell mainmode."""

    @property
    def version(self) -> str:
        """With its name."""

    @property
    def log(self) -> str: ...


class StrongSwanPeer:
    """charon with the kernel's IPsec."""

    def __init__(self, charon: StrongSwan) -> None:
        self._charon = charon
        charon.share_key(KEY, FIRST, SECOND)

    def load(self, case: Case) -> None:
        protocol, _, suite = case.protection.partition(":")
        group = "-modp1024" if case.pfs else ""
        child: dict[str, Any] = {f"{protocol}_proposals": [suite + group], "mode": case.mode}
        if case.mode == "tunnel":
            child |= {"local_ts": [f"{FAR}/32"], "remote_ts": [f"{NEAR}/32"]}
        connection: Section = {
            **main_mode(SECOND, FIRST, [f"{SUITE}-modp1024"]),
            "encap": "yes" if case.in_udp else "no",
            "children": {NAME: child},
        }
        self._charon.load(NAME, connection)

    def initiate(self) -> None:
        self._charon.initiate(NAME, NAME, PATIENCE_S)

    def terminate(self) -> None:
        self._charon.terminate(NAME)

    @property
    def version(self) -> str:
        return f"strongSwan {self._charon.version}"

    @property
    def log(self) -> str:
        return self._charon.log


class LibreswanPeer:
    """pluto. Its smallest common group is 14."""

    def __init__(self, pluto: Libreswan) -> None:
        self._pluto = pluto
        pluto.share_key(KEY, FIRST, SECOND)

    def load(self, case: Case) -> None:
        protocol, _, suite = case.protection.partition(":")
        options = {
            "left": SECOND,
            "right": FIRST,
            "ike": f"{SUITE};modp2048",
            "type": case.mode,
            "phase2": protocol,
            "phase2alg": suite,
            "pfs": "yes" if case.pfs else "no",
            "encapsulation": "yes" if case.in_udp else "auto",
        }
        if case.mode == "tunnel":
            options |= {"leftsubnet": f"{FAR}/32", "rightsubnet": f"{NEAR}/32"}
        self._pluto.load(NAME, options)

    def initiate(self) -> None:
        self._pluto.initiate(NAME, PATIENCE_S)

    def terminate(self) -> None:
        self._pluto.delete(NAME)

    @property
    def version(self) -> str:
        return f"libreswan {self._pluto.version}"

    @property
    def log(self) -> str:
        return self._pluto.log


@contextmanager
def started(name: str, host: Host, *, telling: bool = False) -> Iterator[Peer]:
    """telling: its log tells keys and what it encrypts."""
    if name == "strongswan":
        levels = strongswan.LOG_LEVELS if telling else LOG_LEVELS
        with StrongSwan(host, log_levels=levels) as charon:
            yield StrongSwanPeer(charon)
    else:
        settle()
        with Libreswan(host, TELLING if telling else "none") as pluto:
            yield LibreswanPeer(pluto)
