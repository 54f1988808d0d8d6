"""`mainmode run`: what keeps it from starting is one clear message and status 2.

Every case runs in a process of its own: a service takes over its process.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.service.ports import two_free_ports


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "policy.toml"
    file.write_text('[policy]\nname = "test"\n')
    return file


def run(policy: Path, *words: str, prefix: Sequence[str] = ()) -> tuple[int, str]:
    """Exit status and stderr of a service that cannot start."""
    port, nat_port = two_free_ports()
    ports = [] if "--port" in words else ["--port", str(port), "--nat-port", str(nat_port)]
    command = [*prefix, sys.executable, "-m", "mainmode", "run", "--policy", str(policy)]
    control = ["--control", str(policy.parent / "control.sock")]
    done = subprocess.run(
        [*command, *control, *ports, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"},
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_broken_policy(policy: Path) -> None:
    policy.write_text("[policy\n")
    status, said = run(policy, "--driver", "null")
    assert status == 2
    assert said.startswith(f"{policy}:1: ")
    assert "Traceback" not in said


def test_a_policy_from_two_places(policy: Path) -> None:
    status, said = run(policy, "--store", str(policy.parent))
    assert (status, said) == (2, "--policy and --store are two places\n  fix: give one of them\n")


def test_a_port_in_use(policy: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = str(other.getsockname()[1])
        status, said = run(
            policy, "--driver", "null", "--listen", "127.0.0.1", "--port", port, "--nat-port", "9"
        )
    assert (status, said) == (
        2,
        f"cannot listen on UDP 127.0.0.1:{port}: address already in use\n"
        "  fix: stop the other IKE service, or choose --listen, --port and --nat-port\n",
    )


def test_an_address_that_is_not_ours(policy: Path) -> None:
    status, said = run(policy, "--driver", "null", "--listen", "198.51.100.1")
    assert status == 2
    assert "198.51.100.1" in said
    assert said.endswith("  fix: --listen takes addresses of this computer\n")


def test_a_word_that_is_no_address(policy: Path) -> None:
    assert run(policy, "--listen", "everywhere") == (
        2,
        "'everywhere' does not appear to be an IPv4 or IPv6 address\n"
        "  fix: --listen takes IPv4 and IPv6 addresses\n",
    )


@pytest.mark.parametrize("option", ["--port", "--nat-port"])
@pytest.mark.parametrize("port", ["0", "65536"])
def test_a_number_that_is_no_port(policy: Path, option: str, port: str) -> None:
    status, said = run(policy, "--driver", "null", option, port)
    assert status == 2
    assert f"Invalid value for '{option}': {port} is not in the range" in said
    assert "Traceback" not in said


def test_one_port_for_both(policy: Path) -> None:
    assert run(policy, "--port", "5000", "--nat-port", "5000") == (
        2,
        "--port and --nat-port are both 5000\n  fix: give them two ports\n",
    )


def test_a_control_socket_that_cannot_be_made(policy: Path) -> None:
    status, said = run(policy, "--driver", "null", "--control", str(policy / "below" / "a-file"))
    assert status == 2
    assert said.startswith("cannot make the control socket ")


@pytest.mark.network
def test_ports_that_need_a_right_we_do_not_have(policy: Path) -> None:
    """In a network namespace of its own, with every capability given up."""
    prefix = ["unshare", "--user", "--map-root-user", "--net", "setpriv", "--bounding-set=-all"]
    ports = ["--port", "500", "--nat-port", "4500"]
    status, said = run(policy, "--driver", "null", *ports, prefix=prefix)
    assert (status, said) == (
        2,
        "cannot listen on UDP 0.0.0.0:500: permission denied\n"
        "  fix: run as root or with CAP_NET_BIND_SERVICE, or choose ports above 1023\n",
    )


@pytest.mark.network
def test_a_driver_that_lacks_its_rights(policy: Path) -> None:
    policy.write_text(
        '[policy]\nname = "test"\n[filter_list.all]\nfilters = [{ source = "me", destination = '
        '"any" }]\n[filter_action.stop]\naction = "block"\n[[rule]]\nname = "all"\n'
        'filter_list = "all"\nfilter_action = "stop"\n'
    )
    prefix = ["unshare", "--user", "--map-root-user", "--net", "setpriv", "--bounding-set=-all"]
    status, said = run(policy, prefix=prefix)
    assert status == 2
    assert said.startswith("the user-space driver cannot run here: no right to change network")
    assert said.endswith("or with --driver null to negotiate without protecting anything\n")
