"""The policy store, for commands that work on it, and the service that runs from it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mainmode.cli.client import Client, NoService
from mainmode.errors import PersonError
from mainmode.store.place import Location, store_folder

if TYPE_CHECKING:
    from mainmode.store.store import Store

F = TypeVar("F", bound=Callable[..., Any])


def store_option(command: F) -> F:
    """--store: which store."""
    return click.option(
        "--store",
        metavar="DIR",
        help="The policy store; default: $XDG_CONFIG_HOME/mainmode if set, else /etc/mainmode.",
    )(command)


def location_option(command: F) -> F:
    """--location: which part of it."""
    return click.option(
        "--location",
        type=click.Choice([each.value for each in Location]),
        default=Location.LOCAL.value,
        show_default=True,
        help="Which policies of the store.",
    )(command)


def open_store(named: str | None) -> "Store":
    from mainmode.store.store import Store

    return Store(store_folder(named).resolve())


def write_out(file: Path, text: str, *, secret: bool = False) -> None:
    """The file that a person named. secret: only its owner can read it. Raises: PersonError."""
    from mainmode.store.files import write_secret

    try:
        if secret:
            write_secret(file, text.encode())
        else:
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PersonError(f"{file}: {error.strerror}", fix="name another file") from None


def service_of(store: "Store", control: str | None) -> Client | None:
    """The service that runs from this store; None: none does.

    Raises: Failed when a service is there but does not answer as it should.
    """
    client = Client(control)
    try:
        status = client.get("/v1/status")
    except NoService:
        return None
    return client if status["store"] == str(store.folder) else None


def tell_service(store: "Store", control: str | None) -> None:
    """After a change of the store: let the service that runs from it read it again.

    Raises: PersonError when the service cannot use what the store says now.
    """
    service = service_of(store, control)
    if service is None:
        return
    try:
        service.post("/v1/reload")
    except PersonError as error:
        problem = "the store is changed, but the running service keeps the policy it had:\n"
        raise PersonError(f"{problem}{error}") from None
