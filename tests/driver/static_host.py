"""A process that is a host with a user-space driver and pairs made without IKE.

    python -m tests.driver.static_host '{"local": ..., "peer": ..., "suite": ..., ...}'

It says "ready" when policy is in force, "acquire FLOW" when the driver asks for an SA, and so on
for everything that a driver tells. It reads commands, a line each, and answers each by one line:

    install NUMBER           both halves of a pair      permit NUMBER   a soft SA for the peer
    inbound NUMBER           its inbound half           end NUMBER      ... ends
    replace NUMBER OLD       its outbound half          assign          policy anew
    remove NUMBER            the pair                   close
    statistics, refusals
"""

import asyncio
import json
import sys
from dataclasses import dataclass, replace
from ipaddress import ip_address

from mainmode import limits
from mainmode.driver.user.driver import UserDriver
from mainmode.errors import DriverError
from mainmode.model import (
    Direction,
    Flow,
    IpAddress,
    Mode,
    SaPair,
    Selector,
    SoftSa,
    UdpEncapsulation,
)
from mainmode.numbers import ProtocolId
from mainmode.policy.model import Action
from mainmode.policy.selection import Selection
from mainmode.service.sockets import Sockets, UdpSocket
from tests.driver.pairs import addresses, pair, policy, rule, through_nat


@dataclass(frozen=True)
class Setup:
    """What a static host is told."""

    local: str
    peer: str
    suite: str = "esp:3des-sha1"
    tunnel: bool = False
    near: str = ""
    """The network behind this gateway, or `me`; empty: the host itself."""
    far: str = ""
    """The network behind the other gateway; empty: the peer itself."""
    others: tuple[tuple[str, str], ...] = ()
    """More rules that negotiate with the peer, as near and far."""
    installed: bool = True
    """Whether pair 0 is there from the start."""
    peer_port: int = 0
    """Where ESP in UDP goes; 0: it does not travel in UDP."""
    behind_nat: str = ""
    """The peer's own address, where a NAT gives it those above."""
    blocked_port: int = 0
    permitted_port: int = 0
    """TCP ports of this host that policy blocks and permits."""
    allow_fallback: bool = False
    limits: tuple[tuple[str, float], ...] = ()
    """Of `mainmode.limits`, what is another here: name and value."""

    @property
    def other(self) -> "Setup":
        """What the peer is told."""
        return replace(
            self,
            local=self.peer,
            peer=self.local,
            near=self.far,
            far=self.near if self.near != "me" else "",
            others=tuple((far, near) for near, far in self.others),
            blocked_port=0,
            permitted_port=0,
        )

    def pair(self, number: str = "0") -> SaPair:
        """Each number gives a pair with other keys and SPIs, as each negotiation would."""
        if self.behind_nat:
            theirs = replace(
                self.other, local=self.behind_nat, peer_port=limits.NAT_PORT, behind_nat=""
            )
            return through_nat(theirs.pair(number), self.peer, self.peer_port)
        mode = Mode.TUNNEL if self.tunnel else Mode.TRANSPORT
        near = self.local if self.near in ("", "me") else self.near
        selector = Selector(addresses(near), addresses(self.far or self.peer))
        udp = UdpEncapsulation(limits.NAT_PORT, self.peer_port) if self.peer_port else None
        made = pair(
            self.local, self.peer, self.suite, mode, selector=selector, label=number, udp=udp
        )
        return replace(made, idle_s=limits.IDLE_S)

    def soft(self, number: str) -> SoftSa:
        """For everything between the two hosts."""
        selector = Selector(addresses(self.local), addresses(self.peer))
        return SoftSa(int(number), selector, ip_address(self.peer))

    @property
    def selection(self) -> Selection:
        near, far = self.near or self.local, self.far or self.peer
        endpoint = self.peer if self.tunnel else ""
        rules = [
            rule(
                Action.NEGOTIATE,
                *ends,
                tunnel_endpoint=endpoint,
                allow_fallback=self.allow_fallback,
            )
            for ends in ((near, far), *self.others)
        ]
        for action, port in (
            (Action.BLOCK, self.blocked_port),
            (Action.PERMIT, self.permitted_port),
        ):
            if port:
                rules.append(rule(action, near, far, protocol=6, source_port=port))
        return Selection(policy(*rules), [ip_address(self.local)])


class Says:
    """The upward side of the driver: prints."""

    def acquire(self, flow: Flow) -> None:
        print("acquire", flow, flush=True)

    def expired(self, spi: int, *, hard: bool) -> None:
        print("expired", "hard" if hard else "soft", flush=True)

    def idle(self, spi: int) -> None:
        print("idle", flush=True)

    def used(self, spi: int) -> None:
        print("used", f"{spi:08x}", flush=True)

    def soft_idle(self, number: int) -> None:
        print("soft_idle", number, flush=True)

    def bad_spi(self, local: IpAddress, peer: IpAddress, protocol: ProtocolId, spi: int) -> None:
        print("bad_spi", local, peer, protocol.name, f"{spi:08x}", flush=True)


def install(driver: UserDriver, pair: SaPair) -> None:
    for direction in Direction:
        driver.install(pair, direction)


async def answer(driver: UserDriver, setup: Setup, command: str) -> str:
    match command.split():
        case ["install", number]:
            install(driver, setup.pair(number))
        case ["inbound", number]:
            driver.install(setup.pair(number), Direction.INBOUND)
        case ["replace", number, old]:
            driver.replace(setup.pair(old).spi, setup.pair(number))
        case ["remove", number]:
            driver.remove(setup.pair(number).spi)
        case ["permit", number]:
            driver.permit_clear(setup.soft(number))
        case ["end", number]:
            driver.end_clear(int(number))
        case ["assign"]:
            driver.assign(setup.selection)
        case ["statistics"]:
            return json.dumps(driver.statistics().named())
        case ["refusals"]:
            return json.dumps(await driver.refusals())
        case _:
            raise ValueError(command)
    return "done"


def listen(driver: UserDriver) -> None:
    """For ESP in UDP, as the service does. Messages of IKE stay unread."""

    def readable(ready: UdpSocket) -> None:
        for _ in ready.drain(driver.receive):
            pass

    for each in Sockets((), limits.IKE_PORT, limits.NAT_PORT):
        asyncio.get_running_loop().add_reader(each, readable, each)


async def main(setup: Setup) -> None:
    for name, value in setup.limits:
        setattr(limits, name, value)
    driver = UserDriver(asyncio.get_running_loop())
    try:
        driver.start(Says())
    except DriverError as error:
        print("refused", error, flush=True)
        return
    driver.assign(setup.selection)
    if setup.peer_port:
        listen(driver)
    if setup.installed:
        install(driver, setup.pair())
    print("ready", flush=True)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    while (command := (await commands.readline()).decode().strip()) != "close":
        print(await answer(driver, setup, command), flush=True)
    driver.close()
    print("closed", flush=True)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    for name in ("others", "limits"):
        given[name] = tuple(map(tuple, given[name]))
    asyncio.run(main(Setup(**given)))
