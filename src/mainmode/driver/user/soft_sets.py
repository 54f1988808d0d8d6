"""Soft SAs in the packet filter: sets of host pairs that may talk in clear.

    permitted   the pairs of hosts, for a few seconds each time they are written
    passed      those between which something has passed, for the idle time since it did

Every filter that allows fallback looks into two such sets, in its place among the filters: so what
a more specific filter says goes on to hold. They are named by the filter's protocol and ports; a
soft SA is for the whole traffic of a filter between two hosts, hence a pair of addresses is all
that has to stand in them. Local addresses come first.

Source: Linux nft(8), libnftables-json(5).
Talks to: nobody; `ruleset` and `clear` use it, `netfilter` carries it to the kernel.
"""

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import NamedTuple

from mainmode import limits
from mainmode.driver.user.table import TABLE, Json, in_table
from mainmode.model import IpAddress, Mode, Selector, SoftSa
from mainmode.policy.filters import CompiledFilter
from mainmode.policy.model import Action
from mainmode.policy.selection import Selection

_TYPES = {4: "ipv4_addr", 6: "ipv6_addr"}


class Kind(NamedTuple):
    """The traffic of a filter, whatever its addresses."""

    version: int
    protocol: int
    local_port: int
    remote_port: int

    @classmethod
    def of(cls, selector: Selector) -> "Kind":
        version = selector.local.version
        return cls(version, selector.protocol, selector.local_port, selector.remote_port)

    @property
    def permitted(self) -> str:
        return "permitted" + self._suffix

    @property
    def passed(self) -> str:
        return "passed" + self._suffix

    @property
    def _suffix(self) -> str:
        return f"_ipv{self.version}_{self.protocol}_{self.local_port}_{self.remote_port}"


class Passed(NamedTuple):
    """Something has passed lately: the name of the set that says so, and the two hosts."""

    set_name: str
    local: IpAddress
    remote: IpAddress


def allows_fallback(each: CompiledFilter) -> bool:
    """Whether soft SAs can come about under this filter: there are none for tunnels."""
    return each.action is Action.NEGOTIATE and each.allow_fallback and each.mode is Mode.TRANSPORT


def kinds(selection: Selection) -> frozenset[Kind]:
    """Of every filter that allows fallback."""
    return frozenset(Kind.of(each.selector) for each in selection.ordered if allows_fallback(each))


def declarations(wanted: Iterable[Kind]) -> str:
    """Commands that make the sets, unless they are there; they stay as long as the table.

    In nft's own language: its JSON has no word for `dynamic` (nft 1.0.6).
    """
    family, table = TABLE["family"], TABLE["name"]
    lines = [f"add table {family} {table}"]
    for kind in sorted(wanted):
        hosts = f"type {_TYPES[kind.version]} . {_TYPES[kind.version]}"
        lines.append(f"add set {family} {table} {kind.permitted} {{ {hosts}; flags timeout; }}")
        lines.append(
            f"add set {family} {table} {kind.passed} "
            f"{{ {hosts}; flags dynamic,timeout; size {limits.SOFT_SAS_WATCHED_MAX}; }}"
        )
    return "\n".join(lines) + "\n"


def permit(wanted: Iterable[Kind], soft: Iterable[SoftSa]) -> Iterator[Json]:
    """Commands after which these soft SAs, and no others, stand in the sets for a while. Those
    without a set are left out: policy has no room for them."""
    members: dict[Kind, list[Json]] = {kind: [] for kind in wanted}
    for each in soft:
        if (kind := Kind.of(each.selector)) in members:
            value = {"concat": [str(host) for host in _hosts(each.selector)]}
            element = {"val": value, "timeout": limits.SOFT_SA_LASTS_S}
            members[kind].append({"elem": element})
    for kind, elements in members.items():
        yield {"flush": {"set": in_table(name=kind.permitted)}}
        if elements:
            yield {"add": {"element": in_table(name=kind.permitted, elem=elements)}}


def has_passed(soft: SoftSa, passed: frozenset[Passed]) -> bool:
    """Whether something of its traffic has."""
    return Passed(Kind.of(soft.selector).passed, *_hosts(soft.selector)) in passed


def read_passed(listed: Json) -> frozenset[Passed]:
    """From what nft lists of the table's sets."""
    return frozenset(
        Passed(each["set"]["name"], *map(ip_address, element["elem"]["val"]["concat"]))
        for each in listed["nftables"]
        if each.get("set", {}).get("name", "").startswith("passed_")
        for element in each["set"].get("elem", ())
    )


def _hosts(selector: Selector) -> tuple[IpAddress, IpAddress]:
    return selector.local.first, selector.remote.first
