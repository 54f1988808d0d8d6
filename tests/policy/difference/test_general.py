"""What differs whatever the traffic."""

from dataclasses import fields, replace

from mainmode.policy.difference.general import (
    general_settings,
    main_mode_words,
    policy_settings,
)
from mainmode.policy.model import DefaultResponse, MainModeSettings, Policy, Profile
from mainmode.policy.settings import BootMode, Settings
from mainmode.policy.words import parse_boot_exemption


def test_main_mode_and_what_there_is_once() -> None:
    new = Policy(
        main_mode=MainModeSettings(lifetime_s=60, master_pfs=True, dead_peer_s=30.0),
        profile=Profile.WINDOWS_2003,
        default_response=DefaultResponse(active=True),
    )
    assert list(map(str, policy_settings(Policy(), new))) == [
        "main mode lifetime: 8h -> 1m",
        "main mode master_pfs: no -> yes",
        "main mode dead_peer_detection: never -> 30s",
        "main mode soft_lifetime: 8h -> 1m",
        "profile: modern -> windows2003",
        "default response active: no -> yes",
    ]
    assert list(policy_settings(new, replace(new, name="other", description="x"))) == []


def test_every_setting_of_main_mode_has_a_word() -> None:
    assert len(main_mode_words(MainModeSettings())) == len(fields(MainModeSettings))


def test_general_settings() -> None:
    new = Settings(
        exempt=0,
        boot_mode=BootMode.STATEFUL,
        boot_exemptions=(parse_boot_exemption("tcp:0:22:inbound"),),
        ike_logging=True,
    )
    assert list(map(str, general_settings(Settings(), new))) == [
        "general setting exempt: 3 -> 0",
        "general setting boot_mode: permit -> stateful",
        "general setting boot_exemptions: none -> tcp:0:22:inbound",
        "general setting ike_logging: no -> yes",
    ]
