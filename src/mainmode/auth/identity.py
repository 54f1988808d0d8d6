"""Identities: the ID payload we send, and whether a proven one is whom policy expects.

Source: RFC 2407 4.6.2. Protocol and port are sent as 0/0; peers send 0/0 or 17/500.
"""

from mainmode.auth.authenticator import ProvenIdentity
from mainmode.failures import Failure, Reason, Refused
from mainmode.model import AddressRange, IpAddress
from mainmode.numbers import IdType
from mainmode.policy.model import Identity
from mainmode.wire.payloads import Identification

_NAMES = {"fqdn": IdType.FQDN, "user_fqdn": IdType.USER_FQDN}


def identification_of(identity: Identity, address: IpAddress) -> Identification:
    """The ID payload that says `identity`; without a value it is the address in use."""
    if identity.kind in _NAMES:
        return Identification(_NAMES[identity.kind], 0, 0, identity.value.encode())
    stated = AddressRange.parse(identity.value) if identity.value else AddressRange.host(address)
    return Identification.of_addresses(stated)


def require_expected(
    proven: ProvenIdentity,
    expected: Identity | None,
    address: IpAddress,
    *,
    translated: bool = False,
) -> ProvenIdentity:
    """The peer is whom the rule expects. Raises Refused.

    Without an expectation an address must be the one the peer speaks from, unless a NAT has
    `translated` that; any other identity is believed on the strength of the credential, which is
    the peer's own.
    """
    identification = proven.identification
    if expected is not None:
        wanted = identification_of(expected, address)
        same = _comparable(identification) == _comparable(wanted)
    else:
        wanted = identification_of(Identity(), address)
        claimed = identification.addresses()
        same = translated or claimed is None or not claimed.is_host or claimed.first == address
    if not same:
        failure = Failure(
            Reason.IDENTITY_MISMATCH, offered=(str(identification),), wanted=(str(wanted),)
        )
        raise Refused(failure)
    return proven


def _comparable(identification: Identification) -> tuple[int, bytes]:
    """Names of domains are the same in capital letters (RFC 4343), as peers compare them too."""
    is_name = identification.id_type in _NAMES.values()
    data = identification.data
    return identification.id_type, data.lower() if is_name else data
