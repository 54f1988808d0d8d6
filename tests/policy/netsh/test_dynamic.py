"""Dynamic policies and rules."""

import pytest

from mainmode.policy.document import in_force
from mainmode.policy.model import Action, Authentication, ConnectionType, Method
from mainmode.policy.words import parse_address, parse_group
from tests.policy.netsh.runs import Run, done, run

PARTS = (
    "add mmpolicy mm qmpermm=3 mmlifetime=60 softsaexpirationtime=120 mmsecmethods=DES-MD5-1",
    "add qmpolicy qm soft=yes pfsgroup=grp3 qmsecmethods=AH[MD5]",
)
WHICH = "me 192.0.2.1 tcp 0 80 yes all"
RULE = "add rule me 192.0.2.1 mm qm tcp 0 80"


def lines(*commands: str) -> str:
    return "\n".join(("pushd ipsec dynamic", *PARTS, *commands))


def after(*commands: str) -> Run:
    return done(lines(*commands))


def test_main_mode_policies() -> None:
    (policy,) = after().dynamic.policies
    settings = policy.main_mode
    assert (settings.quick_modes_max, settings.lifetime_s, settings.soft_lifetime_s) == (
        *(3, 3_600, 120),
    )
    assert [each.name for each in settings.offers] == ["des-md5-group1"]
    (policy,) = after("set mmpolicy mm mmlifetime=30").dynamic.policies
    assert (policy.main_mode.lifetime_s, policy.main_mode.quick_modes_max) == (1_800, 3)
    assert after("delete mmpolicy mm").dynamic.policies == ()
    assert after("add mmpolicy x", "delete mmpolicy all").dynamic.policies == ()


@pytest.mark.parametrize(
    ("word", "pfs", "group"),
    [
        ("grp1", True, "group1"),
        ("GRP3", True, "group14"),
        ("grpmm", True, ""),
        ("nopfs", False, ""),
        ("group19", True, "group19"),
    ],
)
def test_quick_mode_policies(word: str, pfs: bool, group: str) -> None:
    (action,) = after(f"set qmpolicy qm pfsgroup={word}").dynamic.filter_actions
    assert (action.action, action.allow_fallback) == (Action.NEGOTIATE, True)
    assert action.session_pfs is pfs
    assert action.session_pfs_group == (parse_group(group) if group else None)


def test_a_rule() -> None:
    finished = after(f"{RULE} conntype=lan psk=geheim")
    (rule,) = finished.dynamic.policies[0].rules
    (one,) = rule.filter_list.filters
    assert (str(one.source), str(one.destination)) == ("me", "192.0.2.1")
    assert (one.protocol, one.source_port, one.destination_port, one.mirrored) == (6, 0, 80, True)
    assert rule.filter_action.name == "qm"
    assert rule.connection_type is ConnectionType.LAN
    assert [each.method for each in rule.authentication] == [Method.PRESHARED_KEY]
    assert list(finished.keys.kept.values()) == [b"geheim"]


def test_its_main_mode_settings_are_those_of_its_policy() -> None:
    together = in_force(after("add mmpolicy first", RULE).dynamic.policies[::-1])
    settings = [rule.main_mode or together.main_mode for rule in together.rules]
    assert [each.lifetime_s for each in settings] == [3_600]


def test_what_permits_or_blocks_needs_no_quick_mode_policy() -> None:
    (rule,) = after("add rule any me mm actioni=block actiono=block").dynamic.policies[0].rules
    assert (rule.filter_action.action, rule.authentication) == (Action.BLOCK, ())


def test_permitting_inbound_and_negotiating_outbound_is_inbound_pass_through() -> None:
    finished = after(f"{RULE} actioninbound=permit", "set qmpolicy qm soft=no")
    (rule,) = finished.dynamic.policies[0].rules
    assert rule.filter_action.action is Action.NEGOTIATE
    assert rule.filter_action.accept_unsecured
    assert not rule.filter_action.allow_fallback
    assert rule.authentication == (Authentication(Method.KERBEROS),)


def test_setting_a_rule() -> None:
    (rule,) = after(RULE, f"set rule {WHICH} actioninb=permit psk=x").dynamic.policies[0].rules
    assert rule.filter_action.accept_unsecured
    assert [each.method for each in rule.authentication] == [Method.PRESHARED_KEY]
    document = after(
        RULE,
        f"set rule {WHICH} actioninb=permit",
        "add mmpolicy next",
        f"set rule {WHICH} mmpolicy=next actioninb=block actiono=block",
    ).dynamic
    assert [len(each.rules) for each in document.policies] == [0, 1]
    assert [each.name for each in document.filter_actions] == ["qm", "(block)"]


def test_the_end_of_a_tunnel_tells_rules_apart() -> None:
    start = f"{RULE} tunneldstaddress=192.0.2.9"
    (rule,) = after(start).dynamic.policies[0].rules
    assert rule.tunnel_endpoint == parse_address("192.0.2.9")
    assert after(start, f"delete rule {WHICH} tunneldst=192.0.2.8").outcome.notes
    assert after(start, f"delete rule {WHICH} tunneldst=192.0.2.9").dynamic.filter_lists == ()


def test_deleting_rules() -> None:
    document = after(f"{RULE} actioninbound=permit", f"delete rule {WHICH}").dynamic
    assert document.policies[0].rules == ()
    assert document.filter_lists == ()
    assert [each.name for each in document.filter_actions] == ["qm"]
    assert after(RULE, f"del rule {WHICH}", "del qmpolicy all").dynamic.filter_actions == ()
    assert after(RULE, "delete all").dynamic.policies == ()
    assert len(after(RULE, "delete rule me any tcp 0 80 yes all").outcome.notes) == 1


@pytest.mark.parametrize(
    ("commands", "problem"),
    [
        (["add mmpolicy mm"], "there is already"),
        (["add rule me any xx qm"], "there is no main mode policy 'xx'"),
        (["add rule me any mm xx"], "there is no quick mode policy 'xx'"),
        (["add rule me any mm"], "needs a quick mode policy"),
        (["add rule me any mm qm kerberos=no"], "needs a way to authenticate"),
        (["add rule me any mm qm actioni=block"], "one action for both directions"),
        ([RULE, RULE], "there is already a rule for me <-> 192.0.2.1"),
        ([RULE, "delete mmpolicy all"], "in use by rule"),
        ([RULE, "delete qmpolicy qm"], "in use by rule"),
        ([f"{RULE} actioni=permit", "delete qmpolicy qm"], "in use by a rule"),
        ([f"set rule {WHICH} actioni=block"], "there is no dynamic rule"),
    ],
)
def test_mistakes(commands: list[str], problem: str) -> None:
    mistake = run(lines(*commands)).outcome.mistake
    assert mistake is not None
    assert problem in mistake.problem
    assert mistake.fix
