"""The user-space driver: devices, sockets and timers around the data plane.

    host -> netfilter mark -> route -> device -> plane -> raw socket -> network
    network -> raw socket -> plane -> device -> netfilter check -> host

ESP in UDP leaves the same way, and comes from the socket that IKE reads (`receive`).

It runs on the service's event loop, a few packets for each wake-up, in one process: the sockets
and keys of an outbound SA never cross a fork.

Talks to: `plane` (packets), `ruleset` and `netfilter` (policy), `clear` (soft SAs), `routing`,
`device`, `sockets`.
Does not: IPv6, AH and ESP together, follow a NAT that gives a peer another port.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Iterable

from mainmode import limits
from mainmode.driver.answers import Answers
from mainmode.driver.contract import DriverStatistics, PairCounters, Upward
from mainmode.driver.spis import SpiAllocator
from mainmode.driver.user import boot, netfilter, routing, ruleset, soft_sets
from mainmode.driver.user.clear import ClearTraffic
from mainmode.driver.user.device import TunDevice
from mainmode.driver.user.plane import DataPlane
from mainmode.driver.user.process import this_process
from mainmode.driver.user.sockets import PacketSender, receiver
from mainmode.errors import DriverError
from mainmode.model import Direction, IpAddress, Path, SaPair, SoftSa
from mainmode.numbers import IpProtocol, ProtocolId
from mainmode.policy.selection import Selection
from mainmode.policy.settings import Settings

DEVICE = "mainmode0"
_TICK_S = 1.0
_LOG = logging.getLogger(__name__)


class UserDriver:
    """See `driver.contract.Driver`. `start` needs CAP_NET_ADMIN and CAP_NET_RAW."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        ike_ports: Iterable[int] = (limits.IKE_PORT, limits.NAT_PORT),
        entropy: Callable[[int], bytes] = os.urandom,
        clock: Callable[[], float] = time.monotonic,
        device: str = DEVICE,
    ) -> None:
        self._loop = loop
        self._ike_ports = tuple(ike_ports)
        self._clock = clock
        self._name = device
        self._spis = SpiAllocator(entropy)
        self._answers = Answers()
        self._device: TunDevice | None = None
        self._receivers: list[socket.socket] = []
        self._sender: PacketSender | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._plane = DataPlane(
            deliver=self._deliver, transmit=self._transmit, process=this_process
        )
        self._clear = ClearTraffic(loop, clock, in_force=self._let_go, idle=self._soft_idle)
        self._upward: Upward | None = None

    # --- life -----------------------------------------------------------------------------

    def start(self, upward: Upward) -> None:
        """Claim the device, lead marked packets into it, listen for ESP and AH.

        The packet filter of a killed predecessor stays in force until `assign`. When this fails
        nothing has been opened. Raises DriverError.
        """
        self._upward = upward
        self._plane.attach(upward)
        try:
            self._device = TunDevice(self._name)  # first: it tells whether another one runs
            self._sender = PacketSender()
            self._receivers = [receiver(IpProtocol.ESP), receiver(IpProtocol.AH)]
            routing.open_routes(self._name)
        except DriverError:
            self._release()
            raise
        self._loop.add_reader(self._device.fileno(), self._drain_device, self._device)
        for each in self._receivers:
            self._loop.add_reader(each.fileno(), self._drain_network, each)
        self._timer = self._loop.call_later(_TICK_S, self._tick)

    def close(self) -> None:
        """Leave no device, route, rule or table behind. Raises DriverError."""
        self._release()
        _put_in_order()

    def _release(self) -> None:
        """Let go of what vanishes with the process anyway."""
        self._clear.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for each in self._receivers:
            self._loop.remove_reader(each.fileno())
            each.close()
        self._receivers = []
        if self._sender is not None:
            self._sender.close()
            self._sender = None
        if self._device is not None:
            self._loop.remove_reader(self._device.fileno())
            self._device.close()
            self._device = None

    def _tick(self) -> None:
        self._timer = self._loop.call_later(_TICK_S, self._tick)
        now = self._clock()
        self._plane.tick(now)
        self._clear.tick(now)

    # --- packets --------------------------------------------------------------------------

    def _drain_device(self, device: TunDevice) -> None:
        now = self._clock()
        for _ in range(self._batch):
            try:
                packet = device.read()
            except BlockingIOError:
                return
            except OSError as error:
                self._lose_device(device, error)
                return
            self._plane.outbound(packet, now)

    def _drain_network(self, receiver: socket.socket) -> None:
        now = self._clock()
        for _ in range(self._batch):
            try:
                packet = receiver.recv(limits.PACKET_MAX_OCTETS)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error that reached the socket; the next read goes on
                continue
            self._plane.inbound(packet, now)

    @property
    def _batch(self) -> int:
        return limits.DRAIN_PACKETS_3DES if self._plane.is_slow else limits.DRAIN_PACKETS

    def _deliver(self, packet: bytes) -> None:
        if self._device is None:
            raise OSError("the device is gone")
        self._device.write(packet)

    def _transmit(self, packet: bytes) -> None:
        if self._sender is None:
            raise OSError("the socket is closed")
        self._sender.send(packet)

    def _lose_device(self, device: TunDevice, error: OSError) -> None:
        """Somebody removed the device. What needs protection stays closed from now on."""
        self._loop.remove_reader(device.fileno())
        _LOG.error("device %s is lost (%s): restart the service", device.name, error.strerror)

    # --- what IKE asks --------------------------------------------------------------------

    def assign(self, selection: Selection) -> None:
        if kinds := soft_sets.kinds(selection):
            netfilter.declare(soft_sets.declarations(kinds))
        soft = self._clear.permitted
        selection = self._answers.assign(selection, self._plane.pairs())
        table = ruleset.build(selection, device=self._name, ike_ports=self._ike_ports, soft=soft)
        netfilter.load(table)
        self._clear.assign(selection)
        self._plane.assign(selection, self._clock())

    def allocate_spi(self, protocol: ProtocolId, local: IpAddress, peer: IpAddress) -> int:
        return self._spis.allocate()

    def install(self, pair: SaPair, direction: Direction) -> None:
        self._plane.install(pair, direction, self._clock())
        self._spis.take(pair.spi)
        if direction is Direction.INBOUND:
            self._answer(self._answers.add(pair))
        else:
            self._put_before_soft_sas(pair)

    def _answer(self, selection: Selection | None) -> None:
        """The default response rule has other filters. Raises DriverError."""
        if selection is not None:
            netfilter.load(ruleset.answers(selection, device=self._name))
            self._plane.follow(selection)

    def replace(self, old_spi: int, pair: SaPair, *, once_used: bool = False) -> None:
        self._plane.replace(old_spi, pair, self._clock(), once_used=once_used)
        self._put_before_soft_sas(pair)

    def _put_before_soft_sas(self, pair: SaPair) -> None:
        """Traffic that a pair carries goes in clear no more."""
        for soft in self._clear.give_way(pair):
            self._plane.end_clear(soft.number)

    def permit_clear(self, soft: SoftSa) -> None:
        self._clear.permit(soft)

    def _let_go(self, soft: SoftSa) -> None:
        """The packet filter knows the soft SA."""
        self._plane.permit_clear(soft, self._clock())

    def _soft_idle(self, number: int) -> None:
        if self._upward is not None:
            self._upward.soft_idle(number)

    def end_clear(self, number: int) -> None:
        self._clear.end(number)
        self._plane.end_clear(number)

    def remove(self, spi: int) -> None:
        self._plane.remove(spi)
        self._spis.free(spi)
        try:
            self._answer(self._answers.remove(spi))
        except DriverError as error:
            _LOG.error("traffic of a pair that is gone stays closed (%s)", error)

    def receive(self, esp: bytes, path: Path) -> None:
        self._plane.inbound_in_udp(esp, path, self._clock())

    def counters(self, spi: int) -> PairCounters | None:
        return self._plane.counters(spi)

    def statistics(self) -> DriverStatistics:
        statistics = self._plane.statistics()
        statistics.pending_key_operations = self._spis.promised
        return statistics

    async def refusals(self) -> dict[str, int]:
        """Those of the packet filter too, unless it cannot be asked, which the log tells."""
        try:
            filtered = await asyncio.to_thread(netfilter.dropped)
        except DriverError as error:
            _LOG.warning("packets that the packet filter dropped are not counted: %s", error)
            filtered = {}
        ours = {reason.value: count for reason, count in self._plane.refusals.items() if count}
        return ours | {ruleset.COUNTERS[name]: count for name, count in filtered.items() if count}


def clean(device: str = DEVICE) -> None:
    """Remove what a killed driver left: rule, routes and table. Until then what its policy
    protects stays closed. Raises DriverError, also when a live driver owns them."""
    if routing.device_exists(device):
        raise DriverError(f"device {device} exists: stop the service that owns it first")
    _put_in_order()


def close_for_boot(settings: Settings, device: str = DEVICE) -> bool:
    """Let pass only what the boot mode says, until a service starts. False: everything passes.

    Raises DriverError, also when a service runs or has left its packet filter: that one holds.
    """
    if routing.device_exists(device):
        raise DriverError(f"device {device} exists: a service runs already")
    if netfilter.stands():
        raise DriverError("the packet filter of a service stands already: it holds")
    wanted = boot.commands(settings)
    if wanted:
        netfilter.declare(wanted)
    return bool(wanted)


def _put_in_order() -> None:
    """The table goes last: until then marked packets without a route are dropped by it."""
    routing.close_routes()
    netfilter.remove()
