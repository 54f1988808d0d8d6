"""What deserves a warning in a policy that is otherwise good.

Four kinds: what is loaded but not enforced yet (NOT_ENFORCED, one entry each, to be deleted with
the work that enforces it), what has no effect where it stands, what is weak, and what several
settings together do (`cautions`).

Does not: refuse anything; `load` does.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from mainmode import limits
from mainmode.crypto.algorithms import Cipher, Group, Hash
from mainmode.model import Flow
from mainmode.policy.cautions import cautions
from mainmode.policy.mistakes import Lines, Path
from mainmode.policy.model import (
    Action,
    Authentication,
    ConnectionType,
    DefaultResponse,
    FilterAction,
    MainModeOffer,
    MainModeSettings,
    Method,
    PlaceKind,
    Policy,
    QuickModeOffer,
    Rule,
)
from mainmode.policy.settings import Settings


@dataclass(frozen=True, slots=True)
class PolicyWarning:
    """One warning; `line` is 0 where the policy did not come from a file."""

    text: str
    line: int = 0

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}" if self.line else self.text


class Secrets(Protocol):
    """What `auth.credentials` has read."""

    def preshared_key(self, name: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class NotEnforced:
    """A setting that is kept but does nothing yet."""

    of: type
    key: tuple[str, ...]
    """Where the file says it, from its owner."""
    is_set: Callable[[Any], object]
    instead: str
    """What happens for the time being."""

    @property
    def text(self) -> str:
        setting = f"{'.'.join(self.key)} is " if self.key else ""
        return f"{setting}not enforced yet: {self.instead}"


def _names_ipv6(rule: Rule) -> bool:
    return any(
        place.addresses is not None and place.addresses.version == 6
        for each in rule.filter_list.filters
        for place in (each.source, each.destination)
    )


_SETTINGS_NOT_ENFORCED = {
    "strong_crl_check": "certificates are not offered",
    "ike_logging": "use `mainmode log-level debug`",
    "diagnostics": "packets are not logged",
    "log_interval": "the driver reports nothing by itself",
}


def _setting(settings: Settings, key: str) -> object:
    return getattr(settings, key, None) or getattr(settings, f"{key}_s", None)


def _changes(key: str) -> Callable[[Settings], object]:
    """Whether a general setting is not the default."""
    return lambda settings: _setting(settings, key) != _setting(Settings(), key)


NO_IPV6 = "IPv6 packets that it matches are dropped instead of protected"
NOT_ENFORCED = (
    *(
        NotEnforced(Settings, (key,), _changes(key), instead)
        for key, instead in _SETTINGS_NOT_ENFORCED.items()
    ),
    NotEnforced(
        QuickModeOffer,
        (),
        lambda offer: offer.ah is not None and offer.esp_cipher is not None,
        "AH joined with ESP is left out of what is offered and accepted",
    ),
    NotEnforced(
        Authentication,
        ("method",),
        lambda authentication: authentication.method is Method.CERTIFICATE,
        "certificates are not offered",
    ),
    NotEnforced(
        Authentication,
        ("method",),
        lambda authentication: authentication.method is Method.KERBEROS,
        "Kerberos is not offered",
    ),
    NotEnforced(
        Rule,
        ("filter_list",),
        lambda rule: _negotiates(rule) and _names_ipv6(rule),
        NO_IPV6,
    ),
)


def warnings(
    policy: Policy,
    lines: Lines | None = None,
    secrets: Secrets | None = None,
    *,
    place: Path = (),
    settings: Settings | None = None,
    management: Flow | None = None,
) -> list[PolicyWarning]:
    """In the order of the file.

    lines, place: where the parts stand (`load.read_policy_file` says it).
    secrets: to look at their length; None: not looked at.
    settings: the general settings that stand beside the policy.
    management: the connection that the person who asks is logged in through.
    """
    places = lines or Lines()
    parts = list(_parts(policy, place))
    if settings is not None:
        parts.append(_Part(settings, ("settings",), "[settings]"))
    found = [
        PolicyWarning(f"{part.what}: {text}", places.of((*part.path, *key)))
        for part in parts
        for check in (_not_enforced, _without_effect, _weak)
        for key, text in check(part.value)
    ]
    if secrets is not None:
        found += [
            PolicyWarning(f"{part.what}: {text}", places.of(part.path))
            for part in parts
            for text in _short_secret(part.value, secrets)
        ]
    found += [
        PolicyWarning(caution.text, places.of(caution.path))
        for caution in cautions(policy, management, place=place)
    ]
    if not policy.rules and not policy.default_response.active:
        found.append(PolicyWarning("the policy has no rules: everything is permitted"))
    return sorted(dict.fromkeys(found), key=lambda warning: warning.line)


# --- the parts of a policy --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    value: object
    path: Path
    what: str


def _parts(policy: Policy, place: Path) -> Iterator[_Part]:
    """Everything that a warning can be about, with its place in the file. A filter list or action
    that several rules share comes once for each; `warnings` keeps one."""
    yield _Part(policy, place or ("policy",), "the policy")
    yield from _parts_of_main_mode(policy.main_mode, (*place, "main_mode"), "")
    if policy.default_response.active:
        yield from _parts_of_response(policy.default_response, (*place, "default_response"))
    for index, rule in enumerate(policy.rules):
        yield from _parts_of_rule(rule, (*place, "rule", index))


def _parts_of_main_mode(settings: MainModeSettings, path: Path, of: str) -> Iterator[_Part]:
    yield _Part(settings, path, f"{of}[main_mode]")
    for index, offer in enumerate(settings.offers):
        yield _Part(offer, (*path, "offers", index), f"{of}main mode offer {offer.name}")


def _parts_of_response(response: DefaultResponse, path: Path) -> Iterator[_Part]:
    what = "the default response rule"
    for index, authentication in enumerate(response.authentication):
        yield _Part(authentication, (*path, "authentication", index), what)
    for index, offer in enumerate(response.offers):
        yield _Part(offer, (*path, "offers", index), f"{what}, offer {offer.name}")


def _parts_of_rule(rule: Rule, path: Path) -> Iterator[_Part]:
    what = f"rule {rule.name!r}"
    yield _Part(rule, path, what)
    for index, authentication in enumerate(rule.authentication):
        yield _Part(authentication, (*path, "authentication", index), what)
    if rule.main_mode is not None:
        yield from _parts_of_main_mode(rule.main_mode, (*path, "main_mode"), f"{what}, ")
    filters, action = rule.filter_list, rule.filter_action
    for index, each in enumerate(filters.filters):
        what = f"filter list {filters.name!r}, filter {index + 1}"
        yield _Part(each, ("filter_list", filters.name, "filters", index), what)
    what = f"filter action {action.name!r}"
    action_path = ("filter_action", action.name)
    yield _Part(action, action_path, what)
    for index, offer in enumerate(action.offers):
        yield _Part(offer, (*action_path, "offers", index), f"{what}, offer {offer.name}")


# --- the checks -------------------------------------------------------------------------------

Found = Iterator[tuple[tuple[str, ...], str]]
"""Key within the part, and the warning."""


def not_enforced(value: object) -> Iterator[NotEnforced]:
    """What this part of a policy says that does nothing yet."""
    return (entry for entry in NOT_ENFORCED if isinstance(value, entry.of) and entry.is_set(value))


def _not_enforced(value: object) -> Found:
    return ((entry.key, entry.text) for entry in not_enforced(value))


def _without_effect(value: object) -> Found:
    if isinstance(value, FilterAction) and value.action is not Action.NEGOTIATE:
        for key in ("offers", "accept_unsecured", "allow_fallback", "session_pfs"):
            if getattr(value, key):
                yield (key,), f"{key} has no effect with action = {value.action.value!r}"
    if isinstance(value, Rule) and value.is_tunnel and not _negotiates(value):
        text = "tunnel_endpoint has no effect: its filter action does not negotiate"
        yield ("tunnel_endpoint",), text
    if isinstance(value, Rule) and value.connection_type is not ConnectionType.ALL:
        ends = ((each.source.kind, each.destination.kind) for each in value.filter_list.filters)
        if any(PlaceKind.ME not in each for each in ends):
            text = 'connection_type has no effect on filters without "me": addresses tell the link'
            yield ("connection_type",), text


def _negotiates(rule: Rule) -> bool:
    return rule.filter_action.action is Action.NEGOTIATE


def _weak(value: object) -> Found:
    for algorithm in _algorithms(value):
        if algorithm.warning:
            yield (), f"{algorithm.name} is weak: {algorithm.warning}"
    if isinstance(value, Policy) and value.weak_host:
        yield ("weak_host",), "this computer plays one without strong encryption: 3DES means DES"
    if isinstance(value, Rule) and value.windows_2000_peer:
        yield ("windows_2000_peer",), "DES is offered and taken after 3DES; it can be broken"
    if isinstance(value, Rule) and value.explain_refusals:
        for each in value.filter_list.filters:
            if PlaceKind.ANY in (each.source.kind, each.destination.kind):
                yield ("explain_refusals",), "tells anybody who asks what would be accepted"


def _algorithms(value: object) -> tuple[Cipher | Hash | Group, ...]:
    named: tuple[Cipher | Hash | Group | None, ...] = ()
    if isinstance(value, MainModeOffer):
        named = (value.cipher, value.hash, value.group)
    elif isinstance(value, QuickModeOffer):
        named = (value.esp_cipher, value.esp_integrity, value.ah)
    elif isinstance(value, FilterAction):
        named = (value.session_pfs_group,)
    return tuple(each for each in named if each is not None)


def _short_secret(value: object, secrets: Secrets) -> Iterator[str]:
    if not isinstance(value, Authentication) or value.method is not Method.PRESHARED_KEY:
        return
    try:
        octets = len(secrets.preshared_key(value.secret))
    except KeyError:  # of a rule that is not active
        return
    if octets < limits.PRESHARED_KEY_SHORT_OCTETS:
        least = limits.PRESHARED_KEY_SHORT_OCTETS
        yield (
            f"the preshared key {value.secret!r} has {octets} octets; with fewer than {least} "
            "it can be guessed by whoever takes part in one main mode"
        )
