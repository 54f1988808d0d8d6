"""All that is said of one packet."""

from collections.abc import Callable
from dataclasses import dataclass

from mainmode.model import Direction, Flow, IpAddress, Mode
from mainmode.policy.check import NO_IPV6, not_enforced
from mainmode.policy.explain.clear import Clear, clear
from mainmode.policy.explain.left_out import LeftOut, left_out
from mainmode.policy.explain.negotiation import Negotiation, negotiation
from mainmode.policy.explain.reasons import Comparison, compared
from mainmode.policy.model import Action
from mainmode.policy.selection import Decision, Selection

LocalToward = Callable[[IpAddress], IpAddress | None]
"""Our address toward a peer; None: no route leads there."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What policy does with a packet, and why."""

    flow: Flow
    direction: Direction
    decision: Decision
    compared: tuple[Comparison, ...]
    """Every filter, in the filter order; none where an exemption stands above them."""
    left_out: tuple[LeftOut, ...]
    negotiation: Negotiation | None
    clear: Clear
    notes: tuple[str, ...]
    """What may not be as it seems, and what the deciding rule says that is not enforced yet."""


def explain(
    selection: Selection,
    flow: Flow,
    direction: Direction = Direction.OUTBOUND,
    local_toward: LocalToward = lambda _peer: None,
) -> Explanation:
    """flow: always from here to there, whichever way the packet goes.
    local_toward: for tunnels, whose packets leave from another address than the flow's.
    """
    decision = selection.decide(flow, direction)
    local: IpAddress | None = flow.local
    if decision.mode is Mode.TUNNEL and decision.peer is not None:
        local = local_toward(decision.peer)
    said = negotiation(selection, decision, local)
    settings = said.settings if said is not None else selection.policy.main_mode
    return Explanation(
        flow,
        direction,
        decision,
        compared(selection, decision, flow, direction),
        tuple(left_out(selection.policy, selection.around)),
        said,
        clear(selection.policy, decision, settings, direction),
        tuple(dict.fromkeys([*_passing(selection, flow), *_notes(decision, flow)])),
    )


def _passing(selection: Selection, flow: Flow) -> list[str]:
    if flow.local in selection.local_addresses:
        return []
    return [f"{flow.local} is no address of this computer: such a packet passes through it"]


def _notes(decision: Decision, flow: Flow) -> list[str]:
    rule = decision.rule
    if rule is None:
        return []
    entries = (each for each in not_enforced(rule) if each.instead != NO_IPV6)
    notes = [f"rule {rule.name!r}: {each.text}" for each in entries]
    if decision.action is not Action.NEGOTIATE:
        return notes
    if flow.local.version == 6:
        notes.append(f"rule {rule.name!r}: not enforced yet: {NO_IPV6}")
    for offer in rule.filter_action.offers:
        notes += [f"offer {offer.name}: {each.text}" for each in not_enforced(offer)]
    return notes
