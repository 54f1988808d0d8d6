"""What is agreed to here."""

from dataclasses import dataclass

from mainmode.auth.credentials import Credentials
from mainmode.model import Path
from mainmode.policy.model import MainModeSettings, Policy
from mainmode.policy.selection import Selection


@dataclass(slots=True)
class Terms:
    """The assigned policy and our credentials; a new policy changes them in place."""

    selection: Selection
    credentials: Credentials

    @property
    def policy(self) -> Policy:
        return self.selection.policy

    def main_mode(self, path: Path) -> MainModeSettings:
        """The settings of main mode between these two."""
        return self.selection.main_mode(*path.hosts)
