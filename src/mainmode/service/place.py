"""Where the control socket of the service stands, for the service and for its commands."""

import os
from collections.abc import Mapping
from pathlib import Path

CONTROL_VARIABLE = "MAINMODE_CONTROL"


def control_socket(named: str | None = None, environment: Mapping[str, str] = os.environ) -> Path:
    """What was named on the command line, else in MAINMODE_CONTROL, else the usual place.

    A service manager gives the usual place as RUNTIME_DIRECTORY (systemd.exec(5)).
    """
    chosen = named or environment.get(CONTROL_VARIABLE)
    if chosen:
        return Path(chosen)
    runtime = environment.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return Path(runtime or "/run/mainmode") / "control.sock"
