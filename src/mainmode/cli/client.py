"""Speaks to the control API of a running service over its Unix socket."""

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from mainmode.cli.outcome import Failed
from mainmode.errors import PersonError
from mainmode.service.place import CONTROL_VARIABLE, control_socket

F = TypeVar("F", bound=Callable[..., Any])
Answer = dict[str, Any]
"""JSON, as docs/control-api.md describes it for each request."""

_WAIT_S = 30.0
"""How long the service may keep a request for events open."""
_TIMEOUT_S = _WAIT_S + 15.0


def control_option(command: F) -> F:
    """--control: which service."""
    return click.option(
        "--control",
        metavar="SOCKET",
        help=f"Control socket of the service (also {CONTROL_VARIABLE}).",
    )(command)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, place: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_S)
        self._place = place

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT_S)
        self.sock.connect(str(self._place))


class NoService(Failed):
    """Nobody answers at the control socket."""


class Client:
    """One service. Every call raises Failed when it does not answer or fails itself, and
    PersonError when it says that what was asked for is wrong."""

    def __init__(self, control: str | None) -> None:
        self._place = control_socket(control)

    def get(self, path: str) -> Answer:
        return self._ask("GET", path, None)

    def post(self, path: str, **body: str) -> Answer:
        return self._ask("POST", path, body)

    def put(self, path: str, **body: str) -> Answer:
        return self._ask("PUT", path, body)

    def events(self, since: int, *, follow: bool = True) -> Iterator[Answer]:
        """The events after a sequence number, and with `follow` those to come, for ever."""
        for answer in self.event_answers(since, follow=follow):
            yield from answer["events"]

    def event_answers(self, since: int, *, follow: bool) -> Iterator[Answer]:
        """Those events in the service's portions, which tell what is lost as well."""
        while True:
            answer = self.get(f"/v1/events?since={since}&wait={_WAIT_S if follow else 0:g}")
            yield answer
            since = answer["last"]
            if not follow and not answer["more"]:
                return

    def _ask(self, method: str, path: str, body: dict[str, str] | None) -> Answer:
        connection = _UnixConnection(self._place)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            answer: Answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._no_service(error) from None
        finally:
            connection.close()
        if response.status == 422:
            raise PersonError(answer["error"])
        if response.status >= 400:
            raise Failed(answer["error"])
        return answer

    def _no_service(self, error: Exception) -> Failed:
        if isinstance(error, PermissionError):
            return Failed(
                f"the control socket {self._place} belongs to another user: use sudo, "
                "or --control for a service of your own"
            )
        if isinstance(error, FileNotFoundError | ConnectionRefusedError):
            return NoService(
                f"no mainmode service answers at {self._place}: start one with "
                "`mainmode run`, or name its socket with --control"
            )
        return Failed(f"the service at {self._place} gave no answer: {error}")
