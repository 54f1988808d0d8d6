"""SAs of both ends: equal keys, opposite SPIs; and what IKE knows is what the driver has."""

from collections import Counter
from typing import TYPE_CHECKING

from mainmode.engine.associations import traffic_of
from mainmode.engine.events import Event, MainModeEstablished, QuickModeEnded, QuickModeEstablished
from mainmode.model import Direction, IpsecSa, SaPair
from mainmode.packets.pairs import LivePair
from mainmode.testing.simulation.anatomy import spis_under_way
from mainmode.testing.simulation.watch import Watcher

if TYPE_CHECKING:
    from mainmode.testing.simulation.host import Host


class MirroredPairs(Watcher):
    """Both ends of a pair, and of a main mode SA, hold the same keys."""

    name = "both ends hold the same"

    def installed(self, host: "Host", pair: SaPair, direction: Direction) -> None:
        self._compare(host, pair)

    def recorded(self, host: "Host", event: Event) -> None:
        if isinstance(event, MainModeEstablished):
            self._compare_main_modes(host, (event.cky_i, event.cky_r))

    def quiet(self) -> None:
        for host in self.world.hosts:
            for live in host.driver.pairs():
                self._compare(host, live.pair)
            if host.is_up:
                for sa in host.engine.main_mode_sas():
                    self._compare_main_modes(host, sa.cookies)

    def _compare(self, host: "Host", pair: SaPair) -> None:
        peer = self.world.host_at(pair.peer)
        live = peer.driver.pair(pair.outbound.spi) if peer is not None else None
        if live is None:
            return
        theirs = live.pair
        if theirs.outbound.spi != pair.spi:
            raise self.broken(
                f"{host} pairs {pair.spi:08x} with {pair.outbound.spi:08x}, {peer} pairs that "
                f"with {theirs.outbound.spi:08x}"
            )
        here, there = pair.selector, theirs.selector
        agree = (
            _everything(pair.inbound) == _everything(theirs.outbound)
            and _everything(pair.outbound) == _everything(theirs.inbound)
            and pair.mode is theirs.mode
            and (here.local, here.remote) == (there.remote, there.local)
            and (here.protocol, here.local_port, here.remote_port)
            == (there.protocol, there.remote_port, there.local_port)
        )
        if not agree:
            raise self.broken(f"{host} and {peer} disagree about the pair {pair.spi:08x}")

    def _compare_main_modes(self, host: "Host", cookies: tuple[bytes, bytes]) -> None:
        for ours in host.engine.main_mode_sas():
            peer = self.world.host_at(ours.path.peer.address)
            if ours.cookies != cookies or peer is None or not peer.is_up:
                continue
            for theirs in peer.engine.main_mode_sas():
                if theirs.cookies != cookies:
                    continue
                if theirs.role is ours.role or theirs.last_block != ours.last_block:
                    raise self.broken(f"{host} and {peer} disagree about main mode {cookies}")
                if theirs.keys != ours.keys or theirs.cipher_key != ours.cipher_key:
                    raise self.broken(f"{host} and {peer} have different main mode keys")


def _everything(sa: IpsecSa) -> tuple[object, ...]:
    """The octets that repr hides included."""
    return (sa.spi, sa.protocol, sa.cipher, sa.integrity, sa.cipher_key, sa.integrity_key)


class DriverAgrees(Watcher):
    """A quick mode SA stands in the engine when both halves of its pair stand in the driver."""

    name = "IKE and driver agree"

    def recorded(self, host: "Host", event: Event) -> None:
        if isinstance(event, QuickModeEstablished):
            live = host.driver.pair(event.inbound_spi)
            if live is None or live.outbound is None:
                raise self.broken(f"{host}: {event.inbound_spi:08x} is not whole in the driver")
        elif isinstance(event, QuickModeEnded) and host.driver.pair(event.inbound_spi) is not None:
            raise self.broken(f"{host}: {event.inbound_spi:08x} has ended, the driver has it still")

    def quiet(self) -> None:
        for host in self.world.hosts:
            if not host.is_up:
                continue
            known = {sa.pair.spi for sa in host.engine.quick_mode_sas()}
            has = {live.pair.spi for live in host.driver.pairs()}
            under_way = spis_under_way(host.engine)
            if not known <= has <= known | under_way or host.driver.promised > len(under_way):
                raise self.broken(
                    f"{host}: IKE knows {_hex(known - has)}, the driver has {_hex(has - known)} "
                    f"and {host.driver.promised} promised SPIs"
                )


class OnePair(Watcher):
    """When everything has settled, a host sends each selector's traffic through one pair. One that
    the peer has lost, unknown to the host, does not count: silence ends it in time."""

    name = "one pair for each selector"

    def unsettled(self) -> str:
        for host in self.world.hosts:
            sending = Counter(
                traffic_of(live.pair)
                for live in host.driver.pairs()
                if self._sends(live) and self._stands(live.pair)
            )
            for (_, selector, _), count in sending.items():
                if count > 1:
                    return f"{host} sends {selector} through {count} pairs"
        return ""

    def _sends(self, live: LivePair) -> bool:
        return live.outbound is not None and live.replaces is None and not live.is_used_up

    def _stands(self, pair: SaPair) -> bool:
        """Whether the peer has it too."""
        peer = self.world.host_at(pair.peer)
        return peer is not None and peer.driver.pair(pair.outbound.spi) is not None


def _hex(spis: set[int]) -> str:
    return ", ".join(f"{spi:08x}" for spi in sorted(spis)) or "no more"
