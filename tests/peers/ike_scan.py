"""ike-scan, the prober: sends one main mode or aggressive mode message and reads what comes back.

It knows nothing of mainmode, so what it prints is what a stranger can read in our answers.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.peers import network
from tests.peers.network import Host

PROGRAM = "ike-scan"
PATIENCE = ("--retry=2", "--timeout=400", "--backoff=1")
"""Two sendings, 0.4 s apart."""


def missing() -> str:
    """What stops ike-scan from running here; empty when nothing does."""
    if shutil.which(PROGRAM) is None:
        return f"there is no program {PROGRAM} (Debian: apt-get install {PROGRAM})"
    return network.missing()


@dataclass(frozen=True, slots=True)
class Answer:
    """What ike-scan has read in the first answer; nothing of it when there was none."""

    handshake: str
    """The exchange that answered: "Main Mode"."""
    transform: Mapping[str, str]
    """Of the chosen transform, under ike-scan's names: Enc, KeyLength, Hash, Auth, Group."""
    responder_cookie: str
    vendor_ids: tuple[str, ...]
    notify: str
    """Name of the notification."""

    def __bool__(self) -> bool:
        return bool(self.handshake or self.notify)


def ike_scan(host: Host, target: str, *options: str, patience: Sequence[str] = PATIENCE) -> Answer:
    """Probes `target` once and says what it heard."""
    printed = host.run([PROGRAM, *patience, *options, target])
    line = next((each for each in printed.splitlines() if each.startswith(f"{target}\t")), "")
    handshake = re.search(r"\t(.*) Handshake returned", line)
    cookie = re.search(r"CKY-R=(\w+)", line)
    notify = re.search(r"Notify message \d+ \(([\w-]+)\)", line)
    return Answer(
        handshake[1] if handshake else "",
        dict(re.findall(r"\b(Enc|KeyLength|Hash|Auth|Group)=([\w-]+)", line)),
        cookie[1] if cookie else "",
        tuple(re.findall(r"VID=(\w+)", line)),
        notify[1] if notify else "",
    )
