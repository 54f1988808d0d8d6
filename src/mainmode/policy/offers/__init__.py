"""Policy offers as SA payloads, and SA payloads as choices.

The initiator makes a proposal and checks the answer; the responder chooses. Whoever says no
raises `failures.Refused` with what was offered, what was wanted, and why they do not meet.

Source: RFC 2408 4.2, RFC 2409 5 and 5.5, RFC 2407 4.4 and 4.5.
Talks to: `crypto.algorithms` (every number), `policy.model` (the offers), `wire` (the payloads).
Does not: know whose traffic it is about; `selection` does.
"""

from mainmode.policy.offers.alternatives import (
    fit_alternatives,
    read_alternatives_untrusted,
)
from mainmode.policy.offers.description import (
    describe_sa,
)
from mainmode.policy.offers.main_mode import (
    MainModeChoice,
    check_main_mode_answer,
    choose_main_mode,
    main_mode_proposal,
)
from mainmode.policy.offers.quick_mode import (
    QuickModeChoice,
    check_quick_mode_answer,
    choose_quick_mode,
    offered_mode,
    pfs_group,
    quick_mode_proposal,
)
from mainmode.policy.offers.responder_lifetime import encode_lifetime, lowered_untrusted
from mainmode.policy.offers.suite import suite_of

__all__ = [
    "MainModeChoice",
    "QuickModeChoice",
    "check_main_mode_answer",
    "check_quick_mode_answer",
    "choose_main_mode",
    "choose_quick_mode",
    "describe_sa",
    "encode_lifetime",
    "fit_alternatives",
    "lowered_untrusted",
    "main_mode_proposal",
    "offered_mode",
    "pfs_group",
    "quick_mode_proposal",
    "read_alternatives_untrusted",
    "suite_of",
]
