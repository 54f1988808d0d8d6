"""`mainmode show`, word for word."""

import json
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from mainmode.engine.events import FloodSuspected
from mainmode.model import UdpEncapsulation
from mainmode.service.audit import AuditStore
from mainmode.service.views import (
    MainModeView,
    QuickModeView,
    main_mode_view,
    quick_mode_view,
    soft_view,
)
from tests.cli.conftest import Shell
from tests.cli.served import Stub
from tests.service.fakes import PATH
from tests.service.samples import (
    MAIN_MODE,
    PAIR,
    QUICK_MODE,
    SOFT,
    SOFT_WEB,
    TUNNEL,
    quick_mode,
)

MAIN: MainModeView = main_mode_view(MAIN_MODE, now=3723.0)
QUICK: QuickModeView = quick_mode_view(QUICK_MODE, None, now=42.0)
IN_TUNNEL: QuickModeView = quick_mode_view(quick_mode(TUNNEL), None, now=90_000.0)

GOLDEN = Path(__file__).parent / "golden"


def test_main_mode_sas(service: Shell, stub: Stub) -> None:
    stub.mmsas = [MAIN]
    assert service("show", "mmsas").stdout == (GOLDEN / "mmsas.txt").read_text()
    assert json.loads(service("show", "mmsas", "--json").stdout) == [MAIN]


def test_a_pair_is_one_quick_mode_sa(service: Shell, stub: Stub) -> None:
    stub.qmsas = [QUICK, IN_TUNNEL]
    assert service("show", "qmsas").stdout == (GOLDEN / "qmsas.txt").read_text()
    assert json.loads(service("show", "qmsas", "--json").stdout) == [QUICK, IN_TUNNEL]
    assert QUICK["inbound_spi"] == f"{PAIR.spi:08x}"


def test_a_pair_in_udp_shows_its_ports(service: Shell, stub: Stub) -> None:
    in_udp = UdpEncapsulation(4500, 41_500, ip_address("10.0.0.2"))
    views = [
        quick_mode_view(quick_mode(replace(each, udp=in_udp)), None, now=42.0)
        for each in (PAIR, TUNNEL)
    ]
    stub.qmsas = views
    first, second = service("show", "qmsas").stdout.splitlines()[-2:]
    assert "  transport in UDP 4500-41500  " in first
    assert "  tunnel 192.0.2.1-192.0.2.2 in UDP 4500-41500  " in second
    assert views[0]["udp"] == {"local_port": 4500, "peer_port": 41_500, "peer_original": "10.0.0.2"}
    assert QUICK["udp"] is None


def test_soft_sas(service: Shell, stub: Stub) -> None:
    stub.soft_sas = [soft_view(each, now=1_000.0) for each in (SOFT, SOFT_WEB)]
    assert service("show", "soft").stdout == (GOLDEN / "soft.txt").read_text()
    assert json.loads(service("show", "soft", "--json").stdout) == stub.soft_sas


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("mmsas", "no main mode SA\n"),
        ("qmsas", "no quick mode SA\n"),
        ("soft", "no soft SA\n"),
    ],
)
def test_none_at_all(service: Shell, what: str, said: str) -> None:
    assert service("show", what).stdout == said
    assert service("show", what, "--json").stdout == "[]\n"


def test_statistics_in_two_groups(service: Shell) -> None:
    lines = service("show", "stats").stdout.splitlines()
    assert lines[0] == "IKE statistics"
    assert "  IKE Main Mode                    12" in lines
    second = lines.index("IPSec statistics")
    assert second == 24, "23 documented IKE counters stand above"
    assert "  Bad SPI Packets                  345" in lines[second:]
    assert len(lines) == second + 20, "and 19 documented IPSec counters below"
    counters = json.loads(service("show", "stats", "--json").stdout)
    assert counters["ike"]["IKE Main Mode"] == 12


def test_dropped_packets_follow_with_their_reasons(service: Shell, stub: Stub) -> None:
    before = service("show", "stats").stdout
    stub.dropped = {"the sequence number was seen before": 3, "blocked by policy on arrival": 12}
    assert service("show", "stats").stdout == before + (
        "Packets dropped, and why\n"
        "         3  the sequence number was seen before\n"
        "        12  blocked by policy on arrival\n"
    )
    assert json.loads(service("show", "stats", "--json").stdout)["dropped"] == stub.dropped


def test_events(service: Shell, stub: Stub) -> None:
    for why in ("first", "second"):
        stub.audit.record(FloodSuspected(PATH, why))
    lines = service("show", "events").stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].endswith(
        ".500 warning audit 550: possible denial of service from 192.0.2.2:500: first"
    )
    assert service("show", "events", "--since", "1").stdout.splitlines() == lines[1:]
    (event,) = service("show", "events", "--since", "1", "--json").stdout.splitlines()
    assert json.loads(event)["why"] == "second"


def test_older_events_that_are_gone(service: Shell, stub: Stub) -> None:
    stub.audit = AuditStore(kept_max=2)
    for why in ("first", "second", "third"):
        stub.audit.record(FloodSuspected(PATH, why))
    lines = service("show", "events").stdout.splitlines()
    assert lines[0] == "older events are gone: 1"
    assert [line.rpartition(" ")[2] for line in lines[1:]] == ["second", "third"]
    assert len(service("show", "events", "--since", "1").stdout.splitlines()) == 2
    assert len(service("show", "events", "--json").stdout.splitlines()) == 2


def test_status(service: Shell) -> None:
    assert service("show", "status").stdout == (
        "version       1.2.3\n"
        "pid           77\n"
        "started       2023-11-14T22:13:20+00:00\n"
        "uptime        2m05s\n"
        "policy        test\n"
        "policy file   /etc/mainmode/policy.toml\n"
        "driver        null\n"
        "listening     0.0.0.0:500, [::]:500\n"
        "log level     info\n"
        "mmsas         1\n"
        "qmsas         2\n"
        "soft          0\n"
        "last event    3\n"
    )
    assert json.loads(service("show", "status", "--json").stdout)["pid"] == 77
