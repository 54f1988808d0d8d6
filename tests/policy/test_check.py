"""What `policy check` warns of."""

from collections.abc import Mapping
from dataclasses import fields, replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from mainmode.crypto.algorithms import GROUPS
from mainmode.policy.check import NOT_ENFORCED, warnings
from mainmode.policy.load import read_policy_file
from mainmode.policy.model import (
    Action,
    Authentication,
    ConnectionType,
    DefaultResponse,
    FilterAction,
    MainModeSettings,
    Method,
    Policy,
    Rule,
)
from mainmode.policy.settings import Settings
from mainmode.policy.words import (
    parse_main_mode_offer,
    parse_quick_mode_offer,
)
from tests.policy.policies import KEY, NEGOTIATE, PERMIT, rule, traffic

PLAIN = rule("plain", NEGOTIATE, traffic("me", "192.0.2.2"))


def texts(*rules: Rule, **settings: object) -> list[str]:
    policy = replace(Policy("test", rules or (PLAIN,)), **settings)  # type: ignore[arg-type]
    return [warning.text for warning in warnings(policy)]


def test_a_good_policy_has_none() -> None:
    assert texts() == []
    assert warnings(Policy("test", (PLAIN,)), settings=Settings()) == []


def not_enforced() -> Mapping[str, list[str]]:
    """For each thing that is not enforced yet, the warnings of a policy that asks for it."""

    def authenticated(method: Method) -> Rule:
        return replace(PLAIN, authentication=(Authentication(method),))

    def set_to(**settings: object) -> list[str]:
        changed = replace(Settings(), **settings)  # type: ignore[arg-type]
        return [each.text for each in warnings(Policy("test", (PLAIN,)), settings=changed)]

    joined = replace(NEGOTIATE, offers=(parse_quick_mode_offer("ah:sha1+esp:3des-sha1"),))
    return {
        "strong_crl_check": set_to(strong_crl_check=0),
        "ike_logging": set_to(ike_logging=True),
        "diagnostics": set_to(diagnostics=7),
        "log_interval": set_to(log_interval_s=60),
        "AH joined with ESP": texts(replace(PLAIN, filter_action=joined)),
        "certificates": texts(authenticated(Method.CERTIFICATE)),
        "Kerberos": texts(authenticated(Method.KERBEROS)),
        "IPv6": texts(rule("six", NEGOTIATE, traffic("me", "2001:db8::2"))),
    }


@pytest.mark.parametrize("what", list(not_enforced()))
def test_what_is_not_enforced_yet_is_said(what: str) -> None:
    [warning] = not_enforced()[what]
    assert "not enforced yet" in warning
    assert what in warning


def test_ipv6_in_clear_or_blocked_needs_no_word() -> None:
    six = traffic("me", "2001:db8::/32")
    assert texts(rule("six", PERMIT, six, authentication=())) == []


def test_each_entry_of_the_list_is_tested_and_names_a_setting_of_the_model() -> None:
    assert len(NOT_ENFORCED) == len(not_enforced())
    for entry in NOT_ENFORCED:
        if entry.key:
            names = {field.name for field in fields(entry.of)}
            assert names & {entry.key[0], f"{entry.key[0]}_s"}


@pytest.mark.parametrize("name", ["des", "md5", "group1"])
def test_weak_algorithms_are_warned_of_wherever_they_stand(name: str) -> None:
    weak_main = parse_main_mode_offer("des-md5-group1")
    in_main_mode = texts(main_mode=MainModeSettings(offers=(weak_main,)))
    assert any(f"{name} is weak" in text for text in in_main_mode)
    offers = (parse_quick_mode_offer("esp:des-md5"),)
    action = replace(NEGOTIATE, offers=offers, session_pfs=True, session_pfs_group=GROUPS["group1"])
    in_quick_mode = texts(replace(PLAIN, filter_action=action))
    assert any(f"{name} is weak" in text for text in in_quick_mode)


def test_ah_with_a_weak_hash() -> None:
    action = replace(NEGOTIATE, offers=(parse_quick_mode_offer("ah:md5"),))
    [text] = texts(replace(PLAIN, filter_action=action))
    assert text.startswith("filter action 'require', offer ah:md5: md5 is weak")


