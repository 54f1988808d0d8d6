"""Whose lifetime counts: each side enforces the shorter of its own and the agreed one."""

import pytest

from mainmode.engine.events import MessageSent
from mainmode.model import Lifetime
from mainmode.policy.offers import encode_lifetime, lowered_untrusted
from mainmode.testing.samples import policy, rule
from tests.engine.scene import Scene

LONG, SHORT = "esp:3des-sha1 8h 200MB", "esp:3des-sha1 30m 50MB"


def lifetimes(alice: str, bob: str) -> tuple[Scene, Lifetime, Lifetime]:
    scene = Scene(policy(rule(quick_mode=alice)), policy(rule(quick_mode=bob))).connect()
    [ours], [theirs] = scene.alice.inbound.values(), scene.bob.inbound.values()
    return scene, ours.lifetime, theirs.lifetime


def says_so(scene: Scene) -> bool:
    sent = [each for each in scene.bob.of(MessageSent) if each.step == "quick mode message 2"]
    return "N(RESPONDER-LIFETIME)" in sent[0].payloads


def test_a_responder_with_a_shorter_lifetime_says_so() -> None:
    scene, initiators, responders = lifetimes(LONG, SHORT)
    assert initiators == responders == Lifetime(1_800, 50_000)
    assert says_so(scene)


def test_one_with_a_longer_lifetime_takes_the_shorter_offered_one() -> None:
    scene, initiators, responders = lifetimes(SHORT, LONG)
    assert initiators == responders == Lifetime(1_800, 50_000)
    assert not says_so(scene)


def test_equal_ones_need_no_word() -> None:
    scene, initiators, responders = lifetimes(LONG, LONG)
    assert initiators == responders
    assert not says_so(scene)


def test_main_mode_ends_on_each_side_after_the_shorter_lifetime() -> None:
    scene = Scene(policy(lifetime_s=600), policy(lifetime_s=3_600)).connect()
    assert [host.engine.main_mode_sas()[0].lifetime_s for host in (scene.alice, scene.bob)] == [
        600,
        600,
    ]


OWN = Lifetime(3_600, 100_000)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (Lifetime(600, 100_000), Lifetime(600, 100_000)),
        (Lifetime(3_600, 50), Lifetime(3_600, 50)),
        (Lifetime(99_999, 999_999), OWN),
    ],
)
def test_a_word_of_the_responder_lowers_and_never_raises(said: Lifetime, kept: Lifetime) -> None:
    assert lowered_untrusted(OWN, encode_lifetime(said)) == kept


@pytest.mark.parametrize("data", [b"", b"\0", b"\x80\1", b"\x80\1\0\1", bytes(64), b"\xff" * 40])
def test_what_cannot_be_read_changes_nothing(data: bytes) -> None:
    assert lowered_untrusted(OWN, data) == OWN
