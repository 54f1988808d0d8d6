"""A process that is a host with a user-space driver and pairs made without IKE.

    python -m tests.driver.static_host '{"local": ..., "peer": ..., "suite": ..., ...}'

It says "ready" when policy is in force, and "acquire FLOW" when the driver asks for an SA. It
reads commands, a line each: install, statistics, refusals, close. Every command is answered by
one line.
"""

import asyncio
import json
import sys
from dataclasses import dataclass
from ipaddress import ip_address

from mainmode.driver.user.driver import UserDriver
from mainmode.model import Direction, Flow, Mode, SaPair, Selector
from mainmode.policy.model import Action
from mainmode.policy.selection import Selection
from tests.driver.pairs import addresses, pair, policy, rule


@dataclass(frozen=True)
class Setup:
    """What a static host is told."""

    local: str
    peer: str
    suite: str = "esp:3des-sha1"
    tunnel: bool = False
    local_network: str = ""
    """Behind this gateway; empty: the host itself."""
    remote_network: str = ""
    other_addresses: tuple[str, ...] = ()
    installed: bool = True
    """Whether the pair is there from the start or after "install"."""
    also_block_port: int = 0
    also_permit_port: int = 0

    @property
    def selector(self) -> Selector:
        return Selector(
            addresses(self.local_network or self.local),
            addresses(self.remote_network or self.peer),
        )

    @property
    def pair(self) -> SaPair:
        mode = Mode.TUNNEL if self.tunnel else Mode.TRANSPORT
        return pair(self.local, self.peer, self.suite, mode, selector=self.selector)

    @property
    def selection(self) -> Selection:
        near = str(self.selector.local)
        far = str(self.selector.remote)
        endpoint = self.peer if self.tunnel else ""
        rules = [rule(Action.NEGOTIATE, near, far, tunnel_endpoint=endpoint)]
        if self.also_block_port:
            rules.append(
                rule(Action.BLOCK, near, far, protocol=6, source_port=self.also_block_port)
            )
        if self.also_permit_port:
            rules.append(
                rule(Action.PERMIT, near, far, protocol=6, source_port=self.also_permit_port)
            )
        local = [ip_address(each) for each in (self.local, *self.other_addresses)]
        return Selection(policy(*rules), local)


class Says:
    """The upward side of the driver: prints."""

    def acquire(self, flow: Flow) -> None:
        print("acquire", flow, flush=True)

    def expired(self, spi: int, *, hard: bool) -> None:
        print("expired", "hard" if hard else "soft", flush=True)

    def idle(self, spi: int) -> None:
        print("idle", flush=True)


def install(driver: UserDriver, setup: Setup) -> None:
    driver.install(setup.pair, Direction.INBOUND)
    driver.install(setup.pair, Direction.OUTBOUND)


def answer(driver: UserDriver, setup: Setup, command: str) -> str:
    if command == "install":
        install(driver, setup)
        return "installed"
    if command == "statistics":
        return json.dumps(driver.statistics().named())
    if command == "refusals":
        return json.dumps(driver.refusals())
    raise ValueError(command)


async def main(setup: Setup) -> None:
    driver = UserDriver(asyncio.get_running_loop())
    driver.start(Says())
    driver.assign(setup.selection)
    if setup.installed:
        install(driver, setup)
    print("ready", flush=True)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    while (command := (await commands.readline()).decode().strip()) != "close":
        print(answer(driver, setup, command), flush=True)
    driver.close()
    print("closed", flush=True)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    given["other_addresses"] = tuple(given.get("other_addresses", ()))
    asyncio.run(main(Setup(**given)))
