"""strongSwan's daemon, a charon of its own on a host: started, stopped, killed, and nothing else.

Nothing of it is shared with another instance or the machine's own strongSwan: settings and control
socket (VICI) live in a folder of its own that goes away at the end.

Talks to: `namespace`, for hosts.
Does not: tell it what to negotiate; its users speak VICI or run swanctl.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import IO, Protocol, Self

PROGRAM = Path("/usr/sbin/charon-systemd")
PLUGINS = ("random", "nonce", "openssl", "pem", "pkcs1", "pubkey", "x509", "hmac", "kdf")
"""OpenSSL's legacy provider has DES; the list is short so that charon starts in 0.1 s, and leaves
out bypass-lan, which sends the traffic of the local subnet past all protection."""
START_S = 10.0


def missing() -> str:
    """What of it is not installed; empty when it can run."""
    if not PROGRAM.exists():
        return "strongSwan is not installed (Debian: apt-get install charon-systemd)"
    return ""


class Host(Protocol):
    """Where a charon runs: something with a network of its own."""

    def popen(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        stdout: IO[bytes] | None = None,
        stderr: IO[bytes] | None = None,
    ) -> subprocess.Popen[bytes]: ...


class CharonFailed(Exception):
    """It did not start; the text holds its own words."""


class Charon:
    """One charon. `user_space_ipsec` gives it ESP on a kernel that has none."""

    def __init__(
        self, host: Host, *, user_space_ipsec: bool = False, plugins: Sequence[str] = PLUGINS
    ) -> None:
        """plugins: without those that reach the kernel, the network and VICI."""
        self._host = host
        self._user_space_ipsec = user_space_ipsec
        self._plugins = plugins

    def settings(self) -> str:
        """What its section of strongswan.conf says beside plugins and control socket."""
        return ""

    def __enter__(self) -> Self:
        # Not a test's own folder: the path of a Unix socket may have 107 octets at most.
        self.folder = Path(mkdtemp(prefix="charon-"))
        self.settings_file = self.folder / "strongswan.conf"
        self.settings_file.write_text(self._strongswan_conf())
        # AppArmor, where it is on, ties charon at its usual place to the usual folders.
        self._program = shutil.copy(PROGRAM, self.folder / "charon")
        try:
            self.start()
        except BaseException:
            shutil.rmtree(self.folder)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.control.close()
        try:
            self._stop()
        finally:
            shutil.rmtree(self.folder)

    @property
    def control_path(self) -> Path:
        """Its VICI socket."""
        return self.folder / "vici"

    def start(self) -> None:
        """Returns when it listens. It knows no connection and no key yet. Raises CharonFailed."""
        with (self.folder / "output").open("wb") as output:
            self.process = self._host.popen(
                [str(self._program)],
                env={**os.environ, "STRONGSWAN_CONF": str(self.settings_file)},
                stdout=output,
                stderr=output,
            )
        try:
            self.control = self._connect()
        except BaseException:
            self._stop()
            raise

    def kill(self) -> None:
        """Ends it as a crash does: it tells nobody, and has forgotten everything when it starts."""
        self.control.close()
        self.process.kill()
        self.process.wait()
        self.control_path.unlink()

    def stop(self) -> None:
        """In good order: it takes its SAs back."""
        self.control.close()
        self._stop()

    def _strongswan_conf(self) -> str:
        ipsec = ("kernel-libipsec",) if self._user_space_ipsec else ()
        plugins = " ".join((*self._plugins, *ipsec, "kernel-netlink", "socket-default", "vici"))
        return f"""
charon-systemd {{
    load = {plugins}
    plugins {{ vici {{ socket = unix://{self.control_path} }} }}
    {self.settings()}
}}
"""

    def _connect(self) -> socket.socket:
        control = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + START_S
        while True:
            try:
                control.connect(str(self.control_path))
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    control.close()
                    said = (self.folder / "output").read_text(errors="replace")
                    raise CharonFailed(f"charon did not start:\n{said}") from None
                time.sleep(0.02)
            else:
                return control

    def _stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(START_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


_HASHES = {
    "md5": "md5",
    "sha1": "sha1",
    "sha2-256": "sha256",
    "sha2-384": "sha384",
    "sha2-512": "sha512",
}
_GROUPS = {
    "group1": "modp768",
    "group2": "modp1024",
    "group5": "modp1536",
    "group14": "modp2048",
    "group15": "modp3072",
    "group19": "ecp256",
}


def proposal(cipher: str, hash_name: str, group: str = "") -> str:
    """A suite under mainmode's names as strongSwan writes it; without a group for ESP."""
    parts = [cipher, _HASHES[hash_name], *([_GROUPS[group]] if group else [])]
    return "-".join(parts)
