"""The policy of Windows, as values: rules, filter lists, filter actions, main mode settings.

Source: MS-GPIPSEC 2.2.1, in the words of Windows' administrators.
Talks to: `selection` (which filter decides for a packet), `offers` (what is proposed), `document`
(several policies together), `reading` and `writing` (policy files).
Does not: hold secrets; an authentication method names one, `auth.credentials` has it.
"""

from dataclasses import dataclass, field
from enum import Enum

from mainmode import limits
from mainmode.crypto.algorithms import CIPHERS, GROUPS, HASHES, Cipher, Group, Hash
from mainmode.model import AddressRange, IpAddress, Lifetime


class Action(Enum):
    """What a filter action does with a packet."""

    PERMIT = "permit"
    BLOCK = "block"
    NEGOTIATE = "negotiate"


class PlaceKind(Enum):
    """How one end of a filter is given."""

    ADDRESSES = "addresses"
    ME = "me"
    """Any address of this computer."""
    ANY = "any"
    DNS_NAME = "dns name"
    DNS_SERVERS = "dns"
    """The DNS servers this computer uses; likewise the next three (MS-GPIPSEC 2.2.1.5.1)."""
    WINS_SERVERS = "wins"
    DHCP_SERVERS = "dhcp"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Place:
    """One end of a filter."""

    kind: PlaceKind
    addresses: AddressRange | None = None
    name: str = ""

    @property
    def is_looked_up(self) -> bool:
        """Whether its addresses are found out, and may change: of a DNS name or of servers."""
        return self.kind not in (PlaceKind.ADDRESSES, PlaceKind.ME, PlaceKind.ANY)

    def __str__(self) -> str:
        if self.kind is PlaceKind.ADDRESSES:
            return str(self.addresses)
        return self.name if self.kind is PlaceKind.DNS_NAME else self.kind.value


ME = Place(PlaceKind.ME)
ANY = Place(PlaceKind.ANY)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which packets: source, destination, protocol and ports (0: any)."""

    source: Place
    destination: Place
    protocol: int = 0
    source_port: int = 0
    destination_port: int = 0
    mirrored: bool = True
    """Also matches with source and destination exchanged."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class FilterList:
    name: str
    filters: tuple[Filter, ...]
    description: str = ""

    @property
    def names_peers(self) -> bool:
        """Whether each filter is between this computer and addresses of others."""
        kinds = ({each.source.kind, each.destination.kind} for each in self.filters)
        return all(each == {PlaceKind.ME, PlaceKind.ADDRESSES} for each in kinds)


@dataclass(frozen=True, slots=True)
class MainModeOffer:
    """One main mode transform but for the authentication method, which the rule brings."""

    cipher: Cipher
    hash: Hash
    group: Group

    @property
    def name(self) -> str:
        """As in policy files: 3des-sha1-group14."""
        return f"{self.cipher.name}-{self.hash.name}-{self.group.name}"


DEFAULT_QUICK_MODE_LIFETIME = Lifetime(limits.QUICK_MODE_LIFETIME_S, limits.QUICK_MODE_LIFETIME_KIB)


@dataclass(frozen=True, slots=True)
class QuickModeOffer:
    """One security method: ESP (cipher and integrity), AH (integrity), or both together.

    At least one of `ah` and `esp_cipher` is set; ESP needs a cipher that is not null, an
    integrity, or both.
    """

    esp_cipher: Cipher | None = None
    esp_integrity: Hash | None = None
    ah: Hash | None = None
    lifetime: Lifetime = DEFAULT_QUICK_MODE_LIFETIME

    @property
    def name(self) -> str:
        """As in policy files: esp:3des-sha1, ah:md5, ah:sha1+esp:3des-sha1."""
        parts = []
        if self.ah is not None:
            parts.append(f"ah:{self.ah.name}")
        if self.esp_cipher is not None:
            integrity = f"-{self.esp_integrity.name}" if self.esp_integrity else ""
            parts.append(f"esp:{self.esp_cipher.name}{integrity}")
        return "+".join(parts)


@dataclass(frozen=True, slots=True)
class FilterAction:
    name: str
    action: Action
    offers: tuple[QuickModeOffer, ...] = ()
    accept_unsecured: bool = False
    """Inbound pass-through: clear packets come in and are answered with a negotiation."""
    allow_fallback: bool = False
    """Soft SA: clear traffic with computers that do not answer."""
    session_pfs: bool = False
    """Session key PFS: each quick mode makes a new Diffie-Hellman exchange."""
    session_pfs_group: Group | None = None
    """None: the group of main mode."""
    description: str = ""


