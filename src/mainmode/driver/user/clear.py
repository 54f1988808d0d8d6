"""Soft SAs at work: keeps the packet filter's sets as they should be, and sees who falls idle.

What stands in the sets lasts a few seconds (limits.SOFT_SA_LASTS_S) and is written again before
that, so clear traffic ends by itself when the process does. nft runs in a thread, once for all
that has changed meanwhile; the loop goes on.

Talks to: `soft_sets` (what is written), `netfilter` (which writes it).
Does not: move packets; `plane` lets go those that wait once the packet filter knows.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from mainmode import limits
from mainmode.driver.user import netfilter, soft_sets
from mainmode.errors import DriverError
from mainmode.model import SaPair, SoftSa
from mainmode.policy.selection import Selection

_LOG = logging.getLogger(__name__)

Write = Callable[
    [frozenset[soft_sets.Kind], tuple[SoftSa, ...]], Awaitable[frozenset[soft_sets.Passed]]
]
"""Lets these soft SAs stand in the sets of these kinds of traffic, and no others; tells what has
passed lately. Raises DriverError."""


async def in_a_thread(
    kinds: frozenset[soft_sets.Kind], soft: tuple[SoftSa, ...]
) -> frozenset[soft_sets.Passed]:
    """By nft, without holding up the loop."""

    def write_and_look() -> frozenset[soft_sets.Passed]:
        netfilter.load({"nftables": list(soft_sets.permit(kinds, soft))})
        return netfilter.passed()

    return await asyncio.to_thread(write_and_look)


class _Standing:
    """One soft SA."""

    __slots__ = ("gave_way", "is_idle", "is_in_force", "since", "soft")

    def __init__(self, soft: SoftSa, now: float) -> None:
        self.soft = soft
        self.since = now
        self.is_in_force = False
        """Whether the packet filter knows it."""
        self.gave_way = False
        """A pair carries traffic of it: it permits nothing any more."""
        self.is_idle = False
        """It has been reported as idle, which happens once."""


class ClearTraffic:
    """Every soft SA that IKE has permitted and not ended.

    in_force:  is told of each soft SA when the packet filter lets its traffic pass.
    idle:      is told the number of one under which nothing has passed for limits.IDLE_S.
    Both are called from the loop. Times are seconds on the driver's clock.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float],
        *,
        in_force: Callable[[SoftSa], None],
        idle: Callable[[int], None],
        write: Write = in_a_thread,
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._tell_in_force = in_force
        self._tell_idle = idle
        self._carry_out = write
        self._kinds: frozenset[soft_sets.Kind] = frozenset()
        """The traffic that policy has room for."""
        self._standing: dict[int, _Standing] = {}
        self._written_at = 0.0
        self._changed = False
        self._writer: asyncio.Task[None] | None = None

    @property
    def permitted(self) -> tuple[SoftSa, ...]:
        """What should stand in the packet filter's sets."""
        return tuple(each.soft for each in self._standing.values() if not each.gave_way)

    # --- what IKE asks --------------------------------------------------------------------

    def permit(self, soft: SoftSa) -> None:
        self._standing[soft.number] = _Standing(soft, self._clock())
        self._write()

    def end(self, number: int) -> None:
        if self._standing.pop(number, None) is not None:
            self._write()

    def give_way(self, pair: SaPair) -> list[SoftSa]:
        """A pair is in use: the soft SAs that share traffic with it permit nothing any more.
        Returns them."""
        giving = [
            each
            for each in self._standing.values()
            if not each.gave_way and each.soft.selector.touches(pair.selector)
        ]
        for each in giving:
            each.gave_way = True
        if giving:
            self._write()
        return [each.soft for each in giving]

    def assign(self, selection: Selection) -> None:
        """The packet filter follows this policy from now on."""
        self._kinds = soft_sets.kinds(selection)
        if self._standing:
            self._write()  # what is just being written is about the policy before

    def close(self) -> None:
        """Permit nothing and write nothing any more."""
        self._standing.clear()
        self._changed = False
        if self._writer is not None:
            self._writer.cancel()

    # --- time -----------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """To be called about once a second."""
        if self._standing and now - self._written_at >= limits.SOFT_SA_RENEWAL_S:
            self._write()

    def _write(self) -> None:
        """Bring the packet filter's sets up to date, now or right after what runs already."""
        self._changed = True
        if self._writer is None or self._writer.done():
            self._writer = self._loop.create_task(self._bring_up_to_date())

    async def _bring_up_to_date(self) -> None:
        while self._changed:
            self._changed = False
            self._written_at = self._clock()
            written = [each for each in self._standing.values() if not each.gave_way]
            try:
                passed = await self._carry_out(self._kinds, self.permitted)
            except DriverError as error:
                _LOG.error("soft SAs: the packet filter does not follow (%s)", error)
                return  # the next renewal tries again
            self._note_written(written)
            self._look_for_idle(passed)

    def _note_written(self, written: list[_Standing]) -> None:
        for each in written:
            if not each.is_in_force and self._still_permits(each):
                each.is_in_force = True
                self._tell_in_force(each.soft)

    def _look_for_idle(self, passed: frozenset[soft_sets.Passed]) -> None:
        now = self._clock()
        for number, each in list(self._standing.items()):
            if each.is_idle or now - each.since < limits.IDLE_S:
                continue
            if self._standing.get(number) is each and not soft_sets.has_passed(each.soft, passed):
                each.is_idle = True
                self._tell_idle(number)

    def _still_permits(self, each: _Standing) -> bool:
        return self._standing.get(each.soft.number) is each and not each.gave_way
