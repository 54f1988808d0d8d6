"""Our responder beside another one: both are real, and the ratios follow from what was measured."""

import json
import subprocess
import sys
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mainmode.auth.authenticator import Role
from mainmode.bench import strongswan
from mainmode.bench.against import BATCHES, against_strongswan
from mainmode.bench.comparison import Comparison, Share
from mainmode.bench.ground import TUNNELS
from mainmode.cli.main import main
from mainmode.cli.outcome import Failed
from mainmode.demo import requirements
from mainmode.failures import Refused
from mainmode.model import AddressRange, Mode, Selector
from mainmode.testing import charon
from mainmode.testing.samples import PRESHARED_KEY

OFFER = "3des-sha1-group2"
OURS = Share(pairs=2_000, elapsed_s=2.0, responder_cpu_s=2.0, initiator_cpu_s=3.0, grown_octets=0)
THEIRS = Share(2_000, 4.0, 8.0, 3.0, 44_000_000)


@pytest.mark.peer
def test_both_responders_are_measured_in_one_run() -> None:
    words = ("--against", "strongswan", "--count", "100", "--offer", "aes128-sha1-group14")
    done = subprocess.run(
        [sys.executable, "-m", "mainmode", "bench", "handshake", *words, "--json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    measured = json.loads(done.stdout)
    assert measured["offer"] == "aes128-sha1-group14"
    assert measured["peer"].startswith("strongSwan ")
    assert measured["negotiations"] == 80, "a fifth warms up"
    for figure in ("rate_per_s", "responder_cpu_ms", "initiator_cpu_ms"):
        ours, theirs = measured["ours"][figure], measured["theirs"][figure]
        assert min(ours, theirs) > 0
        assert measured["ratios"][figure] == pytest.approx(ours / theirs, abs=0.01)


@pytest.mark.peer
def test_a_peer_that_refuses_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def other_quick_mode(*words: str) -> str:
        return charon.proposal(*words) if len(words) == 3 else "aes128-sha1"

    monkeypatch.setattr(strongswan, "proposal", other_quick_mode)
    with pytest.raises(Failed, match="NO-PROPOSAL-CHOSEN"):
        against_strongswan(BATCHES, OFFER)


def bench(*words: str) -> Result:
    return CliRunner().invoke(main, ["bench", "handshake", "--against", "strongswan", *words])


def test_without_strongswan_there_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charon, "PROGRAM", Path("/nowhere/charon"))
    done = bench()
    assert done.exit_code == 2
    assert done.output.splitlines() == [
        "strongSwan is not installed (Debian: apt-get install charon-systemd)",
        "  fix: ./test installs what it needs as root, this too",
    ]


def test_without_rights_there_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charon, "PROGRAM", Path(sys.executable))
    monkeypatch.setattr(strongswan, "which", lambda _name: sys.executable)
    monkeypatch.setattr(requirements, "missing_for_hosts", lambda: iter(("no rights",)))
    done = bench()
    assert done.exit_code == 2
    assert done.output.startswith("the benchmark cannot run here:\n  - no rights\n")


def test_engines_alone_have_no_peer() -> None:
    assert bench("--engine").exit_code == 2


# --- figures --------------------------------------------------------------------------------


def test_each_ratio_is_ours_to_theirs() -> None:
    measured = Comparison(OFFER, "another", OURS, THEIRS).as_json()
    assert measured["ours"] == {
        "rate_per_s": 1000.0,
        "responder_cpu_ms": 1.0,
        "initiator_cpu_ms": 1.5,
        "bytes_per_sa_pair": 0,
    }
    assert measured["ratios"] == {
        "rate_per_s": 2.0,
        "responder_cpu_ms": 0.25,
        "initiator_cpu_ms": 1.0,
        "bytes_per_sa_pair": 0,
    }


def test_people_read_the_same_and_what_is_not_alike() -> None:
    text = Comparison(OFFER, "another", OURS, THEIRS).text
    rate, cpu = (line.split() for line in text.splitlines()[2:4])
    assert rate[-3:] == ["1,000", "500", "2.00"]
    assert cpu[-3:] == ["1.000", "4.000", "0.25"]
    assert "not alike: " in text
    assert "load" in text


def test_a_short_run_says_nothing_of_memory() -> None:
    short = Share(80, 1.0, 1.0, 1.0, 4096)
    comparison = Comparison(OFFER, "another", short, short)
    assert comparison.as_json()["ratios"] == {
        "rate_per_s": 1.0,
        "responder_cpu_ms": 1.0,
        "initiator_cpu_ms": 1.0,
        "bytes_per_sa_pair": None,
    }
    assert "too few negotiations to tell" in comparison.text


# --- policy ---------------------------------------------------------------------------------

RESPONDER = TUNNELS.responders + 300
INITIATOR = TUNNELS.initiator_of(RESPONDER)
SEEN_INITIATOR = IPv4Address("10.64.1.44")
HERE, THERE = AddressRange.host(RESPONDER), AddressRange.host(INITIATOR)


def test_every_initiator_wants_a_tunnel_between_the_two_hosts() -> None:
    wish = TUNNELS.selection(OFFER, Role.INITIATOR).connection(INITIATOR, RESPONDER)
    assert wish is not None
    assert (wish.mode, wish.peer) == (Mode.TUNNEL, RESPONDER)
    assert wish.selector == Selector(THERE, HERE)


def test_every_responder_gives_it_and_no_other() -> None:
    selection = TUNNELS.selection(OFFER, Role.RESPONDER)
    assert selection.toward(RESPONDER, SEEN_INITIATOR) is not None
    ends = RESPONDER, SEEN_INITIATOR, PRESHARED_KEY, Mode.TUNNEL
    assert selection.authorise(Selector(HERE, THERE), *ends).peer is not None
    with pytest.raises(Refused):
        selection.authorise(Selector(THERE, HERE), *ends)
