"""Secrets stay inside: no event, sentence, representation or error shows an octet of a key."""

import json
from collections.abc import Iterator

import pytest

from mainmode.auth.psk import PresharedKey
from mainmode.crypto.algorithms import CIPHERS
from mainmode.ladder import Protect
from mainmode.testing.faults import Weather
from mainmode.testing.network import Host
from mainmode.testing.samples import CREDENTIALS, KEY, WRONG_CREDENTIALS, policy, rule
from tests.engine.scene import LONG_ENOUGH_S, Scene

SHORTEST_OCTETS = 6
"""So many octets in a row of a secret are no coincidence."""


def secrets(host: Host) -> Iterator[bytes]:
    """Everything that a host must not show."""
    yield KEY
    for sa in host.engine.main_mode_sas():
        keys = sa.keys
        yield from (keys.skeyid, keys.skeyid_d, keys.skeyid_a, keys.skeyid_e, sa.cipher_key)
    for pair in host.inbound.values():
        for sa_ in (pair.inbound, pair.outbound):
            yield from (key for key in (sa_.cipher_key, sa_.integrity_key) if key)


def shown(host: Host) -> Iterator[str]:
    """Everything that a host may be asked to show."""
    engine = host.engine
    for event in host.events:
        yield repr(event)
        yield event.sentence
        yield json.dumps(event.as_json())
    yield from (repr(sa) for sa in engine.main_mode_sas())
    yield from (repr(sa) for sa in engine.quick_mode_sas())
    yield repr(engine.statistics)
    for exchange in engine._negotiations.exchanges._by_key.values():
        yield repr(exchange.negotiation)
    yield repr(engine._terms.credentials)


def forms(secret: bytes) -> Iterator[str]:
    """How octets end up in texts: as hexadecimal, as the escapes of a bytes literal, as text, as
    numbers."""
    for start in range(max(1, len(secret) - SHORTEST_OCTETS)):
        part = secret[start : start + SHORTEST_OCTETS]
        yield part.hex()
        yield part.hex(":")
        yield repr(part)[2:-1]
        yield ", ".join(str(octet) for octet in part)


def require_silence(host: Host) -> None:
    texts = "\n".join(shown(host)).lower()
    for secret in secrets(host):
        for form in forms(secret):
            assert form.lower() not in texts


@pytest.mark.parametrize("suite", ["esp:3des-sha1", "esp:aes256-sha2-512", "ah:md5"])
def test_an_established_negotiation_shows_nothing(suite: str) -> None:
    scene = Scene(policy(rule(quick_mode=suite, pfs="group2"))).connect()
    scene.require_agreement()
    for host in (scene.alice, scene.bob):
        require_silence(host)


@pytest.mark.parametrize("until_s", [0.025, 0.035, 0.045, 0.055, 0.065, 0.075])
def test_a_negotiation_under_way_shows_nothing(until_s: float) -> None:
    scene = Scene(policy(rule(pfs="group2"))).connect(until_s)
    for host in (scene.alice, scene.bob):
        require_silence(host)


def test_a_failed_one_shows_nothing() -> None:
    scene = Scene(bob_credentials=WRONG_CREDENTIALS).connect(LONG_ENOUGH_S)
    for host in (scene.alice, scene.bob):
        require_silence(host)


@pytest.mark.parametrize("seed", range(10))
def test_one_under_attack_shows_nothing(seed: int) -> None:
    weather = Weather(seed, loss=0.1, duplication=0.2, forgery=0.8)
    scene = Scene(fault=weather, seed=seed).connect(LONG_ENOUGH_S)
    for host in (scene.alice, scene.bob):
        require_silence(host)


def test_the_search_would_find_a_key_that_is_shown() -> None:
    """A test of this file's own means."""
    scene = Scene().connect()
    [sa] = scene.alice.engine.main_mode_sas()
    secret = sa.keys.skeyid_a
    for text in (secret.hex(), repr(secret), str(list(secret)), f"..{secret[3:12].hex()}.."):
        assert any(form.lower() in text.lower() for form in forms(secret))


def test_values_that_hold_keys_hide_them() -> None:
    assert KEY.decode() not in repr(PresharedKey(KEY))
    assert KEY.decode() not in repr(CREDENTIALS)
    assert "b'8 octets'" not in repr(Protect(CIPHERS["des"], b"8 octets", bytes(8)))
