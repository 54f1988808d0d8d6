"""The life of a service, with a scripted engine and driver; signals are real."""

import asyncio
import os
import signal
import socket
from ipaddress import ip_address
from pathlib import Path

import pytest

from mainmode.engine.effects import Send
from mainmode.errors import DriverError, PersonError
from mainmode.model import Endpoint
from mainmode.model import Path as UdpPath
from mainmode.policy.model import Policy
from mainmode.service import assignment
from mainmode.service.addresses import OwnAddresses
from mainmode.service.daemon import Daemon
from mainmode.service.sockets import NON_ESP_MARKER
from tests.service.running import LOCAL, Bench, in_service, serving


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def events(daemon: Daemon) -> list[str]:
    return [type(entry.event).__name__ for entry in daemon.audit.since(0)]


async def hang_up(daemon: Daemon) -> None:
    """SIGHUP, and what it leads to."""
    before = daemon.audit.last
    os.kill(os.getpid(), signal.SIGHUP)
    await daemon.audit.wait_beyond(before, 10)


def test_a_datagram_goes_to_the_engine_and_its_answer_back(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.9", 0))
            peer.setblocking(False)
            there = Endpoint(ip_address("127.0.0.9"), peer.getsockname()[1])
            path = UdpPath(Endpoint(LOCAL, bench.options.port), there)
            bench.engine.on("receive", [Send(path, b"answer")])
            peer.sendto(b"question", ("127.0.0.1", bench.options.port))
            loop = asyncio.get_running_loop()
            assert await asyncio.wait_for(loop.sock_recv(peer, 100), 10) == b"answer"
            assert bench.engine.named("receive") == [(b"question", path)]

    in_service(bench, case)


def test_esp_in_udp_goes_to_the_driver(bench: Bench) -> None:
    """The message behind it, on the same port, goes to the engine."""
    esp = b"\x12\x34\x56\x78rest of it"

    async def case(daemon: Daemon) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.9", 0))
            peer.setblocking(False)
            there = Endpoint(ip_address("127.0.0.9"), peer.getsockname()[1])
            path = UdpPath(Endpoint(LOCAL, bench.options.nat_port), there)
            bench.engine.on("receive", [Send(path, b"answer")])
            for datagram in (esp, NON_ESP_MARKER + b"question"):
                peer.sendto(datagram, ("127.0.0.1", bench.options.nat_port))
            answer = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(peer, 100), 10)
            assert answer == NON_ESP_MARKER + b"answer"
            assert bench.driver.calls[-1] == ("receive", esp, path)
            assert bench.engine.named("receive") == [(b"question", path)]

    in_service(bench, case)


def test_start_and_end_in_order(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        assert bench.driver.calls == [("start",), ("assign", "first")]
        assert events(daemon) == ["ServiceStarted"]

    in_service(bench, case)
    assert bench.driver.calls[2:] == [("close",)]
    assert bench.engine.calls[-1] == ("close",)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_service_in_peace(bench: Bench, number: signal.Signals) -> None:
    """Peers get their deletes while sockets are still open, then the driver tidies up."""

    async def case() -> None:
        daemon = bench.daemon()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.9", 0))
            peer.settimeout(10)
            there = Endpoint(ip_address("127.0.0.9"), peer.getsockname()[1])
            path = UdpPath(Endpoint(LOCAL, bench.options.port), there)
            bench.engine.on("close", [Send(path, b"delete")])
            running = asyncio.ensure_future(daemon.run())
            await daemon.audit.wait_beyond(0, 10)
            os.kill(os.getpid(), number)
            await asyncio.wait_for(running, 10)
            assert peer.recv(100) == b"delete"
        assert bench.driver.calls[-1] == ("close",)
        assert daemon.audit.since(0)[-1].event.sentence == f"service stops: {number.name}"

    asyncio.run(case())


def test_sighup_assigns_the_new_policy(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        bench.policy = Policy(name="second")
        await hang_up(daemon)
        assert bench.driver.calls[-1] == ("assign", "second")
        ((selection, _credentials),) = bench.engine.named("assign")
        assert selection.policy.name == "second"
        assert events(daemon)[-1] == "PolicyAssigned"

    in_service(bench, case)


def test_a_broken_new_policy_changes_nothing_and_the_log_says_why(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        bench.policy = PersonError("unknown cipher 'rot13'", fix="3des", file="p.toml", line=3)
        await hang_up(daemon)
        assert bench.driver.calls == [("start",), ("assign", "first")]
        assert bench.engine.named("assign") == []
        entry = daemon.audit.since(0)[-1]
        assert entry.line == (
            "#2 the new policy is not used, the one before stays in force:\n"
            "p.toml:3: unknown cipher 'rot13'\n  fix: 3des"
        )
        _, status = await bench.ask("GET", "/v1/status")
        assert status["policy"] == "first"

    in_service(bench, case)


def test_a_policy_that_the_driver_refuses_changes_nothing(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        bench.policy = Policy(name="second")
        bench.driver.failures["assign"] = DriverError("nft does not take it")
        await hang_up(daemon)
        assert bench.engine.named("assign") == []
        assert events(daemon)[-1] == "PolicyRefused"

    in_service(bench, case)


def test_a_driver_that_cannot_start_ends_the_service_and_is_not_tidied_up(bench: Bench) -> None:
    """What it would remove may belong to another service, which still runs."""
    bench.driver.failures["start"] = DriverError("no /dev/net/tun")
    with pytest.raises(PersonError, match="the IPSec driver cannot start: no /dev/net/tun"):
        asyncio.run(bench.daemon().run())
    assert bench.driver.calls == [("start",)]
    assert not bench.options.control.exists()


def test_a_first_policy_that_the_driver_refuses_opens_nothing(bench: Bench) -> None:
    """A killed predecessor may have left its protection closed."""
    bench.driver.failures["assign"] = DriverError("nft does not take it")
    with pytest.raises(PersonError, match="the IPSec driver cannot start: nft does not take it"):
        asyncio.run(bench.daemon().run())
    assert [call[0] for call in bench.driver.calls] == ["start", "assign"]


def test_a_driver_that_fails_to_tidy_up_is_reported(bench: Bench) -> None:
    bench.driver.failures["close"] = RuntimeError("a mistake")

    async def case() -> None:
        async with serving(bench.daemon()) as daemon:
            pass
        assert events(daemon)[-1] == "InternalError"

    asyncio.run(case())


def test_new_addresses_fit_the_policy_anew(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def case(daemon: Daemon) -> None:
        daemon._addresses_changed()
        assert bench.engine.named("assign") == [], "nothing has changed in truth"
        new = ip_address("192.0.2.50")
        monkeypatch.setattr(
            assignment, "own_addresses", lambda: OwnAddresses(frozenset((new,)), frozenset())
        )
        daemon._addresses_changed()
        ((selection, _credentials),) = bench.engine.named("assign")
        assert set(selection.local_addresses) == {new, LOCAL}
        assert bench.driver.calls[-1] == ("assign", "first")

    in_service(bench, case)


def test_a_broken_policy_at_start_touches_nothing(bench: Bench) -> None:
    bench.policy = PersonError("broken")
    with pytest.raises(PersonError, match="broken"):
        bench.daemon()
    assert bench.driver.calls == []
