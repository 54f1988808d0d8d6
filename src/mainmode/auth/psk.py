"""Preshared keys: who can compute HASH_I or HASH_R knows the key (RFC 2409 5.4)."""

import hmac

from mainmode.auth.authenticator import ProvenIdentity, Role, Transcript
from mainmode.crypto.keys import hash_i, hash_r, skeyid_preshared
from mainmode.crypto.prf import Prf
from mainmode.failures import Failure, Inadmissible, Reason
from mainmode.numbers import AuthenticationMethod
from mainmode.wire.message import Payloads
from mainmode.wire.payloads import Hash, Identification, Payload


class PresharedKey:
    """Authentication with one preshared key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "PresharedKey(...)"

    def skeyid(self, transcript: Transcript) -> bytes:
        """SKEYID = prf(key, Ni_b | Nr_b)."""
        return skeyid_preshared(transcript.hash, self._key, transcript.ni_b, transcript.nr_b)

    def prove(
        self, role: Role, skeyid: bytes, transcript: Transcript, identification: Identification
    ) -> list[Payload]:
        digest = _proof(role, skeyid, transcript, identification.body())
        return [identification, Hash(digest)]

    def verify(
        self, role: Role, skeyid: bytes, transcript: Transcript, payloads: Payloads
    ) -> ProvenIdentity:
        identification = payloads.one(Identification)
        expected = _proof(role, skeyid, transcript, identification.body())
        if not hmac.compare_digest(expected, payloads.one(Hash).data):
            detail = f"the HASH of {identification} does not fit the key used here"
            raise Inadmissible(Failure(Reason.WRONG_KEY, detail=detail))
        return ProvenIdentity(identification, AuthenticationMethod.PRESHARED_KEY)


def _proof(role: Role, skeyid: bytes, transcript: Transcript, id_b: bytes) -> bytes:
    """HASH_I or HASH_R over the ID body of that side."""
    formula = hash_i if role is Role.INITIATOR else hash_r
    return formula(
        Prf(transcript.hash, skeyid),
        transcript.g_xi,
        transcript.g_xr,
        transcript.cky_i,
        transcript.cky_r,
        transcript.sai_b,
        id_b,
    )
