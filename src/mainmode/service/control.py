"""The control API: HTTP and JSON. docs/control-api.md describes it.

Talks to: `daemon`, behind `Controlled`.
Does not: authenticate; the socket's mode does (`unix_server`).
"""

import json
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from mainmode import limits
from mainmode.errors import PersonError
from mainmode.model import IpAddress
from mainmode.policy.mistakes import WordError
from mainmode.policy.words import parse_lifetime_s
from mainmode.service import logs
from mainmode.service.audit import AuditStore
from mainmode.service.events import InternalError
from mainmode.service.views import (
    MainModeView,
    QuickModeView,
    SoftView,
    StatisticsView,
    StatusView,
)

Endpoint = Callable[[Request], Awaitable[JSONResponse]]


class Controlled(Protocol):
    """The service, as the API uses it."""

    audit: AuditStore

    def status(self) -> StatusView: ...

    def main_modes(self) -> list[MainModeView]: ...

    def quick_modes(self) -> list[QuickModeView]: ...

    def soft(self) -> list[SoftView]: ...

    async def statistics(self) -> StatisticsView: ...

    def up(self, peer: IpAddress) -> None:
        """Start to negotiate. Raises PersonError."""

    def down(self, peer: IpAddress) -> None:
        """Take down every SA with the peer."""

    def reload(self) -> str:
        """Read the policy again; its name. Raises PersonError, and nothing has changed."""

    def assign(self, name: str, confirm_within_s: int) -> str:
        """Assign a policy of the store, for good (0) or on trial; the name of what is in force.
        Raises PersonError, and nothing has changed."""

    def confirm(self) -> str:
        """Confirm the policy on trial; its name. Raises PersonError."""


def control_api(service: Controlled) -> Starlette:
    """The ASGI application."""
    api = _Api(service)
    endpoints: tuple[tuple[str, str, Endpoint], ...] = (
        ("GET", "/v1/status", api.status),
        ("GET", "/v1/mmsas", api.main_modes),
        ("GET", "/v1/qmsas", api.quick_modes),
        ("GET", "/v1/soft", api.soft),
        ("GET", "/v1/stats", api.statistics),
        ("GET", "/v1/events", api.events),
        ("POST", "/v1/up", api.up),
        ("POST", "/v1/down", api.down),
        ("POST", "/v1/reload", api.reload),
        ("POST", "/v1/assign", api.assign),
        ("POST", "/v1/confirm", api.confirm),
        ("PUT", "/v1/log-level", api.log_level),
    )
    return Starlette(
        routes=[
            Route(path, _explaining(endpoint, service.audit), methods=[method])
            for method, path, endpoint in endpoints
        ],
        exception_handlers={HTTPException: _no_such},
    )


class _Api:
    """One method for each request."""

    def __init__(self, service: Controlled) -> None:
        self._service = service

    async def status(self, request: Request) -> JSONResponse:
        return JSONResponse(self._service.status())

    async def main_modes(self, request: Request) -> JSONResponse:
        return JSONResponse({"mmsas": self._service.main_modes()})

    async def quick_modes(self, request: Request) -> JSONResponse:
        return JSONResponse({"qmsas": self._service.quick_modes()})

    async def soft(self, request: Request) -> JSONResponse:
        return JSONResponse({"soft": self._service.soft()})

    async def statistics(self, request: Request) -> JSONResponse:
        return JSONResponse(await self._service.statistics())

    async def events(self, request: Request) -> JSONResponse:
        since = int(_number(request, "since"))
        wait_s = min(_number(request, "wait"), limits.EVENTS_WAIT_MAX_S)
        audit = self._service.audit
        if wait_s:
            await audit.wait_beyond(since, wait_s)
        entries = audit.since(since, limits.EVENTS_PER_ANSWER)
        last = entries[-1].sequence if entries else audit.last
        return JSONResponse(
            {
                "events": [entry.as_json() for entry in entries],
                "last": last,
                "more": last < audit.last,
                "lost": max(0, audit.oldest - since - 1),
            }
        )

    async def up(self, request: Request) -> JSONResponse:
        peer = await _peer(request)
        since = self._service.audit.last
        self._service.up(peer)
        return JSONResponse({"peer": str(peer), "since": since}, status_code=202)

    async def down(self, request: Request) -> JSONResponse:
        peer = await _peer(request)
        main_modes, quick_modes = self._service.main_modes(), self._service.quick_modes()
        soft = self._service.soft()
        ended = {
            "peer": str(peer),
            "mmsas": sum(sa["remote_address"] == str(peer) for sa in main_modes),
            "qmsas": sum(sa["remote_endpoint"] == str(peer) for sa in quick_modes),
            "soft": sum(sa["remote_address"] == str(peer) for sa in soft),
        }
        self._service.down(peer)
        return JSONResponse(ended)

    async def reload(self, request: Request) -> JSONResponse:
        return JSONResponse({"policy": self._service.reload()})

    async def assign(self, request: Request) -> JSONResponse:
        name = await _text(request, "policy")
        within = await _text(request, "confirm_within", "")
        try:
            confirm_within_s = parse_lifetime_s(within) if within else 0
        except WordError as error:
            raise PersonError(f"confirm_within: {error.problem}", fix=error.fix) from None
        return JSONResponse({"policy": self._service.assign(name, confirm_within_s)})

    async def confirm(self, request: Request) -> JSONResponse:
        return JSONResponse({"policy": self._service.confirm()})

    async def log_level(self, request: Request) -> JSONResponse:
        logs.set_level(await _text(request, "level"))
        return JSONResponse({"level": logs.current_level()})


def _explaining(endpoint: Endpoint, audit: AuditStore) -> Endpoint:
    """The endpoint, its failures as JSON with one clear message."""

    async def answer(request: Request) -> JSONResponse:
        try:
            return await endpoint(request)
        except PersonError as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        except Exception as error:
            doing = f"answering {request.method} {request.url.path}"
            entry = audit.record(InternalError.of(error, doing))
            message = f"internal error while {doing}: see event {entry.sequence}"
            return JSONResponse({"error": message}, status_code=500)

    return answer


async def _no_such(request: Request, error: Exception) -> JSONResponse:
    """Unknown path or method."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    message = f"the control API has no {request.method} {request.url.path}"
    return JSONResponse({"error": message}, status_code=status)


def _number(request: Request, name: str) -> float:
    """A query parameter that counts, 0 when absent."""
    text = request.query_params.get(name, "0")
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number < float("inf"):
        raise PersonError(f"{name}={text}: not a number from 0 up")
    return number


async def _text(request: Request, name: str, default: str | None = None) -> str:
    """A field of the JSON body that is a string; without a default it must be there."""
    try:
        body: Any = json.loads(await request.body())
    except ValueError:
        body = None
    value = body.get(name, default) if isinstance(body, dict) else None
    if not isinstance(value, str):
        raise PersonError(f'the body must be JSON with a text {name!r}, like {{"{name}": "..."}}')
    return value


async def _peer(request: Request) -> IpAddress:
    text = await _text(request, "peer")
    try:
        return ip_address(text)
    except ValueError:
        raise PersonError(
            f"{text!r} is no address", fix="name the peer by its IPv4 or IPv6 address"
        ) from None
