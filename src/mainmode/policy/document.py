"""What one policy file says: several policies, the filter lists and filter actions that they share,
which policy is assigned, and the general settings.

Talks to: `edit` (changes one), `reading` and `writing` (as TOML), the store (keeps them).
Does not: enforce anything; `in_force` says what is to be enforced.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from mainmode.policy.model import FilterAction, FilterList, Policy, Rule, secrets_of
from mainmode.policy.settings import Settings


@dataclass(frozen=True, slots=True)
class Document:
    """The content of one file. Names are unique among policies, lists, actions and, within a
    policy, rules; `edit` and `reading` see to it."""

    policies: tuple[Policy, ...] = ()
    filter_lists: tuple[FilterList, ...] = ()
    """Every list, also one that no rule uses; the rules hold these very values."""
    filter_actions: tuple[FilterAction, ...] = ()
    """Likewise."""
    assigned: str = ""
    """The name of the policy that is in force; empty: none."""
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        """Raises ValueError (our bug) when a rule holds a list or action that the document lacks,
        or when a policy is assigned that it lacks."""
        for policy in self.policies:
            for rule in policy.rules:
                if rule.filter_list not in self.filter_lists:
                    raise ValueError(f"the document lacks filter list {rule.filter_list.name!r}")
                if rule.filter_action not in self.filter_actions:
                    name = rule.filter_action.name
                    raise ValueError(f"the document lacks filter action {name!r}")
        if self.assigned and self.assigned not in {each.name for each in self.policies}:
            raise ValueError(f"the document lacks the assigned policy {self.assigned!r}")

    @property
    def assigned_policy(self) -> Policy | None:
        return next((each for each in self.policies if each.name == self.assigned), None)

    @property
    def secret_names(self) -> tuple[str, ...]:
        """The preshared keys that anything in it names, active or not, each once."""
        methods = [rule.authentication for policy in self.policies for rule in policy.rules]
        methods += [policy.default_response.authentication for policy in self.policies]
        return tuple(dict.fromkeys(name for each in methods for name in secrets_of(each)))

    def rules_with_list(self, name: str) -> list[tuple[Policy, Rule]]:
        """The rules that use a filter list."""
        return [
            (policy, rule)
            for policy in self.policies
            for rule in policy.rules
            if rule.filter_list.name == name
        ]

    def rules_with_action(self, name: str) -> list[tuple[Policy, Rule]]:
        """The rules that use a filter action."""
        return [
            (policy, rule)
            for policy in self.policies
            for rule in policy.rules
            if rule.filter_action.name == name
        ]


def document_of(policy: Policy, settings: Settings | None = None) -> Document:
    """One policy by itself, assigned, with the lists and actions that its rules use."""
    return Document(
        (policy,),
        tuple(dict.fromkeys(rule.filter_list for rule in policy.rules)),
        tuple(dict.fromkeys(rule.filter_action for rule in policy.rules)),
        policy.name,
        settings or Settings(),
    )


NOTHING_ASSIGNED = "no policy"
"""The name of what is in force when nothing is assigned."""


def in_force(policies: Iterable[Policy]) -> Policy:
    """Policies together, as one: the first is the local one, the others add their rules.

    Where two filters are equally specific, the rules of later policies come first: persistent
    policy overrides local policy. Each rule keeps the main mode settings of its own policy. What
    there is only once (profile, default response, settings toward nobody's rule) is the first
    policy's.
    """
    together = tuple(policies)
    if not together:
        return Policy(NOTHING_ASSIGNED)
    first, *others = together
    if not others:
        return first
    rules = tuple(
        rule if each is first else replace(rule, main_mode=rule.main_mode or each.main_mode)
        for each in reversed(together)
        for rule in each.rules
    )
    return replace(first, name=" + ".join(each.name for each in together), rules=rules)
