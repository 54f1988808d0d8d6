"""Changes to a policy document."""

from dataclasses import replace

import pytest

from mainmode.errors import PersonError
from mainmode.policy.document import NOTHING_ASSIGNED, Document, document_of, in_force
from mainmode.policy.edit import (
    assign,
    find_filter_action,
    find_policy,
    find_rule,
    merged,
    put_filter_action,
    put_filter_list,
    put_policy,
    put_rule,
    put_settings,
    remove_all,
    remove_filter_action,
    remove_filter_list,
    remove_policy,
    remove_rule,
    with_secrets,
)
from mainmode.policy.model import DefaultResponse, FilterList, MainModeSettings, Policy
from mainmode.policy.settings import Settings
from tests.policy.policies import BLOCK, KEY, NEGOTIATE, PERMIT, rule, traffic

WEB = rule("web", NEGOTIATE, traffic("me", "any", "tcp", 0, 80))
MAIL = replace(WEB, name="mail", filter_action=PERMIT)
BEFORE = Document(
    (Policy("one", (WEB, MAIL)), Policy("two", (WEB,))),
    (WEB.filter_list,),
    (NEGOTIATE, PERMIT),
    "one",
)


def refused(call: object, *words: object, **more: object) -> PersonError:
    assert callable(call)
    with pytest.raises(PersonError) as caught:
        call(*words, **more)
    return caught.value


# --- what a document is ---------------------------------------------------------------------------


def test_a_rule_holds_what_the_document_has() -> None:
    with pytest.raises(ValueError, match="lacks filter list 'web'"):
        Document((Policy("p", (WEB,)),), (), (NEGOTIATE,))
    with pytest.raises(ValueError, match="lacks filter action 'require'"):
        Document((Policy("p", (WEB,)),), (WEB.filter_list,))
    with pytest.raises(ValueError, match="lacks the assigned policy 'p'"):
        Document(assigned="p")


def test_a_policy_by_itself_brings_what_its_rules_use() -> None:
    two = BEFORE.policies[1]
    assert document_of(two) == Document((two,), (WEB.filter_list,), (NEGOTIATE,), "two")


def test_users_of_a_list_and_of_an_action() -> None:
    assert [each.name for _, each in BEFORE.rules_with_list("web")] == ["web", "mail", "web"]
    assert [policy.name for policy, _ in BEFORE.rules_with_action("permit")] == ["one"]


# --- finding --------------------------------------------------------------------------------------


def test_the_nearest_name_is_told() -> None:
    mistake = refused(find_policy, BEFORE, "tow")
    assert str(mistake) == "there is no policy 'tow'\n  fix: did you mean 'two'?"
    assert refused(find_filter_action, Document(), "x").fix == "there is no filter action yet"
    assert find_rule(BEFORE.policies[0], "mail") == MAIL


# --- policies and rules ---------------------------------------------------------------------------


def test_a_renamed_policy_stays_assigned() -> None:
    after = put_policy(BEFORE, replace(BEFORE.policies[0], name="uno"), was="one")
    assert (after.assigned, [each.name for each in after.policies]) == ("uno", ["uno", "two"])


def test_a_removed_policy_is_not_assigned_any_more() -> None:
    assert remove_policy(BEFORE, "one").assigned == ""
    assert remove_policy(BEFORE, "two").assigned == "one"


def test_assigning() -> None:
    assert assign(BEFORE, "two").assigned == "two"
    assert assign(BEFORE, "").assigned_policy is None
    assert "no policy 'three'" in refused(assign, BEFORE, "three").problem


def test_a_name_that_is_taken() -> None:
    assert "already a policy 'two'" in refused(put_policy, BEFORE, Policy("two")).problem
    renamed = replace(MAIL, name="web")
    assert "already a rule 'web'" in refused(put_rule, BEFORE, "one", renamed, was="mail").problem


