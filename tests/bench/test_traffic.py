"""Traffic is measured through real services, and not at all where it cannot be."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest
from click.testing import CliRunner

from mainmode.bench import flows
from mainmode.cli.main import main
from mainmode.demo import requirements

HERE = "127.0.0.1"
PATIENCE_S = 20.0


@pytest.mark.network
@pytest.mark.parametrize("mode", ["transport", "tunnel"])
def test_both_flows_go_through_both_services(mode: str) -> None:
    words = ("--suite", "aes128-sha1", "--suite", "ah:sha1", "--seconds", "0.3", "--mode", mode)
    done = subprocess.run(
        [sys.executable, "-m", "mainmode", "bench", "traffic", *words, "--json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    measured = json.loads(done.stdout)
    assert [each["suite"] for each in measured] == ["aes128-sha1", "ah:sha1"]
    for each in measured:
        assert each["mode"] == mode
        assert each["tcp"]["mbit_per_s"] > 0
        assert each["udp"]["packets_per_s"] > 0
        for flow in (each["tcp"], each["udp"]):
            for side in ("sender", "receiver"):
                assert flow[f"{side}_cpu_us_per_packet"] > 0
                assert 0 < flow[f"{side}_busy"] < 1.5


@pytest.mark.network
def test_an_interrupted_benchmark_leaves_nothing_behind() -> None:
    mark = uuid.uuid4().hex
    with TemporaryDirectory(prefix="mm") as folder:  # sockets must have short paths
        process = subprocess.Popen(
            [sys.executable, "-m", "mainmode", "bench", "traffic"],
            env={**os.environ, "TMPDIR": folder, "MAINMODE_TEST": mark},
            stdout=subprocess.DEVNULL,
        )
        with process:
            wait_until(lambda: len(list(Path(folder).rglob("control.sock"))) == 2)
            assert len(marked(mark)) >= 3, "the benchmark and two services"
            process.terminate()
            assert process.wait(PATIENCE_S) == 128 + signal.SIGTERM
        wait_until(lambda: marked(mark) == [])
        assert list(Path(folder).iterdir()) == []


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def marked(mark: str) -> list[str]:
    """The processes with this mark in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            if mark.encode() in (process / "environ").read_bytes():
                found.append(process.name)
    return found


def test_without_rights_there_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "missing_for_hosts", lambda: iter(("no rights",)))
    done = CliRunner().invoke(main, ["bench", "traffic"])
    assert done.exit_code == 2
    assert done.output.splitlines() == [
        "the benchmark cannot run here:",
        "  - no rights",
        "  fix: see to these, or run it elsewhere as root",
    ]


def test_an_unknown_suite_is_a_persons_mistake() -> None:
    done = CliRunner().invoke(main, ["bench", "traffic", "--suite", "rot13-sha1"])
    assert done.exit_code == 2
    assert "rot13" in done.output


# --- sender and receiver, without services between them ----------------------------------------


@pytest.fixture
def pipes(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Connection, Connection]]:
    """To a receiver, and the receiver's own. The port is one that nobody uses."""
    with socket.socket() as any_socket:
        any_socket.bind((HERE, 0))
        monkeypatch.setattr(flows, "_PORT", any_socket.getsockname()[1])
    monkeypatch.setattr(flows, "_WARM_UP_S", 0.05)
    ours, theirs = Pipe()
    with ours, theirs:
        yield ours, theirs


def said(pipe: Connection) -> object:
    assert pipe.poll(PATIENCE_S)
    return pipe.recv()


def test_a_stream_is_measured_where_it_arrives(pipes: tuple[Connection, Connection]) -> None:
    ours, theirs = pipes
    receiver = Thread(target=flows.receive_stream, args=(HERE, 0.1, theirs))
    receiver.start()
    assert said(ours) == flows.Listening()
    flows.send_stream(HERE, theirs)
    receiver.join(PATIENCE_S)
    assert said(ours) == flows.Begun()
    received = said(ours)
    assert isinstance(received, flows.Received)
    assert received.seconds >= 0.1
    assert received.octets > 0
    assert (received.datagrams, received.lost) == (0, 0)


def test_no_datagram_is_lost_for_haste(pipes: tuple[Connection, Connection]) -> None:
    ours, theirs = pipes
    back, forth = Pipe()
    receiver = Thread(target=flows.receive_datagrams, args=(HERE, 0.1, back, theirs))
    receiver.start()
    assert said(ours) == flows.Listening()
    sender = Thread(target=flows.send_datagrams, args=(HERE, forth, theirs))
    sender.start()
    receiver.join(PATIENCE_S)
    back.close()
    sender.join(PATIENCE_S)
    assert not sender.is_alive()
    assert said(ours) == flows.Begun()
    received = said(ours)
    assert isinstance(received, flows.Received)
    assert received.octets == received.datagrams * flows.DATAGRAM_OCTETS > 0
    assert received.lost == 0


def test_datagrams_that_do_not_come_are_missed(pipes: tuple[Connection, Connection]) -> None:
    """Every other one is not sent."""
    ours, theirs = pipes
    back, forth = Pipe()
    receiver = Thread(target=flows.receive_datagrams, args=(HERE, 0.1, back, theirs))
    receiver.start()
    assert said(ours) == flows.Listening()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((HERE, flows._PORT))
        number = arrived = 0
        while receiver.is_alive():
            number += 2
            with suppress(ConnectionRefusedError):  # it has just ended
                sender.send(number.to_bytes(8).ljust(flows.DATAGRAM_OCTETS))
            while number - arrived >= flows.WINDOW and receiver.is_alive():
                arrived = forth.recv() if forth.poll(0.01) else arrived
    assert said(ours) == flows.Begun()
    received = said(ours)
    assert isinstance(received, flows.Received)
    assert received.lost == received.datagrams > 0
