"""The routes that lead marked packets into the driver's device, and nowhere else.

    rule   100: fwmark DEPARTING lookup TABLE
           101: fwmark ARRIVED iif lo lookup TABLE
    TABLE  default dev mainmode0          metric 10      gone when the process is
           prohibit default               metric 4000    stays: required protection stays closed

The second rule is for the kernel's reverse path test alone (rp_filter), which asks in the name of
`lo` where the source of an arriving packet would be reached. What came out of the device carries
ARRIVED, hence the answer is "through the device", and the strict test passes.

Source: Linux ip-rule(8), ip-route(8).
Talks to: the kernel by netlink (pyroute2). `netfilter` sets the marks.
Does not: know policy; every address takes the same route here.
"""

import errno
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from mainmode import limits
from mainmode.errors import DriverError

DEPARTING = 0x6D6D
"""The mark of packets that need protection ("mm")."""
ARRIVED = 0x6D6E
"""The mark of packets that came out of the device."""
SENT = 0x6D6F
"""The mark of packets that the driver itself sends: sealed, or after waiting in clear under a soft
SA. No rule here looks at it: they take the way that everything takes."""
TABLE = DEPARTING

_RULES: tuple[dict[str, int | str], ...] = (
    {"priority": 100, "fwmark": DEPARTING},
    {"priority": 101, "fwmark": ARRIVED, "iifname": "lo"},
)
_DEVICE_METRIC = 10
_GUARD_METRIC = 4_000
_PROTOCOL = 109
"""Who made a route (rtm_protocol), for people who look at the table; 109 is nobody else's."""
_QUEUE_PACKETS = 1_000
_ANYWHERE = "0.0.0.0/0"

Result = TypeVar("Result")


def open_routes(device: str) -> None:
    """Set the device up and lead marked packets into it. What a killed predecessor left is taken
    over, so that there is no moment without the guard. Raises DriverError."""
    _settle(device)
    _netlink(lambda netlink: _open(netlink, device))


def close_routes() -> None:
    """Remove rule and routes, whoever made them; it is no error if there are none. Raises
    DriverError."""
    _netlink(_close)


def device_exists(device: str) -> bool:
    return _netlink(lambda netlink: bool(netlink.link_lookup(ifname=device)))


def _open(netlink: IPRoute, device: str) -> None:
    (index,) = netlink.link_lookup(ifname=device)
    netlink.link(
        "set", index=index, mtu=limits.DEVICE_MTU_OCTETS, txqlen=_QUEUE_PACKETS, state="up"
    )
    route = {"dst": _ANYWHERE, "table": TABLE, "proto": _PROTOCOL}
    netlink.route("replace", **route, type="prohibit", priority=_GUARD_METRIC)
    netlink.route("replace", **route, oif=index, priority=_DEVICE_METRIC)
    for rule in _RULES:
        try:
            netlink.rule("add", **rule, table=TABLE)
        except NetlinkError as error:
            if error.code != errno.EEXIST:
                raise


def _close(netlink: IPRoute) -> None:
    netlink.flush_rules(table=TABLE)
    netlink.flush_routes(table=TABLE)


def _settle(device: str) -> None:
    """Two switches that a fresh device needs.

    src_valid_mark: the reverse path test looks at marks.
    disable_ipv6:   or the kernel sends router solicitations into it.
    """
    _switch(Path("/proc/sys/net/ipv4/conf", device, "src_valid_mark"))
    ipv6 = Path("/proc/sys/net/ipv6/conf", device, "disable_ipv6")
    if ipv6.exists():
        _switch(ipv6)


def _switch(file: Path) -> None:
    try:
        file.write_text("1")
    except OSError as error:
        raise DriverError(f"{file}: {error.strerror}") from error


def _netlink(action: Callable[[IPRoute], Result]) -> Result:
    """Run `action` with a netlink connection.

    In a thread of its own, for pyroute2 runs an event loop inside, and a thread that runs the
    service's loop cannot run another.
    """

    def connected() -> Result:
        with IPRoute() as netlink:
            return action(netlink)

    with ThreadPoolExecutor(max_workers=1) as thread:
        try:
            return thread.submit(connected).result()
        except (NetlinkError, OSError) as error:
            raise DriverError(f"routes for the driver: {error}") from error
