"""strongSwan's charon as the responder of a benchmark: settings in its favour, any peer welcome."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import copy, which
from typing import Self

from mainmode.bench.ground import INITIATORS_NETWORK, RESPONDERS_NETWORK
from mainmode.cli.outcome import Failed
from mainmode.demo.hosts import Host
from mainmode.errors import PersonError
from mainmode.testing import charon
from mainmode.testing.charon import Charon, CharonFailed, proposal
from mainmode.testing.samples import KEY

_SWANCTL = "swanctl"
_SWANCTL_S = 20.0
_PLUGINS = ("random", "nonce", "sha1", "hmac", "gmp", "openssl", "pem", "pkcs1", "pubkey", "kdf")
"""Before OpenSSL those that were faster than it: with OpenSSL for everything charon took some half
more of processor time, in groups 2 and 14."""
_SETTINGS = """
    # No log at all, as here.
    journal { default = -1 }
    # Many negotiations at once are no attack here.
    dos_protection = no
    cookie_threshold = 0
    cookie_threshold_ip = 0
    block_threshold = 0
    # By default its table of SAs is one list.
    ikesa_table_size = 4096
    ikesa_table_segments = 16
    # Exponents as long as a group's strength asks for, as here, not as long as the group.
    dh_exponent_ansi_x9_42 = no
    install_routes = no
"""
_CONNECTION = """
connections {{ bench {{
    version = 1
    proposals = {main_mode}
    local {{ auth = psk }}
    remote {{ auth = psk }}
    children {{ bench {{
        mode = tunnel
        local_ts = {responders}
        remote_ts = {initiators}
        esp_proposals = {quick_mode}
        # Nothing is to be protected: SAs only, as in the null driver.
        policies = no
    }} }}
}} }}
secrets {{ ike {{ secret = "{key}" }} }}
"""


def require() -> None:
    """Raises PersonError that says what of it is not installed."""
    missing = charon.missing()
    if not missing and which(_SWANCTL) is None:
        missing = "swanctl is not installed (Debian: apt-get install strongswan-swanctl)"
    if missing:
        raise PersonError(missing, fix="./test installs what it needs as root, this too")


class _Responder(Charon):
    def __enter__(self) -> Self:
        super().__enter__()
        # AppArmor ties swanctl, too, to the usual folders.
        self._swanctl_program = copy(str(which(_SWANCTL)), self.folder / _SWANCTL)
        return self

    def settings(self) -> str:
        return _SETTINGS

    def load(self, offer: str) -> None:
        """Agree to this offer of main mode from anybody. Raises Failed."""
        connection = self.folder / "swanctl.conf"
        connection.write_text(
            _CONNECTION.format(
                main_mode=proposal(*offer.rsplit("-", 2)),
                quick_mode=proposal("3des", "sha1"),
                responders=RESPONDERS_NETWORK,
                initiators=INITIATORS_NETWORK,
                key=KEY.decode(),
            )
        )
        self._swanctl("--load-all", "--file", str(connection))

    def version(self) -> str:
        """`strongSwan 5.9.8`, say. Raises Failed."""
        name, number, *_ = self._swanctl("--version", "--daemon").split()
        return f"{name} {number}"

    def _swanctl(self, *words: str) -> str:
        command = [self._swanctl_program, *words, "--uri", f"unix://{self.control_path}"]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_SWANCTL_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"strongSwan has not answered {words[0]} for {_SWANCTL_S:g} s") from None
        if done.returncode != 0:
            raise Failed(f"strongSwan refused {words[0]}:\n{done.stdout}{done.stderr}")
        return done.stdout


@contextmanager
def responder(host: Host, offer: str) -> Iterator[tuple[str, int]]:
    """One that is ready: name with version, and the number of its process. Raises Failed."""
    try:
        with _Responder(host, user_space_ipsec=True, plugins=_PLUGINS) as peer:
            peer.load(offer)
            yield peer.version(), peer.process.pid
            peer.kill()  # it would take leave of every initiator
    except CharonFailed as why:
        raise Failed(str(why)) from None