def test_what_has_no_effect_beside_permit_and_block() -> None:
    clear = FilterAction("clear", Action.PERMIT, NEGOTIATE.offers, session_pfs=True)
    idle = Rule("idle", PLAIN.filter_list, clear, (KEY,), tunnel_endpoint=ip_address("192.0.2.2"))
    assert texts(idle) == [
        "rule 'idle': tunnel_endpoint has no effect: its filter action does not negotiate",
        "filter action 'clear': offers has no effect with action = 'permit'",
        "filter action 'clear': session_pfs has no effect with action = 'permit'",
    ]


def test_connection_types_are_about_this_computers_addresses() -> None:
    assert texts(replace(PLAIN, connection_type=ConnectionType.LAN)) == []
    through = rule("through", NEGOTIATE, traffic("10.1.0.0/16", "10.2.0.0/16"), tunnel="192.0.2.2")
    [text] = texts(replace(through, connection_type=ConnectionType.DIALUP))
    assert "connection_type has no effect on filters without" in text


def test_explaining_refusals_to_everybody() -> None:
    found = texts(rule("all", NEGOTIATE, traffic("me", "any"), explain_refusals=True))
    assert any("tells anybody who asks" in text for text in found)
    assert not texts(rule("one", NEGOTIATE, traffic("me", "192.0.2.2"), explain_refusals=True))


def test_a_filter_action_that_rules_share_is_warned_of_once() -> None:
    action = replace(NEGOTIATE, offers=(parse_quick_mode_offer("ah:md5"),))
    one = replace(PLAIN, filter_action=action)
    other_key = Authentication(Method.PRESHARED_KEY, "other.psk")
    other = rule("two", action, traffic("me", "192.0.2.3"), authentication=(other_key,))
    assert len(texts(one, other)) == 1


def test_a_policy_without_rules() -> None:
    assert [warning.text for warning in warnings(Policy("empty"))] == [
        "the policy has no rules: everything is permitted"
    ]
    responding = DefaultResponse(True, authentication=(KEY,))
    assert warnings(Policy("respond only", default_response=responding)) == []


class _Secrets:
    def __init__(self, **keys: bytes) -> None:
        self._keys = keys

    def preshared_key(self, name: str) -> bytes:
        return self._keys[name]


def test_a_short_preshared_key_is_warned_of_without_showing_it() -> None:
    named = replace(PLAIN, authentication=(Authentication(Method.PRESHARED_KEY, "key"),))
    policy = Policy("test", (named,))
    [warning] = warnings(policy, secrets=_Secrets(key=b"swordfish-swordfish"))
    assert "has 19 octets" in warning.text
    assert "swordfish" not in warning.text
    assert warnings(policy, secrets=_Secrets(key=b"swordfish-swordfish-")) == []
    assert warnings(policy, secrets=_Secrets()) == []


def test_warnings_name_the_line_and_come_in_order(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(
        '[policy]\nname = "x"\n'
        "[filter_list.all]\n"
        'filters = [{ source = "me", destination = "any" },\n'
        '           { source = "me", destination = "192.0.2.2" }]\n'
        '[filter_action.n]\naction = "negotiate"\n'
        'offers = ["esp:3des-sha1",\n  "esp:des-sha1"]\n'
        '[[rule]]\nname = "r"\nfilter_list = "all"\nfilter_action = "n"\n'
        'authentication = [{ method = "kerberos" },\n  { method = "preshared_key", '
        'secret_file = "k" }]\n'
        "[main_mode]\noffers = ['des-sha1-group2']\n"
    )
    checked = read_policy_file(file)
    found = warnings(checked.policy, checked.lines, _Secrets(k=b"short"))
    assert [warning.line for warning in found] == [9, 14, 15, 15, 17]
    assert str(found[-1]).startswith("line 17: main mode offer des-sha1-group2: des is weak")


def test_permit_alone_needs_no_word() -> None:
    assert texts(rule("clear", PERMIT, traffic("me", "any"), authentication=())) == []
