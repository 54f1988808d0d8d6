"""No packet that policy says must be protected leaves or comes in, in clear."""

from typing import TYPE_CHECKING

from mainmode.driver.model_packets import Packet, Sealed, reverse
from mainmode.model import Direction, Flow, Mode, SoftSa
from mainmode.policy.model import Action
from mainmode.policy.selection import Decision, Selection
from mainmode.testing.simulation.watch import Watcher

if TYPE_CHECKING:
    from mainmode.testing.simulation.host import Host
    from mainmode.testing.simulation.world import World


class NothingInClear(Watcher):
    """Judges every packet by the policy in force, and by the soft associations that IKE made."""

    name = "nothing in clear"

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._soft: dict[Host, dict[int, SoftSa]] = {}
        self._decided: dict[Host, tuple[Selection, dict[tuple[Flow, Direction], Decision]]] = {}
        """What each host's policy says of a flow, as long as this is its policy."""

    def started(self, host: "Host") -> None:
        self._soft[host] = {}

    def permitted(self, host: "Host", soft: SoftSa) -> None:
        """Lawful only where policy allows it, and while no main mode SA with the peer works."""
        self._soft[host][soft.number] = soft
        selector = soft.selector
        flow = Flow(
            selector.local.first,
            selector.remote.first,
            selector.protocol,
            selector.local_port,
            selector.remote_port,
        )
        decision = host.selection.decide(flow)
        if decision.action is not Action.NEGOTIATE or not decision.filter_action.allow_fallback:
            raise self.broken(f"{host} lets {selector} pass in clear, and policy does not")
        if decision.mode is not Mode.TRANSPORT:
            raise self.broken(f"{host} lets tunnel traffic {selector} pass in clear")
        if any(
            not sa.lost and sa.path.peer.address == soft.peer for sa in host.engine.main_mode_sas()
        ):
            raise self.broken(f"{host} falls back to clear toward {soft.peer}, which negotiates")

    def forbidden(self, host: "Host", number: int) -> None:
        self._soft[host].pop(number, None)

    def left(self, host: "Host", packet: Packet | Sealed) -> None:
        if isinstance(packet, Packet):
            decision = self._decide(host, packet.flow, Direction.OUTBOUND)
            if not self._may_pass(host, decision, packet.flow, inbound=False):
                raise self.broken(f"{host} sends {packet.flow} in clear: {decision.because[-1]}")

    def accepted(self, host: "Host", packet: Packet, spi: int) -> None:
        if spi:
            return
        flow = reverse(packet.flow)
        decision = self._decide(host, flow, Direction.INBOUND)
        if not self._may_pass(host, decision, flow, inbound=True):
            raise self.broken(f"{host} accepts {packet.flow} in clear: {decision.because[-1]}")

    def _decide(self, host: "Host", flow: Flow, direction: Direction) -> Decision:
        selection, decided = self._decided.get(host, (None, {}))
        if selection is not host.selection:
            decided = {}
            self._decided[host] = (host.selection, decided)
        known = decided.get((flow, direction))
        if known is None:
            known = decided[flow, direction] = host.selection.decide(flow, direction)
        return known

    def _may_pass(self, host: "Host", decision: Decision, flow: Flow, *, inbound: bool) -> bool:
        if decision.action is not Action.NEGOTIATE:
            return decision.action is Action.PERMIT
        if inbound and decision.filter_action.accept_unsecured:
            return True
        return any(soft.selector.matches(flow) for soft in self._soft[host].values())
