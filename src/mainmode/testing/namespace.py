"""A network of one's own: a network namespace that lives as long as this process holds it.

No name, no file and no process stands for it, so nothing is left behind, however this one ends.

Source: Linux namespaces(7), network_namespaces(7), setns(2).
Does not: make interfaces; it begins with a loopback that is down. Errors are OSError.
"""

import ctypes
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TypeVar

_CLONE_NEWNET = 0x4000_0000
_LIBC = ctypes.CDLL(None, use_errno=True)

T = TypeVar("T")


class Namespace:
    """Needs root, if only that of a user namespace."""

    def __init__(self) -> None:
        self.descriptor = _in_thread(_new)

    @property
    def path(self) -> str:
        """The namespace as a file, for programs that take one."""
        return f"/proc/{os.getpid()}/fd/{self.descriptor}"

    def inside(self, work: Callable[[], T]) -> T:
        """Does this in the namespace. Sockets and processes that it makes stay there."""

        def enter() -> T:
            _check(_LIBC.setns(self.descriptor, _CLONE_NEWNET))
            return work()

        return _in_thread(enter)

    def popen(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        stdout: IO[bytes] | None = None,
        stderr: IO[bytes] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Starts a program in the namespace."""
        return self.inside(lambda: subprocess.Popen(command, env=env, stdout=stdout, stderr=stderr))

    def close(self) -> None:
        """It goes once the last process and socket in it is gone too."""
        os.close(self.descriptor)


def _new() -> int:
    _check(_LIBC.unshare(_CLONE_NEWNET))
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _in_thread(work: Callable[[], T]) -> T:
    """A thread has a network namespace of its own, and takes it with it when it ends."""
    with ThreadPoolExecutor(1) as worker:
        return worker.submit(work).result()


def _check(result: int) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
