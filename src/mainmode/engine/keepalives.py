"""Keepalives: while we are behind a NAT, it must not forget where our packets come from.

One octet every 20 seconds along the path of each main mode SA that was made from behind a NAT, and
on after the SA's end as long as a pair made under it stands. Only the side behind the NAT sends
them.

Source: RFC 3948 2.3 and 4, MS-IKEE 3.2.2.
"""

from mainmode import limits
from mainmode.engine.associations import Associations, MainModeSa
from mainmode.engine.desk import Desk
from mainmode.engine.timers import Timer, TimerKind
from mainmode.model import Path
from mainmode.wire.header import Cookies


class Keepalives:
    """A timer for each such SA."""

    def __init__(self, desk: Desk, associations: Associations) -> None:
        self._desk = desk
        self._associations = associations
        self._paths: dict[Cookies, Path] = {}

    def begin(self, sa: MainModeSa) -> None:
        """A main mode SA stands."""
        if sa.nat is not None and sa.nat.here:
            self._paths[sa.cookies] = sa.path
            self._arm(sa.cookies)

    def ring(self, cookies: Cookies) -> None:
        """Twenty seconds have passed. Nothing happens to other cookies."""
        path = self._paths.get(cookies)
        if path is None:
            return
        if self._needed(cookies, path):
            self._desk.keep_alive(path)
            self._arm(cookies)
        else:
            del self._paths[cookies]

    def _needed(self, cookies: Cookies, path: Path) -> bool:
        return cookies in self._associations.main_modes or any(
            pair.main_mode == cookies
            for pair in self._associations.quick_modes_with(path.peer.address)
        )

    def _arm(self, cookies: Cookies) -> None:
        timer = Timer(TimerKind.KEEPALIVE, (*cookies, 0))
        self._desk.timers.set(timer, self._desk.now + limits.KEEPALIVE_S)
