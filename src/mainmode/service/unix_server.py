"""Serves the control API on a Unix socket of its owner alone, inside the service's loop."""

import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from mainmode.errors import PersonError

_OTHERS = 0o177
"""Everything but reading and writing by the owner."""


def bind_control_socket(place: Path) -> socket.socket:
    """A listening socket at `place`, mode 0600. A dead predecessor's socket is replaced.

    Raises: PersonError when a service listens there, or nothing can be made there.
    """
    try:
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        _clear(place)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mask = os.umask(_OTHERS)
        try:
            listener.bind(str(place))
        except OSError:
            listener.close()
            raise
        finally:
            os.umask(mask)
    except OSError as error:
        why = error.strerror or str(error)
        raise PersonError(
            f"cannot make the control socket {place}: {why.lower()}",
            fix="choose another place with --control or MAINMODE_CONTROL",
        ) from None
    listener.listen()
    return listener


def _clear(place: Path) -> None:
    """Remove a socket on which nobody listens. Raises PersonError, OSError."""
    try:
        mode = place.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise PersonError(
            f"{place} exists and is no socket", fix="remove it or choose another --control"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(place))
        except ConnectionRefusedError:
            place.unlink()
            return
    raise PersonError(
        f"another mainmode service answers at {place}",
        fix="stop it, or choose another place with --control",
    )


class UnixServer(uvicorn.Server):
    """uvicorn without its signal handlers: signals are the service's."""

    def __init__(self, app: Starlette, place: Path) -> None:
        """Raises PersonError when the socket cannot be had."""
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._place = place
        self._listener = bind_control_socket(place)
        self._inode = place.lstat().st_ino

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def serve_until_stopped(self) -> None:
        """Serve until `should_exit` is set."""
        await self.serve(sockets=[self._listener])

    def close(self) -> None:
        """Close and remove the socket, unless a successor has put its own there."""
        self._listener.close()
        with contextlib.suppress(OSError):
            if self._place.lstat().st_ino == self._inode:
                self._place.unlink()
