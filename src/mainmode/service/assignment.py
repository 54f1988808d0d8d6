"""The policy in force: read again on request, fitted anew when our addresses, our servers or those
of DNS names change, and on trial until somebody confirms it.

Whatever is wrong with a new policy, the one before stays in force until the new one is whole.
"""

import asyncio
from dataclasses import dataclass

from mainmode import limits
from mainmode.auth.credentials import Credentials
from mainmode.driver.contract import Driver
from mainmode.errors import DriverError, PersonError
from mainmode.model import IpAddress
from mainmode.policy.model import Policy
from mainmode.policy.selection import Selection
from mainmode.policy.surroundings import Surroundings, names_in, servers_in
from mainmode.policy.units import format_duration
from mainmode.service.addresses import OwnAddresses, own_addresses
from mainmode.service.audit import AuditStore
from mainmode.service.door import Door
from mainmode.service.events import (
    InternalError,
    PolicyAssigned,
    PolicyConfirmed,
    PolicyRefused,
    TrialEnded,
)
from mainmode.service.names import Ask, Names
from mainmode.service.servers import servers_now
from mainmode.service.source import PolicySource


@dataclass(frozen=True)
class Trial:
    """A policy that the one before takes the place of again, unless somebody confirms it."""

    name: str
    """Of the policy in the store; empty: none is assigned on trial."""
    former: tuple[Policy, Credentials]
    timer: asyncio.TimerHandle

    @property
    def left_s(self) -> float:
        return max(0.0, self.timer.when() - asyncio.get_running_loop().time())


@dataclass(frozen=True)
class _Seen:
    """What policy was fitted to."""

    addresses: OwnAddresses
    around: Surroundings


