"""When the service does not answer, or answers oddly."""

import socket
import threading
from pathlib import Path

import pytest

from mainmode.cli.client import Client
from mainmode.cli.outcome import Failed
from mainmode.engine.events import FloodSuspected
from mainmode.errors import PersonError
from mainmode.service.unix_server import bind_control_socket
from tests.cli.conftest import Shell
from tests.cli.served import Stub
from tests.service.fakes import PATH


def test_no_service(shell: Shell) -> None:
    done = shell("show", "mmsas")
    assert (done.stdout, done.status) == ("", 1)
    assert done.stderr == (
        f"no mainmode service answers at {shell.control}: start one with "
        "`mainmode run`, or name its socket with --control\n"
    )


def test_a_service_that_was_killed(shell: Shell) -> None:
    bind_control_socket(shell.control).close()
    done = shell("show", "mmsas")
    assert done.status == 1
    assert done.stderr.startswith(f"no mainmode service answers at {shell.control}:")


def test_a_service_of_somebody_else(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, place: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    done = shell("show", "mmsas")
    assert (done.status, done.stderr) == (
        1,
        f"the control socket {shell.control} belongs to another user: use sudo, "
        "or --control for a service of your own\n",
    )


def test_something_that_is_no_mainmode_service(tmp_path: Path) -> None:
    place = tmp_path / "odd.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(place))
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Failed, match=r"odd\.sock gave no answer"):
            Client(str(place)).get("/v1/status")
        thread.join()


def test_the_option_wins_over_the_environment(service: Shell, tmp_path: Path) -> None:
    elsewhere = str(tmp_path / "elsewhere.sock")
    assert service("show", "mmsas").status == 0
    assert elsewhere in service("show", "mmsas", "--control", elsewhere).stderr


def test_what_was_asked_for_is_wrong(service: Shell) -> None:
    client = Client(str(service.control))
    with pytest.raises(PersonError, match="'host' is no address"):
        client.post("/v1/up", peer="host")


def test_what_the_service_itself_cannot_do(service: Shell, stub: Stub) -> None:
    stub.mmsas = [object()]  # type: ignore[list-item]
    done = service("show", "mmsas")
    assert done.status == 1
    assert done.stderr == "internal error while answering GET /v1/mmsas: see event 1\n"


def test_events_arrive_in_order_and_once(service: Shell, stub: Stub) -> None:
    client = Client(str(service.control))
    assert list(client.events(0, follow=False)) == []
    for _ in range(2500):
        stub.audit.record(FloodSuspected(PATH, "a test"))
    events = client.events(10, follow=False)
    assert [event["sequence"] for event in events] == list(range(11, 2501))


def test_following_goes_on_with_what_is_to_come(service: Shell, stub: Stub) -> None:
    events = Client(str(service.control)).events(0)
    for number in (1, 2):
        timer = threading.Timer(0.05, stub.happen, [FloodSuspected(PATH, "a test")])
        timer.start()
        assert next(events)["sequence"] == number
        timer.join()
