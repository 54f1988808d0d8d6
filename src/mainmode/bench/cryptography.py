"""The share of processor time that cryptography takes, by sampling.

Each tick of used processor time the stack is looked at: a sample counts as cryptography when the
code of `mainmode.crypto` is on it, with all that it calls (GMP, OpenSSL, hashlib).
"""

import signal
from pathlib import Path
from types import FrameType

from mainmode import crypto

_FOLDER = str(Path(crypto.__file__ or "").parent)
_TICK_S = 0.001
"""Asked for; kernels give four milliseconds or so."""


class Sampler:
    """Counts from `start` to `stop`. One for each process, in its main thread."""

    def __init__(self) -> None:
        self.samples = 0
        self.cryptography = 0

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._tick)
        signal.setitimer(signal.ITIMER_PROF, _TICK_S, _TICK_S)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _tick(self, _number: int, frame: FrameType | None) -> None:
        self.samples += 1
        while frame is not None:
            if frame.f_code.co_filename.startswith(_FOLDER):
                self.cryptography += 1
                return
            frame = frame.f_back
