"""A service that runs from the policy store, steered as a person would do it."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.service.ports import two_free_ports
from tests.service.processes import KEY, Service, on_loopback, prepare

pytestmark = pytest.mark.slow  # services start and stop

STORE = """\
# Two policies that want the same, and one that wants nothing.
assigned = "first"

[[policy]]
name = "first"
[[policy.rule]]
name = "partners"
filter_list = "partners"
filter_action = "secure"
authentication = [{ method = "preshared_key", secret_file = "psk" }]

[[policy]]
name = "second"
[[policy.rule]]
name = "the same"
filter_list = "partners"
filter_action = "secure"
authentication = [{ method = "preshared_key", secret_file = "psk" }]

[[policy]]
name = "nothing"

[filter_list.partners]
filters = [{ source = "me", destination = "127.0.0.0/29" }]

[filter_action.secure]
action = "negotiate"
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    prepare(folder, STORE, KEY)
    (folder / "policy.toml").rename(folder / "local.toml")
    return folder


@pytest.fixture
def two(tmp_path: Path, store: Path) -> Iterator[tuple[Service, Service]]:
    """One from the store, one from a policy file."""
    prepare(tmp_path / "partner")
    with ExitStack() as stack:
        ports = two_free_ports()
        first = stack.enter_context(on_loopback(store, "127.0.0.2", ports, store=True))
        second = stack.enter_context(on_loopback(tmp_path / "partner", "127.0.0.3", ports))
        yield first, second


def pairs(service: Service) -> list[str]:
    found = json.loads(service.mainmode("show", "qmsas", "--json").stdout)
    return [each["inbound_spi"] for each in found]


def policy(service: Service, *words: str) -> str:
    """What `mainmode policy` says."""
    verb, *rest = words
    store = [] if verb == "confirm" else ["--store", str(service.directory)]
    done = service.mainmode("policy", verb, *rest, *store)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_what_is_still_wanted_stays_and_the_rest_goes(two: tuple[Service, Service]) -> None:
    here, there = two
    assert here.mainmode("up", there.address).returncode == 0
    before = pairs(here)
    assert len(before) == 1
    assert policy(here, "assign", "second") == "policy 'second' is assigned\n"
    assert pairs(here) == before
    assert policy(here, "assign", "nothing") == "policy 'nothing' is assigned\n"
    assert pairs(here) == []
    assert (here.directory / "local.toml").read_text() == STORE.replace(
        'assigned = "first"', 'assigned = "nothing"'
    )


def test_a_trial_that_nobody_confirms(two: tuple[Service, Service]) -> None:
    here, there = two
    said = policy(here, "assign", "nothing", "--confirm-within", "1s")
    assert said == (
        "policy 'nothing' is assigned on trial: say `mainmode policy confirm` within 1s, "
        "or it ends\n"
    )
    assert (here.directory / "local.toml").read_text() == STORE
    here.wait_for_log("policy 'first' assigned: nobody has confirmed the one on trial")
    assert here.mainmode("up", there.address).returncode == 0


def test_a_trial_that_is_confirmed_by_a_later_command(two: tuple[Service, Service]) -> None:
    here, _ = two
    policy(here, "assign", "second", "--confirm-within", "10m")
    assert "'first' comes back in" in here.mainmode("show", "status").stdout
    assert policy(here, "confirm") == "policy 'second' is assigned for good\n"
    assert 'assigned = "second"' in (here.directory / "local.toml").read_text()
    assert here.mainmode("policy", "confirm").returncode == 2


def test_a_service_that_is_killed_during_a_trial_starts_with_the_former_policy(
    store: Path,
) -> None:
    ports = two_free_ports()
    with on_loopback(store, "127.0.0.2", ports, store=True) as service:
        policy(service, "assign", "nothing", "--confirm-within", "10m")
        service.end(signal.SIGKILL)
    with on_loopback(store, "127.0.0.2", ports, store=True) as service:
        assert "service started with policy 'first'" in service.log


def test_a_policy_that_cannot_be_used_is_not_assigned(two: tuple[Service, Service]) -> None:
    here, _ = two
    (here.directory / "psk").chmod(0o644)
    done = here.mainmode("policy", "assign", "second", "--store", str(here.directory))
    assert done.returncode == 2
    assert "others may use this secret" in done.stderr
    assert (here.directory / "local.toml").read_text() == STORE
    status = json.loads(here.mainmode("show", "status", "--json").stdout)
    assert (status["policy"], status["trial"]) == ("first", None)
