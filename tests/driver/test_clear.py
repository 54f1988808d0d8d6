"""Soft SAs at work: what is written when, who falls idle, in virtual time and without nftables."""

import asyncio
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

import pytest

from mainmode import limits
from mainmode.driver.user.clear import ClearTraffic
from mainmode.driver.user.soft_sets import Kind, Passed
from mainmode.errors import DriverError
from mainmode.model import Selector, SoftSa
from mainmode.policy.model import Action
from mainmode.policy.selection import Selection
from tests.driver.pairs import addresses, pair, policy, rule
from tests.service.virtual_time import VirtualLoop

A, B, C = "192.0.2.1", "192.0.2.2", "192.0.2.3"
PASSED = "passed_ipv4_0_0_0"
REQUEST = Selection(policy(rule(Action.NEGOTIATE, A, "any", allow_fallback=True)), [ip_address(A)])
WRITING_S = 0.02


def soft(number: int, peer: str = B) -> SoftSa:
    return SoftSa(number, Selector(addresses(A), addresses(peer)), ip_address(peer))


class Bench:
    """Soft SAs, and what the packet filter was told."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.began: list[float] = []
        self.stands: list[str] = []
        """The peers with which clear traffic passes."""
        self.passed: set[str] = set()
        """The peers with which something has passed lately."""
        self.in_force: list[int] = []
        self.idlers: list[int] = []
        self.fails = False
        self.clear = ClearTraffic(
            loop,
            loop.time,
            in_force=lambda each: self.in_force.append(each.number),
            idle=self.idlers.append,
            write=self.write,
        )
        self.clear.assign(REQUEST)

    async def write(self, kinds: frozenset[Kind], soft: tuple[SoftSa, ...]) -> frozenset[Passed]:
        self.began.append(asyncio.get_running_loop().time())
        await asyncio.sleep(WRITING_S)
        if self.fails:
            raise DriverError("nft: Device or resource busy")
        self.stands = [str(each.peer) for each in soft if Kind.of(each.selector) in kinds]
        return frozenset(Passed(PASSED, ip_address(A), ip_address(each)) for each in self.passed)

    async def pass_time(self, seconds: float) -> None:
        """With a tick every second, as the driver has it."""
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            await asyncio.sleep(1.0)
            self.clear.tick(asyncio.get_running_loop().time())


def in_loop(case: Callable[[Bench], Awaitable[None]]) -> None:
    async def started() -> None:
        await case(Bench())

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(started())


def test_what_is_permitted_is_written_and_then_told() -> None:
    async def case(bench: Bench) -> None:
        bench.clear.permit(soft(1))
        assert bench.in_force == []
        await asyncio.sleep(0.1)
        assert (bench.stands, bench.in_force) == ([B], [1])

    in_loop(case)


def test_what_comes_while_nft_runs_goes_together_in_the_next_run() -> None:
    async def case(bench: Bench) -> None:
        for number in range(1, 51):
            bench.clear.permit(soft(number, f"198.51.100.{number}"))
            await asyncio.sleep(WRITING_S / 100)
        await asyncio.sleep(0.1)
        assert len(bench.began) == 2
        assert len(bench.stands) == 50
        assert bench.in_force == list(range(1, 51))

    in_loop(case)


def test_what_ends_while_it_is_written_is_taken_back() -> None:
    async def case(bench: Bench) -> None:
        bench.clear.permit(soft(1))
        await asyncio.sleep(WRITING_S / 2)
        bench.clear.end(1)
        await asyncio.sleep(0.1)
        assert (bench.stands, bench.in_force) == ([], [])

    in_loop(case)


def test_it_is_renewed_before_it_ends_by_itself() -> None:
    async def case(bench: Bench) -> None:
        bench.clear.permit(soft(1))
        await bench.pass_time(60.0)
        waits = [
            after - before for before, after in zip(bench.began, bench.began[1:], strict=False)
        ]
        assert 15 <= len(waits) <= 20
        assert max(waits) <= limits.SOFT_SA_LASTS_S / 2
        assert bench.in_force == [1], "told once"
        bench.clear.end(1)
        bench.clear.end(1)
        await asyncio.sleep(0.1)
        written = len(bench.began)
        await bench.pass_time(60.0)
        assert len(bench.began) == written, "without soft SAs there is nothing to do"

    in_loop(case)


def test_idle_is_told_once() -> None:
    async def case(bench: Bench) -> None:
        bench.clear.permit(soft(1))
        bench.clear.permit(soft(2, C))
        bench.passed = {C}
        await bench.pass_time(limits.IDLE_S)
        assert bench.idlers == []
        await bench.pass_time(limits.SOFT_SA_RENEWAL_S + 2)
        assert bench.idlers == [1]
        bench.passed = set()
        await bench.pass_time(limits.IDLE_S)
        assert bench.idlers == [1, 2]

    in_loop(case)


def test_a_pair_takes_over() -> None:
    """For good: the soft SA does not come back when the pair goes. IKE ends it, or hears that it
    is idle."""

    async def case(bench: Bench) -> None:
        bench.clear.permit(soft(1))
        bench.clear.permit(soft(2, C))
        await asyncio.sleep(0.1)
        assert bench.clear.give_way(pair(A, B, "esp:3des-sha1")) == [soft(1)]
        assert bench.clear.give_way(pair(A, B, "esp:3des-sha1")) == []
        await asyncio.sleep(0.1)
        assert bench.stands == [C]
        assert bench.clear.permitted == (soft(2, C),)
        bench.passed = {C}
        await bench.pass_time(limits.IDLE_S + 5)
        assert bench.idlers == [1]

    in_loop(case)


def test_what_policy_has_no_room_for_is_not_written() -> None:
    async def case(bench: Bench) -> None:
        bench.clear.permit(soft(1))
        await asyncio.sleep(0.1)
        bench.stands = []  # a new table
        bench.clear.assign(Selection(policy(rule(Action.NEGOTIATE, A, "any")), [ip_address(A)]))
        await bench.pass_time(10.0)
        assert bench.stands == []

    in_loop(case)


def test_a_packet_filter_that_fails_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    async def case(bench: Bench) -> None:
        bench.fails = True
        bench.clear.permit(soft(1))
        await bench.pass_time(2.0)
        assert bench.in_force == []
        assert "soft SAs: the packet filter does not follow (nft: Device" in caplog.text
        bench.fails = False
        await bench.pass_time(3.0)
        assert (bench.stands, bench.in_force) == ([B], [1])

    in_loop(case)


def test_after_closing_nothing_is_written() -> None:
    async def case(bench: Bench) -> None:
        bench.clear.permit(soft(1))
        await asyncio.sleep(WRITING_S / 2)
        bench.clear.permit(soft(2, C))
        bench.clear.close()
        await bench.pass_time(10.0)
        assert len(bench.began) == 1
        assert bench.in_force == []

    in_loop(case)
