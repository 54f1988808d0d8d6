"""What differs between two policies whatever the traffic."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import Enum

from mainmode.policy.explain.negotiation import method_word
from mainmode.policy.model import (
    Authentication,
    DefaultResponse,
    FilterAction,
    MainModeSettings,
    Policy,
    QuickModeOffer,
)
from mainmode.policy.settings import Settings
from mainmode.policy.units import format_duration, format_interval
from mainmode.policy.words import boot_exemption_word, quick_mode_offer_word


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting whose value is another one."""

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.name}: {self.before} -> {self.after}"


def policy_settings(old: Policy, new: Policy) -> Iterator[Setting]:
    """Main mode where no rule has settings of its own, and what there is once in a policy."""
    yield from _differing(
        main_mode_words(old.main_mode), main_mode_words(new.main_mode), "main mode "
    )
    yield from _differing(_once(old), _once(new), "")
    yield from _differing(
        _response(old.default_response), _response(new.default_response), "default response "
    )


def general_settings(old: Settings, new: Settings) -> Iterator[Setting]:
    return _differing(_settings(old), _settings(new), "general setting ")


def _differing(old: Mapping[str, str], new: Mapping[str, str], what: str) -> Iterator[Setting]:
    for name, before in old.items():
        if new[name] != before:
            yield Setting(what + name, before, new[name])


def main_mode_words(settings: MainModeSettings) -> dict[str, str]:
    """By the names of the policy file."""
    return {
        "offers": ", ".join(each.name for each in settings.offers),
        "lifetime": format_duration(settings.lifetime_s),
        "timeout": format_duration(settings.timeout_s) if settings.timeout_s else "its lifetime",
        "quick_modes_max": str(settings.quick_modes_max or "no limit"),
        "master_pfs": _yes(settings.master_pfs),
        "retry_intervals": " ".join(map(format_interval, settings.retry_intervals_s)),
        "dead_peer_detection": format_interval(settings.dead_peer_s)
        if settings.dead_peer_s
        else "never",
        "fallback_after": format_interval(settings.fallback_after_s),
        "fallback_on_mismatch": _yes(settings.fallback_on_mismatch),
        "soft_lifetime": format_duration(settings.soft_sa_s),
        "in_cluster": _yes(settings.in_cluster),
    }


def _once(policy: Policy) -> dict[str, str]:
    return {
        "profile": policy.profile.value,
        "weak_host": _yes(policy.weak_host),
        "polling_interval": format_duration(policy.polling_interval_s),
    }


def _response(response: DefaultResponse) -> dict[str, str]:
    return {
        "active": _yes(response.active),
        "offers": offers_words(response.offers),
        "session_pfs": pfs_words(response),
        "authentication": methods_words(response.authentication),
    }


def offers_words(offers: Iterable[QuickModeOffer]) -> str:
    return ", ".join(map(quick_mode_offer_word, offers))


def pfs_words(of: DefaultResponse | FilterAction) -> str:
    if not of.session_pfs:
        return "no"
    group = of.session_pfs_group
    return group.name if group is not None else "in main mode's group"


def methods_words(methods: Iterable[Authentication]) -> str:
    return ", ".join(map(method_word, methods)) or "none"


def _settings(settings: Settings) -> dict[str, str]:
    return {each.name: _word(getattr(settings, each.name)) for each in fields(settings)}


def _word(value: object) -> str:
    if isinstance(value, bool):
        return _yes(value)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return ", ".join(map(boot_exemption_word, value)) or "none"
    return str(value)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
