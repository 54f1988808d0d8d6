"""The policy in force: read again on request, fitted anew when our addresses change.

Whatever is wrong with a new policy, the one before stays in force until the new one is whole.
"""

from collections.abc import Callable

from mainmode.auth.credentials import Credentials
from mainmode.driver.contract import Driver
from mainmode.errors import DriverError, PersonError
from mainmode.model import IpAddress
from mainmode.policy.model import Policy
from mainmode.policy.selection import Selection
from mainmode.service.addresses import own_addresses
from mainmode.service.audit import AuditStore
from mainmode.service.door import Door
from mainmode.service.events import InternalError, PolicyAssigned, PolicyRefused

PolicyReader = Callable[[], tuple[Policy, Credentials]]
"""Reads the policy file and its secrets. Raises PersonError."""


class Assignment:
    """The policy in force with its secrets, and the addresses that it calls "me"."""

    def __init__(
        self, read: PolicyReader, listen: tuple[IpAddress, ...], ike_ports: tuple[int, ...]
    ) -> None:
        """listen: addresses that are ours even when no interface shows them.

        Raises: PersonError.
        """
        self._read = read
        self._listen = listen
        self._ike_ports = ike_ports
        self._addresses = own_addresses()
        self.policy, self.credentials = read()
        self.selection = self._selection_of(self.policy)

    def attach(self, driver: Driver, door: Door, audit: AuditStore) -> None:
        """Who enforces and who negotiates changes from now on."""
        self._driver = driver
        self._door = door
        self._audit = audit

    def _selection_of(self, policy: Policy) -> Selection:
        return Selection(
            policy,
            self._addresses.local | frozenset(self._listen),
            broadcast_addresses=self._addresses.broadcast,
            ike_ports=self._ike_ports,
        )

    def reload(self) -> str:
        """Read the policy file again and assign it; its name.

        Raises: PersonError, after which nothing has changed.
        """
        try:
            policy, credentials = self._read()
            self._assign(policy, credentials, "reloaded")
        except (PersonError, DriverError) as error:
            self._audit.record(PolicyRefused(problem=str(error)))
            raise PersonError(str(error)) from None
        return policy.name

    def follow_addresses(self) -> None:
        """An address came or went."""
        addresses = own_addresses()
        if addresses == self._addresses:
            return
        self._addresses = addresses
        try:
            self._assign(self.policy, self.credentials, "this computer's addresses changed")
        except Exception as error:
            self._audit.record(InternalError.of(error, "fitting the policy to new addresses"))

    def _assign(self, policy: Policy, credentials: Credentials, why: str) -> None:
        """Driver first: it may refuse, and takes a policy whole or not at all."""
        selection = self._selection_of(policy)
        self._driver.assign(selection)
        self.policy, self.credentials, self.selection = policy, credentials, selection
        self._door.assign(selection, credentials)
        self._audit.record(PolicyAssigned(policy=policy.name, why=why))
