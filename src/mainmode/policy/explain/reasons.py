"""Which filter decides for a packet, and why each other one does not.

Source: docs/protocol-notes.md, Filter order.
Talks to: `selection`, whose decision it takes; `filters` for the step that parts two filters.
"""

from dataclasses import dataclass
from enum import Enum

from mainmode.model import AddressRange, Direction, Flow
from mainmode.policy.filters import CompiledFilter, deciding_step
from mainmode.policy.selection import Decision, Selection
from mainmode.policy.words import protocol_word


class Verdict(Enum):
    DECIDES = "decides"
    LESS_SPECIFIC = "less specific"
    """It matches too, but stands later in the filter order."""
    PASSED_OVER = "passed over"
    """It matches and stands earlier, but does not apply to multicast and broadcast."""
    OTHER_TRAFFIC = "other traffic"
    """Its addresses fit, and something else does not."""
    OTHER_ADDRESSES = "other addresses"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of one filter."""

    filter: CompiledFilter
    verdict: Verdict
    why: str = ""
    """Part of a sentence; empty for the filter that decides."""
    step: int = 0
    """The step of the filter order that puts the winner before it; 0: none did."""


def compared(
    selection: Selection, decision: Decision, flow: Flow, direction: Direction
) -> tuple[Comparison, ...]:
    """Every filter in the filter order; none where an exemption stands above them all.

    decision: what the selection said of this packet.
    """
    if selection.exemption(flow):
        return ()
    return tuple(
        _compared(selection, decision.decided_by, each, flow, direction)
        for each in (*selection.ordered, *selection.answered)
    )


def _compared(
    selection: Selection,
    winner: CompiledFilter | None,
    each: CompiledFilter,
    flow: Flow,
    direction: Direction,
) -> Comparison:
    if each is winner:
        return Comparison(each, Verdict.DECIDES)
    if not (each.applies_to(direction) and each.selector.matches(flow)):
        return _misfit(each, flow, direction)
    if selection.passes_over(each, flow):
        why = "multicast and broadcast are never negotiated"
        return Comparison(each, Verdict.PASSED_OVER, why)
    if winner is None:
        raise ValueError(f"{each} matches {flow}, and nothing decides")
    step = deciding_step(winner, each)
    return Comparison(each, Verdict.LESS_SPECIFIC, _lost_at(step, winner, each), step)


# --- filters that do not match ----------------------------------------------------------------


def _misfit(each: CompiledFilter, flow: Flow, direction: Direction) -> Comparison:
    wanted = each.selector
    for address, addresses, where in (
        (flow.local, wanted.local, "here"),
        (flow.remote, wanted.remote, "there"),
    ):
        if address not in addresses:
            why = f"it is for {addresses} {where}, not {address}"
            return Comparison(each, Verdict.OTHER_ADDRESSES, why)
    return Comparison(each, Verdict.OTHER_TRAFFIC, _difference(each, flow, direction))


def _difference(each: CompiledFilter, flow: Flow, direction: Direction) -> str:
    wanted = each.selector
    if not each.applies_to(direction):
        other = next(one for one in Direction if one is not direction)
        return f"it is for {other.value} packets alone"
    if wanted.protocol not in (0, flow.protocol):
        own, its = protocol_word(wanted.protocol), protocol_word(flow.protocol)
        return f"it is for protocol {own}, not {its}"
    if wanted.local_port not in (0, flow.local_port):
        return f"it is for port {wanted.local_port} here, not {_port(flow.local_port)}"
    return f"it is for port {wanted.remote_port} there, not {_port(flow.remote_port)}"


def _port(number: int) -> str:
    return str(number) if number else "any other"


# --- filters that lose --------------------------------------------------------------------------


def _lost_at(step: int, winner: CompiledFilter, each: CompiledFilter) -> str:
    """What the step says of the two."""
    if step in (1, 2):
        side = "wider" if step == 1 else "narrower"
        own, its = _side(each, 2 - step), _side(winner, 2 - step)
        return f"its {side} side, {own}, has more addresses than {its}"
    if step == 3:
        return f"it is for any protocol, not for {protocol_word(winner.selector.protocol)} alone"
    if step == 4:
        return f"it names {_ports(each)}, not {_ports(winner)}"
    if step == 5:
        return f"{winner.action.value} comes before {each.action.value}"
    if winner.rule is each.rule:
        return "it is equally specific and stands later in the same filter list"
    return "it is equally specific and its rule stands later in the policy"


def _side(each: CompiledFilter, index: int) -> AddressRange:
    """The narrower (0) or the wider (1) side of a filter."""
    return sorted((each.selector.local, each.selector.remote), key=lambda side: side.size)[index]


def _ports(each: CompiledFilter) -> str:
    named = bool(each.selector.local_port) + bool(each.selector.remote_port)
    return ("no port", "one port", "two ports")[named]
