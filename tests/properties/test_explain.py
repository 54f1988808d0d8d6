"""What is explained is what happens: in the driver of simulations, in the packet filter and in the
data plane."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mainmode.driver import model
from mainmode.driver.model import ModelDriver
from mainmode.driver.model_packets import Packet, Sealed, reverse
from mainmode.driver.user import ruleset
from mainmode.driver.user.plane import DataPlane
from mainmode.driver.user.routing import DEPARTING
from mainmode.model import Direction, Flow, IpAddress, Mode, SoftSa
from mainmode.numbers import ProtocolId
from mainmode.packets import ip
from mainmode.packets.refusal import Refusal
from mainmode.policy.explain import Explanation, explain
from mainmode.policy.explain.reasons import Verdict
from mainmode.policy.explain.text import explanation_text
from mainmode.policy.explain.values import explanation_values
from mainmode.policy.model import Action, Policy
from mainmode.policy.selection import Selection
from tests.driver import nft_model
from tests.properties.explained import Question, policies, questions
from tests.properties.policies import HERE

PACKETS_EACH = 20
"""So many packets meet each policy."""
_DEVICE = "mainmode0"
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


def test_the_explanation_is_what_happens(packets: int) -> None:
    """Many packets (`--packets 100000 --timeout 0`) take minutes."""
    asked_in_all = 0

    @settings(max_examples=-(-packets // PACKETS_EACH), suppress_health_check=_SLOW)
    @given(policies(), st.lists(questions, min_size=PACKETS_EACH, max_size=PACKETS_EACH))
    def agree(policy: Policy, asked: list[Question]) -> None:
        selection = Selection(policy, [HERE])
        filtered = ruleset.build(selection, device=_DEVICE, ike_ports=(500, 4500))
        nonlocal asked_in_all
        asked_in_all += len(asked)
        for question in asked:
            said = explain(selection, *question, lambda _peer: HERE)
            assert said.decision == selection.decide(*question)
            _agrees_with_itself(selection, said)
            _agrees_with_the_model(selection, said)
            _agrees_with_the_plane(selection, said)
            _agrees_with_the_packet_filter(filtered, said)

    agree()
    assert asked_in_all >= packets


def _agrees_with_itself(selection: Selection, said: Explanation) -> None:
    """The filter that decides is the first in order that matches and is not passed over, and every
    other one is judged by what it matches."""
    decision = said.decision
    verdicts = [each.verdict for each in said.compared]
    assert verdicts.count(Verdict.DECIDES) == (decision.decided_by is not None)
    if said.compared:
        assert tuple(each.filter for each in said.compared) == selection.ordered
    decided = False
    for each in said.compared:
        decided = decided or each.verdict is Verdict.DECIDES
        applies = each.filter.applies_to(said.direction)
        matches = applies and each.filter.selector.matches(said.flow)
        none = (Verdict.OTHER_ADDRESSES, Verdict.OTHER_TRAFFIC)
        assert matches == (each.verdict not in none)
        selector = each.filter.selector
        fits = said.flow.local in selector.local and said.flow.remote in selector.remote
        assert fits == (each.verdict is not Verdict.OTHER_ADDRESSES)
        assert decided or each.verdict is not Verdict.LESS_SPECIFIC
        assert bool(each.step) == (each.verdict is Verdict.LESS_SPECIFIC)
        assert bool(each.why) == (each.verdict is not Verdict.DECIDES)
    assert (said.negotiation is not None) == (decision.peer is not None)
    assert decision.because[0] in explanation_text(said)
    assert explanation_values(said)["action"] == decision.action.value


class _Above:
    """Writes down which SAs a driver asks for."""

    def __init__(self) -> None:
        self.asked: list[Flow] = []

    def acquire(self, flow: Flow) -> None:
        self.asked.append(flow)

    def expired(self, spi: int, *, hard: bool) -> None: ...
    def idle(self, spi: int) -> None: ...
    def used(self, spi: int) -> None: ...
    def soft_idle(self, number: int) -> None: ...
    def bad_spi(
        self, local: IpAddress, peer: IpAddress, protocol: ProtocolId, spi: int
    ) -> None: ...


def _soft_sa(said: Explanation) -> SoftSa | None:
    """The one that could be made for this traffic, allowed or not; tunnels have none."""
    selector, peer = said.decision.selector, said.decision.peer
    if selector is None or peer is None or said.decision.mode is Mode.TUNNEL:
        return None
    return SoftSa(1, selector, peer)


# --- the driver of simulations ------------------------------------------------------------------


def _agrees_with_the_model(selection: Selection, said: Explanation) -> None:
    sent: list[Packet | Sealed] = []
    delivered: list[Packet] = []
    driver = ModelDriver(
        clock=lambda: 0.0,
        entropy=bytes,
        transmit=sent.append,
        deliver=lambda packet, _spi: delivered.append(packet),
    )
    above = _Above()
    driver.start(above)
    driver.assign(selection)
    if said.direction is Direction.OUTBOUND:
        driver.outbound(Packet(said.flow, 1, 100))
        _left(said, driver, above, sent)
    else:
        arrived = Packet(reverse(said.flow), 1, 100)
        driver.inbound(arrived)
        _arrived(said, driver, delivered)
        soft = _soft_sa(said)
        if soft is not None:
            driver.permit_clear(soft)
            delivered.clear()
            driver.inbound(arrived)
            assert bool(delivered) == (said.clear.passes or said.clear.fallback)


def _left(
    said: Explanation, driver: ModelDriver, above: _Above, sent: list[Packet | Sealed]
) -> None:
    action = said.decision.action
    assert bool(sent) == (action is Action.PERMIT) == said.clear.passes
    assert driver.refused[model.BLOCKED_OUT] == (action is Action.BLOCK)
    assert above.asked == ([said.flow] if action is Action.NEGOTIATE else [])
    soft = _soft_sa(said)
    if soft is not None:
        driver.permit_clear(soft)
        assert bool(sent) == said.clear.fallback


def _arrived(said: Explanation, driver: ModelDriver, delivered: list[Packet]) -> None:
    assert bool(delivered) == said.clear.passes
    assert driver.refused[model.BLOCKED_IN] == (said.decision.action is Action.BLOCK)


# --- the data plane -----------------------------------------------------------------------------


def _agrees_with_the_plane(selection: Selection, said: Explanation) -> None:
    """Which gets the packets alone that the packet filter marks."""
    flow = said.flow
    if said.direction is Direction.INBOUND:
        return
    sent: list[bytes] = []
    plane = DataPlane(deliver=lambda _packet: None, transmit=sent.append, process=lambda: 1)
    above = _Above()
    plane.attach(above)
    plane.assign(selection, 0.0)
    ports = flow.local_port.to_bytes(2, "big") + flow.remote_port.to_bytes(2, "big")
    near, far = flow.local.packed, flow.remote.packed
    plane.outbound(ip.build(flow.protocol, near, far, ports + bytes(4), identification=1), 0.0)
    negotiated = said.decision.action is Action.NEGOTIATE
    assert above.asked == ([flow] if negotiated else [])
    assert plane.refusals[Refusal.NOT_NEGOTIATED] == (not negotiated)
    soft = _soft_sa(said)
    if soft is not None:
        plane.permit_clear(soft, 0.0)
        assert bool(sent) == said.clear.fallback


# --- the packet filter --------------------------------------------------------------------------


def _agrees_with_the_packet_filter(filtered: nft_model.Json, said: Explanation) -> None:
    flow, action = said.flow, said.decision.action
    if flow.local != HERE or flow.remote == HERE:
        return  # forwarded, or it never leaves
    if said.direction is Direction.OUTBOUND:
        leaving = nft_model.Packet.leaving(flow, local=(HERE,))
        fate = nft_model.fate(filtered, "output", leaving)
        assert fate.passes == (action is not Action.BLOCK)
        assert (fate.mark == DEPARTING) == (action is Action.NEGOTIATE)
    elif not flow.remote.is_multicast:  # nothing comes from a group
        arriving = nft_model.Packet.arriving(flow, local=(HERE,))
        assert nft_model.fate(filtered, "input", arriving).passes == said.clear.passes