class Assignment:
    """The policy in force with its secrets, and the addresses that it calls "me"."""

    def __init__(
        self, source: PolicySource, listen: tuple[IpAddress, ...], ike_ports: tuple[int, ...]
    ) -> None:
        """listen: addresses that are ours even when no interface shows them.

        Raises: PersonError.
        """
        self.source = source
        self.trial: Trial | None = None
        self._listen = listen
        self._ike_ports = ike_ports
        self._names: Names | None = None
        self._look: asyncio.TimerHandle | None = None
        self.policy, self.credentials, self._settings = source.read()
        self._seen = self._look_around(self.policy)
        self.selection = self._selection_of(self.policy, self._seen)

    def attach(self, driver: Driver, door: Door, audit: AuditStore) -> None:
        """Who enforces and who negotiates changes from now on."""
        self._driver = driver
        self._door = door
        self._audit = audit

    def start(self, ask: Ask | None = None) -> None:
        """The loop runs: follow what the policy names. ask: in place of the system's resolver."""
        self._names = Names(self.follow, self._audit, ask)
        self._follow_words()

    def close(self) -> None:
        """Follow nothing any more."""
        if self._names is not None:
            self._names.close()
        if self._look is not None:
            self._look.cancel()
        self._end_trial()

    def _selection_of(self, policy: Policy, seen: "_Seen") -> Selection:
        return Selection(
            policy,
            seen.addresses.local | frozenset(self._listen),
            broadcast_addresses=seen.addresses.broadcast,
            ike_ports=self._ike_ports,
            around=seen.around,
            settings=self._settings,
        )

    # --- on request -----------------------------------------------------------------------

    def reload(self) -> str:
        """Read the policy again, one on trial as such, and assign it; its name.

        Raises: PersonError, after which nothing has changed.
        """
        return self._read(self.trial.name if self.trial else None, "reloaded")

    def assign(self, name: str, confirm_within_s: int = 0) -> str:
        """Assign a policy of the store; an empty name: none. The name of what is in force.

        confirm_within_s: when `confirm` does not come in time, what was in force before the trial
        comes back; the store hears of the new policy only then. 0: it is for good.
        Raises: PersonError, after which nothing has changed.
        """
        former = self.trial.former if self.trial else (self.policy, self.credentials)
        if not confirm_within_s:
            present = self.policy, self.credentials
            assigned = self._read(name, "assigned")
            self._keep(name, present)
            self._end_trial()
            return assigned
        within = format_duration(confirm_within_s)
        assigned = self._read(name, f"on trial, to be confirmed within {within}")
        self._end_trial()
        timer = asyncio.get_running_loop().call_later(confirm_within_s, self._give_up)
        self.trial = Trial(name, former, timer)
        return assigned

    def confirm(self) -> str:
        """Let the policy on trial be the assigned one; the name of what is in force.

        Raises: PersonError; the trial goes on when the store cannot be written.
        """
        if self.trial is None:
            raise PersonError("no policy is on trial", fix="assign one with --confirm-within")
        self.source.assign(self.trial.name)
        self._end_trial()
        self._audit.record(PolicyConfirmed(policy=self.policy.name))
        return self.policy.name

    def _read(self, instead: str | None, why: str) -> str:
        before = self._settings
        try:
            policy, credentials, self._settings = self.source.read(instead)
            self._assign(policy, credentials, why)
        except (PersonError, DriverError) as error:
            self._settings = before
            self._audit.record(PolicyRefused(problem=str(error)))
            raise PersonError(str(error)) from None
        return policy.name

    def _keep(self, name: str, present: tuple[Policy, Credentials]) -> None:
        """In the store; where that cannot be, what was in force comes back."""
        try:
            self.source.assign(name)
        except PersonError:
            self._assign(*present, "the store cannot be written")
            raise

    # --- the trial ------------------------------------------------------------------------

    def _give_up(self) -> None:
        """Nobody has confirmed it."""
        trial, self.trial = self.trial, None
        assert trial is not None
        self._audit.record(TrialEnded(policy=self.policy.name))
        try:
            self._assign(*trial.former, "nobody has confirmed the one on trial")
        except Exception as error:
            self._audit.record(InternalError.of(error, "going back to the policy before the trial"))

    def _end_trial(self) -> None:
        if self.trial is not None:
            self.trial.timer.cancel()
            self.trial = None

    # --- what is around -------------------------------------------------------------------

    def follow(self) -> None:
        """An address, a server or a DNS name may have changed: if so, assign anew. The driver
        changes atomically, and SAs that are still wanted stay."""
        seen = self._look_around(self.policy)
        if seen == self._seen:
            return
        moved = seen.addresses != self._seen.addresses
        why = "this computer's addresses changed" if moved else "what its names stand for changed"
        try:
            self._assign(self.policy, self.credentials, why, seen)
        except Exception as error:
            self._audit.record(InternalError.of(error, "fitting the policy to what has changed"))

    def _look_around(self, policy: Policy) -> "_Seen":
        known = self._names.known if self._names is not None else {}
        names = {name: known[name] for name in names_in(policy) if name in known}
        addresses = own_addresses()
        servers = servers_now(servers_in(policy))
        return _Seen(addresses, Surroundings(names, servers, addresses.dialup))

    def _follow_words(self) -> None:
        """Those of the policy in force."""
        if self._names is None:
            return
        self._names.follow(names_in(self.policy))
        if self._look is not None:
            self._look.cancel()
            self._look = None
        if servers_in(self.policy):
            loop = asyncio.get_running_loop()
            self._look = loop.call_later(limits.SERVERS_INTERVAL_S, self._look_again)

    def _look_again(self) -> None:
        self.follow()
        self._follow_words()

    def _assign(
        self, policy: Policy, credentials: Credentials, why: str, seen: _Seen | None = None
    ) -> None:
        """Driver first: it may refuse, and takes a policy whole or not at all.

        seen: what to fit it to, where somebody has just looked.
        """
        seen = seen or self._look_around(policy)
        selection = self._selection_of(policy, seen)
        self._driver.assign(selection)
        self._seen = seen
        self.policy, self.credentials, self.selection = policy, credentials, selection
        self._door.assign(selection, credentials)
        self._audit.record(PolicyAssigned(policy=policy.name, why=why))
        self._follow_words()
