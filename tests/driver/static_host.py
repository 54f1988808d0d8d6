"""A process that is a host with a user-space driver and pairs made without IKE.

    python -m tests.driver.static_host '{"local": ..., "peer": ..., "suite": ..., ...}'

It says "ready" when policy is in force, and "acquire FLOW" when the driver asks for an SA. It
reads commands, a line each: install NUMBER, assign, statistics, refusals, close. Every command
is answered by one line.
"""

import asyncio
import json
import sys
from dataclasses import dataclass, replace
from ipaddress import ip_address

from mainmode.driver.user.driver import UserDriver
from mainmode.errors import DriverError
from mainmode.limits import IKE_PORT, NAT_PORT
from mainmode.model import Direction, Flow, Mode, SaPair, Selector, UdpEncapsulation
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
            theirs = replace(self.other, local=self.behind_nat, peer_port=NAT_PORT, behind_nat="")
            return through_nat(theirs.pair(number), self.peer, self.peer_port)
        mode = Mode.TUNNEL if self.tunnel else Mode.TRANSPORT
        near = self.local if self.near in ("", "me") else self.near
        selector = Selector(addresses(near), addresses(self.far or self.peer))
        udp = UdpEncapsulation(NAT_PORT, self.peer_port) if self.peer_port else None
        return pair(
            self.local, self.peer, self.suite, mode, selector=selector, label=number, udp=udp
        )

    @property
    def selection(self) -> Selection:
        near, far = self.near or self.local, self.far or self.peer
        endpoint = self.peer if self.tunnel else ""
        rules = [
            rule(Action.NEGOTIATE, *ends, tunnel_endpoint=endpoint)
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


def install(driver: UserDriver, pair: SaPair) -> None:
    for direction in Direction:
        driver.install(pair, direction)


async def answer(driver: UserDriver, setup: Setup, command: str) -> str:
    if command.startswith("install"):
        install(driver, setup.pair(command.removeprefix("install ")))
        return "installed"
    if command == "assign":
        driver.assign(setup.selection)
        return "assigned"
    if command == "statistics":
        return json.dumps(driver.statistics().named())
    if command == "refusals":
        return json.dumps(await driver.refusals())
    raise ValueError(command)


def listen(driver: UserDriver) -> None:
    """For ESP in UDP, as the service does. Messages of IKE stay unread."""

    def readable(ready: UdpSocket) -> None:
        for _ in ready.drain(driver.receive):
            pass

    for each in Sockets((), IKE_PORT, NAT_PORT):
        asyncio.get_running_loop().add_reader(each, readable, each)


async def main(setup: Setup) -> None:
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
    given["others"] = tuple(map(tuple, given["others"]))
    asyncio.run(main(Setup(**given)))
