"""What may pass without protection: exemptions, soft SAs, inbound pass-through, default response.

Talks to: `selection`, `model`.
Does not: know which SAs stand now.
"""

from dataclasses import dataclass

from mainmode.model import Direction, Mode
from mainmode.policy.model import Action, MainModeSettings, Policy
from mainmode.policy.selection import Decision
from mainmode.policy.units import format_duration, format_interval


@dataclass(frozen=True, slots=True)
class Clear:
    """What policy says of this packet in clear."""

    passes: bool
    """Without any SA, soft or not."""
    fallback: bool
    """Under a soft SA."""
    accept_unsecured: bool
    """Inbound pass-through."""
    default_response: bool
    """The peer may ask for protection, although no filter does."""
    sentences: tuple[str, ...]


def clear(
    policy: Policy, decision: Decision, settings: MainModeSettings, direction: Direction
) -> Clear:
    """settings: of main mode toward the peer."""
    if decision.action is Action.BLOCK:
        return Clear(False, False, False, False, ("it is dropped, protected or not",))
    if decision.action is Action.PERMIT:
        return _permitted(policy, decision)
    inbound = direction is Direction.INBOUND
    accepts = decision.filter_action.accept_unsecured
    fallback = decision.allows_fallback
    sentences = [_arrival(accepts) if inbound else _departure(decision)]
    if inbound and decision.peer is None:
        sentences.append("the rule only demands protection: another one makes the tunnel")
    if not inbound and accepts:
        sentences.append("what comes from there in clear is accepted (inbound pass-through)")
    sentences += _soft(settings) if fallback else [_no_soft(decision)]
    return Clear(inbound and accepts, fallback, accepts, False, tuple(sentences))


def _permitted(policy: Policy, decision: Decision) -> Clear:
    response = policy.default_response
    asked = decision.decided_by is None and response.active
    sentences = ["it passes in clear"]
    if asked:
        sentences.append("where the peer asks for protection, the default response rule answers")
    return Clear(True, False, False, asked, tuple(sentences))


def _departure(decision: Decision) -> str:
    return f"it waits until there is an SA with {decision.peer}"


def _arrival(accepts: bool) -> str:
    if accepts:
        return "it is accepted (inbound pass-through), and protection is negotiated for the answer"
    return "it is dropped"


def _soft(settings: MainModeSettings) -> list[str]:
    after, long = format_interval(settings.fallback_after_s), format_duration(settings.soft_sa_s)
    sentences = [
        f"if the peer does not answer for {after}, it passes in clear under a soft SA; while it "
        f"does, another attempt is made every {long}"
    ]
    if settings.fallback_on_mismatch:
        sentences.append("likewise when the peer says, unauthenticated, that policies do not agree")
    return sentences


def _no_soft(decision: Decision) -> str:
    if decision.mode is Mode.TUNNEL and decision.filter_action.allow_fallback:
        return "there is no fallback to clear traffic: tunnels have none, whatever policy says"
    return "there is no fallback to clear traffic"
