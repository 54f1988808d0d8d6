"""Counts how often each rule of the engine was at work, by what it reports."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mainmode.engine.events import (
    DatagramDropped,
    Event,
    InvalidCookies,
    MainModeEnded,
    MainModeEstablished,
    MessageSent,
    NegotiationFailed,
    NotificationReceived,
    QuickModeEnded,
    QuickModeEstablished,
    SoftSaEnded,
    SoftSaEstablished,
    Suspicion,
)
from mainmode.failures import Reason
from mainmode.testing.simulation.watch import Watcher

if TYPE_CHECKING:
    from mainmode.testing.simulation.host import Host
    from mainmode.testing.simulation.world import World

Shows = Callable[[Any], bool]
"""Whether an event (of the kind it is filed under) shows that a rule was at work."""


def _ended(why: str) -> Shows:
    return lambda event: bool(event.why == why)


def _failed(mode: str, reason: Reason) -> Shows:
    return lambda event: bool(event.mode == mode and event.failure.reason is reason)


def _as(role: str) -> Shows:
    return lambda event: bool(event.role == role)


_RULES: dict[type[Event], dict[str, Shows]] = {
    MessageSent: {"message sent again": lambda event: event.retry > 0},
    MainModeEstablished: {
        "main mode as initiator": _as("initiator"),
        "main mode as responder": _as("responder"),
    },
    QuickModeEstablished: {
        "quick mode as initiator": _as("initiator"),
        "quick mode as responder": _as("responder"),
    },
    NegotiationFailed: {
        "main mode timed out": _failed("main mode", Reason.TIMED_OUT),
        "main mode with different keys": _failed("main mode", Reason.WRONG_KEY),
        "quick mode timed out": _failed("quick mode", Reason.TIMED_OUT),
        "quick mode without a common offer": _failed("quick mode", Reason.NO_COMMON_PROPOSAL),
        "quick mode not authorised": _failed("quick mode", Reason.NOT_AUTHORISED),
        "quick mode refused by the driver": _failed("quick mode", Reason.DRIVER_REFUSED),
        "negotiation called off": lambda event: event.failure.reason is Reason.CLOSED,
    },
    MainModeEnded: {
        "main mode lifetime": _ended("its lifetime has passed"),
        "main mode deleted by the peer": _ended("deleted by the peer"),
        "main mode ended by policy": _ended("no longer permitted by policy"),
        "main mode ended by the administrator": _ended("by the administrator"),
        "main mode forgotten by the peer": _ended("the peer has started anew"),
        "main mode lost by the peer": _ended("the peer has lost it"),
    },
    QuickModeEnded: {
        "quick mode lifetime": _ended("its lifetime has passed"),
        "quick mode deleted by the peer": _ended("deleted by the peer"),
        "quick mode ended by policy": _ended("no longer permitted by policy"),
        "quick mode ended by the administrator": _ended("by the administrator"),
        "quick mode forgotten by the peer": _ended("the peer has started anew"),
        "pair retired": _ended("a newer pair has taken over"),
        "dead peer": _ended("the peer does not answer any more"),
        "pair let go when idle": _ended("nothing has passed through it for some time"),
    },
    SoftSaEstablished: {"soft SA": lambda _event: True},
    SoftSaEnded: {
        "soft SA secured": _ended("its traffic is protected now"),
        "soft SA ended by policy": _ended("no longer permitted by policy"),
        "soft SA ended by the administrator": _ended("by the administrator"),
    },
    DatagramDropped: {"duplicate dropped": lambda event: event.why == "a duplicate"},
    InvalidCookies: {"unknown cookies": lambda _event: True},
    Suspicion: {"suspicion": lambda _event: True},
    NotificationReceived: {"notification in clear": lambda event: not event.authenticated},
}
OF_IKE = tuple(name for rules in _RULES.values() for name in rules)
"""Rules of the engine, as its events show them."""
OF_THE_DRIVER = (
    "pair expired soft",
    "pair expired hard",
    "pair idle",
    "pair used by the peer",
    "SPI unknown",
    "soft SA idle",
)
"""Counted by the hosts."""
ALL_RULES = OF_IKE + OF_THE_DRIVER


class Rules(Watcher):
    """The counter."""

    name = "rules"

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self._counts = world.tally.rules

    def recorded(self, host: "Host", event: Event) -> None:
        for name, shows in _RULES.get(type(event), {}).items():
            if shows(event):
                self._counts[name] += 1
