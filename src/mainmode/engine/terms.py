"""What is agreed to here."""

from dataclasses import dataclass

from mainmode.auth.credentials import Credentials
from mainmode.policy.model import Policy
from mainmode.policy.selection import Selection


@dataclass(slots=True)
class Terms:
    """The assigned policy and our credentials; a new policy changes them in place."""

    selection: Selection
    credentials: Credentials

    @property
    def policy(self) -> Policy:
        return self.selection.policy
