"""What is refused as such: other exchanges, other methods, another IKE. None ever gets a HASH."""

from dataclasses import replace

import pytest

from mainmode.engine.events import DatagramDropped
from mainmode.failures import Reason
from mainmode.numbers import (
    AuthenticationMethod,
    ExchangeType,
    HeaderFlag,
    NotifyType,
    PayloadType,
    Phase1Attribute,
)
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, policy
from mainmode.wire.attributes import Attribute
from mainmode.wire.payloads import (
    Attributes,
    GssToken,
    Hash,
    KeyExchange,
    Nonce,
    Notification,
    Payload,
    SaPayload,
    UnknownPayload,
    VendorId,
)
from tests.engine.scene import failure, failures, header, payloads, state
from tests.wire.corpus import DATAGRAMS

EXCHANGES = {
    ExchangeType.BASE: "base mode",
    ExchangeType.AGGRESSIVE: "aggressive mode",
    ExchangeType.TRANSACTION: "XAUTH",
    ExchangeType.NEW_GROUP: "new group mode",
}
METHODS = {
    AuthenticationMethod.RSA_ENCRYPTION: "public key encryption",
    AuthenticationMethod.REVISED_RSA_ENCRYPTION: "public key encryption",
    AuthenticationMethod.HYBRID_INIT_RSA: "hybrid",
    AuthenticationMethod.GSS_KERBEROS: "Kerberos",
    **{method: "XAUTH" for method in AuthenticationMethod if 65002 <= method <= 65010},
}
UNLISTED = (
    AuthenticationMethod.DSS_SIGNATURES,
    AuthenticationMethod.RSA_SIGNATURES,
    AuthenticationMethod.ECDSA_256,
)


def facing() -> tuple[Host, Puppet]:
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    return host, Puppet(Network(host), host)


# --- exchanges ------------------------------------------------------------------------------------


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("when", ["before", "during", "after"])
def test_each_exchange_is_refused_for_its_own_reason_and_not_answered(
    exchange: ExchangeType, when: str
) -> None:
    host, puppet = facing()
    if when != "before":
        puppet.offers()
    if when == "after":
        puppet.exchanges_keys()
        puppet.proves()
    before = state(host)
    content = [puppet.proposal(), *puppet.key_exchange(), puppet.identification()]
    datagram = puppet.clear(content, exchange, message_id=0 if when == "before" else 5)
    assert puppet.hears(datagram) == []
    assert puppet.hears(datagram[:19] + b"\x01" + datagram[20:]) == [], "encrypted"
    assert state(host) == before
    assert EXCHANGES[exchange] in host.events[-1].sentence
    assert len({event.sentence for event in host.events[-2:]}) == 1


def test_an_aggressive_mode_message_never_gets_a_hash() -> None:
    """Not even one that a real initiator sent."""
    host, puppet = facing()
    aggressive = [each for each in DATAGRAMS if header(each).exchange == ExchangeType.AGGRESSIVE]
    assert aggressive
    for datagram in aggressive:
        assert puppet.hears(datagram) == []
    assert all("aggressive" in event.sentence for event in host.events)


@pytest.mark.parametrize("exchange", [0, 3, 7, 31, 34, 35, 37, 240, 255])
def test_an_exchange_nobody_knows_is_refused_by_its_number(exchange: int) -> None:
    host, puppet = facing()
    assert puppet.hears(puppet.clear([puppet.proposal()], exchange)) == []
    [event] = host.of(DatagramDropped)
    assert "is not known" in event.why


def test_ikev2_is_refused_by_its_name() -> None:
    """An IKE_SA_INIT request: version 2.0, exchange 34, payloads from 33 on."""
    host, puppet = facing()
    body = UnknownPayload(33, bytes(40))
    datagram = bytearray(puppet.clear([body], 34, flags=0x08))
    datagram[17] = 0x20
    assert puppet.hears(bytes(datagram)) == []
    [event] = host.of(DatagramDropped)
    assert "IKEv2" in event.why
    assert host.engine.statistics.invalid_packets_received == 1


@pytest.mark.parametrize("kind", range(33, 54))
def test_payloads_of_ikev2_have_no_place_in_a_message_1(kind: int) -> None:
    host, puppet = facing()
    assert puppet.hears(puppet.clear([puppet.proposal(), UnknownPayload(kind, bytes(8))])) == []
    assert len(host.engine._half_open) == 0


