"""How many quick modes come off one main mode: as many as policy says."""

import pytest

from mainmode.failures import Reason
from mainmode.numbers import NotifyType
from mainmode.policy.model import Policy
from mainmode.testing.faults import lose_from, notification_in_clear
from mainmode.testing.samples import policy, rule
from tests.engine.scene import Scene, failures, numbers

PORTS = (80, 81, 82, 83, 84)


def scene_with(limited: Policy, other: Policy) -> Scene:
    """Alice wants a pair for each of five ports, one after the other."""
    scene = Scene(limited, other)
    for port in PORTS:
        scene.acquire(scene.alice, scene.flow(port))
        scene.network.run(scene.network.now + 1.0)
    return scene


def port_policies(quick_modes_max: int, *, master_pfs: bool = False) -> tuple[Policy, Policy]:
    here = [rule(protocol=6, port=port) for port in PORTS]
    there = [rule("any", "me", protocol=6, port=port) for port in PORTS]
    limited = policy(*here, quick_modes_max=quick_modes_max, master_pfs=master_pfs)
    return limited, policy(*there)


@pytest.mark.parametrize(("most", "main_modes"), [(0, 1), (1, 5), (2, 3), (5, 1), (9, 1)])
def test_at_the_limit_another_main_mode_is_made(most: int, main_modes: int) -> None:
    scene = scene_with(*port_policies(most))
    scene.require_agreement(pairs=5)
    assert len(scene.alice.engine.main_mode_sas()) == main_modes, "none is deleted"


def test_master_key_pfs_is_one_quick_mode_for_each_main_mode() -> None:
    scene = scene_with(*port_policies(0, master_pfs=True))
    scene.require_agreement(pairs=5)
    assert len(scene.alice.engine.main_mode_sas()) == 5


def test_also_when_they_are_wanted_at_once() -> None:
    limited, other = port_policies(2)
    scene = Scene(limited, other)
    for port in PORTS:
        scene.acquire(scene.alice, scene.flow(port))
    scene.network.run(5.0)
    scene.require_agreement(pairs=5)
    assert len(scene.alice.engine.main_mode_sas()) == 3


def test_the_responder_takes_no_more_than_its_own_policy_says() -> None:
    """Whoever asks for more hears so, and makes another main mode at once."""
    scene = Scene(
        policy(*(rule(protocol=6, port=port) for port in PORTS)),
        policy(*(rule("any", "me", protocol=6, port=port) for port in PORTS), quick_modes_max=1),
    )
    for port in PORTS[:2]:
        scene.acquire(scene.alice, scene.flow(port))
        scene.network.run(scene.network.now + 1.0)
    scene.require_agreement(pairs=2)
    assert [sa.quick_modes for sa in scene.bob.engine.main_mode_sas()] == [1, 1]
    for host in (scene.alice, scene.bob):
        [failure] = failures(host)
        assert failure.reason is Reason.MAIN_MODE_USED_UP


def test_who_says_in_clear_that_it_is_used_up_is_not_believed() -> None:
    scene = Scene(fault=lose_from(numbers()["quick mode message 1"])).connect()
    [sa] = scene.alice.engine.main_mode_sas()
    forged = notification_in_clear(scene.datagrams[-1], NotifyType.INVALID_COOKIE)
    scene.network.do(scene.alice, scene.alice.engine.receive(forged, sa.path, scene.network.now))
    assert failures(scene.alice) == []
    assert sa.usable
