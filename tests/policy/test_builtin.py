"""The policies that come with mainmode."""

from pathlib import Path

import pytest

from mainmode.policy.builtin import TEMPLATES, template, template_text
from mainmode.policy.check import warnings
from mainmode.policy.model import (
    DEFAULT_MAIN_MODE_OFFERS,
    Action,
    Method,
    Policy,
    QuickModeOffer,
)


def described(offers: tuple[QuickModeOffer, ...]) -> list[tuple[str, int, int]]:
    return [(each.name, each.lifetime.seconds, each.lifetime.kilobytes) for each in offers]


def windows() -> dict[str, Policy]:
    return {policy.name: policy for policy in template("windows2003").policies}


# --- Windows' own, as a directory's objects say it ------------------------------------------------

CLIENT = "Client (Respond Only)"
SERVER = "Server (Request Security)"
SECURE_SERVER = "Secure Server (Require Security)"


def test_three_policies_none_assigned() -> None:
    assert list(windows()) == [CLIENT, SERVER, SECURE_SERVER]
    assert template("windows2003").assigned == ""


def test_their_main_mode() -> None:
    for policy in windows().values():
        settings = policy.main_mode
        assert [offer.name for offer in settings.offers] == [
            "3des-sha1-group2",
            "3des-md5-group2",
            "des-sha1-group1",
            "des-md5-group1",
        ]
        assert (settings.lifetime_s, settings.quick_modes_max) == (28_800, 0)
        assert not settings.master_pfs
        assert policy.polling_interval_s == 10_800


def test_their_default_response_rule() -> None:
    for policy in windows().values():
        response = policy.default_response
        assert response.active
        assert [offer.name for offer in response.offers] == [
            "esp:3des-sha1",
            "esp:3des-md5",
            "esp:des-sha1",
            "esp:des-md5",
            "ah:sha1",
            "ah:md5",
        ]


def test_their_rules() -> None:
    def rules(name: str) -> list[tuple[str, str]]:
        return [(rule.filter_list.name, rule.filter_action.name) for rule in windows()[name].rules]

    assert rules(CLIENT) == []
    icmp = ("All ICMP Traffic", "Permit")
    assert rules(SERVER) == [icmp, ("All IP Traffic", "Request Security (Optional)")]
    assert rules(SECURE_SERVER) == [icmp, ("All IP Traffic", "Require Security")]
    methods = {
        each.method
        for policy in windows().values()
        for rule in policy.rules
        for each in rule.authentication
    }
    assert methods == {Method.KERBEROS}


def test_their_filter_actions() -> None:
    permit, request, require = template("windows2003").filter_actions
    assert permit.action is Action.PERMIT
    assert (request.accept_unsecured, request.allow_fallback) == (True, True)
    assert described(request.offers) == [
        ("esp:3des-sha1", 900, 100_000),
        ("esp:des-sha1", 900, 100_000),
        ("ah:sha1", 300, 100_000),
        ("ah:md5", 300, 100_000),
    ]
    assert (require.accept_unsecured, require.allow_fallback) == (True, False)
    assert described(require.offers) == [
        ("esp:3des-sha1", 900, 100_000),
        ("esp:3des-md5", 900, 100_000),
        ("esp:des-sha1", 900, 100_000),
        ("esp:des-md5", 900, 100_000),
    ]


# --- templates ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_is_good_and_says_how_to_go_on(name: str) -> None:
    assert template_text(name).startswith("# ")
    assert max(map(len, template_text(name).splitlines())) <= 110
    assert template(name).policies


def test_there_is_no_file_without_a_name() -> None:
    import mainmode.policy.builtin as folder

    files = Path(str(folder.__file__)).parent.glob("*.toml")
    assert {file.stem for file in files} == set(TEMPLATES)


def test_medium_is_what_a_policy_without_words_does() -> None:
    [policy] = template("medium").policies
    assert policy.main_mode.offers == DEFAULT_MAIN_MODE_OFFERS
    [rule] = policy.rules
    assert described(rule.filter_action.offers) == [("esp:3des-sha1", 3_600, 100_000)]


def test_high_is_the_strictest_that_is_documented() -> None:
    [policy] = template("high").policies
    assert [offer.name for offer in policy.main_mode.offers] == ["3des-sha1-group14"]
    action = policy.rules[0].filter_action
    assert action.session_pfs
    assert policy.main_mode.master_pfs
    assert not action.allow_fallback
    assert not action.accept_unsecured


@pytest.mark.parametrize("name", ["medium", "high", "modern"])
def test_no_template_uses_what_is_weak_or_not_enforced(name: str) -> None:
    [policy] = template(name).policies
    texts = [warning.text for warning in warnings(policy)]
    assert not [text for text in texts if "weak" in text or "not enforced" in text]