def test_rules_come_change_and_go() -> None:
    more = replace(MAIL, name="more")
    names = [each.name for each in put_rule(BEFORE, "two", more).policies[1].rules]
    assert names == ["web", "more"]
    idle = replace(WEB, active=False)
    assert put_rule(BEFORE, "one", idle, was="web").policies[0].rules == (idle, MAIL)
    assert remove_rule(BEFORE, "one", "web").policies[0].rules == (MAIL,)
    assert "no rule 'x'" in refused(remove_rule, BEFORE, "one", "x").problem


# --- filter lists and filter actions --------------------------------------------------------------


def test_every_rule_follows_its_list() -> None:
    new = FilterList("www", (traffic("any", "me"),))
    after = put_filter_list(BEFORE, new, was="web")
    assert after.filter_lists == (new,)
    assert {each.filter_list for policy in after.policies for each in policy.rules} == {new}


def test_every_rule_follows_its_action() -> None:
    after = put_filter_action(BEFORE, replace(BLOCK, name="permit"), was="permit")
    assert after.policies[0].rules[1].filter_action.action is BLOCK.action
    assert after.policies[0].rules[0].filter_action == NEGOTIATE


def test_what_is_in_use_stays() -> None:
    mistake = refused(remove_filter_list, BEFORE, "web")
    assert mistake.problem == (
        "filter list 'web' is in use by rule 'web' of policy 'one', 'mail' of policy 'one', "
        "'web' of policy 'two'"
    )
    assert "in use by" in refused(remove_filter_action, BEFORE, "permit").problem
    empty = put_filter_list(BEFORE, FilterList("empty", ()))
    assert remove_filter_list(empty, "empty") == BEFORE


def test_everything_goes_but_the_settings() -> None:
    settings = Settings(exempt=0)
    assert remove_all(put_settings(BEFORE, settings)) == Document(settings=settings)


# --- secrets and other documents ------------------------------------------------------------------


def test_preshared_keys_get_other_names_everywhere() -> None:
    response = DefaultResponse(True, authentication=(KEY,))
    before = put_policy(BEFORE, Policy("r", default_response=response))
    after = with_secrets(before, {"peer.psk": "keys/a.psk"})
    assert (before.secret_names, after.secret_names) == (("peer.psk",), ("keys/a.psk",))


def test_two_documents_become_one() -> None:
    other = Document((Policy("three", (MAIL,)),), (MAIL.filter_list,), (PERMIT,), "three")
    after = merged(BEFORE, other)
    assert [each.name for each in after.policies] == ["one", "two", "three"]
    assert after.assigned == "one"
    assert merged(after, other) == after


def test_what_differs_makes_room_only_when_asked() -> None:
    other = Document((), (replace(WEB.filter_list, filters=()),))
    assert "already another filter list 'web'" in refused(merged, BEFORE, other).problem
    after = merged(BEFORE, other, over=True)
    assert after.policies[1].rules[0].filter_list.filters == ()


def test_general_settings_are_merged_likewise() -> None:
    strict, lax = Document(settings=Settings(exempt=0)), Document(settings=Settings(exempt=1))
    assert merged(BEFORE, strict).settings.exempt == 0
    assert "general settings" in refused(merged, strict, lax).problem
    assert merged(strict, lax, over=True).settings.exempt == 1
    assert merged(strict, BEFORE).settings.exempt == 0


# --- in force -------------------------------------------------------------------------------------


def test_nothing_assigned_permits_everything() -> None:
    assert in_force(()) == Policy(NOTHING_ASSIGNED)


def test_one_policy_is_itself() -> None:
    assert in_force((BEFORE.policies[0],)) is BEFORE.policies[0]


def test_persistent_rules_come_first_and_keep_their_main_mode() -> None:
    settings = MainModeSettings(lifetime_s=60)
    persistent = Policy("always", (replace(WEB, name="p"),), main_mode=settings)
    both = in_force((BEFORE.policies[0], persistent))
    assert both.name == "one + always"
    assert [each.name for each in both.rules] == ["p", "web", "mail"]
    assert [each.main_mode for each in both.rules] == [settings, None, None]