class Method(Enum):
    """How a rule lets peers prove who they are."""

    PRESHARED_KEY = "preshared_key"
    CERTIFICATE = "certificate"
    KERBEROS = "kerberos"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who one end says it is: kind is address, fqdn or user_fqdn; empty value: the address used."""

    kind: str = "address"
    value: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}" if self.value else self.kind


CREDENTIAL_PREFIX = "credential:"
"""Begins the name of a secret that the service manager keeps."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """One authentication method of a rule."""

    method: Method
    secret: str = ""
    """Name of the preshared key: the file it stands in, beside the policy file, or
    `credential:` and the name of a credential of the service manager."""
    root_ca: str = ""
    """Distinguished name of the certification authority."""
    local_identity: Identity = Identity()
    peer_identity: Identity | None = None
    """What the peer must be; None: its address, or any name that the key proves."""
    exclude_ca_name: bool = False
    """Do not name that authority to peers when asking for a certificate."""
    account_mapping: bool = False
    """The certificate must lead to a computer account."""


class ConnectionType(Enum):
    ALL = "all"
    LAN = "lan"
    DIALUP = "dialup"


@dataclass(frozen=True, slots=True)
class Rule:
    """Ties a filter list to a filter action and to the ways of authentication, in preference."""

    name: str
    filter_list: FilterList
    filter_action: FilterAction
    authentication: tuple[Authentication, ...] = ()
    tunnel_endpoint: IpAddress | None = None
    """Tunnel mode to this gateway; None: transport mode, unless it has a `tunnel_name`."""
    tunnel_name: str = ""
    """The gateway's DNS name, in place of its address."""
    connection_type: ConnectionType = ConnectionType.ALL
    active: bool = True
    windows_2000_peer: bool = False
    """The peers that its filters name by address may lack 3DES: offer DES after it."""
    explain_refusals: bool = False
    """Tell these peers in main mode, in clear, which offers would have been accepted."""
    description: str = ""
    main_mode: "MainModeSettings | None" = None
    """Offers, lifetime and quick mode limit toward its peers; None: those of the policy."""

    @property
    def is_tunnel(self) -> bool:
        return self.tunnel_endpoint is not None or bool(self.tunnel_name)

    @property
    def tunnel_end(self) -> IpAddress | str:
        """The gateway's address, or its DNS name; empty: transport mode."""
        return self.tunnel_endpoint or self.tunnel_name


DEFAULT_MAIN_MODE_OFFERS = (
    MainModeOffer(CIPHERS["3des"], HASHES["sha1"], GROUPS["group14"]),
    MainModeOffer(CIPHERS["3des"], HASHES["sha1"], GROUPS["group2"]),
)
DEFAULT_QUICK_MODE_OFFERS = (
    QuickModeOffer(esp_cipher=CIPHERS["3des"], esp_integrity=HASHES["sha1"]),
)
"""Windows' "integrity and encryption": ESP 3DES-SHA1, an hour or 100 MB."""


@dataclass(frozen=True, slots=True)
class MainModeSettings:
    offers: tuple[MainModeOffer, ...] = DEFAULT_MAIN_MODE_OFFERS
    lifetime_s: int = limits.MAIN_MODE_LIFETIME_S
    quick_modes_max: int = 0
    """Quick modes off one main mode; 0: no limit."""
    master_pfs: bool = False
    """Master key PFS: one quick mode for each main mode."""
    retry_intervals_s: tuple[float, ...] = limits.RETRY_INTERVALS_S
    """Waits after each sending of a message; its end is the failure."""
    dead_peer_s: float = 0.0
    """Silence before a peer is asked whether it lives; 0: it never is."""
    fallback_after_s: float = limits.FALLBACK_S
    """Silence before traffic may pass in clear, where a filter action allows it."""
    fallback_on_mismatch: bool = False
    """It may also when the peer says, unauthenticated, that the policies do not agree."""
    in_cluster: bool = False
    """This computer is one of several behind one address (NLBS): peers let idle pairs go after a
    minute, so that another member can take over."""
    timeout_s: int = 0
    """A main mode SA is deleted after so long, whatever lifetime was agreed; 0: then."""
    soft_lifetime_s: int = 0
    """How long traffic passes in clear before a negotiation is tried again; 0: `lifetime_s`."""

    @property
    def quick_modes_each(self) -> int:
        """Quick modes off one main mode, master key PFS considered; 0: no limit."""
        return 1 if self.master_pfs else self.quick_modes_max

    @property
    def soft_sa_s(self) -> int:
        """How long a soft SA stands before a negotiation is tried again."""
        return self.soft_lifetime_s or self.lifetime_s


class Profile(Enum):
    """Which vendor IDs are sent."""

    WINDOWS_2003 = "windows2003"
    MODERN = "modern"


@dataclass(frozen=True, slots=True)
class DefaultResponse:
    """The default response rule: secure what asks for it, beyond the other rules."""

    active: bool = False
    offers: tuple[QuickModeOffer, ...] = DEFAULT_QUICK_MODE_OFFERS
    session_pfs: bool = False
    session_pfs_group: Group | None = None
    """None: the group of main mode."""
    authentication: tuple[Authentication, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy."""

    name: str = "empty"
    rules: tuple[Rule, ...] = ()
    main_mode: MainModeSettings = field(default_factory=MainModeSettings)
    profile: Profile = Profile.MODERN
    default_response: DefaultResponse = DefaultResponse()
    description: str = ""
    weak_host: bool = False
    """Play a computer that lacks 3DES, for tests: wherever policy says 3DES, DES is meant."""
    polling_interval_s: int = limits.POLLING_INTERVAL_S
    """How often Windows looks into its directory for changes. Kept for Windows' scripts; a service
    here is told of a change."""

    @property
    def secret_names(self) -> tuple[str, ...]:
        """The preshared keys that active rules name, each once, in the order of the rules, and then
        those of the default response rule."""
        active = [rule.authentication for rule in self.rules if rule.active]
        if self.default_response.active:
            active.append(self.default_response.authentication)
        return tuple(dict.fromkeys(name for each in active for name in secrets_of(each)))


def secrets_of(authentication: tuple[Authentication, ...]) -> tuple[str, ...]:
    """The names of the preshared keys among these methods."""
    return tuple(each.secret for each in authentication if each.method is Method.PRESHARED_KEY)
