"""What policy does with some traffic, as far as it can differ from what another policy does.

Talks to: `selection`, whose decision it takes apart.
"""

from dataclasses import dataclass, field, replace

from mainmode.model import IpAddress, Mode
from mainmode.policy.model import (
    Action,
    Authentication,
    DefaultResponse,
    FilterAction,
    MainModeSettings,
    Policy,
    Rule,
)
from mainmode.policy.selection import Decision
from mainmode.policy.weak import toward_windows_2000


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what is negotiated."""

    mode: Mode
    gateway: IpAddress | None
    """None: with the other host itself."""
    filter_action: FilterAction
    """Without its name and description: they change nothing."""
    authentication: tuple[Authentication, ...]
    own_main_mode: MainModeSettings | None
    """The rule's own settings; None: those of the policy, whose change is no change of traffic."""
    main_mode: MainModeSettings = field(compare=False)
    """Those that hold."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens to traffic. Equal outcomes are no change."""

    action: Action
    terms: Terms | None = None
    """For what is negotiated."""
    response: DefaultResponse | None = None
    """What a peer can ask for where no filter decides."""

    @property
    def may_pass_in_clear(self) -> bool:
        return self.terms is not None and (
            self.terms.filter_action.allow_fallback and self.terms.mode is Mode.TRANSPORT
        )


def outcome(decision: Decision, policy: Policy, *, may_ask: bool) -> Outcome:
    """policy: the one that was asked, as it is enforced.
    may_ask: whether a peer can ask for the protection of this traffic.
    """
    rule = decision.rule
    if rule is None:
        asks = may_ask and policy.default_response.active
        return Outcome(decision.action, response=policy.default_response if asks else None)
    if decision.action is not Action.NEGOTIATE:
        return Outcome(decision.action)
    gateway = decision.peer if decision.mode is Mode.TUNNEL else None
    action = replace(rule.filter_action, name="", description="")
    own = _own_main_mode(rule, policy)
    main_mode = own or policy.main_mode
    terms = Terms(decision.mode, gateway, action, rule.authentication, own, main_mode)
    return Outcome(decision.action, terms)


def _own_main_mode(rule: Rule, policy: Policy) -> MainModeSettings | None:
    if not rule.windows_2000_peer or policy.weak_host:
        return rule.main_mode
    return toward_windows_2000(rule.main_mode or policy.main_mode)
