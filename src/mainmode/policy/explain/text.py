"""An explanation as people read it."""

from collections.abc import Iterable, Iterator

from mainmode.model import Direction, Endpoint, Flow, IpAddress, Mode
from mainmode.policy.explain.answer import Explanation
from mainmode.policy.explain.negotiation import Negotiation, lifetimes
from mainmode.policy.explain.reasons import Comparison, Verdict
from mainmode.policy.words import protocol_word

_STANDS_BELOW = "    "


def explanation_text(explanation: Explanation) -> str:
    return "\n".join(_lines(explanation))


def _lines(said: Explanation) -> Iterator[str]:
    yield f"{packet_text(said.flow, said.direction)}: {_outcome(said)}"
    yield ""
    yield from _section("why", _why(said))
    if said.left_out:
        yield from _section("not compared", map(str, said.left_out))
    if said.negotiation is not None:
        yield from _negotiation(said.negotiation)
    yield from _section("without an SA", said.clear.sentences)
    if said.notes:
        yield from _section("note", said.notes)


def packet_text(flow: Flow, direction: Direction) -> str:
    """The packet as it travels, and which way: `192.0.2.1 -> 192.0.2.2:80 tcp, outbound`."""
    here, there = _end(flow.local, flow.local_port), _end(flow.remote, flow.remote_port)
    sent = (here, there) if direction is Direction.OUTBOUND else (there, here)
    return f"{' -> '.join(sent)} {protocol_word(flow.protocol)}, {direction.value}"


def _end(address: IpAddress, port: int) -> str:
    return str(Endpoint(address, port)) if port else str(address)


def _outcome(said: Explanation) -> str:
    decision = said.decision
    if decision.peer is None:
        return decision.action.value
    through = "tunnel" if decision.mode is Mode.TUNNEL else "transport"
    return f"{decision.action.value} with {decision.peer}, {through} mode"


# --- why ----------------------------------------------------------------------------------------


def _why(said: Explanation) -> Iterator[str]:
    if said.decision.decided_by is None:
        yield said.decision.because[-1]
    elsewhere = 0
    for each in said.compared:
        if each.verdict is Verdict.OTHER_ADDRESSES:
            elsewhere += 1
        else:
            yield _verdict(each)
    if said.decision.decided_by is not None:
        yield from said.decision.because[1:]
    if elsewhere:
        filters = "1 filter is" if elsewhere == 1 else f"{elsewhere} filters are"
        yield f"{filters} for other addresses"


def _verdict(each: Comparison) -> str:
    if each.verdict is Verdict.DECIDES:
        return f"{each.filter} decides: {each.filter.action.value}"
    if each.verdict is Verdict.LESS_SPECIFIC:
        return f"{each.filter} matches and loses at step {each.step}: {each.why}"
    if each.verdict is Verdict.PASSED_OVER:
        return f"{each.filter} matches, but {each.why}"
    return f"{each.filter} does not match: {each.why}"


# --- what is negotiated ---------------------------------------------------------------------------


def _negotiation(said: Negotiation) -> Iterator[str]:
    rows = [("obstacle", said.obstacles)] if said.obstacles else []
    yield from _section(
        f"main mode with {said.peer}",
        _rows(
            [
                *rows,
                ("offers", said.main_mode),
                ("lifetime", (lifetimes(said.settings),)),
                ("authentication", [str(each) for each in said.authentication if not each.why_not]),
                (
                    "not tried",
                    [f"{each}: {each.why_not}" for each in said.authentication if each.why_not],
                ),
                ("also taken when the peer begins", [str(each) for each in said.accepted]),
            ]
        ),
    )
    yield from _section(
        f"quick mode for {said.selector}, {said.mode.value} mode",
        _rows([("offers", said.quick_mode), ("perfect forward secrecy", (said.pfs,))]),
    )


def _rows(rows: list[tuple[str, tuple[str, ...] | list[str]]]) -> Iterator[str]:
    """The name of a row stands before its first line only; rows without a line are left out."""
    for name, lines in rows:
        head = f"{name}: "
        for line in lines:
            yield head + line
            head = " " * len(head)


def _section(head: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"{head}:"
    for line in lines:
        yield _STANDS_BELOW + line
