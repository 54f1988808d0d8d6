"""Many negotiations in bad weather among forgers: each is established or explained."""

import pytest

from mainmode.engine.events import (
    MainModeEstablished,
    NegotiationFailed,
    QuickModeEnded,
    QuickModeEstablished,
)
from mainmode.failures import Reason
from mainmode.testing.faults import Weather
from tests.engine.scene import LONG_ENOUGH_S, Scene, keys, tables

RUNS = 500
DATAGRAMS_MAX = 80
"""In one run: eleven messages, six sendings and five replies of each at the very most."""

EXPLANATIONS = {
    Reason.TIMED_OUT,
    Reason.WRONG_KEY,
    Reason.PEER_REFUSED,
    Reason.NO_COMMON_PROPOSAL,
    Reason.IDENTITY_MISMATCH,
    Reason.BAD_PROPOSAL,
    Reason.BAD_PUBLIC_VALUE,
    Reason.OFFER_MODIFIED,
    Reason.UNSUPPORTED_EXCHANGE,
    Reason.NOT_AUTHORISED,
}


def run(seed: int) -> Scene:
    weather = Weather(seed, loss=0.2, duplication=0.2, lateness=0.3, forgery=0.3)
    return Scene(fault=weather, seed=seed).connect(LONG_ENOUGH_S)


@pytest.mark.parametrize("hundred", range(RUNS // 100))
def test_every_negotiation_ends_in_an_sa_or_an_explanation(hundred: int) -> None:
    established = 0
    for seed in range(100 * hundred, 100 * hundred + 100):
        scene = run(seed)
        alice, bob = scene.alice, scene.bob
        assert len(scene.datagrams) <= DATAGRAMS_MAX, f"seed {seed}: a storm"
        require_equal_keys(scene)
        for host in (alice, bob):
            assert set(tables(host).values()) == {0}, f"seed {seed}"
            for failure in (event.failure for event in host.of(NegotiationFailed)):
                assert failure.reason in EXPLANATIONS, f"seed {seed}"
                assert failure.step
        if alice.of(QuickModeEstablished):
            established += 1
        else:
            assert alice.of(NegotiationFailed), f"seed {seed}: neither an SA nor a word"
    assert established >= 80, "most of them get through"


def require_equal_keys(scene: Scene) -> None:
    """Whatever stands on both sides is the same; what stands on one side alone is so because the
    other side never heard the last word, and has said so."""
    alice, bob = scene.alice, scene.bob
    theirs = {sa.cookies: sa.keys for sa in bob.engine.main_mode_sas()}
    for sa in alice.engine.main_mode_sas():
        assert theirs.get(sa.cookies, sa.keys) == sa.keys
    by_spi = {pair.outbound.spi: pair for pair in bob.outbound.values()}
    for pair in alice.inbound.values():
        mirrored = by_spi.get(pair.inbound.spi)
        if mirrored is not None:
            assert keys(mirrored.outbound) == keys(pair.inbound)
            assert keys(mirrored.inbound) == keys(pair.outbound)
        else:
            assert len(bob.of(NegotiationFailed)) + len(bob.of(QuickModeEnded)) > 0
    for host in (alice, bob):
        assert host.inbound.keys() == host.outbound.keys() == host.promised


def test_loss_alone_breaks_next_to_nothing() -> None:
    established = sum(
        bool(
            Scene(fault=Weather(seed, loss=0.2), seed=seed)
            .connect(LONG_ENOUGH_S)
            .alice.engine.quick_mode_sas()
        )
        for seed in range(100)
    )
    assert established >= 98


def test_duplication_and_lateness_alone_break_nothing() -> None:
    for seed in range(100):
        weather = Weather(seed, duplication=0.4, lateness=0.5)
        scene = Scene(fault=weather, seed=seed).connect(LONG_ENOUGH_S)
        scene.require_agreement()
        assert len(scene.alice.of(MainModeEstablished)) == 1


def test_forgers_who_do_not_see_the_cookies_break_nothing() -> None:
    """Noise and notifications about other negotiations, ten for each message."""
    for seed in range(20):
        scene = Scene(seed=seed)
        noise = scene.alice.random
        scene.network.connect(scene.alice, scene.bob)
        for hundredth in range(1, 12):
            for host, other in ((scene.alice, scene.bob), (scene.bob, scene.alice)):
                for _ in range(10):
                    scene.network.inject(other, host, noise.randbytes(noise.randrange(200)))
            scene.network.run(hundredth / 100)
        scene.network.run(1.0)
        scene.require_agreement()
