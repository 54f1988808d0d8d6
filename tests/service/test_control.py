"""The control API over a real Unix socket, with a scripted engine behind it."""

import asyncio
import json
import logging
import stat
import time
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from mainmode import __version__
from mainmode.driver.contract import PairCounters
from mainmode.engine.effects import Record
from mainmode.engine.events import FloodSuspected
from mainmode.errors import PersonError
from mainmode.policy.model import Policy
from mainmode.service import logs
from mainmode.service.daemon import Daemon
from mainmode.service.unix_server import bind_control_socket
from tests.service.fakes import PATH
from tests.service.running import Bench, in_service, serving
from tests.service.samples import MAIN_MODE, PAIR, QUICK_MODE, SECRET, SOFT, SOFT_WEB

FLOOD = FloodSuspected(PATH, "a test")
PEER = ip_address("127.0.0.9")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_status(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        status, answer = await bench.ask("GET", "/v1/status")
        assert status == 200
        ports = bench.options.port, bench.options.nat_port
        assert answer["listening"] == [f"127.0.0.1:{port}" for port in ports]
        assert (answer["version"], answer["policy"]) == (__version__, "first")
        assert (answer["mmsas"], answer["qmsas"], answer["last_event"]) == (0, 0, 1)
        assert answer["driver"] == "scripted"

    in_service(bench, case)


def test_security_associations_and_not_one_octet_of_a_key(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        now = time.monotonic()
        bench.engine.main_modes = [replace(MAIN_MODE, established_at=now - 60)]
        bench.engine.quick_modes = [replace(QUICK_MODE, established_at=now - 60)]
        bench.driver.carried[PAIR.spi] = PairCounters(octets_sent=100, octets_received=200)
        _, mmsas = await bench.ask("GET", "/v1/mmsas")
        _, qmsas = await bench.ask("GET", "/v1/qmsas")
        (main_mode,) = mmsas["mmsas"]
        (quick_mode,) = qmsas["qmsas"]
        assert 60 <= main_mode["age_s"] < 90
        assert main_mode["remote_address"] == "192.0.2.2"
        assert quick_mode["octets_received"] == 200
        assert (quick_mode["inbound_spi"], quick_mode["outbound_spi"]) == ("00001111", "00002222")
        for shape in (SECRET.decode(), SECRET.hex()):
            assert shape not in json.dumps((mmsas, qmsas))

    in_service(bench, case)


def test_soft_sas(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        bench.engine.soft = [replace(SOFT_WEB, since=time.monotonic() - 60)]
        _, answer = await bench.ask("GET", "/v1/soft")
        (soft,) = answer["soft"]
        assert 60 <= soft.pop("age_s") < 90
        assert soft == {
            "number": 12,
            "local_address": "192.0.2.1",
            "local_port": 0,
            "remote_address": "192.0.2.2",
            "remote_port": 80,
            "protocol": "tcp",
        }
        _, status = await bench.ask("GET", "/v1/status")
        assert status["soft"] == 1

    in_service(bench, case)


def test_statistics_have_the_documented_names(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        bench.engine.statistics.send_failures = 2
        daemon._sockets.counters.send_failures = 3
        _, answer = await bench.ask("GET", "/v1/stats")
        assert list(answer["ike"])[:3] == ["Active Acquire", "Active Receive", "Acquire Failures"]
        assert answer["ike"]["Send Failures"] == 5
        assert answer["ipsec"]["Key Additions"] == 7
        assert answer["dropped"] == {"a reason": 2}
        assert answer["events"] == {"ServiceStarted": 1}

    in_service(bench, case)


def test_events_since(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        daemon.audit.record(FLOOD)
        _, answer = await bench.ask("GET", "/v1/events?since=1")
        assert (answer["last"], answer["more"], answer["lost"]) == (2, False, 0)
        (event,) = answer["events"]
        assert (event["sequence"], event["audit"]) == (2, 550)

    in_service(bench, case)


def test_events_say_how_many_are_lost(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        for _ in range(10_005):
            daemon.audit.record(FLOOD)
        _, answer = await bench.ask("GET", "/v1/events?since=0")
        assert answer["lost"] == 6
        assert [event["sequence"] for event in answer["events"]] == list(range(7, 1007))
        assert (answer["last"], answer["more"]) == (1006, True)

    in_service(bench, case)


def test_waiting_for_events_ends_with_the_next_one(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        waiting = asyncio.ensure_future(bench.ask("GET", "/v1/events?since=1&wait=60"))
        asyncio.get_running_loop().call_later(0.05, daemon.audit.record, FLOOD)
        _, answer = await waiting
        assert [event["event"] for event in answer["events"]] == ["FloodSuspected"]

    in_service(bench, case)


def test_waiting_for_events_does_not_hold_up_the_end_of_the_service(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        waiting = asyncio.ensure_future(bench.ask("GET", "/v1/events?since=1&wait=60"))
        asyncio.get_running_loop().call_later(0.05, daemon.stop, "a test")
        _, answer = await waiting
        assert [event["event"] for event in answer["events"]] == ["ServiceStopping"]

    began = time.monotonic()
    in_service(bench, case)
    assert time.monotonic() - began < 30


def test_up_starts_a_negotiation_and_says_from_which_event_on_to_look(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        bench.engine.on("connect", [Record(FLOOD)])
        answer = await bench.ask("POST", "/v1/up", {"peer": "127.0.0.9"})
        assert answer == (202, {"peer": "127.0.0.9", "since": 1})
        ((path,),) = bench.engine.named("connect")
        assert (path.local.address, path.peer.address) == (ip_address("127.0.0.1"), PEER)
        assert path.local.port == path.peer.port == bench.options.port
        assert daemon.audit.last == 2

    in_service(bench, case)


def test_down_says_how_much_it_ended(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        bench.engine.main_modes = [MAIN_MODE]
        bench.engine.quick_modes = [QUICK_MODE, QUICK_MODE]
        bench.engine.soft = [SOFT, SOFT_WEB, SOFT]
        answer = await bench.ask("POST", "/v1/down", {"peer": "192.0.2.2"})
        assert answer == (200, {"peer": "192.0.2.2", "mmsas": 1, "qmsas": 2, "soft": 3})
        assert bench.engine.named("disconnect") == [(ip_address("192.0.2.2"),)]

    in_service(bench, case)


def test_reload(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        bench.policy = Policy(name="second")
        assert await bench.ask("POST", "/v1/reload") == (200, {"policy": "second"})
        bench.policy = PersonError("no such rule", file="policy.toml", line=7)
        answer = await bench.ask("POST", "/v1/reload")
        assert answer == (422, {"error": "policy.toml:7: no such rule"})

    in_service(bench, case)


def test_log_level(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        answer = await bench.ask("PUT", "/v1/log-level", {"level": "debug"})
        assert answer == (200, {"level": "debug"})
        assert logs.current_level() == "debug"
        status, _ = await bench.ask("PUT", "/v1/log-level", {"level": "loud"})
        assert status == 422

    try:
        in_service(bench, case)
    finally:
        logging.getLogger("mainmode").setLevel(logging.NOTSET)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("GET", "/v1/nothing", None, 404, "the control API has no GET /v1/nothing"),
        ("POST", "/v1/status", None, 405, "the control API has no POST /v1/status"),
        ("GET", "/v1/events?since=x", None, 422, "since=x: not a number from 0 up"),
        ("GET", "/v1/events?since=-1", None, 422, "since=-1: not a number from 0 up"),
        ("GET", "/v1/events?wait=nan", None, 422, "wait=nan: not a number from 0 up"),
        (
            "POST",
            "/v1/up",
            b'{"peer": "host"}',
            422,
            "'host' is no address\n  fix: name the peer by its IPv4 or IPv6 address",
        ),
        *(
            (
                "POST",
                "/v1/up",
                body,
                422,
                'the body must be JSON with a text \'peer\', like {"peer": "..."}',
            )
            for body in (b"", b"{", b"[]", b'{"peer": 7}', b'{"peers": "x"}', b"\xff")
        ),
    ],
)
def test_what_is_wrong_is_one_clear_message(
    bench: Bench, method: str, path: str, body: bytes | None, status: int, error: str
) -> None:
    async def case(daemon: Daemon) -> None:
        assert await bench.ask(method, path, body) == (status, {"error": error})

    in_service(bench, case)


def test_a_mistake_of_ours_is_reported_and_kept(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        bench.engine.main_modes = [object()]  # type: ignore[list-item]
        status, answer = await bench.ask("GET", "/v1/mmsas")
        assert status == 500
        assert answer == {"error": "internal error while answering GET /v1/mmsas: see event 2"}
        assert "AttributeError" in daemon.audit.since(1)[0].event.sentence

    in_service(bench, case)


def test_only_the_owner_may_use_the_socket_and_it_goes_away(bench: Bench) -> None:
    async def case(daemon: Daemon) -> None:
        assert stat.S_IMODE(bench.options.control.stat().st_mode) == 0o600

    in_service(bench, case)
    assert not bench.options.control.exists()


def test_the_socket_of_a_dead_service_is_replaced(bench: Bench) -> None:
    bind_control_socket(bench.options.control).close()
    assert bench.options.control.exists()

    async def case(daemon: Daemon) -> None:
        assert (await bench.ask("GET", "/v1/status"))[0] == 200

    in_service(bench, case)


def test_the_socket_of_a_living_service_is_left_alone(bench: Bench, tmp_path: Path) -> None:
    second = Bench(tmp_path)

    async def case() -> None:
        async with serving(bench.daemon()):
            with pytest.raises(PersonError, match="another mainmode service answers at"):
                second.daemon()
            assert (await bench.ask("GET", "/v1/status"))[0] == 200
        assert second.driver.calls == [], "the second service touched nothing"

    asyncio.run(case())


def test_a_file_at_its_place_is_not_removed(bench: Bench) -> None:
    bench.options.control.write_text("precious")
    with pytest.raises(PersonError, match="exists and is no socket"):
        bench.daemon()
    assert bench.options.control.read_text() == "precious"


def test_a_place_that_cannot_be_had_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(PersonError, match=r"cannot make the control socket .*\n  fix: choose"):
        bind_control_socket(tmp_path / ("x" * 200))