@pytest.mark.parametrize("first", range(256))
def test_message_1_may_claim_any_first_payload(first: int) -> None:
    host, puppet = facing()
    datagram = bytearray(puppet.clear([puppet.proposal()]))
    datagram[16] = first
    replies = puppet.hears(bytes(datagram))
    assert bool(replies) is (first == PayloadType.SA)
    assert failures(host) == []


# --- methods --------------------------------------------------------------------------------------


def with_method(sa: SaPayload, method: int) -> SaPayload:
    [proposal] = sa.proposals
    attributes = tuple(
        Attribute(each.kind, method) if each.kind == Phase1Attribute.AUTHENTICATION_METHOD else each
        for each in proposal.transforms[0].attributes
    )
    transform = replace(proposal.transforms[0], attributes=attributes)
    return replace(sa, proposals=(replace(proposal, transforms=(transform,)),))


@pytest.mark.parametrize("method", METHODS)
def test_each_method_is_refused_for_its_own_reason(method: AuthenticationMethod) -> None:
    host, puppet = facing()
    [reply] = puppet.hears(puppet.clear([with_method(puppet.proposal(), method)]))
    refusal = failure(host)
    assert refusal.reason is Reason.UNSUPPORTED_AUTHENTICATION
    assert METHODS[method] in refusal.offered[0]
    [said] = payloads(reply)
    assert isinstance(said, Notification)
    assert said.notify == NotifyType.NO_PROPOSAL_CHOSEN


@pytest.mark.parametrize("method", UNLISTED)
def test_a_method_that_no_rule_lists_is_no_common_proposal(method: AuthenticationMethod) -> None:
    host, puppet = facing()
    puppet.hears(puppet.clear([with_method(puppet.proposal(), method)]))
    assert failure(host).reason is Reason.NO_COMMON_PROPOSAL


@pytest.mark.parametrize("method", METHODS)
def test_the_next_transform_can_still_be_taken(method: AuthenticationMethod) -> None:
    host, puppet = facing()
    [proposal] = puppet.proposal("3des-sha1-group2", "3des-sha1-group2").proposals
    refused = with_method(puppet.proposal(), method).proposals[0].transforms[0]
    both = replace(proposal, transforms=(refused, proposal.transforms[1]))
    puppet.offers(replace(puppet.proposal(), proposals=(both,)))
    puppet.exchanges_keys()
    puppet.proves()
    puppet.require_proof()
    assert host.engine.main_mode_sas()


def test_kerberos_tokens_from_anybody_are_no_matter() -> None:
    """Four of them, with a method that stands for XAUTH as well."""
    host, puppet = facing()
    tokens = [GssToken(1, b"token")] * 4
    sa = with_method(puppet.proposal(), AuthenticationMethod.GSS_KERBEROS)
    puppet.hears(puppet.clear([sa, VendorId(bytes(16)), *tokens]))
    assert failure(host).reason is Reason.UNSUPPORTED_AUTHENTICATION


def test_xauth_attributes_get_nowhere_under_an_sa() -> None:
    host, puppet = facing()
    puppet.establish()
    talk = puppet.talk()
    request = Attributes(1, 7, (Attribute(16520, 0), Attribute(16521, b"user")))
    datagram = talk.seals([Hash(bytes(20)), request], ExchangeType.TRANSACTION)
    before = state(host)
    assert puppet.hears(datagram) == []
    assert state(host) == before


def test_no_datagram_that_anybody_can_make_is_ever_answered_with_a_hash() -> None:
    """Every exchange, version and flag over the payloads that HASHes are computed from."""
    host, puppet = facing()
    public, nonce = KeyExchange(bytes(range(128))), Nonce(bytes(20))
    content: list[Payload] = [puppet.proposal(), public, nonce, puppet.identification()]
    for exchange in range(256):
        for flags in (0, HeaderFlag.COMMIT, HeaderFlag.AUTHENTICATION_ONLY):
            for reply in puppet.hears(puppet.clear(content, exchange, flags=flags)):
                assert not any(isinstance(each, Hash) for each in payloads(reply))
    assert host.engine.main_mode_sas() == ()
