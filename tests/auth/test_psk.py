"""Preshared keys: SKEYID, and the proofs HASH_I and HASH_R."""

from dataclasses import fields, replace
from typing import Any

import pytest

from mainmode.auth.authenticator import ProvenIdentity, Role, Transcript
from mainmode.auth.psk import PresharedKey
from mainmode.crypto.algorithms import HASHES
from mainmode.errors import Malformed
from mainmode.failures import Inadmissible, Reason
from mainmode.numbers import AuthenticationMethod, IdType
from mainmode.wire.message import Payloads
from mainmode.wire.payloads import Hash, Identification, Payload
from tests.crypto.vectors import Case, cases, octets

KEY = PresharedKey(b"the key of these tests")
WHO = Identification.of_name(IdType.FQDN, "host.example")
TRANSCRIPT = Transcript(
    HASHES["sha1"],
    cky_i=b"cookie-i",
    cky_r=b"cookie-r",
    sai_b=b"the offer",
    g_xi=b"g^xi" * 32,
    g_xr=b"g^xr" * 32,
    ni_b=b"nonce of the initiator",
    nr_b=b"nonce of the responder",
    g_xy=b"g^xy" * 32,
)
SKEYID = KEY.skeyid(TRANSCRIPT)


def transcript_of(case: Case) -> Transcript:
    names = ("cky_i", "cky_r", "sai_b", "g_xi", "g_xr", "ni_b", "nr_b", "g_xy")
    return Transcript(HASHES[case["hash"]], *octets(case, *names))


def identification(id_b: bytes) -> Identification:
    return Identification.parse_untrusted(id_b, 0, len(id_b), 0)


def proven(role: Role, *payloads: Payload) -> ProvenIdentity:
    """Verify a proof that the side with this role has given."""
    return KEY.verify(role, SKEYID, TRANSCRIPT, Payloads.of(payloads))


def psk_cases() -> list[Any]:
    """The negotiations recorded in full, identities and proofs included."""
    return [
        case
        for case in cases("negotiation")
        if case.values[0]["authentication"] == "preshared" and "idii_b" in case.values[0]
    ]


@pytest.mark.parametrize("case", psk_cases())
def test_strongswan_makes_and_takes_the_same_proofs(case: Case) -> None:
    key = PresharedKey(*octets(case, "preshared_key"))
    transcript = transcript_of(case)
    skeyid = key.skeyid(transcript)
    expected = case["expected"]
    assert skeyid.hex() == expected["skeyid"]
    for role, id_b, digest in (
        (Role.INITIATOR, "idii_b", "hash_i"),
        (Role.RESPONDER, "idir_b", "hash_r"),
    ):
        who = identification(*octets(case, id_b))
        proof = Hash(bytes.fromhex(expected[digest]))
        assert key.prove(role, skeyid, transcript, who) == [who, proof]
        assert key.verify(role, skeyid, transcript, Payloads.of([who, proof])) == ProvenIdentity(
            who, AuthenticationMethod.PRESHARED_KEY
        )


@pytest.mark.parametrize("role", Role)
def test_what_one_side_proves_the_other_accepts(role: Role) -> None:
    proof = KEY.prove(role, SKEYID, TRANSCRIPT, WHO)
    identity = KEY.verify(role, SKEYID, TRANSCRIPT, Payloads.of(proof))
    assert identity.identification is WHO
    assert str(identity) == "host.example"


@pytest.mark.parametrize("role", Role)
def test_a_proof_does_not_serve_the_other_side(role: Role) -> None:
    """What the initiator has said cannot be said back to it."""
    proof = KEY.prove(role, SKEYID, TRANSCRIPT, WHO)
    with pytest.raises(Inadmissible):
        KEY.verify(role.other, SKEYID, TRANSCRIPT, Payloads.of(proof))
    assert role.other.other is role


@pytest.mark.parametrize(
    "name", [each.name for each in fields(Transcript) if each.name not in ("hash", "g_xy")]
)
@pytest.mark.parametrize("role", Role)
def test_a_proof_serves_for_this_negotiation_alone(role: Role, name: str) -> None:
    """Every part counts; the nonces by way of SKEYID."""
    changed = replace(TRANSCRIPT, **{name: getattr(TRANSCRIPT, name)[:-1] + b"!"})
    id_payload, proof = KEY.prove(role, SKEYID, TRANSCRIPT, WHO)
    with pytest.raises(Inadmissible):
        KEY.verify(role, KEY.skeyid(changed), changed, Payloads.of([id_payload, proof]))


@pytest.mark.parametrize("role", Role)
def test_another_identity_has_another_proof(role: Role) -> None:
    _, proof = KEY.prove(role, SKEYID, TRANSCRIPT, WHO)
    for other in (
        Identification.of_name(IdType.FQDN, "Host.example"),
        Identification.of_name(IdType.USER_FQDN, "host.example"),
        replace(WHO, protocol=17),
        replace(WHO, port=500),
    ):
        with pytest.raises(Inadmissible) as refusal:
            KEY.verify(role, SKEYID, TRANSCRIPT, Payloads.of([other, proof]))
        assert refusal.value.failure.reason is Reason.WRONG_KEY
        assert str(other) in refusal.value.failure.detail


@pytest.mark.parametrize("role", Role)
def test_another_key_has_another_proof(role: Role) -> None:
    other = PresharedKey(b"The key of these tests")
    proof = other.prove(role, other.skeyid(TRANSCRIPT), TRANSCRIPT, WHO)
    with pytest.raises(Inadmissible):
        KEY.verify(role, SKEYID, TRANSCRIPT, Payloads.of(proof))


@pytest.mark.parametrize("octets_", [0, 1, 19, 21, 40])
def test_a_proof_of_any_other_length_is_none(octets_: int) -> None:
    _, proof = KEY.prove(Role.INITIATOR, SKEYID, TRANSCRIPT, WHO)
    assert isinstance(proof, Hash)
    with pytest.raises(Inadmissible):
        proven(Role.INITIATOR, WHO, Hash((proof.data * 2)[:octets_]))


def test_an_identity_or_a_hash_too_many_is_a_matter_of_form() -> None:
    who, proof = KEY.prove(Role.INITIATOR, SKEYID, TRANSCRIPT, WHO)
    for payloads in ((who,), (proof,), (who, who, proof), (who, proof, proof)):
        with pytest.raises(Malformed):
            proven(Role.INITIATOR, *payloads)


def test_a_key_is_octets_of_any_length() -> None:
    """No terminator, no trimming; more octets than HMAC's block have their hash taken by HMAC."""
    different = {
        PresharedKey(key).skeyid(TRANSCRIPT)
        for key in (b"k", b"k\0x", b"k\n", b" k", b"k" * 64, b"k" * 65, b"\xff\xfe")
    }
    assert len(different) == 7


def test_nothing_shows_the_key_or_the_shared_secret() -> None:
    assert "key of" not in repr(KEY)
    assert "g_xy" not in repr(TRANSCRIPT)
