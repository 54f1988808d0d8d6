"""Where the policy store stands, and the locations in it."""

import os
from collections.abc import Mapping
from enum import Enum
from pathlib import Path


class Location(Enum):
    """The documents of a store, as in `netsh ipsec static set store location=...`.

    LOCAL       the administrator's policies; its general settings are those of the computer.
    PERSISTENT  a policy that is in force besides the local one, and where both say something about
                the same traffic, instead of it.
    DYNAMIC     what `netsh ipsec dynamic` sets: gone when the service stops. Every policy in it is
                in force. A main mode policy of netsh is a policy here, with that name and main mode
                settings, and the dynamic rules that name it are its rules; a quick mode policy is a
                filter action.
    """

    LOCAL = "local"
    PERSISTENT = "persistent"
    DYNAMIC = "dynamic"


def store_folder(named: str | None = None, environment: Mapping[str, str] = os.environ) -> Path:
    """What was named on the command line (`--store`), else the user's own place, else the
    computer's."""
    if named:
        return Path(named)
    own = environment.get("XDG_CONFIG_HOME")
    return Path(own) / "mainmode" if own else Path("/etc/mainmode")
