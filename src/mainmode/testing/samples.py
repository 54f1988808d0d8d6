"""A policy and a secret to try things with: short words in, `policy.model` values out.

    policy(rule(quick_mode="ah:sha1", pfs="group2"), main_mode="des-md5-group1")

The algorithms are weak by default: these policies are for tests, where speed counts.
"""

from collections.abc import Iterable
from ipaddress import ip_address

from mainmode import limits
from mainmode.auth.credentials import Credentials
from mainmode.policy.model import (
    Action,
    Authentication,
    Filter,
    FilterAction,
    FilterList,
    MainModeSettings,
    Method,
    Policy,
    Profile,
    Rule,
)
from mainmode.policy.words import (
    parse_group,
    parse_identity,
    parse_main_mode_offer,
    parse_place,
    parse_quick_mode_offer,
)

SECRET = "secret"
"""What policies call the preshared key."""
KEY = b"xK4v9Qz2Lw8Tb6Yr3Np7"
CREDENTIALS = Credentials({SECRET: KEY})
WRONG_CREDENTIALS = Credentials({SECRET: b"something else that nobody shares"})

MAIN_MODE_OFFER = "3des-sha1-group2"
QUICK_MODE_OFFER = "esp:3des-sha1"


def authentication(
    secret: str = SECRET, *, here: str = "address", there: str = ""
) -> Authentication:
    """A preshared key. here, there: our identity and the one expected, as policy files say them
    (`fqdn:host.example`); there empty: none expected."""
    return Authentication(
        Method.PRESHARED_KEY,
        secret,
        local_identity=parse_identity(here),
        peer_identity=parse_identity(there) if there else None,
    )


PRESHARED_KEY = authentication()


def rule(
    source: str = "me",
    destination: str = "any",
    *,
    name: str = "protect",
    action: Action = Action.NEGOTIATE,
    quick_mode: str | Iterable[str] = QUICK_MODE_OFFER,
    pfs: str = "",
    tunnel: str = "",
    protocol: int = 0,
    port: int = 0,
    authentications: Iterable[Authentication] = (PRESHARED_KEY,),
    explain_refusals: bool = False,
    fallback: bool = False,
) -> Rule:
    """A rule with one mirrored filter.

    pfs: `main mode` for the group of main mode, a group's name, or nothing.
    tunnel: the far end's address; empty: transport mode.
    port: of the destination.
    fallback: whether traffic may pass in clear when the peer does not answer.
    """
    each = Filter(
        parse_place(source),
        parse_place(destination),
        protocol=protocol,
        destination_port=port,
    )
    group = parse_group(pfs) if pfs not in ("", "main mode") else None
    return Rule(
        name,
        FilterList(name, (each,)),
        FilterAction(
            name,
            action,
            tuple(parse_quick_mode_offer(offer) for offer in _several(quick_mode)),
            allow_fallback=fallback,
            session_pfs=bool(pfs),
            session_pfs_group=group,
        ),
        tuple(authentications),
        tunnel_endpoint=ip_address(tunnel) if tunnel else None,
        explain_refusals=explain_refusals,
    )


def policy(
    *rules: Rule,
    main_mode: str | Iterable[str] = MAIN_MODE_OFFER,
    lifetime_s: int = limits.MAIN_MODE_LIFETIME_S,
    quick_modes_max: int = 0,
    master_pfs: bool = False,
    fallback_on_mismatch: bool = False,
    timeout_s: int = 0,
    in_cluster: bool = False,
    profile: Profile = Profile.MODERN,
) -> Policy:
    """These rules; without any, protection for everything between this computer and others."""
    offers = tuple(parse_main_mode_offer(offer) for offer in _several(main_mode))
    settings = MainModeSettings(
        offers,
        lifetime_s,
        quick_modes_max,
        master_pfs,
        fallback_on_mismatch=fallback_on_mismatch,
        in_cluster=in_cluster,
        timeout_s=timeout_s,
    )
    return Policy("sample", rules or (rule(),), settings, profile=profile)


def _several(words: str | Iterable[str]) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else tuple(words)
