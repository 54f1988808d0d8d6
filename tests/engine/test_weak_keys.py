"""Weak DES keys (RFC 2405 2.3, RFC 2409 appendix B): forced, since chance makes one in 2^52."""

from collections.abc import Callable, Iterator

import pytest

from mainmode import limits
from mainmode.crypto import keys
from mainmode.crypto.algorithms import Cipher
from mainmode.engine.events import MessageSent
from mainmode.errors import WeakKey
from mainmode.failures import Reason, Side
from mainmode.testing.network import Host
from mainmode.testing.samples import policy, rule
from tests.engine.scene import LONG_ENOUGH_S, Scene, failure, failures, tables

Verdict = Callable[[Cipher, bytes], bytes]
DES = policy(rule(quick_mode="esp:des-sha1"), main_mode="des-sha1-group2")


@pytest.fixture
def weak(monkeypatch: pytest.MonkeyPatch) -> Callable[[Iterator[bool]], list[bytes]]:
    """Have every DES key judged by these verdicts, in order; the keys that were judged."""

    def force(verdicts: Iterator[bool]) -> list[bytes]:
        judged: list[bytes] = []

        def require_strong(cipher: Cipher, key: bytes) -> bytes:
            judged.append(key)
            if next(verdicts, False):
                raise WeakKey(f"key derivation gave a weak {cipher.name} key")
            return key

        monkeypatch.setattr(keys, "require_strong", require_strong)
        return judged

    return force


Force = Callable[[Iterator[bool]], list[bytes]]


@pytest.mark.parametrize("number", [0, 1])
def test_main_mode_fails_for_that_reason_on_the_side_that_sees_it_first(
    weak: Force, number: int
) -> None:
    """The responder derives first. Both see the same key in truth; here one at a time."""
    weak(iter([False] * number + [True]))
    scene = Scene(DES).connect(LONG_ENOUGH_S)
    seeing = (scene.bob, scene.alice)[number]
    [first, *_] = failures(seeing)
    assert first.reason is Reason.WEAK_KEY
    assert first.decided_by is Side.ME
    assert (
        first.step
        == ("waiting for the key exchange", "waiting for the peer's key exchange")[number]
    )
    assert "weak des key" in first.sentence
    for host in (scene.alice, scene.bob):
        assert not host.engine.main_mode_sas()
        assert set(tables(host).values()) == {0}


def test_a_responder_with_a_weak_pair_takes_another_nonce(weak: Force) -> None:
    """Judged so far: two keys of main mode. Then one key of the first pair."""
    judged = weak(iter([False, False, True]))
    scene = Scene(DES).connect()
    scene.require_agreement()
    assert len(judged) == 2 + 1 + 2 + 2
    used = {sa.cipher_key for pair in scene.bob.inbound.values() for sa in (pair.inbound,)}
    assert judged[2] not in used
    assert failures(scene.alice) == failures(scene.bob) == []
    assert names(scene.bob).count("quick mode message 2") == 1, "the initiator notices nothing"


def test_the_second_key_of_a_pair_counts_too(weak: Force) -> None:
    weak(iter([False, False, False, True]))
    Scene(DES).connect().require_agreement()


def test_a_responder_gives_up_after_three_nonces(weak: Force) -> None:
    weak(iter([False, False, *[True] * limits.WEAK_KEY_RETRIES_MAX]))
    scene = Scene(DES).connect()
    assert failure(scene.bob).reason is Reason.WEAK_KEY
    assert failure(scene.alice).decided_by is Side.PEER
    assert not scene.bob.promised
    assert not scene.alice.promised


def test_an_initiator_with_a_weak_pair_discards_it_and_asks_again(weak: Force) -> None:
    """The responder, whose implementation does not look, has found nothing."""
    weak(iter([False, False, False, False, True]))
    scene = Scene(DES).connect(LONG_ENOUGH_S)
    scene.require_agreement()
    assert failure(scene.alice).reason is Reason.WEAK_KEY
    assert failure(scene.bob).decided_by is Side.PEER, "told, not left to time out"
    first = [name for name in names(scene.alice) if name == "quick mode message 1"]
    assert len(first) == 2
    for host in (scene.alice, scene.bob):
        assert set(tables(host).values()) == {0}


def test_an_initiator_gives_up_after_three_attempts(weak: Force) -> None:
    weak(iter([False, False, *[False, False, True] * 10]))
    scene = Scene(DES).connect(LONG_ENOUGH_S)
    assert len(failures(scene.alice)) == limits.WEAK_KEY_RETRIES_MAX
    assert {each.reason for each in failures(scene.alice)} == {Reason.WEAK_KEY}
    assert not scene.alice.promised
    assert not scene.bob.promised
    for host in (scene.alice, scene.bob):
        assert set(tables(host).values()) == {0}


def test_a_pair_of_3des_keys_that_are_one_is_weak_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real judge, and key derivation that gives K1 = K2 once."""
    derive, calls = keys.keymat, []

    def keymat(*arguments: object) -> bytes:
        calls.append(arguments)
        material: bytes = derive(*arguments)  # type: ignore[arg-type]
        return material[:8] + material[:8] + material[16:] if len(calls) == 1 else material

    monkeypatch.setattr(keys, "keymat", keymat)
    scene = Scene().connect()
    scene.require_agreement()
    assert len(calls) == 1 + 2 + 2


def names(host: Host) -> list[str]:
    """The steps that a host has sent, each once."""
    return [event.step for event in host.of(MessageSent) if not event.retry]
