"""Recorded negotiations, read again from the preshared key on: every encrypted message opens to
what the peer logged, under the IV that it logged, and every HASH in them is right.

mainmode with strongSwan in both roles, in UDP, and with peers whose SAs are in a kernel, libreswan
among them; and strongSwan with itself (`tests/vectors`).
"""

from functools import partial
from typing import Any

import pytest

from mainmode.crypto import keys
from mainmode.crypto.algorithms import CIPHERS, HASHES
from mainmode.crypto.prf import Prf
from mainmode.engine.envelope import Envelope, require_proof
from mainmode.ladder import Proof
from mainmode.numbers import ExchangeType, NotifyType, PayloadType, ProtocolId, name_of
from mainmode.wire.header import HEADER_OCTETS, Header, parse_header_untrusted
from mainmode.wire.message import Payloads, parse_payloads_untrusted
from mainmode.wire.payloads import Delete, Hash, Nonce, Notification
from tests.crypto.test_keys import main_mode_keys_of
from tests.crypto.vectors import Case, cases, octets

RECORDED = [each for each in cases("negotiation") if "messages" in each.values[0]]
OURS = [each for each in RECORDED if each.values[0]["name"].startswith("mainmode")]
LIBRESWAN = [each for each in RECORDED if each.values[0]["name"].startswith("libreswan")]


class Reader:
    """Opens the messages of a recorded negotiation in turn, with nothing but its keys."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.hash, self.cipher = HASHES[case["hash"]], CIPHERS[case["cipher"]]
        self.keys = main_mode_keys_of(case)
        self.cipher_key = keys.cipher_key(self.hash, self.cipher, self.keys.skeyid_e)
        iv = keys.phase1_iv(self.hash, self.cipher, *octets(case, "g_xi", "g_xr"))
        self.envelopes = {0: Envelope(self.cipher, self.cipher_key, iv)}
        self.nonces: dict[int, list[bytes]] = {}
        self.said: list[str] = []
        """What informational messages said, in the protocol's words."""

    def read(self, message: dict[str, Any]) -> None:
        datagram = bytes.fromhex(message["datagram"])
        header, body = parse_header_untrusted(datagram), datagram[HEADER_OCTETS:]
        if header.encrypted:
            envelope = self.envelope(header.message_id)
            assert envelope.iv.hex() == message["iv"]
            plain = envelope.open(body)
            assert plain.hex() == message["plain"]
            envelope.accept(body)
            payloads = parse_payloads_untrusted(header.next_payload, plain)
            self.check(header, plain, payloads, message["from"])
        else:
            payloads = parse_payloads_untrusted(header.next_payload, body)
        for each in payloads.items:
            if isinstance(each, Notification):
                self.said.append(name_of(NotifyType, each.notify))
            elif isinstance(each, Delete):
                self.said.append(f"DELETE {name_of(ProtocolId, each.protocol)}")

    def envelope(self, message_id: int) -> Envelope:
        if message_id not in self.envelopes:
            iv = keys.phase2_iv(self.hash, self.cipher, self.last_block, message_id)
            self.envelopes[message_id] = Envelope(self.cipher, self.cipher_key, iv)
        return self.envelopes[message_id]

    @property
    def last_block(self) -> bytes:
        """Of main mode, which is over."""
        return self.envelopes[0].iv

    def check(self, header: Header, plain: bytes, payloads: Payloads, sender: str) -> None:
        """Its HASH, by the exchange and its place in it."""
        if header.exchange == ExchangeType.MAIN:
            assert payloads.one(Hash).data == self.proof_of_identity(sender)
        else:
            require_proof(self.proof(header, payloads), plain, payloads)

    def proof_of_identity(self, sender: str) -> bytes:
        """HASH_I or HASH_R, over what has been said in clear and the identity."""
        prf = Prf(self.hash, self.keys.skeyid)
        covered = octets(self.case, "g_xi", "g_xr", "cky_i", "cky_r", "sai_b")
        if sender == "initiator":
            return keys.hash_i(prf, *covered, *octets(self.case, "idii_b"))
        return keys.hash_r(prf, *covered, *octets(self.case, "idir_b"))

    def proof(self, header: Header, payloads: Payloads) -> Proof:
        """HASH(1), HASH(2) or HASH(3)."""
        prf, message_id = Prf(self.hash, self.keys.skeyid_a), header.message_id
        nonces = self.nonces.setdefault(message_id, [])
        before = list(nonces)
        if payloads.has(PayloadType.NONCE):
            nonces.append(payloads.one(Nonce).data)
        if len(before) == 2:
            digest = keys.hash_3(prf, message_id, *before)
            return lambda _rest: digest
        if len(before) == 1:
            return partial(keys.hash_2, prf, message_id, before[0])
        return partial(keys.hash_1, prf, message_id)


@pytest.mark.parametrize("case", RECORDED)
def test_every_message_opens_and_every_hash_is_right(case: Case) -> None:
    reader = Reader(case)
    for message in case["messages"]:
        reader.read(message)
    assert sum("plain" in each for each in case["messages"]) >= 5


def test_the_negotiations_of_ours_are_there() -> None:
    assert {each.values[0]["name"].split("-")[1] for each in OURS} == {"initiator", "responder"}


@pytest.mark.parametrize("case", OURS)
def test_ours_hold_all_that_is_said_between_the_two(case: Case) -> None:
    reader = Reader(case)
    for message in case["messages"]:
        reader.read(message)
    wanted = {"INITIAL-CONTACT", "R-U-THERE", "R-U-THERE-ACK", "DELETE ESP", "DELETE ISAKMP"}
    assert wanted - set(reader.said) == set()


def test_the_negotiations_with_libreswan_are_there() -> None:
    names = {each.values[0]["name"] for each in LIBRESWAN}
    wanted = {"libreswan-initiator-esp", "libreswan-initiator-nat", "libreswan-responder-ah"}
    assert names == wanted


@pytest.mark.parametrize("case", LIBRESWAN)
def test_who_began_with_libreswan_ends_both_sas(case: Case) -> None:
    reader = Reader(case)
    for message in case["messages"]:
        reader.read(message)
    protocol = case["exchanges"][0]["sas"][0]["protocol"]
    assert [each for each in reader.said if each.startswith("DELETE")][:2] == [
        f"DELETE {protocol}",
        "DELETE ISAKMP",
    ]


@pytest.mark.parametrize("case", [*OURS, *LIBRESWAN])
def test_another_preshared_key_opens_nothing(case: Case) -> None:
    """So that the tests above can fail."""
    other = {**case, "preshared_key": b"another".hex()}
    reader = Reader(other)
    clear, sealed = case["messages"][:4], case["messages"][4:]
    for message in clear:
        reader.read(message)
    for message in sealed:
        with pytest.raises(AssertionError):
            reader.read(message)
