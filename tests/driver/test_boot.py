"""Boot modes: what passes before the service has come."""

import socket
from dataclasses import replace

import pytest

from mainmode.driver.user import boot, driver, netfilter, ruleset
from mainmode.errors import DriverError
from mainmode.model import Direction
from mainmode.policy.model import Policy
from mainmode.policy.selection import Selection
from mainmode.policy.settings import BootExemption, BootMode, Settings
from tests.driver.lab import ping
from tests.peers.network import FIRST, SECOND, Host

SSH = BootExemption(6, 0, 22, Direction.INBOUND)
BLOCK = Settings(boot_mode=BootMode.BLOCK, boot_exemptions=(SSH,))
STATEFUL = replace(BLOCK, boot_mode=BootMode.STATEFUL)


def test_permit_is_nothing_at_all() -> None:
    assert boot.commands(Settings(boot_exemptions=(SSH,))) == ""


def test_exemptions_stand_in_their_direction() -> None:
    out = BootExemption(17, 500, 0, Direction.OUTBOUND)
    anything = BootExemption(0, 0, 0, Direction.OUTBOUND)
    said = boot.commands(replace(BLOCK, boot_exemptions=(SSH, out, anything)))
    rules = [line.partition("mainmode ")[2] for line in said.splitlines()]
    assert "input meta l4proto 6 th dport 22 accept" in rules
    assert "output meta l4proto 17 th sport 500 accept" in rules
    assert "output accept" in rules
    assert rules[-1] == "forward drop"


# --- in network namespaces ------------------------------------------------------------------------


def connects(caller: Host, listener: Host, address: str, port: int) -> bool:
    with (
        listener.socket(socket.AF_INET, socket.SOCK_STREAM) as ear,
        caller.socket(socket.AF_INET, socket.SOCK_STREAM) as mouth,
    ):
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        ear.bind(("0.0.0.0", port))
        ear.listen()
        mouth.settimeout(1.0)
        try:
            mouth.connect((address, port))
        except OSError:
            return False
        return True


@pytest.mark.network
def test_block(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    assert ping(one, SECOND)
    assert one.inside(lambda: driver.close_for_boot(BLOCK))
    assert not ping(one, SECOND, seconds=0.3)
    assert not ping(other, FIRST, seconds=0.3)
    assert connects(other, one, FIRST, 22), "exempt, with what answers"
    assert not connects(other, one, FIRST, 23)
    assert not connects(one, other, SECOND, 22)


@pytest.mark.network
def test_stateful(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    assert one.inside(lambda: driver.close_for_boot(STATEFUL))
    assert ping(one, SECOND)
    assert connects(one, other, SECOND, 5_001)
    assert not ping(other, FIRST, seconds=0.3)
    assert connects(other, one, FIRST, 22)
    assert not connects(other, one, FIRST, 23)


@pytest.mark.network
def test_permit(hosts: tuple[Host, Host]) -> None:
    one, _ = hosts
    assert not one.inside(lambda: driver.close_for_boot(Settings()))
    assert one.run(["nft", "list", "tables"]) == ""


@pytest.mark.network
def test_the_services_table_takes_its_place_and_is_not_touched(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    one.inside(lambda: driver.close_for_boot(BLOCK))
    nothing = Selection(Policy("nothing"), [])
    table = ruleset.build(nothing, device="mainmode0", ike_ports=(500, 4500))
    one.inside(lambda: netfilter.load(table))
    assert ping(one, SECOND)
    assert ping(other, FIRST)
    with pytest.raises(DriverError, match="of a service stands already"):
        one.inside(lambda: driver.close_for_boot(BLOCK))
    one.inside(driver.clean)
    assert one.run(["nft", "list", "tables"]) == ""
