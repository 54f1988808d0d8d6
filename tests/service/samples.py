"""Security associations to show."""

from dataclasses import dataclass
from ipaddress import ip_address

from mainmode.auth.authenticator import ProvenIdentity, Role
from mainmode.crypto.keys import MainModeKeys
from mainmode.engine.associations import MainModeSa, QuickModeSa
from mainmode.engine.vendor_ids import NO_CAPABILITIES
from mainmode.model import AddressRange, IpsecSa, Lifetime, Mode, SaPair, Selector, SoftSa
from mainmode.numbers import AuthenticationMethod, IdType, ProtocolId
from mainmode.policy.model import DEFAULT_MAIN_MODE_OFFERS, Authentication, Method
from mainmode.wire.payloads import Identification
from tests.service.fakes import HERE, PATH, THERE

SECRET = b"no key may ever be shown"


def half(spi: int, protocol: ProtocolId = ProtocolId.ESP) -> IpsecSa:
    cipher = "3des" if protocol is ProtocolId.ESP else ""
    return IpsecSa(spi, protocol, cipher, "sha1", SECRET, SECRET)


PAIR = SaPair(
    inbound=half(0x1111),
    outbound=half(0x2222),
    mode=Mode.TRANSPORT,
    local=HERE.address,
    peer=THERE.address,
    selector=Selector(AddressRange.host(HERE.address), AddressRange.host(THERE.address), 6, 0, 80),
    lifetime=Lifetime(3600, 100_000),
)

TUNNEL = SaPair(
    inbound=half(0x3333, ProtocolId.AH),
    outbound=half(0x4444, ProtocolId.AH),
    mode=Mode.TUNNEL,
    local=HERE.address,
    peer=THERE.address,
    selector=Selector(
        AddressRange.parse("10.1.0.0/16"),
        AddressRange(ip_address("10.2.0.1"), ip_address("10.2.0.9")),
    ),
    lifetime=Lifetime(3600, 100_000),
)

IDENTITY = Identification.of_addresses(AddressRange.host(HERE.address))
PRESHARED = Authentication(Method.PRESHARED_KEY, secret="psk")

MAIN_MODE = MainModeSa(
    cookies=(b"initiate", b"response"),
    path=PATH,
    role=Role.INITIATOR,
    offer=DEFAULT_MAIN_MODE_OFFERS[0],
    authentication=PRESHARED,
    lifetime_s=28_800,
    keys=MainModeKeys(SECRET, SECRET, SECRET, SECRET),
    cipher_key=SECRET,
    peer=ProvenIdentity(
        Identification.of_name(IdType.FQDN, "b.example"), AuthenticationMethod.PRESHARED_KEY
    ),
    local_identity=IDENTITY,
    capabilities=NO_CAPABILITIES,
    quick_modes=2,
)


def quick_mode(pair: SaPair) -> QuickModeSa:
    return QuickModeSa(
        pair=pair,
        path=PATH,
        main_mode=MAIN_MODE.cookies,
        role=Role.RESPONDER,
        pfs="group14",
        authentication=PRESHARED,
        established_at=0.0,
        begun_at=0.0,
    )


QUICK_MODE = quick_mode(PAIR)


@dataclass(frozen=True)
class SoftSample:
    """As the service wants it of the engine."""

    soft: SoftSa
    since: float


HOSTS = AddressRange.host(HERE.address), AddressRange.host(THERE.address)
SOFT = SoftSample(SoftSa(1, Selector(*HOSTS), THERE.address), since=700.0)
SOFT_WEB = SoftSample(SoftSa(12, Selector(*HOSTS, 6, 0, 80), THERE.address), since=958.0)
