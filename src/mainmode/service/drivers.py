"""Which IPSec driver the service runs with."""

import asyncio
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from mainmode.driver.contract import Driver
from mainmode.driver.null import NullDriver
from mainmode.errors import PersonError
from mainmode.policy.model import Policy

_TUN = Path("/dev/net/tun")
_CAP_NET_ADMIN = 12
_CAP_NET_RAW = 13
"""Bits of capabilities(7)."""


def choose_driver(
    kind: str, policy: Policy, loop: asyncio.AbstractEventLoop, ike_ports: tuple[int, ...]
) -> Driver:
    """The driver called "user" or "null"; "auto" is the user-space driver.

    ike_ports: what IKE sends from, which no filter applies to.
    Raises: PersonError naming what the user-space driver lacks. Only a policy that asks for
    nothing lets "auto" do without it.
    """
    if kind == "null":
        return NullDriver(os.urandom)
    lacking = list(missing_for_user_driver())
    if kind == "auto" and lacking and not policy.rules:
        return NullDriver(os.urandom)
    if lacking:
        raise PersonError(
            "the user-space driver cannot run here: " + "; ".join(lacking),
            fix="run as root on a computer with these, "
            "or with --driver null to negotiate without protecting anything",
        )
    from mainmode.driver.user.driver import UserDriver

    return UserDriver(loop, ike_ports=ike_ports)


def name_of(driver: Driver) -> str:
    """As --driver calls it."""
    return type(driver).__name__.removesuffix("Driver").lower()


def missing_for_user_driver() -> Iterator[str]:
    """What the user-space driver would need and does not find."""
    held = _capabilities()
    if not held >> _CAP_NET_ADMIN & 1:
        yield "no right to change network settings (CAP_NET_ADMIN)"
    if not held >> _CAP_NET_RAW & 1:
        yield "no right to send and receive ESP and AH (CAP_NET_RAW)"
    if not os.access(_TUN, os.R_OK | os.W_OK):
        yield _why_no_tun()
    from mainmode.driver.user import netfilter

    if netfilter.command() is None:
        yield "the command nft is not installed (Debian package nftables)"


def _why_no_tun() -> str:
    try:
        mode = stat.S_IMODE(_TUN.stat().st_mode)
    except OSError:
        return f"{_TUN} is not there (kernel module tun)"
    return f"{_TUN} is not ours to open: its permissions are {mode:04o}"


def _capabilities() -> int:
    """Effective capabilities of this process, as a bit set."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1], 16) for line in status.splitlines() if "CapEff" in line)
