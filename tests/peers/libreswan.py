"""libreswan as a peer: a pluto of its own in a network namespace, told what to do with its whack.

    with Libreswan(host) as peer:
        peer.share_key(b"a key", "192.0.2.2", "192.0.2.1")
        peer.load("main", {"left": "192.0.2.2", "right": "192.0.2.1", "ike": "3des-sha1;modp2048"})
        peer.initiate("main")

Debian's libreswan conflicts with its strongSwan, so `./test` unpacks it in a folder of its own and
it runs from there. pluto insists on programs in their usual place, so `settle` it first where files
may be changed: in a machine of its own. Debian builds it without DES and without groups 1 and 2.
"""

import os
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from tests.peers import network
from tests.peers.network import Host

TREE = Path(__file__).parents[2] / ".cache" / "libreswan"
PROGRAMS = TREE / "usr" / "libexec" / "ipsec"
LIBRARIES = TREE / "usr" / "lib" / "x86_64-linux-gnu"
USUAL_PLACE = Path("/usr/libexec/ipsec")
START_S = 60.0
INITIATE_S = 60.0

_SETUP = """
config setup
    ikev1-policy=accept
    dnssec-enable=no
    nssdir={folder}
    dumpdir={folder}
    logfile={folder}/log
    plutodebug={debug}
"""
_CONNECTION = """
conn {name}
    keyexchange=ike
    ikev2=no
    authby=secret
    auto=add
    leftupdown=%disabled
"""


class PeerFailed(Exception):
    """libreswan could not do what it was told; the text holds its own words."""


def missing() -> str:
    """What stops libreswan from running here; empty when nothing does."""
    if not (PROGRAMS / "pluto").exists():
        return f"libreswan is not unpacked in {TREE} (./test does it as root)"
    return network.missing()


def settle() -> None:
    """Lets pluto find its programs."""
    if not USUAL_PLACE.exists():
        USUAL_PLACE.symlink_to(PROGRAMS)


class Libreswan:
    """One pluto, with the kernel's IPsec. `debug` is what else its log tells, in pluto's words."""

    def __init__(self, host: Host, debug: str = "none") -> None:
        self._host = host
        self._debug = debug

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="pluto-")
        self.folder = Path(self._folder.name)
        self._settings = self.folder / "ipsec.conf"
        self._settings.write_text(self._setup)
        self._secrets = self.folder / "ipsec.secrets"
        self._secrets.touch(mode=0o600)
        self._call(TREE / "usr" / "bin" / "certutil", "-N", "-d", self._nss, "--empty-password")
        with (self.folder / "output").open("wb") as output:
            self.process = self._host.popen(
                [
                    *(str(PROGRAMS / "pluto"), "--nofork", "--config", str(self._settings)),
                    *("--secretsfile", str(self._secrets), "--nssdir", str(self.folder)),
                    *("--rundir", str(self.folder), "--logfile", str(self.folder / "log")),
                ],
                env=_environment(),
                stdout=output,
                stderr=output,
            )
        try:
            self._wait_for_start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    # --- what it is told ------------------------------------------------------------------------

    def share_key(self, key: bytes, *owners: str) -> None:
        """A preshared key for the addresses that own it."""
        self._secrets.write_text(f"{' '.join(owners)} : PSK 0x{key.hex()}\n")
        self._whack("--rereadsecrets")

    def load(self, name: str, options: Mapping[str, str]) -> None:
        """Adds or replaces a connection: IKEv1 main mode with a preshared key."""
        lines = [f"    {option}={value}\n" for option, value in options.items()]
        text = self._setup + _CONNECTION.format(name=name) + "".join(lines)
        self._settings.write_text(text)
        files = ["--config", str(self._settings), "--ctlsocket", str(self._control)]
        self._call(PROGRAMS / "addconn", *files, name)

    def initiate(self, name: str, timeout_s: float = INITIATE_S) -> None:
        """Negotiates main mode and quick mode. Raises PeerFailed."""
        self._whack("--name", name, "--initiate", timeout_s=timeout_s)

    def delete(self, name: str) -> None:
        """Ends the SAs of a connection, telling the other side, and forgets it."""
        self._whack("--name", name, "--delete")

    # --- what it says -----------------------------------------------------------------------

    @property
    def version(self) -> str:
        found = re.search(r"Libreswan Version (\S+)", self.log)
        assert found
        return found[1]

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    # --- inside -----------------------------------------------------------------------------

    @property
    def _setup(self) -> str:
        return _SETUP.format(folder=self.folder, debug=self._debug)

    @property
    def _control(self) -> Path:
        return self.folder / "pluto.ctl"

    @property
    def _nss(self) -> str:
        return f"sql:{self.folder}"

    def _wait_for_start(self) -> None:
        deadline = time.monotonic() + START_S
        while not self._control.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = (self.folder / "output").read_text(errors="replace")
                raise PeerFailed(f"pluto did not start:\n{said}")
            time.sleep(0.05)
        self._whack("--listen")

    def _whack(self, *words: str, timeout_s: float = START_S) -> str:
        whack = PROGRAMS / "whack"
        return self._call(whack, "--ctlsocket", str(self._control), *words, timeout_s=timeout_s)

    def _call(self, program: Path, *words: str, timeout_s: float = START_S) -> str:
        try:
            done = subprocess.run(
                [program, *words],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=timeout_s,
            )
        except subprocess.TimeoutExpired as error:
            raise PeerFailed(f"{program.name} took {timeout_s:g} s: {error.stdout!r}") from None
        if done.returncode != 0:
            raise PeerFailed(f"{program.name} {' '.join(words)}: {done.stdout}")
        return done.stdout

    def _stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(START_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._folder.cleanup()


def _environment() -> dict[str, str]:
    return {**os.environ, "LD_LIBRARY_PATH": str(LIBRARIES)}
