"""The ID payload we send, and whether a proven one is whom policy expects."""

from ipaddress import ip_address

import pytest

from mainmode.auth.authenticator import ProvenIdentity
from mainmode.auth.identity import identification_of, require_expected
from mainmode.failures import Reason, Refused
from mainmode.model import AddressRange, IpAddress
from mainmode.numbers import AuthenticationMethod, IdType
from mainmode.policy.model import Identity
from mainmode.wire.payloads import Identification

HERE, SIX = ip_address("192.0.2.1"), ip_address("2001:db8::1")


def proven(identification: Identification) -> ProvenIdentity:
    return ProvenIdentity(identification, AuthenticationMethod.PRESHARED_KEY)


def address(text: str, protocol: int = 0, port: int = 0) -> Identification:
    return Identification.of_addresses(AddressRange.parse(text), protocol, port)


def name(text: str, id_type: IdType = IdType.FQDN) -> Identification:
    return Identification.of_name(id_type, text)


@pytest.mark.parametrize(
    ("identity", "local", "said"),
    [
        (Identity(), HERE, address("192.0.2.1")),
        (Identity(), SIX, address("2001:db8::1")),
        (Identity("address", "10.0.0.5"), HERE, address("10.0.0.5")),
        (Identity("fqdn", "host.example"), HERE, name("host.example")),
        (
            Identity("user_fqdn", "joe@example.org"),
            HERE,
            name("joe@example.org", IdType.USER_FQDN),
        ),
    ],
)
def test_an_identity_as_a_payload(
    identity: Identity, local: IpAddress, said: Identification
) -> None:
    assert identification_of(identity, local) == said
    assert (said.protocol, said.port) == (0, 0)


@pytest.mark.parametrize(
    ("claimed", "expected", "from_where"),
    [
        (address("192.0.2.1"), None, HERE),
        (address("192.0.2.1", 17, 500), None, HERE),
        (address("2001:db8::1"), None, SIX),
        (name("anybody.example"), None, HERE),
        (name("joe@example.org", IdType.USER_FQDN), None, HERE),
        (address("192.0.2.0/24"), None, HERE),
        (address("10.0.0.1-10.0.0.9"), None, HERE),
        (name("Host.EXAMPLE"), Identity("fqdn", "host.example"), HERE),
        (Identification(IdType.KEY_ID, 0, 0, b"\0\1"), None, HERE),
        (address("192.0.2.1"), Identity(), HERE),
        (address("192.0.2.1", 17, 500), Identity(), HERE),
        (address("10.0.0.5"), Identity("address", "10.0.0.5"), HERE),
        (name("bob.example"), Identity("fqdn", "bob.example"), HERE),
    ],
)
def test_who_is_accepted(
    claimed: Identification, expected: Identity | None, from_where: IpAddress
) -> None:
    identity = proven(claimed)
    assert require_expected(identity, expected, from_where) is identity


@pytest.mark.parametrize(
    ("claimed", "expected", "from_where"),
    [
        (address("192.0.2.2"), None, HERE),
        (address("192.0.2.1"), None, SIX),
        (address("192.0.2.2"), Identity(), HERE),
        (address("192.0.2.1/32"), Identity("address", "10.0.0.5"), HERE),
        (address("192.0.2.0/24"), Identity(), HERE),
        (name("mallory.example"), Identity("fqdn", "bob.example"), HERE),
        (name("bob.example", IdType.USER_FQDN), Identity("fqdn", "bob.example"), HERE),
        (name("192.0.2.1"), Identity(), HERE),
        (Identification(IdType.FQDN, 0, 0, b""), Identity("fqdn", "bob.example"), HERE),
        (
            Identification(IdType.KEY_ID, 0, 0, b"bob.example"),
            Identity("fqdn", "bob.example"),
            HERE,
        ),
    ],
)
def test_who_is_refused(
    claimed: Identification, expected: Identity | None, from_where: IpAddress
) -> None:
    with pytest.raises(Refused) as refusal:
        require_expected(proven(claimed), expected, from_where)
    failure = refusal.value.failure
    assert failure.reason is Reason.IDENTITY_MISMATCH
    assert failure.offered == (str(claimed),)
    assert failure.wanted == (str(identification_of(expected or Identity(), from_where)),)
