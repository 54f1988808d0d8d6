"""Which IPSec driver the service runs with."""

import asyncio
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from mainmode.driver.contract import Driver
from mainmode.driver.null import NullDriver
from mainmode.errors import DriverError, PersonError
from mainmode.policy.model import Policy
from mainmode.policy.selection import Selection

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
    nothing lets "auto" do without it, and then no other policy can be assigned.
    """
    if kind == "null":
        return NullDriver(os.urandom)
    lacking = list(missing_for_user_driver())
    problem = "the user-space driver cannot run here: " + "; ".join(lacking)
    if kind == "auto" and lacking and not _asks_for_something(policy):
        return _StandIn(problem)
    if lacking:
        raise PersonError(
            problem,
            fix="run as root on a computer with these, "
            "or with --driver null to negotiate without protecting anything",
        )
    from mainmode.driver.user.driver import UserDriver

    return UserDriver(loop, ike_ports=ike_ports)


def _asks_for_something(policy: Policy) -> bool:
    return bool(policy.rules) or policy.default_response.active


class _StandIn(NullDriver):
    """Where nothing can be enforced and nothing is to be: refuses every policy with rules."""

    def __init__(self, problem: str) -> None:
        super().__init__(os.urandom)
        self._problem = problem

    def assign(self, selection: Selection) -> None:
        if _asks_for_something(selection.policy):
            raise DriverError(self._problem)
        super().assign(selection)


def name_of(driver: Driver) -> str:
    """As --driver calls it."""
    kind = NullDriver if isinstance(driver, NullDriver) else type(driver)
    return kind.__name__.removesuffix("Driver").lower()


def missing_for_user_driver() -> Iterator[str]:
    """What the user-space driver would need and does not find."""
    if not may_change_network():
        yield "no right to change network settings (CAP_NET_ADMIN)"
    if not _capabilities() >> _CAP_NET_RAW & 1:
        yield "no right to send and receive ESP and AH (CAP_NET_RAW)"
    if not os.access(_TUN, os.R_OK | os.W_OK):
        yield _why_no_tun()
    from mainmode.driver.user import netfilter

    if netfilter.command() is None:
        yield "the command nft is not installed (Debian package nftables)"


def may_change_network() -> bool:
    """Whether this process may make and remove routes, rules and packet filters."""
    return bool(_capabilities() >> _CAP_NET_ADMIN & 1)


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
