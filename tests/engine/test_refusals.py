"""A quick mode that was refused is not begun anew each second while its packets wait."""

from mainmode import limits
from mainmode.engine.events import NegotiationFailed
from mainmode.policy.model import Policy
from mainmode.policy.selection import Selection
from mainmode.testing.network import Host
from mainmode.testing.samples import CREDENTIALS, policy, rule
from tests.engine.scene import Scene

SAME = policy(rule(quick_mode="esp:aes128-sha1"))
OTHER = policy(rule(quick_mode="esp:3des-sha1"))
PORT = 80


def refused() -> Scene:
    """Bob has other offers than Alice, who wants a pair."""
    scene = Scene(SAME, OTHER)
    wants(scene)
    scene.network.run(1.0)
    assert tries(scene) == 1
    return scene


def wants(scene: Scene) -> None:
    """The driver asks again."""
    scene.acquire(scene.alice, scene.flow(PORT))


def tries(scene: Scene) -> int:
    return len(scene.alice.of(NegotiationFailed))


def test_not_at_once_but_after_a_pause() -> None:
    scene = refused()
    for second in range(1, 10):
        scene.network.run(float(second))
        wants(scene)
    assert tries(scene) == 1
    scene.network.run(1.0 + limits.REFUSAL_PAUSE_S)
    wants(scene)
    scene.network.run(scene.network.now + 1.0)
    assert tries(scene) == 2


def test_an_administrator_need_not_wait() -> None:
    scene = refused()
    network = scene.network
    network.connect(scene.alice, scene.bob)
    network.run(2.0)
    assert tries(scene) == 2


def assign(scene: Scene, host: Host, fitting: Policy) -> None:
    selection = Selection(fitting, [host.address])
    scene.network.do(host, host.engine.assign(selection, CREDENTIALS, scene.network.now))


def test_a_policy_of_ours_that_fits_ends_it() -> None:
    scene = refused()
    assign(scene, scene.alice, OTHER)
    wants(scene)
    scene.network.run(2.0)
    scene.require_agreement()


def test_the_peers_we_cannot_know_of() -> None:
    scene = refused()
    assign(scene, scene.bob, SAME)
    wants(scene)
    scene.network.run(2.0)
    assert tries(scene) == 1
    assert not scene.alice.inbound
    scene.network.run(1.0 + limits.REFUSAL_PAUSE_S)
    wants(scene)
    scene.network.run(scene.network.now + 1.0)
    scene.require_agreement()
