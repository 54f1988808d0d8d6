"""DNS names in a policy: asked for again and again, never on the loop's own time.

The system's resolver answers (hosts file, DNS, whatever nsswitch.conf says). It blocks and tells no
time to live, hence threads and a fixed interval. A name keeps the addresses that it had last when
there is no answer any more: an attacker who can silence DNS shall not open a filter.

Source: getaddrinfo(3).
Does not: know policy; `assignment` fits it to what is known here.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from mainmode import limits
from mainmode.model import IpAddress, address_order
from mainmode.service.audit import AuditStore
from mainmode.service.events import NameChanged, NameUnknown

Addresses = tuple[IpAddress, ...]
Ask = Callable[[str], Awaitable[Addresses]]
"""The addresses of a name. Raises OSError or UnicodeError, saying why there are none."""


class Names:
    """Follows some names.

    changed: called from the loop when `known` is not what it was, once for several changes.
    """

    def __init__(
        self, changed: Callable[[], None], audit: AuditStore, ask: Ask | None = None
    ) -> None:
        self.known: dict[str, Addresses] = {}
        """Name to addresses, sorted; without those that never had any."""
        self._tell_changed = changed
        self._audit = audit
        self._ask = ask or ask_the_system
        self._at_once = asyncio.Semaphore(limits.NAMES_ASKED_AT_ONCE)
        self._following: dict[str, asyncio.Task[None]] = {}
        self._telling: asyncio.TimerHandle | None = None

    def follow(self, names: frozenset[str]) -> None:
        """These from now on, and no others."""
        for name in self._following.keys() - names:
            self._following.pop(name).cancel()
            self.known.pop(name, None)
        for name in sorted(names - self._following.keys()):
            self._following[name] = asyncio.ensure_future(self._follow(name))

    def close(self) -> None:
        self.follow(frozenset())
        if self._telling is not None:
            self._telling.cancel()

    async def _follow(self, name: str) -> None:
        complained = False
        while True:
            try:
                async with self._at_once:
                    found = await self._ask(name)
            except (OSError, UnicodeError) as error:
                if not complained:
                    kept = tuple(map(str, self.known.get(name, ())))
                    why = error.strerror if isinstance(error, OSError) else str(error)
                    self._audit.record(NameUnknown(name=name, why=why or str(error), kept=kept))
                complained = True
                await asyncio.sleep(limits.NAME_RETRY_S)
                continue
            complained = False
            self._note(name, found)
            await asyncio.sleep(limits.NAME_INTERVAL_S)

    def _note(self, name: str, found: Addresses) -> None:
        order = sorted(set(found), key=address_order)
        addresses = tuple(order[: limits.NAME_ADDRESSES_MAX])
        if addresses == self.known.get(name):
            return
        self.known[name] = addresses
        self._audit.record(NameChanged(name=name, addresses=tuple(map(str, addresses))))
        if self._telling is None:
            loop = asyncio.get_running_loop()
            self._telling = loop.call_later(limits.NAMES_SETTLE_S, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._tell_changed()


async def ask_the_system(name: str) -> Addresses:
    """In a thread of its own, which may take its time; the service's end does not wait for it."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Addresses] = loop.create_future()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
            addresses = tuple(
                ip_address(each[4][0]) for each in found if "%" not in str(each[4][0])
            )
        except (OSError, UnicodeError) as error:
            deliver(answer.set_exception, error)
        else:
            deliver(answer.set_result, addresses)

    def deliver(setter: Callable[..., None], outcome: object) -> None:
        def set_outcome() -> None:
            if not answer.done():
                setter(outcome)

        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(set_outcome)

    threading.Thread(target=ask, name=f"resolver of {name}", daemon=True).start()
    return await answer
