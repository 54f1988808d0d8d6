"""strongSwan as a peer: a charon of its own in a network namespace, told what to do over VICI.

    with StrongSwan(host) as peer:
        peer.load("main", main_mode("192.0.2.2", "192.0.2.1", ["3des-sha1-modp1024"]))
        peer.share_key(b"a key", "192.0.2.1", "192.0.2.2")
        peer.initiate("main")

Its log lives in its folder and goes away with it at the end.
"""

import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import vici

from mainmode.testing import charon
from mainmode.testing.charon import Charon, Host
from tests.peers import network

LOG_LEVELS = {"default": 1, "ike": 4, "enc": 3, "chd": 4, "cfg": 2, "net": 2}
"""ike 4 and chd 4 show keys, enc 3 shows what was encrypted."""
RETRANSMIT_S = 4.0
"""When it first repeats a message; its own default."""
INITIATE_S = 30.0
PATIENCE_S = 20.0

Section = Mapping[str, "str | bytes | Sequence[str | bytes] | Section"]
"""A part of swanctl.conf: names to strings, lists of strings, or sections."""


def missing() -> str:
    """What stops strongSwan from running here; empty when nothing does."""
    return charon.missing() or network.missing()


class PeerFailed(Exception):
    """strongSwan could not do what it was told; the text holds its own words."""


class StrongSwan(Charon):
    """One charon. `user_space_ipsec` gives it ESP on a kernel that has none."""

    def __init__(
        self,
        host: Host,
        *,
        user_space_ipsec: bool = False,
        log_levels: Mapping[str, int] = LOG_LEVELS,
        retransmit_s: float = RETRANSMIT_S,
    ) -> None:
        super().__init__(host, user_space_ipsec=user_space_ipsec)
        self._log_levels = log_levels
        self._retransmit_s = retransmit_s

    # --- what it is told ------------------------------------------------------------------------

    def start(self) -> None:
        super().start()
        self._session = vici.Session(self.control)

    def load(self, name: str, connection: Section) -> None:
        """Adds or replaces a connection."""
        self._session.load_conn({name: connection})

    def share_key(self, key: bytes, *owners: str) -> None:
        """A preshared key for the identities that own it."""
        self._session.load_shared(
            {"id": "-".join(owners), "type": "IKE", "data": key, "owners": list(owners)}
        )

    def trust(self, authority: bytes) -> None:
        """Certificates that this authority (PEM) signed are good."""
        self._session.load_cert({"type": "X509", "flag": "CA", "data": authority})

    def own(self, private_key: bytes) -> None:
        """A private key (PEM) of its own."""
        self._session.load_key({"type": "any", "data": private_key})

    def add_pool(self, name: str, addresses: str) -> None:
        """Addresses to give to peers that ask for one by mode config."""
        self._session.load_pool({name: {"addrs": addresses}})

    def initiate(self, connection: str, child: str = "", timeout_s: float = INITIATE_S) -> None:
        """Negotiates main mode, and quick mode if a child is named. Raises PeerFailed."""
        what = {"ike": connection, "timeout": str(int(timeout_s * 1000))}
        self._command(self._session.initiate({**what, "child": child} if child else what))

    def terminate(self, connection: str) -> None:
        """Ends the SAs of a connection, telling the other side."""
        self._command(self._session.terminate({"ike": connection}))

    def terminate_pair(self, child: str) -> None:
        """Ends the quick mode SAs of a child, telling the other side."""
        self._command(self._session.terminate({"child": child}))

    def sas(self) -> list[dict[str, Any]]:
        """Its main mode SAs; each has its quick mode SAs under `child-sas`."""
        listed = [_as_text(each) for each in self._session.list_sas()]
        return [{"name": name, **sa} for each in listed for name, sa in each.items()]

    def pairs(self) -> list[dict[str, Any]]:
        """Its quick mode SAs in force; not those that others have replaced."""
        pairs = (pair for sa in self.sas() for pair in sa["child-sas"].values())
        return [each for each in pairs if each["state"] == "INSTALLED"]

    def wait_until_sas(self, count: int) -> None:
        """Until it has so many main mode SAs."""
        self._wait_until(lambda: len(self.sas()) == count)

    def wait_until_pairs(self, count: int) -> None:
        """Until so many quick mode SAs are in force."""
        self._wait_until(lambda: len(self.pairs()) == count)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Meanwhile it receives nothing and answers nothing, as if its machine hung."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    # --- what it says -----------------------------------------------------------------------

    @property
    def version(self) -> str:
        return str(_as_text(self._session.version())["version"])

    @property
    def log(self) -> str:
        return (self.folder / "charon.log").read_text(errors="replace")

    # --- inside -----------------------------------------------------------------------------

    def settings(self) -> str:
        levels = "\n".join(f"{group} = {level}" for group, level in self._log_levels.items())
        return f"""
    retransmit_timeout = {self._retransmit_s}
    filelog {{ log {{
        path = {self.folder}/charon.log
        flush_line = yes
        {levels}
    }} }}
"""

    def _command(self, messages: Iterator[Section]) -> None:
        said: list[str] = []
        try:
            said.extend(_as_text(each).get("msg", "") for each in messages)
        except vici.exception.CommandException as error:
            raise PeerFailed("\n".join([str(error), *said])) from error

    def _wait_until(self, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not reached():
            if time.monotonic() > deadline:
                raise TimeoutError(f"strongSwan has {self.sas()}")
            time.sleep(0.02)


def main_mode(local: str, peer: str, proposals: Sequence[str]) -> Section:
    """A connection: IKEv1 main mode with a preshared key, the addresses as identities."""
    return {
        "version": "1",
        "local_addrs": [local],
        "remote_addrs": [peer],
        "proposals": list(proposals),
        "local": {"auth": "psk", "id": local},
        "remote": {"auth": "psk", "id": peer},
    }


@dataclass(frozen=True, slots=True)
class Logged:
    """A value that charon wrote to its log: `09[IKE] SKEYID => 20 bytes @ 0x…` and a dump."""

    thread: str
    group: str
    name: str
    data: bytes


_HEAD = re.compile(
    r"(?P<thread>\d\d)\[(?P<group>[A-Z]+)\] +(?P<name>\S.*?) => (?P<octets>\d+) bytes @"
)
_ROW = re.compile(r"(?P<thread>\d\d)\[[A-Z]+\] +\d+: (?P<hex>(?:[0-9A-F]{2} )+)")


def logged_values(log: str) -> list[Logged]:
    """Every value with a name in charon's log, in order."""
    values = []
    unfinished: dict[str, tuple[re.Match[str], bytearray]] = {}
    for line in log.splitlines():
        if head := _HEAD.match(line):
            unfinished[head["thread"]] = head, bytearray()
        elif (row := _ROW.match(line)) and row["thread"] in unfinished:
            head, data = unfinished[row["thread"]]
            data += bytes.fromhex(row["hex"])
            if len(data) == int(head["octets"]):
                values.append(Logged(head["thread"], head["group"], head["name"], bytes(data)))
                del unfinished[row["thread"]]
    return values


def _as_text(section: Mapping[str, object]) -> dict[str, Any]:
    """VICI's octet strings as text, at every depth."""

    def text(value: object) -> object:
        if isinstance(value, bytes):
            return value.decode(errors="replace")
        if isinstance(value, Mapping):
            return _as_text(value)
        return [text(each) for each in value] if isinstance(value, list) else value

    return {name: text(value) for name, value in section.items()}
