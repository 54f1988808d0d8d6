"""What hosts of one's own need of the computer: rights over networks, a TUN device, nft.

Talks to: `service.drivers`, which knows what the driver needs; apt-get, where root may install.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

from mainmode.demo import hosts
from mainmode.driver.user import netfilter
from mainmode.errors import PersonError
from mainmode.service.drivers import missing_for_user_driver

_PACKAGE = "nftables"
_INSTALL_S = 300.0


def meet_requirements(say: Callable[[str], None]) -> bool:
    """Get what can be had, and say so. Whether this process is now in a user namespace of its
    own, where an ordinary user is root.

    Raises: PersonError that names everything that is missing.
    """
    is_root = os.geteuid() == 0
    if not sys.platform.startswith("linux"):
        raise PersonError("the demo needs Linux", fix="network namespaces exist nowhere else")
    if is_root and netfilter.command() is None:
        _install(say)
    require_hosts("the demo")
    return not is_root


def require_hosts(what: str) -> None:
    """Raises PersonError that says what this computer lacks for `what`. An ordinary user is root
    of a user namespace afterwards."""
    missing = list(missing_for_hosts())
    if missing:
        listed = "".join(f"\n  - {each}" for each in missing)
        raise PersonError(
            f"{what} cannot run here:{listed}", fix="see to these, or run it elsewhere as root"
        )


def missing_for_hosts() -> Iterator[str]:
    """Everything that keeps this process from having hosts with the user-space driver. To find
    out, an ordinary user becomes root of a user namespace."""
    why = _why_no_networks()
    if why:
        yield why
        if netfilter.command() is None:  # all else asks for the rights that we could not get
            yield f"the command nft is not installed (Debian package {_PACKAGE})"
    else:
        yield from missing_for_user_driver()


def _why_no_networks() -> str:
    """Empty when we may make networks, in a user namespace if need be."""
    if os.geteuid() != 0:
        try:
            hosts.become_root_of_user_namespace()
        except OSError as error:
            return (
                f"an ordinary user may not make user namespaces here ({error.strerror}): "
                "run this as root"
            )
    try:
        hosts.try_new_network()
    except OSError as error:
        return f"network namespaces may not be made here ({error.strerror})"
    return ""


def _install(say: Callable[[str], None]) -> None:
    """As root on Debian. Where it fails, `nft` is still missing and will be named."""
    if shutil.which("apt-get") is None:
        return
    say(f"installing the Debian package {_PACKAGE}")
    install = ["apt-get", "--yes", "--no-install-recommends", "install", _PACKAGE]
    if not _run(install) and _run(["apt-get", "update"]):
        _run(install)


def _run(command: list[str]) -> bool:
    """Quietly; whether it worked."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environment,
            timeout=_INSTALL_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
