"""A host behind a NAT, one outside, and every frame that is seen outside.

inside 10.0.0.2 --- 10.0.0.1 NAT 192.0.2.1 === 192.0.2.2 outside

What comes from inside leaves under the NAT's own address; UDP from the ports of IKE gets ports of
the NAT's choice, fixed ones here. Nobody outside can begin.
"""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.endtoend.link import Link, link_between
from tests.peers.network import FIRST, PREFIX, SECOND, Host

INSIDE, GATE = "10.0.0.2", "10.0.0.1"
SEEN, OUTSIDE = FIRST, SECOND
"""The address by which the host inside is known, and that of the host outside."""
SEEN_IKE_PORT, SEEN_NAT_PORT = 40_500, 44_500

_RULES = """
table ip nat {{
    chain leaving {{
        type nat hook postrouting priority srcnat
        oifname "wire" udp sport 500 snat to {seen}:{ike_port}
        oifname "wire" udp sport 4500 snat to {seen}:{nat_port}
        oifname "wire" masquerade
    }}
}}
"""


@dataclass(frozen=True)
class Site:
    """Two hosts, each with its interface `wire`, and the NAT between them."""

    inside: Host
    nat: Host
    outside: Host
    link: Link
    """Between NAT and outside. A capture would show later fragments as the next host has changed
    them: the kernel rewrites them in place."""


@contextmanager
def hosts_around_nat(nat_port: int = SEEN_NAT_PORT) -> Iterator[Site]:
    """nat_port: what the NAT makes of port 4500."""
    with ExitStack() as stack:
        inside, nat, outside = Host(INSIDE), Host(SEEN), Host(OUTSIDE)
        for host in (inside, nat, outside):
            stack.callback(host.close)
        peer = ["peer", "name", "inner", "netns", nat.path]
        inside.run(["ip", "link", "add", "wire", "type", "veth", *peer])
        for host, device, address in ((inside, "wire", INSIDE), (nat, "inner", GATE)):
            host.run(["ip", "address", "add", f"{address}/{PREFIX}", "dev", device])
            host.run(["ip", "link", "set", device, "up"])
        inside.run(["ip", "route", "add", "default", "via", GATE])
        nat.run(["sysctl", "-qw", "net.ipv4.ip_forward=1"])
        rules = _RULES.format(seen=SEEN, ike_port=SEEN_IKE_PORT, nat_port=nat_port)
        nat.inside(lambda: subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True))
        yield Site(inside, nat, outside, stack.enter_context(link_between(nat, outside)))
