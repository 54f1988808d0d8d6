"""The default response rule: secure what asks for it.

Its filter list is dynamic: for whom it is asked, and as long as a pair stands that it has agreed
to, there is a filter for that pair's traffic, below all others. It asks nobody by itself.

Source: Microsoft's IPsec FAQ (cc987611); docs/protocol-notes.md, The default response rule.
"""

from mainmode.policy.model import Action, FilterAction, FilterList, Policy, Rule

NAME = "default response"


def response_rule(policy: Policy) -> Rule | None:
    """As a rule like the others, without filters of its own. None: it is not active."""
    response = policy.default_response
    if not response.active:
        return None
    action = FilterAction(
        NAME,
        Action.NEGOTIATE,
        response.offers,
        session_pfs=response.session_pfs,
        session_pfs_group=response.session_pfs_group,
    )
    return Rule(NAME, FilterList("<dynamic>", ()), action, response.authentication)
