"""Netsh commands and scripts with a service that runs from the store."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.service.ports import two_free_ports
from tests.service.processes import KEY, Service, on_loopback, prepare

pytestmark = pytest.mark.slow  # services start and stop

SCRIPT = f"""\
@echo off
set POLICY=branch office
netsh ipsec static delete policy name="%POLICY%"
netsh ipsec static add policy name="%POLICY%" activatedefaultrule=no >nul
netsh ipsec static add filter filterlist=partners srcaddr=me dstaddr=127.0.0.0 ^
    dstmask=255.255.255.248
netsh ipsec static add filteraction name=secure qmsec="ESP[3DES,SHA1]:100000k/3600s"
netsh ipsec static add rule name=partners policy="%POLICY%" filterlist=partners ^
    filteraction=secure psk="{KEY}"
netsh ipsec static set policy name="%POLICY%" assign=y
pause
"""


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Service, Service]]:
    """One from an empty store, one from a policy file."""
    (tmp_path / "store").mkdir()
    prepare(tmp_path / "partner")
    with ExitStack() as stack:
        ports = two_free_ports()
        first = stack.enter_context(on_loopback(tmp_path / "store", "127.0.0.2", ports, store=True))
        second = stack.enter_context(on_loopback(tmp_path / "partner", "127.0.0.3", ports))
        yield first, second


def netsh(service: Service, *words: str) -> str:
    """What a command of netsh prints."""
    done = service.mainmode("netsh", *words, "--store", str(service.directory))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_script_is_in_force_at_once(two: tuple[Service, Service], tmp_path: Path) -> None:
    here, there = two
    assert here.mainmode("up", there.address).returncode == 1
    script = tmp_path / "policy.bat"
    script.write_text(SCRIPT)
    done = here.mainmode("policy", "import", str(script), "--store", str(here.directory))
    assert done.returncode == 0, done.stderr
    assert here.mainmode("up", there.address).returncode == 0
    assert there.address in netsh(here, "ipsec", "dynamic", "show", "mmsas")
    netsh(here, "ipsec", "static", "set", "policy", "branch office", "assign=n")
    assert netsh(here, "ipsec", "dynamic", "show", "qmsas") == "no quick mode SA\n"


def test_a_dynamic_rule_is_in_force_at_once_and_until_the_end(
    two: tuple[Service, Service],
) -> None:
    here, there = two
    netsh(here, "ipsec", "dynamic", "add", "mmpolicy", "mm")
    netsh(here, "ipsec", "dynamic", "add", "qmpolicy", "qm")
    rule = ["srcaddr=me", f"dstaddr={there.address}", "mmpolicy=mm", "qmpolicy=qm", f"psk={KEY}"]
    netsh(here, "ipsec", "dynamic", "add", "rule", *rule)
    assert here.mainmode("up", there.address).returncode == 0
    assert there.address in netsh(here, "ipsec", "dynamic", "show", "qmsas", "format=table")
    assert here.end() == 0
    assert "There are none." in netsh(here, "ipsec", "dynamic", "show", "rule")
    assert list((here.directory / "keys").iterdir()) == []
